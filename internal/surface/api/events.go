package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"cofounder/internal/platform/event"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/httpd"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

type eventsQuery struct {
	Project     string `path:"project"`
	After       string `query:"after" maxLength:"20" doc:"The seq of the last event already known; the beginning when left out"`
	LastEventID string `header:"Last-Event-ID" maxLength:"20" doc:"As after, and counts before it; what an EventSource sends by itself when it comes back"`
}

// happened is one event, the data of a message.
type happened struct {
	Seq  int64           `json:"seq"`
	Kind string          `json:"kind"`
	At   time.Time       `json:"at"`
	Data json.RawMessage `json:"data"`
}

func (a *api) events() {
	o := operation{
		id: "follow-project", method: http.MethodGet, path: "/projects/{project}/events", tag: tagProjects, access: member, media: "text/event-stream",
		summary: "Follow what happens to a project",
		notes: `Server-sent events without end: each message is {"seq", "kind", "at", "data"} and has its seq as id. Sequences are 1, 2, 3 … in the order things were committed, without gaps; come back with the last one and nothing is missed or told twice.

Two messages have a name. reset: what came between your id and this one is no longer kept, so read anew whatever you made of it. reconnect: the stream ends, come back after its retry. A stream also ends, without a word, when its key or session does, or the right to see the project; and a reader more than 1 000 events behind is sent away to come back at its own pace.`,
	}
	register(a, o, a.followProject(o))
}

func (a *api) followProject(o operation) func(context.Context, account.Actor, *eventsQuery) (*huma.StreamResponse, error) {
	return func(ctx context.Context, actor account.Actor, in *eventsQuery) (*huma.StreamResponse, error) {
		id, err := parse[project.ID](in.Project)
		if err != nil {
			return nil, err
		}
		cursor, err := httpd.Cursor(in.LastEventID, in.After)
		if err != nil {
			return nil, err
		}
		reader := string(actor.Session) + string(actor.Token)
		if err := a.readers.Take(reader); err != nil {
			return nil, err
		}
		sub, err := a.cfg.Projects.Follow(ctx, actor, id, cursor)
		if err != nil {
			a.readers.Leave(reader)
			return nil, err
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			defer a.readers.Leave(reader)
			defer sub.Close()
			r, w := humago.Unwrap(hc)
			err := httpd.Stream(w, r, a.stillSees(r, o, actor, id), func(ctx context.Context, send httpd.Send) error {
				return httpd.Follow(ctx, sub, func(page event.Page) error { return tell(send, page) })
			})
			if err != nil { // only before anything was sent
				httpd.WriteProblem(w, r, err)
			}
		}}, nil
	}
}

// stillSees asks again what was asked when the stream of an actor began. A session is
// looked at and not prolonged: an open stream is no visit.
func (a *api) stillSees(r *http.Request, o operation, began account.Actor, id project.ID) func(context.Context) error {
	return func(ctx context.Context) error {
		var actor account.Actor
		var err error
		if began.Session != "" {
			actor, err = a.cfg.Accounts.ActorIn(ctx, account.Session{ID: began.Session, User: account.User{ID: began.User}}, began.Workspace)
		} else {
			actor, err = a.actor(r.WithContext(ctx), o)
		}
		if err != nil {
			return err
		}
		_, err = a.cfg.Projects.Get(ctx, actor, id)
		return err
	}
}

// tell sends a page of events as one group.
func tell(send httpd.Send, page event.Page) error {
	var group []httpd.Event
	if page.Reset {
		floor := page.Next
		if len(page.Events) > 0 {
			floor = page.Events[0].Seq - 1
		}
		group = append(group, httpd.Event{ID: strconv.FormatInt(floor, 10), Name: "reset", Data: "{}"})
	}
	for _, e := range page.Events {
		data, err := json.Marshal(happened{Seq: e.Seq, Kind: e.Kind, At: e.At, Data: e.Data})
		if err != nil {
			return err
		}
		group = append(group, httpd.Event{ID: strconv.FormatInt(e.Seq, 10), Data: string(data)})
	}
	return send(group...)
}

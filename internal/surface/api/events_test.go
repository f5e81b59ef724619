package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"cofounder/internal/product/account"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/httpd"

	"github.com/google/go-cmp/cmp"
)

// message is one of an event stream.
type message struct{ id, name, data string }

// listen opens a stream with an access key; next returns its messages one by one.
func (w *world) listen(t *testing.T, path, key, lastEventID string) (next func() message, leave func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	if lastEventID != "" {
		req.Header.Set("Last-Event-ID", lastEventID)
	}
	res, err := w.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("GET %s: %s, %v", path, res.Status, res.Header)
	}
	lines := bufio.NewScanner(res.Body)
	return func() message {
		t.Helper()
		var m message
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				m.id = value
			case "event":
				m.name = value
			case "data":
				m.data += value
			case "":
				if m.data != "" {
					return m
				}
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return message{}
	}, cancel
}

// run lets the hub follow streams until the test ends.
func (w *world) run(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.events.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
}

func TestFollowProject(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.run(t)
	ann := w.founder(t)
	key := w.key(t, ann, account.ScopeWrite)
	p, err := w.projects.Create(t.Context(), ann.actor, project.Draft{Idea: "Dogs"})
	if err != nil {
		t.Fatal(err)
	}
	path := "/projects/" + string(p.ID) + "/events"
	at := w.clock.Now().Format(time.RFC3339)
	want := func(seq int, kind string, data map[string]string) message {
		data["by"] = string(ann.actor.User)
		encoded, err := json.Marshal(data)
		if err != nil {
			t.Fatal(err)
		}
		return message{id: fmt.Sprint(seq), data: fmt.Sprintf(`{"seq":%d,"kind":"project.%s","at":%q,"data":%s}`, seq, kind, at, encoded)}
	}
	same := func(what string, got, want message) {
		t.Helper()
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(message{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	next, leave := w.listen(t, path, key, "")
	same("from the beginning", next(), want(1, "created", map[string]string{"name": "Dogs"}))
	if _, err := w.projects.Rename(t.Context(), ann.actor, p.ID, "Pawbook"); err != nil {
		t.Fatal(err)
	}
	same("live", next(), want(2, "renamed", map[string]string{"name": "Pawbook"}))
	leave()
	if _, err := w.projects.Park(t.Context(), ann.actor, p.ID, "until <spring>"); err != nil {
		t.Fatal(err)
	}
	missed := want(3, "parked", map[string]string{"note": "until <spring>"})
	next, leave = w.listen(t, path+"?after=1", key, "2")
	same("after coming back", next(), missed)
	leave()
	next, leave = w.listen(t, path+"?after=2", key, "")
	same("from a cursor", next(), missed)
	leave()

	if _, err := w.db.Exec(t.Context(), `WITH gone AS (DELETE FROM event WHERE seq < 3) UPDATE event_stream SET floor = 2`); err != nil {
		t.Fatal(err)
	}
	next, _ = w.listen(t, path, key, "1")
	same("when what was missed is gone", next(), message{id: "2", name: "reset", data: "{}"})
	same("and then", next(), missed)
}

// An open stream is no visit: it ends with the session that opened it.
func TestStreamEndsWithItsSession(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.run(t)
	ann := w.founder(t)
	p, err := w.projects.Create(t.Context(), ann.actor, project.Draft{Idea: "Dogs"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base+"/projects/"+string(p.ID)+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.AddCookie(&http.Cookie{Name: httpd.SessionCookie, Value: ann.cookie})
	res, err := w.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	lines := bufio.NewScanner(res.Body)
	w.clock.Advance(29 * 24 * time.Hour) // of 30
	for beats := -1; beats < 2; {        // the first is a greeting; by the third the session was looked at
		if !lines.Scan() {
			t.Fatalf("the stream ended before its session: %v", lines.Err())
		}
		if strings.HasPrefix(lines.Text(), ":") {
			beats++
		}
	}
	w.clock.Advance(2 * 24 * time.Hour)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "reconnect") {
			t.Error("who is signed out is asked to come back")
		}
	}
	if err := lines.Err(); err != nil {
		t.Errorf("the stream of a session that is over goes on: %v", err)
	}
}

func TestFollowProjectRefusals(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann, bob := w.founder(t), w.founder(t)
	p, err := w.projects.Create(t.Context(), ann.actor, project.Draft{Idea: "Dogs"})
	if err != nil {
		t.Fatal(err)
	}
	path := "/projects/" + string(p.ID) + "/events"
	key := w.key(t, ann, account.ScopeRead)
	for name, tt := range map[string]struct {
		r    request
		want int
	}{
		"nobody":             {request{path: path}, http.StatusUnauthorized},
		"another team":       {request{path: path, as: w.key(t, bob, account.ScopeWrite)}, http.StatusNotFound},
		"no project":         {request{path: "/projects/x/events", as: key}, http.StatusNotFound},
		"a word as cursor":   {request{path: path + "?after=x", as: key}, http.StatusBadRequest},
		"a negative cursor":  {request{path: path + "?after=-1", as: key}, http.StatusBadRequest},
		"too large a cursor": {request{path: path + "?after=9223372036854775808", as: key}, http.StatusBadRequest},
		"a word as last id":  {request{path: path, as: key, header: http.Header{"Last-Event-Id": {"x"}}}, http.StatusBadRequest},
		"a cursor to come":   {request{path: path + "?after=9223372036854775807", as: key}, http.StatusOK},
	} {
		tt.r.method = http.MethodGet
		if got := w.send(t, tt.r); got.status != tt.want {
			t.Errorf("%s: got %d, want %d: %s", name, got.status, tt.want, got.body)
		}
	}
}

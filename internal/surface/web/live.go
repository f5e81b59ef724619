package web

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strconv"

	events "cofounder/internal/platform/event"
	"cofounder/internal/product/account"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"

	"github.com/a-h/templ"
)

// board is what a page shows live: parts that show the present state, of which only
// the newest counts, and rows of a log, of which each counts.
//
// What it draws are elements with ids that say with hx-swap-oob where they go. They
// hold no hx- actions (a stream has no nonce of the page): plain forms and links.
type board struct {
	follow func(ctx context.Context, after int64) (*events.Subscription, error)
	// panels draws all the parts, as they are now.
	panels func(ctx context.Context) (templ.Component, error)
	// touches reports whether an event changes what panels draws.
	touches func(events.Event) bool
	// rows draws what some events add to the log, and log a whole one of nothing else,
	// for who missed events that are gone.
	rows, log func([]events.Event) (templ.Component, error)
}

// stream serves what a page shows live as its one event stream, after cursor. Who
// comes back is shown all the panels first, since one may have been held back while
// somebody typed in it, then the rows that were missed.
func (s *Site) stream(w http.ResponseWriter, r *http.Request, v visit, b board, allowed func(context.Context) error) error {
	returns := r.Header.Get("Last-Event-ID")
	cursor, err := httpd.Cursor(returns, r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	reader := string(v.session.ID)
	if err := s.readers.Take(reader); err != nil {
		return err
	}
	defer s.readers.Leave(reader)
	sub, err := b.follow(r.Context(), cursor)
	if err != nil {
		return err
	}
	defer sub.Close()
	return httpd.Stream(w, r, allowed, func(ctx context.Context, send httpd.Send) error {
		first := []templ.Component{view.LiveState("live")}
		if returns != "" {
			panels, err := b.panels(ctx)
			if err != nil {
				return err
			}
			first = append(first, panels)
		}
		if err := put(ctx, send, "", first); err != nil {
			return err
		}
		return httpd.Follow(ctx, sub, func(page events.Page) error {
			parts, err := b.parts(ctx, page)
			if err != nil {
				return err
			}
			return put(ctx, send, strconv.FormatInt(page.Next, 10), parts)
		})
	})
}

// parts are what a page of events changes.
func (b board) parts(ctx context.Context, page events.Page) ([]templ.Component, error) {
	var parts []templ.Component
	if page.Reset || slices.ContainsFunc(page.Events, b.touches) {
		panels, err := b.panels(ctx)
		if err != nil {
			return nil, err
		}
		parts = append(parts, panels)
	}
	draw := b.rows
	if page.Reset {
		draw = b.log
	}
	rows, err := draw(page.Events)
	return append(parts, rows), err
}

// put sends parts as one message, so that the browser has all of them or none
// before it counts them as seen.
func put(ctx context.Context, send httpd.Send, id string, parts []templ.Component) error {
	var text bytes.Buffer
	for _, c := range parts {
		if err := c.Render(ctx, &text); err != nil {
			return err
		}
	}
	return send(httpd.Event{ID: id, Data: text.String()})
}

// live tells a page that shows nothing live that it is connected, and stays. It ends
// when the session does, or the membership it shows a team by. Who is not signed in
// is told so by status: an event stream cannot follow to a page.
func (s *Site) live(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visitOf(r)
	if err != nil {
		return err
	}
	reader := string(v.session.ID)
	if err := s.readers.Take(reader); err != nil {
		return err
	}
	defer s.readers.Leave(reader)
	return httpd.Stream(w, r, s.stands(v), func(ctx context.Context, send httpd.Send) error {
		if err := put(ctx, send, "", []templ.Component{view.LiveState("live")}); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	})
}

// stands makes sure that a visitor's session and membership still do. It does not
// authenticate: an open page is no visit that keeps a session.
func (s *Site) stands(v visit) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := s.actorOf(ctx, v)
		return err
	}
}

func (s *Site) actorOf(ctx context.Context, v visit) (account.Actor, error) {
	return s.cfg.Accounts.ActorIn(ctx, v.session, v.actor.Workspace)
}

package web

import (
	"bytes"
	"context"
	"net/http"

	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"

	"github.com/a-h/templ"
)

// fragment is a part of a page that the stream puts in place. Its elements carry
// ids and say with hx-swap-oob where they go; ID is the stream's sequence, which
// a browser that comes back sends as Last-Event-ID. Fragments hold no hx- actions
// (a stream has no nonce of the page): plain forms and links.
type fragment struct {
	id   string
	html templ.Component
}

// feed yields what a page should show since the event after (empty: all), until
// ctx ends or yield reports that nobody listens.
type feed func(ctx context.Context, v visit, after string, yield func(fragment) error) error

// live tells the page that it is connected, and stays.
func (s *Site) live(ctx context.Context, _ visit, _ string, yield func(fragment) error) error {
	if err := yield(fragment{html: view.LiveState("live")}); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

// stream serves a feed as the one event stream of a page. Who is not signed in
// is told so by status: an event stream cannot follow to a page.
func (s *Site) stream(from feed) httpd.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, err := s.visitOf(r)
		if err != nil {
			return err
		}
		return httpd.Stream(w, r, func(ctx context.Context, send func(httpd.Event) error) error {
			return from(ctx, v, r.Header.Get("Last-Event-ID"), func(f fragment) error {
				var b bytes.Buffer
				if err := f.html.Render(ctx, &b); err != nil {
					return err
				}
				return send(httpd.Event{ID: f.id, Data: b.String()})
			})
		})
	}
}

package web

import (
	"bytes"
	"context"
	"net/http"
	"sync"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"

	"github.com/a-h/templ"
)

const (
	// lookAgain is how often a stream makes sure that its session still stands.
	lookAgain = 15 * time.Second
	// mostStreams of one session are open at a time: one per page, and a few more.
	mostStreams = 20
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
// is told so by status: an event stream cannot follow to a page. It ends when the
// session does, or the membership it shows a team by.
func (s *Site) stream(from feed) httpd.HandlerFunc {
	open := &streams{of: map[account.SessionID]int{}}
	return func(w http.ResponseWriter, r *http.Request) error {
		v, err := s.visitOf(r)
		if err != nil {
			return err
		}
		if err := open.take(v.session.ID); err != nil {
			return err
		}
		defer open.leave(v.session.ID)
		return httpd.Stream(w, r, func(ctx context.Context, send func(httpd.Event) error) error {
			return whileAllowed(ctx, func(ctx context.Context) error {
				// Not Authenticate: an open page is no visit that keeps a session.
				_, err := s.cfg.Accounts.ActorIn(ctx, v.session, v.actor.Workspace)
				return err
			}, func(ctx context.Context) error {
				return from(ctx, v, r.Header.Get("Last-Event-ID"), func(f fragment) error {
					var b bytes.Buffer
					if err := f.html.Render(ctx, &b); err != nil {
						return err
					}
					return send(httpd.Event{ID: f.id, Data: b.String()})
				})
			})
		})
	}
}

// whileAllowed runs do and ends its context once allowed says with a fault that it
// may not go on. Another error is a lookup that failed and says nothing.
func whileAllowed(ctx context.Context, allowed, do func(context.Context) error) error {
	ctx, end := context.WithCancel(ctx)
	var looking sync.WaitGroup
	defer looking.Wait()
	defer end()
	looking.Go(func() {
		tick := time.NewTicker(lookAgain)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if fault.Of(allowed(ctx)) != nil {
					end()
					return
				}
			}
		}
	})
	return do(ctx)
}

// streams counts the open streams of each session.
type streams struct {
	mu sync.Mutex
	of map[account.SessionID]int
}

// take makes room for one more, or is fault.TooMany.
func (o *streams) take(s account.SessionID) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.of[s] >= mostStreams {
		return fault.New(fault.TooMany, "too_many_streams", "Too many pages of this browser are open at once. Close some.")
	}
	o.of[s]++
	return nil
}

func (o *streams) leave(s account.SessionID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.of[s]--; o.of[s] <= 0 {
		delete(o.of, s)
	}
}

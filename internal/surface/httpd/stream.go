package httpd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	heartbeat = 15 * time.Second
	// streamWrite is how long a reader may leave a full buffer standing.
	streamWrite = 10 * time.Second
)

// Event is one server-sent event. ID is what a client that reconnects sends back
// as Last-Event-ID; empty leaves the last one standing. An empty Name is
// "message". Data may hold several lines.
type Event struct {
	ID, Name, Data string
}

// errDrained is the cause of a feed's context when the server stops.
var errDrained = errors.New("the server is stopping")

// Stream answers with server-sent events until feed returns, the client leaves
// or the server drains; the last two end feed's context, upon which it must
// return soon. send may be called from several goroutines, none of which may
// outlive feed; its error means that nobody listens any more.
//
// Neither the limit on a request's time nor the one on its answer apply. A
// comment every 15 s keeps proxies from closing a quiet stream. When the server
// drains, the stream ends with an event named reconnect and a retry of 0.5 to
// 2.5 s, spread so that not everyone returns at once. An error of feed other than
// its context's is reported; the client, which has its header already, simply
// reconnects.
func Stream(w http.ResponseWriter, r *http.Request, feed func(ctx context.Context, send func(Event) error) error) error {
	conn := http.NewResponseController(w)
	if x := exchangeOf(r.Context()); x != nil {
		x.stream = true
		if x.expiry.timer != nil {
			x.expiry.timer.Stop()
		}
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("open stream: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
	s := &stream{w: w, conn: conn}
	if err := s.write(": hello\n\n"); err != nil {
		return nil // the client is gone, there is nobody to tell
	}
	ctx, end := context.WithCancelCause(r.Context())
	var beats sync.WaitGroup
	defer beats.Wait() // also when feed panics: nothing writes after we return
	defer end(nil)
	beats.Go(func() { s.beat(ctx, end, Draining(ctx)) })
	err := feed(ctx, func(e Event) error { return s.write(e.text()) })
	cause := context.Cause(ctx)
	end(nil)
	beats.Wait()
	switch {
	case errors.Is(cause, errDrained):
		_ = s.write(farewell()) //nolint:errcheck // the client reconnects all the same
	case err != nil && cause == nil && s.failed == nil:
		Report(r.Context(), err)
	}
	return nil
}

// stream writes to one client, one event at a time.
type stream struct {
	conn *http.ResponseController

	mu     sync.Mutex
	w      http.ResponseWriter
	failed error
}

func (s *stream) write(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return s.failed
	}
	if err := s.conn.SetWriteDeadline(now().Add(streamWrite)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		s.failed = err
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		s.failed = err
		return err
	}
	s.failed = s.conn.Flush()
	return s.failed
}

// beat keeps the stream alive and tells feed when the server stops.
func (s *stream) beat(ctx context.Context, end context.CancelCauseFunc, draining <-chan struct{}) {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-draining:
			end(errDrained)
			return
		case <-tick.C:
			if err := s.write(": still here\n\n"); err != nil {
				end(err)
				return
			}
		}
	}
}

// text is the event on the wire
// (https://html.spec.whatwg.org/multipage/server-sent-events.html).
func (e Event) text() string {
	var b strings.Builder
	if e.ID != "" {
		b.WriteString("id: " + field(e.ID) + "\n")
	}
	if e.Name != "" {
		b.WriteString("event: " + field(e.Name) + "\n")
	}
	data := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(e.Data)
	for line := range strings.SplitSeq(data, "\n") {
		b.WriteString("data: " + line + "\n")
	}
	b.WriteByte('\n')
	return b.String()
}

// field keeps a value on its line; ids with NUL are ignored by browsers.
func field(s string) string { return strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(s) }

// farewell is the last event of a stream that the server ends.
func farewell() string {
	var b [1]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the process instead
	return fmt.Sprintf("retry: %d\nevent: reconnect\ndata:\n\n", 500+int(b[0])*2000/255)
}

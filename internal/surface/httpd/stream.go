package httpd

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"cofounder/internal/base/fault"
)

const (
	heartbeat = 15 * time.Second
	// streamWrite is how long a reader may leave a full buffer standing.
	streamWrite = 10 * time.Second
	// streamPace is the least time between two groups of events: what happens in
	// between is sent together.
	streamPace = 100 * time.Millisecond
	// lookAgain is how often a stream makes sure that its reader may still see it.
	lookAgain = 15 * time.Second
)

// Event is one server-sent event. ID is what a client that reconnects sends back
// as Last-Event-ID; empty leaves the last one standing. An empty Name is
// "message". Data may hold several lines.
type Event struct {
	ID, Name, Data string
}

// Send writes events as one group with one flush. It waits while the last group is
// less than 100 ms old. Its error means that nobody listens any more.
type Send func(events ...Event) error

var (
	errDrained    = errors.New("the server is stopping")
	errNotAllowed = errors.New("the reader may no longer see this")
)

// Stream answers with server-sent events until feed returns, the client leaves,
// the server drains or allowed says with a fault that the client may not go on; the
// last three end feed's context, upon which it must return soon. allowed is asked
// every 15 s, and another error of it means nothing; nil lets everyone stay. send
// may be called from several goroutines, none of which may outlive feed.
//
// Neither the limit on a request's time nor the one on its answer apply. A
// comment every 15 s keeps proxies from closing a quiet stream. Unless the client
// left or may not go on, the stream ends with an event named reconnect and a retry
// of 0.5 to 2.5 s, spread so that not everyone returns at once. An error of feed
// other than its context's is reported.
func Stream(w http.ResponseWriter, r *http.Request, allowed func(context.Context) error, feed func(ctx context.Context, send Send) error) error {
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
	s := &stream{w: w, conn: conn}
	s.header(w.Header(), r)
	if s.write(": hello\n\n") != nil {
		return nil // the client is gone, there is nobody to tell
	}
	ctx, end := context.WithCancelCause(r.Context())
	var parts sync.WaitGroup
	defer parts.Wait() // also when feed panics: nothing writes after we return
	defer end(nil)
	parts.Go(func() { s.beat(ctx, end, Draining(ctx)) })
	if allowed != nil {
		parts.Go(func() { watch(ctx, end, allowed) })
	}
	err := feed(ctx, func(events ...Event) error { return s.send(ctx, events) })
	cause := context.Cause(ctx)
	end(nil)
	parts.Wait()
	if err != nil && cause == nil && s.failed == nil {
		Report(r.Context(), err)
	}
	if cause == nil || errors.Is(cause, errDrained) {
		_ = s.write(farewell()) //nolint:errcheck // the client reconnects all the same
	}
	s.finish()
	return nil
}

// header says what follows.
func (s *stream) header(h http.Header, r *http.Request) {
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
	h.Add("Vary", "Accept-Encoding")
	if AcceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		s.packed = &groups{}
	}
}

// stream writes to one client, one group of events at a time.
type stream struct {
	conn *http.ResponseController

	mu     sync.Mutex
	w      io.Writer
	packed *groups // nil: not compressed
	failed error
	last   time.Time // when the last group was sent
}

// send writes events once the last group is old enough.
func (s *stream) send(ctx context.Context, events []Event) error {
	var text strings.Builder
	for _, e := range events {
		text.WriteString(e.text())
	}
	s.mu.Lock()
	due := s.last.Add(streamPace).Sub(now())
	s.last = now().Add(max(due, 0))
	s.mu.Unlock()
	if due > 0 {
		timer := time.NewTimer(due)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return s.write(text.String())
}

func (s *stream) write(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = s.flush([]byte(text))
	}
	return s.failed
}

// flush sends text on its way. s.mu is held.
func (s *stream) flush(text []byte) error {
	if err := s.conn.SetWriteDeadline(now().Add(streamWrite)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if s.packed != nil {
		var b bytes.Buffer
		if err := s.packed.add(&b, text); err != nil {
			return err
		}
		text = b.Bytes()
	}
	if _, err := s.w.Write(text); err != nil {
		return err
	}
	return s.conn.Flush()
}

// finish writes what a compressed stream ends with.
func (s *stream) finish() {
	if s.packed != nil && s.failed == nil {
		_, _ = s.w.Write(s.packed.end()) //nolint:errcheck // what counts was sent before
	}
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

// watch ends the stream of who may no longer see it. An error that is no fault is a
// lookup that failed and says nothing.
func watch(ctx context.Context, end context.CancelCauseFunc, allowed func(context.Context) error) {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if fault.Of(allowed(ctx)) != nil {
				end(errNotAllowed)
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

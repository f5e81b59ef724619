package flow_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"cofounder/internal/platform/flow"
)

// endings are handlers that always end in the same way, by the names of their nodes.
func endings(outcomes map[string]func() (flow.Outcome, error)) flow.Handlers {
	hs := flow.Handlers{}
	for name, end := range outcomes {
		hs[name] = func(context.Context, *flow.Node) (flow.Outcome, error) { return end() }
	}
	return hs
}

// skipRests lets nodes that rest after a failure go on at once.
func (w *world) skipRests() {
	w.tb.Helper()
	if _, err := w.pool.Exec(w.tb.Context(), `UPDATE node SET wake_at = clock_timestamp() WHERE state = 'waiting' AND wait = 'retry'`); err != nil {
		w.tb.Fatal(err)
	}
}

// Whatever error a handler returns, its node rests after it and the run fails after the
// fifth: that it looks like trouble with a connection does not make it the database's.
func TestHandlersErrorsRestAndThenFail(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	tests := map[string]struct {
		err  error
		want string // of what is kept of it
	}{
		"time-out":   {fmt.Errorf("the tool took too long: %w", context.DeadlineExceeded), "the tool took too long"},
		"cancelled":  {fmt.Errorf("the tool gave up: %w", context.Canceled), "the tool gave up"},
		"refused":    {&url.Error{Op: "Get", URL: "http://app.internal/", Err: refused}, "connection refused"},
		"cut-off":    {fmt.Errorf("read the answer: %w", io.ErrUnexpectedEOF), "unexpected EOF"},
		"no-utf8":    {errors.New("tool said \xff and no more"), "tool said \uFFFD and no more"},
		"zero-byte":  {errors.New("tool said \x00 and no more"), "tool said \uFFFD and no more"},
		"long-words": {errors.New("x" + strings.Repeat("é", 3000)), "xéé"},
	}
	ends := map[string]func() (flow.Outcome, error){}
	for name, tt := range tests {
		ends[name] = func() (flow.Outcome, error) { return flow.Outcome{}, tt.err }
	}
	w := newWorld(t)
	e := w.engine(func(c *flow.Config) { c.Log = slog.New(slog.DiscardHandler) }) // all of it is meant
	e.Register("test", endings(ends))
	runs := map[string]flow.RunID{}
	for name := range tests {
		runs[name] = w.run(e, flow.NewRun{First: flow.Next{Name: name}})
	}
	w.start(e)
	w.until(func() bool {
		w.skipRests()
		return w.count(`SELECT count(*) FROM run WHERE state = 'failed'`) == len(tests)
	}, func() string { return fmt.Sprintf("not all runs fail; nodes: %v", w.nodes()) })
	for name, tt := range tests {
		got := w.chapter(e, runs[name], name)
		if len(got.Attempts) != 5 || got.Failures != 4 {
			t.Errorf("%s: %d attempts, %d rests; want 5 and 4", name, len(got.Attempts), got.Failures)
		}
		if !strings.Contains(got.Error, tt.want) || !utf8.ValidString(got.Error) || len(got.Error) > 4000 {
			t.Errorf("%s: %d bytes are kept of its error, %.60q; want at most 4000 with %q", name, len(got.Error), got.Error, tt.want)
		}
	}
}

// What a handler says about a pause or a failure is kept as far as the database can.
func TestDetailsThatAreNoText(t *testing.T) {
	t.Parallel()
	const said, want = "tool said \xff\x00", "tool said \uFFFD\uFFFD"
	w := newWorld(t)
	e := w.engine()
	e.Register("test", endings(map[string]func() (flow.Outcome, error){
		"halts": func() (flow.Outcome, error) { return flow.Halt("broken", said, flow.Next{Name: "halts"}), nil },
		"fails": func() (flow.Outcome, error) { return flow.Fail("broken", said), nil },
		"asks": func() (flow.Outcome, error) {
			return flow.Await(flow.Wait{For: flow.ForDecision, Key: "q"}, flow.Next{Name: "asks"}), nil
		},
	}))
	w.start(e)
	halts := w.run(e, flow.NewRun{First: flow.Next{Name: "halts"}})
	fails := w.run(e, flow.NewRun{First: flow.Next{Name: "fails"}})
	asks := w.run(e, flow.NewRun{First: flow.Next{Name: "asks"}})
	if got := w.await(e, halts, flow.Paused); got.Detail != want {
		t.Errorf("paused with %q, want %q", got.Detail, want)
	}
	if got := w.await(e, fails, flow.Failed); got.Detail != want {
		t.Errorf("failed with %q, want %q", got.Detail, want)
	}
	if err := e.Pause(t.Context(), team, asks, flow.ByFounder, said); err != nil {
		t.Errorf("Pause: %v", err)
	}
	if got := w.await(e, asks, flow.Paused); got.Detail != want {
		t.Errorf("paused from outside with %q, want %q", got.Detail, want)
	}
	if err := e.End(t.Context(), team, asks, flow.ByFounder, said); err != nil {
		t.Errorf("End: %v", err)
	}
	if got := w.await(e, asks, flow.Ended); got.Detail != want {
		t.Errorf("ended with %q, want %q", got.Detail, want)
	}
}

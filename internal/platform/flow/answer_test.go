package flow_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"cofounder/internal/platform/flow"
)

// The answer that came first stays, also while the node that got it rests after a failure.
func TestSecondAnswerWhileResting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine(func(c *flow.Config) { c.Log = slog.New(slog.DiscardHandler) }) // the failure is meant
	heard := make(chan string, 9)
	e.Register("test", flow.Handlers{
		"first": func(context.Context, *flow.Node) (flow.Outcome, error) {
			return flow.Await(flow.Wait{For: flow.ForDecision, Key: "q"}, flow.Next{Name: "told"}), nil
		},
		"told": func(_ context.Context, n *flow.Node) (flow.Outcome, error) {
			var said string
			if ok, err := n.Answer(&said); err != nil || !ok {
				return flow.Outcome{}, fmt.Errorf("no answer: %w", err)
			}
			heard <- said
			if n.Failures == 0 {
				return flow.Outcome{}, errors.New("something is away")
			}
			return flow.Done(said), nil
		},
	})
	w.start(e)
	run := w.run(e, flow.NewRun{})
	w.await(e, run, flow.Waiting)
	if n, err := e.Answer(t.Context(), team, "q", "first"); n != 1 || err != nil {
		t.Fatalf("Answer = %d, %v; want 1", n, err)
	}
	// A rest of an hour, so that it is not over before the second answer.
	w.until(func() bool {
		return w.count(`WITH long AS (UPDATE node SET wake_at = clock_timestamp() + interval '1 hour' WHERE state = 'waiting' AND wait = 'retry' RETURNING 1) SELECT count(*) FROM long`) == 1
	}, func() string { return "the node does not rest" })
	for _, wait := range w.await(e, run, flow.Waiting).Waits {
		if wait.Key != "" {
			t.Errorf("a node that rests is shown as the wait for %q", wait.Key)
		}
	}
	if n, err := e.Answer(t.Context(), team, "q", "second"); n != 0 || err != nil {
		t.Errorf("the second answer = %d, %v; want 0", n, err)
	}
	w.skipRests()
	w.await(e, run, flow.Finished)
	close(heard)
	for said := range heard {
		if said != "first" {
			t.Errorf("the handler heard %q, want the first answer", said)
		}
	}
}

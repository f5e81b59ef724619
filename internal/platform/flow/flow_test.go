package flow_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"cofounder/internal/platform/flow"

	"github.com/google/go-cmp/cmp"
)

// graph thinks, fans out, joins, asks and finishes.
func graph() flow.Handlers {
	return flow.Handlers{
		"first": func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
			var count int
			if err := n.RunInput(&count); err != nil {
				return flow.Outcome{}, err
			}
			plan, err := flow.Step(ctx, n, "plan", func(context.Context) ([]int, error) {
				var p []int
				for i := range count {
					p = append(p, i)
				}
				return p, nil
			}, nil)
			var branches []flow.Next
			for _, i := range plan {
				branches = append(branches, flow.Next{Name: "work", Input: i})
			}
			return flow.Fan(flow.Next{Name: "join"}, branches...), err
		},
		"work": func(_ context.Context, n *flow.Node) (flow.Outcome, error) {
			var i int
			if err := n.Input(&i); err != nil {
				return flow.Outcome{}, err
			}
			return flow.Go(flow.Next{Name: "more", Input: i * 10}), nil
		},
		"more": func(_ context.Context, n *flow.Node) (flow.Outcome, error) {
			var i int
			if err := n.Input(&i); err != nil {
				return flow.Outcome{}, err
			}
			return flow.Done(i + n.Branch), nil
		},
		"join": func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
			outs, err := n.Branches(ctx)
			if err != nil {
				return flow.Outcome{}, err
			}
			return flow.Await(flow.Wait{For: flow.ForDecision, Key: "dec_" + string(n.Run)}, flow.Next{Name: "last", Input: outs}), nil
		},
		"last": func(_ context.Context, n *flow.Node) (flow.Outcome, error) {
			var outs []json.RawMessage
			if err := n.Input(&outs); err != nil {
				return flow.Outcome{}, err
			}
			var said string
			if ok, err := n.Answer(&said); err != nil || !ok {
				return flow.Outcome{}, fmt.Errorf("no answer: %w", err)
			}
			return flow.Done(map[string]any{"outs": outs, "said": said}), nil
		},
	}
}

func TestRunGoesThroughItsGraph(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine()
	e.Register("test", graph())
	w.start(e)
	run := w.run(e, flow.NewRun{Input: 3, Limits: []flow.Limit{{Key: "u", Most: 1}}})
	waits := w.await(e, run, flow.Waiting)
	if want := []flow.Wait{{For: flow.ForDecision, Key: "dec_" + string(run)}}; !cmp.Equal(waits.Waits, want) {
		t.Errorf("waits for %v, want %v", waits.Waits, want)
	}
	if n, err := e.Answer(t.Context(), team, "dec_"+string(run), "yes"); n != 1 || err != nil {
		t.Fatalf("Answer = %d, %v; want 1", n, err)
	}
	got := w.await(e, run, flow.Finished)
	if want := `{"outs":[0,11,22],"said":"yes"}`; string(got.Output) != want {
		t.Errorf("output %s, want %s", got.Output, want)
	}
	story, err := e.StoryOfAny(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range story.Chapters {
		names = append(names, c.Name)
	}
	if len(names) != 9 {
		t.Errorf("nodes %v, want 9", names)
	}
}

package flow_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/flow"

	"github.com/google/go-cmp/cmp"
)

// busyGraph has a node with many steps, then one that fails or waits, as the run asks.
func busyGraph(steps int) flow.Handlers {
	return flow.Handlers{
		"first": func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
			for i := range steps {
				if _, err := flow.Step(ctx, n, fmt.Sprintf("step/%d", i), func(context.Context) (int, error) { return i, nil }, nil); err != nil {
					return flow.Outcome{}, err
				}
			}
			return flow.Go(flow.Next{Name: "second", Input: "kept input"}), nil
		},
		"second": func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
			var end string
			if err := n.RunInput(&end); err != nil {
				return flow.Outcome{}, err
			}
			for i := range steps {
				if _, err := flow.Step(ctx, n, fmt.Sprintf("late/%d", i), func(context.Context) (int, error) { return i, nil }, nil); err != nil {
					return flow.Outcome{}, err
				}
			}
			switch end {
			case "fails":
				return flow.Fail("broken", "It broke."), nil
			case "waits":
				return flow.Await(flow.Wait{For: flow.ForDecision, Key: "dec_" + string(n.Run)}, flow.Next{Name: "third"}), nil
			}
			return flow.Done("the result"), nil
		},
		"third": func(context.Context, *flow.Node) (flow.Outcome, error) { return flow.Done("answered"), nil },
	}
}

func (w *world) exec(sql string, args ...any) {
	w.tb.Helper()
	if _, err := w.pool.Exec(w.tb.Context(), sql, args...); err != nil {
		w.tb.Fatal(err)
	}
}

// recorded counts the steps of each node of a run, by its name.
func (w *world) recorded(e *flow.Engine, run flow.RunID) map[string]int {
	w.tb.Helper()
	s, err := e.StoryOfAny(w.tb.Context(), run)
	if err != nil {
		w.tb.Fatal(err)
	}
	n := map[string]int{}
	for _, c := range s.Chapters {
		n[c.Name] = len(c.Steps)
	}
	return n
}

func TestTrim(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine()
	e.Register("test", busyGraph(6))
	w.start(e)
	runs := map[string]flow.RunID{}
	for name, end := range map[string]string{"old": "", "fresh": "", "old, failed": "fails", "failed": "fails", "waits": "waits"} {
		runs[name] = w.run(e, flow.NewRun{Input: end})
	}
	for name, run := range runs {
		w.await(e, run, map[string]flow.State{"old, failed": flow.Failed, "failed": flow.Failed, "waits": flow.Waiting}[name], flow.Finished)
	}
	w.exec(`UPDATE run SET finished_at = now() - interval '31 days' WHERE id = ANY($1)`, []flow.RunID{runs["old"], runs["old, failed"]})
	keep := flow.Keep{Whole: 30 * 24 * time.Hour, Steps: 4}
	// Of the old: 12 steps and 2 claims each; of the others: 2 steps of each done node.
	if n, err := e.Trim(t.Context(), keep); err != nil || n != 2*14+2*2+2+2*2 {
		t.Errorf("Trim = %d, %v; want 38", n, err)
	}
	if n, err := e.Trim(t.Context(), keep); err != nil || n != 0 {
		t.Errorf("the second time %d, %v", n, err)
	}
	got := map[string]map[string]int{}
	for name, run := range runs {
		got[name] = w.recorded(e, run)
	}
	if d := cmp.Diff(map[string]map[string]int{
		"old": {"first": 0, "second": 0}, "fresh": {"first": 4, "second": 4},
		"old, failed": {"first": 0, "second": 0}, "failed": {"first": 4, "second": 6},
		"waits": {"first": 4, "second": 4, "third": 0},
	}, got); d != "" {
		t.Error(d)
	}
	// The story stays, in short form.
	s, err := e.StoryOfAny(t.Context(), runs["old"])
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Chapters) != 2 || s.Chapters[0].FinishedAt.IsZero() || s.Run.ShortenedAt.IsZero() {
		t.Errorf("what stays: %+v", s)
	}
	if n := w.count(`SELECT count(*) FROM run r JOIN node n ON n.run_id = r.id WHERE r.id = $1 AND r.output::text = '"the result"' AND n.input::text = '"kept input"'`, runs["old"]); n != 1 {
		t.Errorf("the result and the input of the last node do not stay")
	}
	// What was done before is forgotten, so it is not begun again.
	if err := w.retry(e, runs["old, failed"]); !fault.Is(err, fault.Conflict) {
		t.Errorf("retry of a shortened run: %v, want a conflict", err)
	}
	if err := w.replay(e, runs["old, failed"], w.chapter(e, runs["old, failed"], "second").Node, keepAll); !fault.Is(err, fault.Conflict) {
		t.Errorf("replay in a shortened run: %v, want a conflict", err)
	}
	if err := w.retry(e, runs["failed"]); err != nil {
		t.Errorf("retry of a fresh one: %v", err)
	}
	if n, err := e.Answer(t.Context(), team, "dec_"+string(runs["waits"]), "yes"); n != 1 || err != nil {
		t.Fatalf("Answer = %d, %v", n, err)
	}
	w.await(e, runs["waits"], flow.Finished)
	for _, bad := range []flow.Keep{{}, {Whole: time.Hour}, {Steps: 1}} {
		if _, err := e.Trim(t.Context(), bad); err == nil {
			t.Errorf("Trim(%+v) is no error", bad)
		}
	}
}

// More runs than one transaction shortens.
func TestTrimGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine()
	w.exec(`
WITH r AS (
    INSERT INTO run (id, kind, workspace_id, project_id, starter_id, input, "offset", due, state, finished_at)
    SELECT 'run_' || i, 'test', 'wsp_one', '', 'usr_one', 'null', '0', now(), 'done', now() - interval '1 year' FROM generate_series(1, 250) i RETURNING id
), n AS (
    INSERT INTO node (id, run_id, name, handler, state, due, input, finished_at)
    SELECT 'nod_' || r.id, r.id, 'first', 'test/first', 'done', now(), 'null', now() FROM r RETURNING id
)
INSERT INTO attempt (node_id, epoch, worker) SELECT n.id, e, 'w' FROM n, generate_series(1, 3) e`)
	if n, err := e.Trim(t.Context(), flow.Keep{Whole: time.Hour, Steps: 1}); err != nil || n != 750 {
		t.Errorf("Trim = %d, %v; want 750", n, err)
	}
}

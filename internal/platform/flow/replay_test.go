package flow_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/flow"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// inTx does something to a run as an operator would.
func (w *world) inTx(e *flow.Engine, do func(ctx context.Context, tx pgx.Tx) error) error {
	w.tb.Helper()
	err := db.InTx(w.tb.Context(), w.pool, func(tx pgx.Tx) error { return do(w.tb.Context(), tx) })
	e.Poke()
	return err
}

func (w *world) retry(e *flow.Engine, run flow.RunID) error {
	w.tb.Helper()
	return w.inTx(e, func(ctx context.Context, tx pgx.Tx) error { return e.RetryTx(ctx, tx, run) })
}

func (w *world) replay(e *flow.Engine, run flow.RunID, node flow.NodeID, keep func([]string) (int, error)) error {
	w.tb.Helper()
	return w.inTx(e, func(ctx context.Context, tx pgx.Tx) error { return e.ReplayTx(ctx, tx, run, node, keep) })
}

func keepAll(steps []string) (int, error) { return len(steps), nil }

// chapter is the node of this name.
func (w *world) chapter(e *flow.Engine, run flow.RunID, name string) flow.Chapter {
	w.tb.Helper()
	s, err := e.StoryOfAny(w.tb.Context(), run)
	if err != nil {
		w.tb.Fatal(err)
	}
	for _, c := range s.Chapters {
		if c.Name == name {
			return c
		}
	}
	w.tb.Fatalf("%s has no node %s", run, name)
	return flow.Chapter{}
}

// fragile is a graph with a branch that asks and one that, once told to go, fails until
// it is mended. It counts how often its two steps were done.
type fragile struct {
	mended        atomic.Bool
	first, second atomic.Int32
}

func (f *fragile) handlers() flow.Handlers {
	done := func(context.Context, *flow.Node) (flow.Outcome, error) { return flow.Done("fine"), nil }
	return flow.Handlers{
		"first": func(context.Context, *flow.Node) (flow.Outcome, error) {
			return flow.Fan(flow.Next{Name: "join"}, flow.Next{Name: "asks"}, flow.Next{Name: "starts"}), nil
		},
		"starts": func(_ context.Context, n *flow.Node) (flow.Outcome, error) {
			return flow.Await(flow.Wait{For: flow.ForDecision, Key: "go_" + string(n.Run)}, flow.Next{Name: "breaks"}), nil
		},
		"asks": func(_ context.Context, n *flow.Node) (flow.Outcome, error) {
			return flow.Await(flow.Wait{For: flow.ForDecision, Key: "dec_" + string(n.Run)}, flow.Next{Name: "told"}), nil
		},
		"told": done,
		"breaks": func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
			if _, err := flow.TakeMessages(ctx, n, "said"); err != nil {
				return flow.Outcome{}, err
			}
			if _, err := flow.Step(ctx, n, "step/1", func(context.Context) (int32, error) { return f.first.Add(1), nil }, nil); err != nil {
				return flow.Outcome{}, err
			}
			if _, err := flow.Step(ctx, n, "step/2", func(context.Context) (int32, error) { return f.second.Add(1), nil }, nil); err != nil {
				return flow.Outcome{}, err
			}
			if !f.mended.Load() {
				return flow.Fail("broken", "It broke."), nil
			}
			return flow.Done("whole"), nil
		},
		"join": func(context.Context, *flow.Node) (flow.Outcome, error) { return flow.Done("both"), nil },
	}
}

// broken runs the fragile graph until it has failed while the other branch asks.
func (w *world) broken() (*flow.Engine, *fragile, flow.RunID) {
	w.tb.Helper()
	f, e := &fragile{}, w.engine()
	e.Register("test", f.handlers())
	run := w.run(e, flow.NewRun{Limits: []flow.Limit{{Key: "u", Most: 1, Hold: flow.UntilFinished}}})
	if err := w.inTx(e, func(ctx context.Context, tx pgx.Tx) error {
		_, err := e.SendTx(ctx, tx, team, run, "usr_one", "make it blue")
		return err
	}); err != nil {
		w.tb.Fatal(err)
	}
	w.start(e)
	w.await(e, run, flow.Waiting) // both branches ask
	if n, err := e.Answer(w.tb.Context(), team, "go_"+string(run), "go"); n != 1 || err != nil {
		w.tb.Fatalf("Answer = %d, %v", n, err)
	}
	w.await(e, run, flow.Failed)
	return e, f, run
}

func TestRetryGoesOnWithWhatTheFailureEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, f, run := w.broken()
	f.mended.Store(true)
	if err := w.retry(e, run); err != nil {
		t.Fatal(err)
	}
	w.until(func() bool { return w.chapter(e, run, "breaks").State == "done" }, func() string { return w.chapter(e, run, "breaks").State })
	w.until(func() bool {
		n, err := e.Answer(t.Context(), team, "dec_"+string(run), "yes")
		if err != nil {
			t.Fatal(err)
		}
		return n == 1
	}, func() string { return "it does not ask again" })
	if got := w.await(e, run, flow.Finished); string(got.Output) != `"both"` || got.Reason != "" || got.Detail != "" {
		t.Errorf("it ended as %+v", got)
	}
	if f.first.Load() != 1 || f.second.Load() != 1 {
		t.Errorf("steps were done %d and %d times, want once", f.first.Load(), f.second.Load())
	}
	if held := w.count(`SELECT count(*) FROM run_limit WHERE held`); held != 0 {
		t.Errorf("%d tokens are held", held)
	}
	for name, err := range map[string]error{
		"a finished run": w.retry(e, run),
		"replayed":       w.replay(e, run, w.chapter(e, run, "join").Node, keepAll),
	} {
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("%s: %v, want a conflict", name, err)
		}
	}
	if err := w.retry(e, "run_nobody"); !fault.Is(err, fault.NotFound) {
		t.Errorf("no such run: %v", err)
	}
}

func TestReplayKeepsOrForgetsSteps(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		keep          func([]string) (int, error)
		first, second int32
		said          int // messages in the step that takes them, afterwards
	}{
		"all kept":      {keepAll, 1, 1, 1},
		"the last":      {func([]string) (int, error) { return 2, nil }, 1, 2, 1},
		"all forgotten": {func([]string) (int, error) { return 0, nil }, 2, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e, f, run := w.broken()
			var steps []string
			node := w.chapter(e, run, "breaks")
			f.mended.Store(true)
			err := w.replay(e, run, node.Node, func(s []string) (int, error) {
				steps = s
				return tt.keep(s)
			})
			if err != nil {
				t.Fatal(err)
			}
			if want := []string{"said", "step/1", "step/2"}; !cmp.Equal(steps, want) {
				t.Errorf("steps %v, want %v", steps, want)
			}
			w.until(func() bool { return w.chapter(e, run, "breaks").State == "done" }, func() string { return "not replayed" })
			if f.first.Load() != tt.first || f.second.Load() != tt.second {
				t.Errorf("steps were done %d and %d times, want %d and %d", f.first.Load(), f.second.Load(), tt.first, tt.second)
			}
			if got := w.count(`SELECT count(*) FROM run_message WHERE node_id = $1 AND step = 'said'`, node.Node); got != tt.said {
				t.Errorf("%d messages taken, want %d", got, tt.said)
			}
			w.await(e, run, flow.Waiting) // the other branch asks again
		})
	}
}

func TestReplayRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, _, run := w.broken()
	refusal := errors.New("the caller does not want it")
	for name, tt := range map[string]struct {
		node flow.NodeID
		keep func([]string) (int, error)
		is   func(error) bool
	}{
		"a done node":    {w.chapter(e, run, "first").Node, keepAll, func(err error) bool { return fault.Is(err, fault.Conflict) }},
		"one that joins": {w.chapter(e, run, "join").Node, keepAll, func(err error) bool { return fault.Is(err, fault.Conflict) }},
		"one that waits": {w.chapter(e, run, "told").Node, keepAll, func(err error) bool { return fault.Is(err, fault.Conflict) }},
		"no such node":   {"nod_nobody", keepAll, func(err error) bool { return fault.Is(err, fault.NotFound) }},
		"more than are":  {w.chapter(e, run, "breaks").Node, func([]string) (int, error) { return 4, nil }, func(err error) bool { return err != nil }},
		"the caller refuses": {
			w.chapter(e, run, "breaks").Node, func([]string) (int, error) { return 0, refusal },
			func(err error) bool { return errors.Is(err, refusal) },
		},
	} {
		if err := w.replay(e, run, tt.node, tt.keep); !tt.is(err) {
			t.Errorf("%s: %v", name, err)
		}
		if r := w.await(e, run, flow.Failed); r.Reason != "broken" {
			t.Errorf("%s: the run is %+v", name, r)
		}
	}
}

// A node that is at work is taken from its worker, which may write no more.
func TestReplayStopsWhoIsAtWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine()
	began, stopped := make(chan struct{}, 2), make(chan error, 1)
	var epochs atomic.Int64
	e.Register("test", flow.Handlers{"first": func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
		if epochs.Swap(n.Epoch) != 0 {
			return flow.Done("again"), nil
		}
		began <- struct{}{}
		<-ctx.Done()
		stopped <- context.Cause(ctx)
		_, err := flow.Step(context.WithoutCancel(ctx), n, "late", func(context.Context) (int, error) { return 1, nil }, nil)
		return flow.Done("too late"), err
	}})
	w.start(e)
	run := w.run(e, flow.NewRun{})
	<-began
	if err := w.replay(e, run, w.chapter(e, run, "first").Node, keepAll); err != nil {
		t.Fatal(err)
	}
	if got := <-stopped; !errors.Is(got, flow.ErrStopped) {
		t.Errorf("it was stopped by %v", got)
	}
	if got := w.await(e, run, flow.Finished); string(got.Output) != `"again"` {
		t.Errorf("output %s", got.Output)
	}
	if n := w.count(`SELECT count(*) FROM step`); n != 0 {
		t.Errorf("the stopped claim recorded %d steps", n)
	}
}

func TestRetryEndsARest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine()
	var mended atomic.Bool
	e.Register("test", flow.Handlers{"first": func(_ context.Context, n *flow.Node) (flow.Outcome, error) {
		if !mended.Load() {
			return flow.Outcome{}, errors.New("the disk is full")
		}
		return flow.Done(n.Failures), nil
	}})
	w.start(e)
	run := w.run(e, flow.NewRun{})
	w.until(func() bool { return w.chapter(e, run, "first").Failures >= 2 }, func() string { return "it does not fail" })
	w.until(func() bool { return w.chapter(e, run, "first").State == "waiting" }, func() string { return "it does not rest" })
	if n := w.count(`SELECT count(*) FROM node n JOIN river_job j ON j.id = n.job WHERE n.state = 'waiting' AND j.finalized_at IS NULL`); n != 0 {
		t.Error("its delivery is not over")
	}
	if got := w.chapter(e, run, "first"); got.Error != "the disk is full" || time.Until(got.WakeAt) < time.Second {
		t.Errorf("it rests until %v after %q", got.WakeAt, got.Error)
	}
	mended.Store(true)
	if err := w.retry(e, run); err != nil {
		t.Fatal(err)
	}
	if got := w.await(e, run, flow.Finished); string(got.Output) != "0" {
		t.Errorf("failures counted: %s", got.Output)
	}
}

func TestRunsOfAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine()
	var all []flow.RunID
	for _, r := range []flow.NewRun{{Kind: "a", Workspace: "wsp_a"}, {Kind: "b", Workspace: "wsp_a"}, {Kind: "a", Workspace: "wsp_b"}} {
		all = append([]flow.RunID{w.run(e, r)}, all...)
	}
	if err := e.End(t.Context(), "wsp_b", all[0], "founder", ""); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		c    flow.Choice
		want []flow.RunID
	}{
		"all":          {flow.Choice{Limit: 9}, all},
		"two":          {flow.Choice{Limit: 2}, all[:2]},
		"after":        {flow.Choice{Limit: 9, After: all[0]}, all[1:]},
		"of a kind":    {flow.Choice{Limit: 9, Kind: "a"}, []flow.RunID{all[0], all[2]}},
		"of a team":    {flow.Choice{Limit: 9, Workspace: "wsp_a"}, all[1:]},
		"in line":      {flow.Choice{Limit: 9, State: flow.Queued}, all[1:]},
		"at work":      {flow.Choice{Limit: 9, State: flow.Running}, []flow.RunID{}},
		"ended":        {flow.Choice{Limit: 9, State: flow.Ended}, all[:1]},
		"ended of one": {flow.Choice{Limit: 9, State: flow.Ended, Workspace: "wsp_a"}, []flow.RunID{}},
	} {
		runs, err := e.RunsOfAll(t.Context(), tt.c)
		if err != nil {
			t.Fatal(err)
		}
		got := []flow.RunID{}
		for _, r := range runs {
			got = append(got, r.ID)
		}
		if !cmp.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	kinds, err := e.Kinds(t.Context())
	if want := []flow.Kind{"a", "b"}; err != nil || !cmp.Equal(kinds, want) {
		t.Errorf("kinds %v, %v; want %v", kinds, err, want)
	}
}

// A long run is told by what is not done and by its end, without what was said.
func TestStoryOfALongRun(t *testing.T) {
	t.Parallel()
	const links, told = 70, 60
	w := newWorld(t)
	e := w.engine()
	e.Register("test", flow.Handlers{
		"first": func(context.Context, *flow.Node) (flow.Outcome, error) {
			return flow.Fan(flow.Next{Name: "join"}, flow.Next{Name: "ask"}, flow.Next{Name: "link", Input: 1}), nil
		},
		"ask": func(context.Context, *flow.Node) (flow.Outcome, error) {
			return flow.Await(flow.Wait{For: flow.ForDecision, Key: "q"}, flow.Next{Name: "told"}), nil
		},
		"link": func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
			var nth int
			if err := n.Input(&nth); err != nil || nth < links {
				return flow.Go(flow.Next{Name: "link", Input: nth + 1}), err
			}
			for i := range links {
				if _, err := flow.Step(ctx, n, fmt.Sprint("turn/", i), func(context.Context) (string, error) { return "said", nil }, nil); err != nil {
					return flow.Outcome{}, err
				}
			}
			return flow.Done("said"), nil
		},
	})
	w.start(e)
	run := w.run(e, flow.NewRun{Input: "said"})
	w.await(e, run, flow.Waiting)
	s, err := e.StoryOfAny(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	last := s.Chapters[len(s.Chapters)-1]
	if s.Nodes != links+4 || len(s.Chapters) != told || s.Chapters[0].State == "done" || last.Records != links || len(last.Steps) != told || last.Claims != 1 {
		t.Errorf("%d of %d nodes from %q on, %d of %d steps of the last, %d claims", len(s.Chapters), s.Nodes, s.Chapters[0].State, len(last.Steps), last.Records, last.Claims)
	}
	if last.Steps[told-1].Key != fmt.Sprint("turn/", links-1) || last.Steps[told-1].Bytes == 0 {
		t.Errorf("the last step is %+v", last.Steps[told-1])
	}
	if string(s.Run.Input) != "null" || s.Run.Output != nil {
		t.Errorf("the run comes with %s and %s", s.Run.Input, s.Run.Output)
	}
}

func TestCondition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine(func(c *flow.Config) { c.Worker, c.Slots = "one", 3 })
	began, end := make(chan struct{}), make(chan struct{})
	e.Register("test", flow.Handlers{"first": func(context.Context, *flow.Node) (flow.Outcome, error) {
		close(began)
		<-end
		return flow.Done(nil), nil
	}})
	w.start(e)
	t.Cleanup(func() { close(end) })
	w.run(e, flow.NewRun{})
	<-began
	w.run(e, flow.NewRun{Kind: "unknown"})
	if _, err := w.pool.Exec(t.Context(), `UPDATE river_queue SET paused_at = now() WHERE name = 'default'`); err != nil {
		t.Fatal(err)
	}
	if _, err := w.pool.Exec(t.Context(), `INSERT INTO river_job (kind, args, max_attempts, queue, scheduled_at) VALUES ('x', '{}', 1, 'nowhere', now() - interval '1 hour')`); err != nil {
		t.Fatal(err)
	}
	c, err := e.Condition(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c.Busy != 1 || c.Ready != 1 || c.Due < time.Hour || len(c.Paused) != 1 || c.Paused[0].Name != "default" || c.Paused[0].Since.IsZero() {
		t.Errorf("condition %+v", c)
	}
	if len(c.Workers) != 1 || c.Workers[0].ID != "one" || c.Workers[0].Slots != 3 || c.Workers[0].Busy != 1 || c.Workers[0].Silent > time.Minute {
		t.Errorf("workers %+v", c.Workers)
	}
}

package flow_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/flow"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// stuck is a graph whose only node keeps one step and then works until it is stopped, or
// until it may go on.
type stuck struct {
	begun   chan struct{}
	stopped chan error
	mayEnd  atomic.Bool
}

func newStuck() *stuck { return &stuck{begun: make(chan struct{}, 9), stopped: make(chan error, 9)} }

func (s *stuck) handlers(t *testing.T) flow.Handlers {
	t.Helper()
	kept := 0
	return flow.Handlers{"first": func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
		_, err := flow.Step(ctx, n, "kept", func(context.Context) (int, error) {
			kept++
			if kept > 1 {
				t.Error("a step that was kept is done again")
			}
			return kept, nil
		}, nil)
		if err != nil {
			return flow.Outcome{}, err
		}
		_, err = flow.Step(ctx, n, "long", func(ctx context.Context) (string, error) {
			if s.mayEnd.Load() {
				return "ended", nil
			}
			s.begun <- struct{}{}
			<-ctx.Done()
			return "", context.Cause(ctx)
		}, nil)
		if err != nil {
			s.stopped <- err
		}
		return flow.Done("ended"), err
	}}
}

func TestPauseStopsAtOnceAndResumeGoesOn(t *testing.T) {
	t.Parallel()
	w, s := newWorld(t), newStuck()
	e := w.engine()
	e.Register("test", s.handlers(t))
	w.start(e)
	run := w.run(e, flow.NewRun{Limits: []flow.Limit{{Key: "idle", Most: 1}, {Key: "kept", Most: 1, Hold: flow.UntilFinished}}})
	<-s.begun
	if err := e.Pause(t.Context(), "wsp_other", run, flow.ByFounder, ""); !fault.Is(err, fault.NotFound) {
		t.Errorf("another team's pause: %v, want NotFound", err)
	}
	if err := e.Pause(t.Context(), team, run, flow.ByFounder, "a break"); err != nil {
		t.Fatal(err)
	}
	if err := <-s.stopped; !errors.Is(err, flow.ErrStopped) {
		t.Errorf("the step ended with %v, want ErrStopped", err)
	}
	got := w.await(e, run, flow.Paused)
	if got.Reason != flow.ByFounder || got.Detail != "a break" {
		t.Errorf("paused for %q %q", got.Reason, got.Detail)
	}
	if held := w.count(`SELECT count(*) FROM run_limit WHERE held AND kept`); held != 1 || w.count(`SELECT count(*) FROM run_limit WHERE held`) != 1 {
		t.Error("a paused run must hold what it holds until it is finished, and nothing else")
	}
	if w.count(`SELECT count(*) FROM river_job WHERE kind = 'node' AND state = 'available'`) != 0 {
		t.Error("a paused run is still with River")
	}
	s.mayEnd.Store(true)
	if err := e.Resume(t.Context(), team, run); err != nil {
		t.Fatal(err)
	}
	w.await(e, run, flow.Finished)
	if err := e.Pause(t.Context(), team, run, flow.ByFounder, ""); !fault.Is(err, fault.Conflict) {
		t.Errorf("a pause after the end: %v, want Conflict", err)
	}
	if n := w.count(`SELECT count(*) FROM run_limit WHERE held`); n != 0 {
		t.Errorf("%d tokens are held after the end", n)
	}
}

func TestEndIsTheEnd(t *testing.T) {
	t.Parallel()
	w, s := newWorld(t), newStuck()
	e := w.engine()
	e.Register("test", s.handlers(t))
	w.start(e)
	run := w.run(e, flow.NewRun{})
	<-s.begun
	if err := e.End(t.Context(), team, run, flow.ByFounder, "enough"); err != nil {
		t.Fatal(err)
	}
	if err := <-s.stopped; !errors.Is(err, flow.ErrStopped) {
		t.Errorf("the step ended with %v, want ErrStopped", err)
	}
	if got := w.await(e, run, flow.Ended); got.Detail != "enough" {
		t.Errorf("ended for %q", got.Detail)
	}
	if err := e.Resume(t.Context(), team, run); !fault.Is(err, fault.Conflict) {
		t.Errorf("resuming what is over: %v, want Conflict", err)
	}
}

// What is paid for may finish while the process is stopped; other steps end at once.
func TestStopWaitsForWhatIsPaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine()
	begun, answer, cut := make(chan struct{}, 2), make(chan struct{}), make(chan error, 1)
	e.Register("test", flow.Handlers{
		"first": func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
			_, err := flow.Paid(ctx, n, "call", func(ctx context.Context) (string, error) {
				begun <- struct{}{}
				select {
				case <-answer:
					return "said", nil
				case <-ctx.Done():
					return "", context.Cause(ctx)
				}
			}, nil)
			if err != nil {
				return flow.Outcome{}, err
			}
			_, err = flow.Step(ctx, n, "next", func(context.Context) (int, error) {
				t.Error("a step began while the process was being stopped")
				return 0, nil
			}, nil)
			return flow.Done(nil), err
		},
		"tool": func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
			_, err := flow.Step(ctx, n, "run", func(ctx context.Context) (int, error) {
				begun <- struct{}{}
				<-ctx.Done()
				cut <- context.Cause(ctx)
				return 0, context.Cause(ctx)
			}, nil)
			return flow.Done(nil), err
		},
	})
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	paid := w.run(e, flow.NewRun{})
	w.run(e, flow.NewRun{First: flow.Next{Name: "tool"}})
	<-begun
	<-begun
	stopped := make(chan error, 1)
	go func() { stopped <- e.Stop(context.WithoutCancel(t.Context())) }()
	if err := <-cut; !errors.Is(err, flow.ErrDraining) {
		t.Errorf("the tool was cut by %v, want ErrDraining", err)
	}
	close(answer)
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
	if n := w.count(`SELECT count(*) FROM step s JOIN node n ON n.id = s.node_id WHERE n.run_id = $1`, paid); n != 1 {
		t.Errorf("%d steps were kept, want the paid one", n)
	}
	if n := w.count(`SELECT count(*) FROM node WHERE state = 'ready'`); n != 2 {
		t.Errorf("nodes %v, want both back in line", w.nodes())
	}
	if err := e.Stop(t.Context()); err != nil {
		t.Errorf("stopping twice: %v", err)
	}
}

func TestMessagesAreTakenOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine()
	read := func(ctx context.Context, n *flow.Node) ([]string, error) {
		ms, err := flow.TakeMessages(ctx, n, "messages")
		said := []string{}
		for _, m := range ms {
			var s string
			if err := json.Unmarshal(m.Body, &s); err != nil {
				return nil, err
			}
			said = append(said, m.Author+": "+s)
		}
		return said, err
	}
	failed := false
	e.Register("test", flow.Handlers{
		"first": func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
			said, err := read(ctx, n)
			if err == nil && !failed {
				failed = true
				return flow.Outcome{}, errors.New("once, after the messages were taken")
			}
			return flow.Go(flow.Next{Name: "second", Input: said}), err
		},
		"second": func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
			var before []string
			if err := n.Input(&before); err != nil {
				return flow.Outcome{}, err
			}
			after, err := read(ctx, n)
			return flow.Done([][]string{before, after}), err
		},
	})
	run := w.run(e, flow.NewRun{})
	send := func(workspace, body string) error {
		return pgx.BeginFunc(t.Context(), w.pool, func(tx pgx.Tx) error {
			_, err := e.SendTx(t.Context(), tx, workspace, run, "usr_one", body)
			return err
		})
	}
	for _, body := range []string{"make it blue", "and round"} {
		if err := send(team, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := send("wsp_other", "mine"); !fault.Is(err, fault.NotFound) {
		t.Errorf("another team's message: %v, want NotFound", err)
	}
	w.start(e)
	got := w.await(e, run, flow.Finished)
	if want := `[["usr_one: make it blue","usr_one: and round"],[]]`; string(got.Output) != want {
		t.Errorf("messages %s, want %s", got.Output, want)
	}
	if err := send(team, "too late"); !fault.Is(err, fault.Conflict) {
		t.Errorf("a message after the end: %v, want Conflict", err)
	}
}

func TestWaitEndsByTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine()
	e.Register("test", flow.Handlers{
		"first": func(_ context.Context, n *flow.Node) (flow.Outcome, error) {
			return flow.Await(flow.Wait{For: flow.ForBudget, Key: "budget/" + string(n.Run), Until: time.Now()}, flow.Next{Name: "second"}), nil
		},
		"second": func(_ context.Context, n *flow.Node) (flow.Outcome, error) {
			var s string
			answered, err := n.Answer(&s)
			return flow.Done(answered), err
		},
	})
	w.start(e)
	run := w.run(e, flow.NewRun{})
	if got := w.await(e, run, flow.Finished); string(got.Output) != "false" {
		t.Errorf("answered: %s, want false", got.Output)
	}
	if n, err := e.Answer(t.Context(), team, "budget/"+string(run), "raised"); n != 0 || err != nil {
		t.Errorf("an answer that is too late = %d, %v; want 0", n, err)
	}
}

// An answer belongs to the workspace that was asked, and while the run is paused it is
// kept until the run goes on.
func TestAnswerWhilePaused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine()
	e.Register("test", graph())
	w.start(e)
	run := w.run(e, flow.NewRun{Input: 0})
	w.await(e, run, flow.Waiting)
	if err := e.Pause(t.Context(), team, run, "account", ""); err != nil {
		t.Fatal(err)
	}
	key := "dec_" + string(run)
	if n, err := e.Answer(t.Context(), "wsp_other", key, "no"); n != 0 || err != nil {
		t.Errorf("another team's answer = %d, %v; want 0", n, err)
	}
	if n, err := e.Answer(t.Context(), team, key, "yes"); n != 1 || err != nil {
		t.Fatalf("Answer = %d, %v; want 1", n, err)
	}
	w.await(e, run, flow.Paused)
	if err := e.Resume(t.Context(), team, run); err != nil {
		t.Fatal(err)
	}
	if got := w.await(e, run, flow.Finished); string(got.Output) != `{"outs":[],"said":"yes"}` {
		t.Errorf("output %s", got.Output)
	}
}

func TestAdmitPausesAndHandlersThatFailRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	suspended := atomic.Bool{}
	suspended.Store(true)
	e := w.engine(func(c *flow.Config) {
		c.Admit = func(context.Context, *flow.Node) (flow.Reason, error) {
			if suspended.Load() {
				return "account", nil
			}
			return "", nil
		}
	})
	panicked := false
	e.Register("test", flow.Handlers{"first": func(_ context.Context, n *flow.Node) (flow.Outcome, error) {
		if !panicked {
			panicked = true
			panic("once")
		}
		return flow.Done(n.Failures), nil
	}})
	w.start(e)
	run := w.run(e, flow.NewRun{})
	if got := w.await(e, run, flow.Paused); got.Reason != "account" {
		t.Errorf("paused for %q, want account", got.Reason)
	}
	suspended.Store(false)
	if err := e.Resume(t.Context(), team, run); err != nil {
		t.Fatal(err)
	}
	if got := w.await(e, run, flow.Finished); string(got.Output) != "1" {
		t.Errorf("failures before the end: %s, want 1", got.Output)
	}
}

func TestForgetRemovesEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine()
	e.Register("test", graph())
	w.start(e)
	gone, stays := w.run(e, flow.NewRun{Input: 1, Project: "prj_gone"}), w.run(e, flow.NewRun{Input: 1, Project: "prj_stays"})
	w.await(e, gone, flow.Waiting)
	w.await(e, stays, flow.Waiting)
	if err := pgx.BeginFunc(t.Context(), w.pool, func(tx pgx.Tx) error { return e.ForgetTx(t.Context(), tx, "prj_gone") }); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Run(t.Context(), team, gone); !fault.Is(err, fault.NotFound) {
		t.Errorf("the forgotten run: %v, want NotFound", err)
	}
	runs, err := e.Runs(t.Context(), team, "prj_stays", "", 10)
	if err != nil || len(runs) != 1 || runs[0].ID != stays {
		t.Errorf("runs %v, %v; want %s", runs, err, stays)
	}
	if n := w.count(`SELECT count(DISTINCT run_id) FROM node`); n != 1 {
		t.Errorf("nodes of %d runs are left, want 1", n)
	}
	if diff := cmp.Diff([]flow.Run{}, must(e.Runs(t.Context(), "wsp_other", "prj_stays", "", 10))); diff != "" {
		t.Errorf("another team sees %s", diff)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

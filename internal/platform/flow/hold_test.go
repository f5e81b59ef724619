package flow_test

import (
	"context"
	"errors"
	"testing"

	"cofounder/internal/platform/flow"

	"github.com/jackc/pgx/v5"
)

// Everything open of a project pauses together, what is at work at once, and goes on
// together; what was paused for something else stays so.
func TestPauseAndResumeProject(t *testing.T) {
	t.Parallel()
	const project = "prj_one"
	w, s := newWorld(t), newStuck()
	e := w.engine()
	e.Register("test", s.handlers(t))
	e.Register("asks", graph())
	w.start(e)
	working := w.run(e, flow.NewRun{Project: project, Limits: []flow.Limit{{Key: "u", Most: 1}}})
	<-s.begun
	waiting := w.run(e, flow.NewRun{Kind: "asks", Input: 0, Project: project})
	w.await(e, waiting, flow.Waiting)
	queued := w.run(e, flow.NewRun{Kind: "later", Project: project})
	resting := w.run(e, flow.NewRun{Kind: "later", Project: project})
	if err := e.Pause(t.Context(), team, resting, flow.ByFounder, "mine"); err != nil {
		t.Fatal(err)
	}
	elsewhere := w.run(e, flow.NewRun{Kind: "asks", Input: 0, Project: "prj_two"})
	w.await(e, elsewhere, flow.Waiting)
	pause := func(workspace string) {
		t.Helper()
		if err := w.inTx(e, func(ctx context.Context, tx pgx.Tx) error {
			return flow.PauseProjectTx(ctx, tx, workspace, project, "on_hold", "On hold.")
		}); err != nil {
			t.Fatal(err)
		}
	}
	pause("wsp_other")
	w.await(e, working, flow.Running)
	pause(team)
	if err := <-s.stopped; !errors.Is(err, flow.ErrStopped) {
		t.Errorf("the step ended with %v, want ErrStopped", err)
	}
	for run, why := range map[flow.RunID]flow.Reason{working: "on_hold", waiting: "on_hold", queued: "on_hold", resting: flow.ByFounder} {
		if got := w.await(e, run, flow.Paused); got.Reason != why {
			t.Errorf("%s is paused for %q, want %q", run, got.Reason, why)
		}
	}
	if r := w.await(e, elsewhere, flow.Waiting, flow.Paused); r.State != flow.Waiting {
		t.Errorf("a run of another project is %s", r.State)
	}
	if n := w.count(`SELECT count(*) FROM run_limit WHERE held`); n != 0 {
		t.Errorf("%d tokens are held on hold", n)
	}
	// An answer that comes meanwhile is kept.
	if n, err := e.Answer(t.Context(), team, "dec_"+string(waiting), "yes"); n != 1 || err != nil {
		t.Fatalf("Answer = %d, %v", n, err)
	}
	s.mayEnd.Store(true)
	if err := w.inTx(e, func(ctx context.Context, tx pgx.Tx) error {
		return flow.ResumeProjectTx(ctx, tx, team, project, "on_hold")
	}); err != nil {
		t.Fatal(err)
	}
	w.await(e, working, flow.Finished)
	if got := w.await(e, waiting, flow.Finished); string(got.Output) != `{"outs":[],"said":"yes"}` {
		t.Errorf("output %s", got.Output)
	}
	w.await(e, queued, flow.Queued)
	w.await(e, resting, flow.Paused)
}

// A commit that the server undoes to let another transaction go on is tried again: what
// was done is not lost because somebody locked in another order.
func TestCommitSurvivesADeadlock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine()
	done, tries := 0, 0
	e.Register("test", flow.Handlers{"first": func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
		_, err := flow.Step(ctx, n, "paid", func(context.Context) (int, error) { done++; return done, nil }, func(c *flow.Commit, _ int) error {
			c.Tx(func(ctx context.Context, tx pgx.Tx) error {
				if tries++; tries > 1 {
					return nil
				}
				_, err := tx.Exec(ctx, `DO $$ BEGIN RAISE EXCEPTION 'as the server says it' USING ERRCODE = 'deadlock_detected'; END $$`)
				return err
			})
			return nil
		})
		return flow.Done(nil), err
	}})
	w.start(e)
	run := w.run(e, flow.NewRun{})
	w.await(e, run, flow.Finished)
	if c := w.chapter(e, run, "first"); c.Failures != 0 || len(c.Steps) != 1 || len(c.Attempts) != 1 {
		t.Errorf("%d failures, %d steps, %d claims; want none, one, one", c.Failures, len(c.Steps), len(c.Attempts))
	}
	if done != 1 || tries != 2 {
		t.Errorf("done %d times and written %d times, want once and twice", done, tries)
	}
}

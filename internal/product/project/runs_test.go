package project_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"
)

// What works on a project pauses in the transaction that puts it on hold or deletes it,
// and goes on when that is taken back.
func TestRunsPauseWithTheirProject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, _ := w.founder(t)
	stranger, _ := w.founder(t)
	e, err := flow.New(flow.Config{DB: w.db, Clock: clock.System{}, IDs: id.NewSource(clock.System{}.Now), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	begun, stopped := make(chan struct{}), make(chan error)
	e.Register("work", flow.Handlers{project.FirstNode: func(ctx context.Context, _ *flow.Node) (flow.Outcome, error) {
		begun <- struct{}{}
		<-ctx.Done()
		stopped <- context.Cause(ctx)
		return flow.Outcome{}, context.Cause(ctx)
	}})
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := w.Create(t.Context(), owner, project.Draft{Idea: "a shop for dogs"})
	if err != nil {
		t.Fatal(err)
	}
	run, err := e.StartRun(t.Context(), p.Run("work", owner.User, "", nil))
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	if _, err := w.Park(t.Context(), stranger, p.ID, ""); err == nil {
		t.Error("a stranger parks it")
	}
	if got := p.MayRun(); got != "" {
		t.Errorf("an active project may not run: %q", got)
	}
	type act = func(context.Context, account.Actor, project.ID) (project.Project, error)
	park := func(ctx context.Context, a account.Actor, i project.ID) (project.Project, error) {
		return w.Park(ctx, a, i, "later")
	}
	for _, step := range []struct {
		do, undo act
		why      flow.Reason
		detail   string
	}{
		{park, w.Unpark, project.OnHold, "This project is on hold."},
		{w.Delete, w.Restore, project.OfDeleted, "This project is deleted."},
	} {
		changed, err := step.do(t.Context(), owner, p.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got := changed.MayRun(); got != step.why {
			t.Errorf("it may not run for %q, want %q", got, step.why)
		}
		if err := <-stopped; !errors.Is(err, flow.ErrStopped) {
			t.Errorf("%s: stopped by %v", step.why, err)
		}
		r, err := e.Run(t.Context(), string(owner.Workspace), run)
		if err != nil || r.State != flow.Paused || r.Reason != step.why || r.Detail != step.detail {
			t.Errorf("the run is %s for %q, %q, %v; want paused for %q", r.State, r.Reason, r.Detail, err, step.why)
		}
		if _, err := step.undo(t.Context(), owner, p.ID); err != nil {
			t.Fatal(err)
		}
		<-begun // it goes on
	}
	if _, err := w.Park(t.Context(), owner, p.ID, ""); err != nil { // so that stopping waits for nothing
		t.Fatal(err)
	}
	if err := <-stopped; !errors.Is(err, flow.ErrStopped) {
		t.Errorf("at last stopped by %v", err)
	}
	if err := e.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

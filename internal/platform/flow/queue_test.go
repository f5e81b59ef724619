package flow_test

import (
	"context"
	"testing"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/flow"

	"github.com/jackc/pgx/v5"
)

// What is done by hand to River's jobs never decides about a node: whoever is at work
// begins anew, without a failure.
func TestJobsByHand(t *testing.T) {
	t.Parallel()
	w, s := newWorld(t), newStuck()
	e := w.engine()
	e.Register("test", s.handlers(t))
	w.start(e)
	change := func(what flow.JobChange, jobs ...int64) error {
		return w.inTx(e, func(ctx context.Context, tx pgx.Tx) error { return e.ChangeJobsTx(ctx, tx, what, jobs) })
	}
	run := w.run(e, flow.NewRun{})
	<-s.begun
	delivery := int64(w.count(`SELECT job FROM node WHERE run_id = $1`, run))
	if err := change(flow.DeleteJobs, delivery); !fault.Is(err, fault.Conflict) {
		t.Errorf("deleting what is at work: %v, want Conflict", err)
	}
	if err := change(flow.RetryJobs, delivery, 1<<60); !fault.Is(err, fault.NotFound) {
		t.Errorf("retrying no job: %v, want NotFound", err)
	}
	if err := change("forget", delivery); err == nil {
		t.Error("an unknown change is no error")
	}
	if err := change(flow.CancelJobs, delivery); err != nil {
		t.Fatal(err)
	}
	if err := <-s.stopped; err == nil {
		t.Error("the step was not stopped")
	}
	<-s.begun // another claim; the kept step is not done again
	if c := w.chapter(e, run, "first"); c.Failures != 0 || len(c.Attempts) != 2 {
		t.Errorf("%d failures and %d claims, want 0 and 2", c.Failures, len(c.Attempts))
	}
	s.mayEnd.Store(true)
	if err := change(flow.CancelJobs, int64(w.count(`SELECT job FROM node WHERE run_id = $1`, run))); err != nil {
		t.Fatal(err)
	}
	w.await(e, run, flow.Finished)
	if err := change(flow.RetryJobs, delivery); err != nil { // an old epoch, so nothing comes of it
		t.Fatal(err)
	}
	w.until(func() bool {
		return w.count(`SELECT count(*) FROM river_job WHERE id = $1 AND state = 'completed'`, delivery) == 1
	}, func() string { return "the old delivery is not taken" })
	if err := change(flow.DeleteJobs, delivery); err != nil {
		t.Fatal(err)
	}
	if n := w.count(`SELECT count(*) FROM attempt`); n != 3 {
		t.Errorf("%d claims, want 3", n)
	}
}

func TestPausedQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine()
	e.Register("test", flow.Handlers{"first": done})
	w.start(e)
	queue := func(do func(ctx context.Context, tx pgx.Tx, name string) error, name string) error {
		return w.inTx(e, func(ctx context.Context, tx pgx.Tx) error { return do(ctx, tx, name) })
	}
	w.await(e, w.run(e, flow.NewRun{}), flow.Finished) // both queues are known now
	if err := queue(e.PauseQueueTx, "nowhere"); !fault.Is(err, fault.NotFound) {
		t.Errorf("pausing no queue: %v, want NotFound", err)
	}
	if err := queue(e.PauseQueueTx, "node"); err != nil {
		t.Fatal(err)
	}
	c, err := e.Condition(t.Context())
	if err != nil || len(c.Paused) != 1 || c.Paused[0].Name != "node" {
		t.Errorf("paused %+v, %v", c.Paused, err)
	}
	if err := queue(e.ResumeQueueTx, "node"); err != nil {
		t.Fatal(err)
	}
	w.await(e, w.run(e, flow.NewRun{}), flow.Finished)
}

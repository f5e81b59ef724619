package flow

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// AddJob names who does a plain job, background work that has no run: a mail, a webhook;
// before Start. EnqueueTx asks for it. River delivers it at least once and tries it again,
// more and more rarely, up to 25 times. T names its kind and is kept as JSON.
func AddJob[T river.JobArgs](e *Engine, do func(ctx context.Context, args T) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.started {
		var args T
		panic(fmt.Sprintf("flow: job %q is added after Start", args.Kind()))
	}
	river.AddWorker(e.workers, river.WorkFunc(func(ctx context.Context, job *river.Job[T]) error { return do(ctx, job.Args) }))
}

// EnqueueTx asks for a plain job as part of tx. It may be done as soon as tx has
// committed, by any process that knows its kind.
func (e *Engine) EnqueueTx(ctx context.Context, tx pgx.Tx, args river.JobArgs) error {
	if _, err := e.client.InsertTx(ctx, tx, args, nil); err != nil {
		return fmt.Errorf("enqueue %s: %w", args.Kind(), err)
	}
	return nil
}

// Periodic is work that is due again and again: at the full multiples of Every since
// midnight in UTC, so that a deploy does not begin the wait anew. What was missed while
// nobody worked is done once, at once. Over all processes it is done once each time.
type Periodic struct {
	Name  string        // for example "account.sweep"
	Every time.Duration // a minute to 24 hours
	Do    func(ctx context.Context) error
}

// AddPeriodic adds periodic work; before Start.
func (e *Engine) AddPeriodic(p Periodic) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.started || p.Every < time.Minute || p.Every > 24*time.Hour {
		panic(fmt.Sprintf("flow: periodic work %q is added after Start, or not due each minute to day", p.Name))
	}
	args := periodicArgs{name: p.Name}
	river.AddWorkerArgs(e.workers, args, river.WorkFunc(func(ctx context.Context, _ *river.Job[periodicArgs]) error { return p.Do(ctx) }))
	// What is due is inserted once per period: whoever leads inserts it when it
	// begins to lead, and the unique key keeps it from coming twice.
	once := river.UniqueOpts{ByPeriod: p.Every, ByState: rivertype.JobStates()}
	e.periodic = append(e.periodic, river.NewPeriodicJob(multiples(p.Every),
		func() (river.JobArgs, *river.InsertOpts) {
			return args, &river.InsertOpts{MaxAttempts: periodicTries, UniqueOpts: once}
		},
		&river.PeriodicJobOpts{ID: p.Name, RunOnStart: true}))
}

// periodicTries is how often periodic work is tried before the next time it is due.
const periodicTries = 3

// periodicArgs are those of periodic work, whose name is its kind.
type periodicArgs struct{ name string }

// Kind implements river.JobArgs.
func (p periodicArgs) Kind() string { return p.name }

// multiples is a schedule of absolute instants.
type multiples time.Duration

// Next implements river.PeriodicSchedule.
func (m multiples) Next(t time.Time) time.Time {
	return t.UTC().Truncate(time.Duration(m)).Add(time.Duration(m))
}

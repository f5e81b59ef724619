package flow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

const (
	// fetchCooldown is River's least pause between two fetches, and between two
	// notifications: what is handed out sooner after the last is found by polling only
	// (with 5 ms every twentieth node of a quick chain waited for 100 ms).
	fetchCooldown = time.Millisecond
	fetchPoll     = 100 * time.Millisecond // how often it looks by itself
	jobTime       = 5 * time.Minute        // a plain job, unless it says otherwise
	rescueAfter   = jobTime + time.Minute  // plain jobs of a dead process are tried again
	jobSlots      = 4                      // plain jobs at a time
	beatTime      = 2 * time.Second        // bounds one beat
)

// workingClient is River's client of a process that works. The one of New only inserts.
func (e *Engine) workingClient() (*river.Client[pgx.Tx], error) {
	if err := river.AddWorkerSafely(e.workers, worker{engine: e}); err != nil {
		return nil, fmt.Errorf("start worker: %w", err)
	}
	client, err := river.NewClient(riverpgxv5.New(e.cfg.DB), &river.Config{
		ID: e.cfg.Worker, Workers: e.workers, PeriodicJobs: e.periodic, Logger: riverLog(e.cfg.Log),
		// The limiter of notifications reads the one here, fetching the one of the queue.
		FetchCooldown: fetchCooldown,
		Queues: map[string]river.QueueConfig{
			nodeQueue:          {MaxWorkers: e.cfg.Slots, FetchCooldown: fetchCooldown, FetchPollInterval: fetchPoll},
			river.QueueDefault: {MaxWorkers: jobSlots, FetchCooldown: fetchPoll, FetchPollInterval: time.Second},
		},
		JobTimeout: jobTime, RescueStuckJobsAfter: rescueAfter,
	})
	if err != nil {
		return nil, fmt.Errorf("start worker: %w", err)
	}
	return client, nil
}

// riverLog keeps what River says about its routine out of the log.
func riverLog(log *slog.Logger) *slog.Logger { return slog.New(warnings{log.Handler()}) }

// warnings passes on warnings and worse.
type warnings struct{ slog.Handler }

// Enabled implements slog.Handler.
func (w warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && w.Handler.Enabled(ctx, l)
}

// WithAttrs implements slog.Handler.
func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }

const (
	joinWorkers = `
INSERT INTO worker AS w (id, instance, slots, handlers) VALUES ($1, $2, $3, $4)
ON CONFLICT (id) DO UPDATE SET instance = excluded.instance, slots = excluded.slots, handlers = excluded.handlers,
    draining = false, started_at = clock_timestamp(), beat = clock_timestamp()
WHERE w.instance = excluded.instance OR NOT ` + alive

	beatWorker = `UPDATE worker SET beat = clock_timestamp() WHERE id = $1 AND instance = $2`

	drainWorker = `UPDATE worker SET draining = true, beat = clock_timestamp() WHERE id = $1 AND instance = $2`

	leaveNodes = `
WITH gone AS (
    UPDATE node SET state = 'ready', worker = NULL, epoch = epoch + 1 WHERE worker = $1 AND state = 'running' RETURNING job
)` + cancelJobs

	leaveWorkers = `DELETE FROM worker WHERE id = $1 AND instance = $2`
)

// join puts this process among those that work.
func (e *Engine) join(ctx context.Context) error {
	tag, err := e.cfg.DB.Exec(ctx, joinWorkers, e.cfg.Worker, e.instance, e.cfg.Slots, e.known())
	if err != nil {
		return fmt.Errorf("join the workers: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return errDuplicate(e.cfg.Worker)
	}
	return nil
}

// retire tells the dispatchers to reckon without this process.
func (e *Engine) retire(ctx context.Context) error {
	if _, err := e.cfg.DB.Exec(ctx, drainWorker, e.cfg.Worker, e.instance); err != nil {
		return fmt.Errorf("retire: %w", err)
	}
	return nil
}

// leave takes this process from those that work; what it did not finish goes back to
// the line.
func (e *Engine) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	b := &pgx.Batch{}
	b.Queue(leaveNodes, e.cfg.Worker)
	b.Queue(leaveWorkers, e.cfg.Worker, e.instance)
	if err := e.cfg.DB.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("leave the workers: %w", err)
	}
	return nil
}

// beats says every second that this process lives. When that fails for stopAfter it
// stops what it does, before others may take it over: the timer runs from when the last
// good beat was sent, on the clock of the kernel that nobody sets.
func (e *Engine) beats(ctx context.Context) {
	watchdog := time.AfterFunc(stopAfter, e.lose)
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			watchdog.Stop()
			return
		case <-tick.C:
		}
		next := time.AfterFunc(stopAfter, e.lose)
		if err := e.beat(ctx); err != nil {
			next.Stop()
			if ctx.Err() == nil {
				e.cfg.Log.WarnContext(ctx, "the worker could not say that it lives", "err", err)
			}
			continue
		}
		watchdog.Stop()
		watchdog = next
		e.lost.Store(false)
	}
}

// lose stops everything here: others may be about to take it over.
func (e *Engine) lose() {
	e.lost.Store(true)
	e.live.cancel(ErrLost)
}

func (e *Engine) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, beatTime)
	defer cancel()
	tag, err := e.cfg.DB.Exec(ctx, beatWorker, e.cfg.Worker, e.instance)
	if err != nil {
		return fmt.Errorf("beat: %w", err)
	}
	if tag.RowsAffected() == 1 {
		return nil
	}
	// Declared dead while it stood still, and cleared away.
	e.lose()
	return errors.Join(errDeclaredDead, e.join(ctx))
}

var errDeclaredDead = errors.New("others had declared this worker dead; it begins anew")

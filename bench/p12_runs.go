package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"cofounder/bench/sample"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/private"
	"cofounder/internal/platform/flow"

	"github.com/jackc/pgx/v5/pgxpool"
)

// running is the second half of p12: restarts while runs are at work.
type running struct {
	runs     int // at work all the time
	restarts int // of each of two processes that serve and two that work
	pieces   int // nodes of a run, one after the other
	turns    int // model calls of each
	drip     time.Duration
	slots    int // of a process; both together have room for all runs
}

const pauseTarget = 5 * time.Second // p95

func wholeRunning() running {
	return running{runs: 50, restarts: 3, pieces: 3, turns: 3, drip: 100 * time.Millisecond, slots: 32}
}

// interrupted is what came of it.
type interrupted struct {
	restarts int
	visits   result
	runs     int // that came to their end
	failed   int // that did not end well
	flaws    int // gaps in events and whatever else does not fit together
	pauses   []time.Duration
	silences []time.Duration // between two events of a run
}

func (i interrupted) judge() verdict {
	paused := quantileOf(i.pauses, .95)
	return verdict{
		figures: fmt.Sprintf("%d restarts of 2 × 2 processes under %d runs: %d failed runs, %d of %d requests failed, %d lost, %d gaps or other flaws in records, pause p95 %s of %d nodes handed over",
			i.restarts, i.runs, i.failed, i.visits.failed, i.visits.requests, i.visits.lost, i.flaws, paused, len(i.pauses)),
		targets: fmt.Sprintf("0, 0, 0, 0, < %s", pauseTarget),
		short:   i.failed > 0 || i.visits.failed > 0 || i.visits.lost > 0 || i.flaws > 0 || len(i.pauses) == 0 || paused >= pauseTarget || i.runs == 0,
	}
}

// during is that half at work.
type during struct {
	running
	pool    *pgxpool.Pool
	model   *sample.Model
	starter *sample.World
	journal *journal
	workers []*worker
	hired   int
}

const runsProject = "p12"

// under restarts processes of two kinds, each kind one after the other, under runs and
// visitors.
func (r running) under(ctx context.Context, s *series, in *installation) (found interrupted, err error) {
	d := &during{running: r, journal: s.journal}
	defer func() { err = errors.Join(err, d.close(context.WithoutCancel(ctx))) }()
	if err := d.open(ctx, filepath.Join(in.folder, "data")); err != nil {
		return found, err
	}
	who, err := in.signIn(ctx, s.site.url)
	if err != nil {
		return found, err
	}
	enough, fed := make(chan struct{}), make(chan error, 1)
	go func() { fed <- d.feed(ctx, enough) }()
	working := make(chan error, 1)
	go func() { working <- d.replaceWorkers(ctx) }()
	found.visits, err = s.run(ctx, who)
	err = errors.Join(err, <-working)
	close(enough)
	if err = errors.Join(err, <-fed); err != nil {
		return found, err
	}
	found.restarts = found.visits.restarts + d.hired - 2
	return found, d.look(ctx, &found)
}

func (d *during) open(ctx context.Context, data string) error {
	status, err := private.StatusOf(data)
	if err != nil {
		return err
	}
	if d.pool, err = db.Open(ctx, status.URL(), db.Options{Name: "bench", MaxConns: 4}); err != nil {
		return err
	}
	if d.model, err = sample.ServeModel(ctx, d.drip, 0, nil); err != nil {
		return err
	}
	if d.starter, err = sample.Open(ctx, sample.Config{DatabaseURL: status.URL(), ModelURL: d.model.URL, MaxConns: 4}); err != nil {
		return err
	}
	for range 2 {
		if err := d.hire(ctx); err != nil {
			return err
		}
	}
	return nil
}

// hire starts a process that works. It is this program with the sample graph; its engine
// and meter are those of the product.
func (d *during) hire(ctx context.Context) error {
	d.hired++
	w, err := hire(ctx, os.Args[0], duty{Address: d.pool.Config().ConnString(), Model: d.model.URL, Name: fmt.Sprint("p12-", d.hired), Slots: d.slots, Conns: 10})
	if err == nil {
		d.workers = append(d.workers, w)
	}
	return err
}

func (d *during) close(ctx context.Context) error {
	var err error
	for _, w := range d.workers {
		err = errors.Join(err, w.retire(ctx))
	}
	if d.starter != nil {
		err = errors.Join(err, d.starter.Close(ctx))
	}
	if d.model != nil {
		err = errors.Join(err, d.model.Close())
	}
	if d.pool != nil {
		d.pool.Close()
	}
	return err
}

// feed keeps as many runs at work as there are to be, until done is closed.
func (d *during) feed(ctx context.Context, done <-chan struct{}) error {
	for {
		var open int
		if err := d.pool.QueryRow(ctx, openRuns, runsProject).Scan(&open); err != nil {
			return fmt.Errorf("count runs: %w", err)
		}
		for range d.runs - open {
			_, err := d.starter.Start(ctx, sample.Plan{Pieces: d.pieces, Turns: d.turns, Serial: true, Quiet: true}, func(r *flow.NewRun) { r.Project = runsProject })
			if err != nil {
				return err
			}
		}
		select {
		case <-done:
			return nil
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// replaceWorkers replaces the oldest process that works, again and again: its successor
// works before it is told to stop.
func (d *during) replaceWorkers(ctx context.Context) error {
	for range 2 * d.restarts {
		if err := until(ctx, d.pool, idle, d.workers[0].Name); err != nil {
			return err
		}
		if err := d.hire(ctx); err != nil {
			return err
		}
		old := d.workers[0]
		d.workers = d.workers[1:]
		if err := old.retire(ctx); err != nil {
			return err
		}
	}
	return nil
}

const (
	// handedPauses are the times from the last thing recorded by a claim that did not
	// come to the end of its node until the next claim.
	handedPauses = `
SELECT extract(epoch FROM b.at - greatest(a.at, (SELECT max(s.at) FROM step s WHERE s.node_id = a.node_id AND s.epoch = a.epoch)))::float8
FROM attempt a JOIN node n ON n.id = a.node_id JOIN run r ON r.id = n.run_id
JOIN LATERAL (SELECT at FROM attempt b WHERE b.node_id = a.node_id AND b.epoch > a.epoch ORDER BY b.epoch LIMIT 1) b ON true
WHERE r.project_id = $1`

	silences = `
SELECT extract(epoch FROM at - before)::float8 FROM (
    SELECT e.at, lag(e.at) OVER (PARTITION BY e.stream ORDER BY e.seq) AS before FROM event e JOIN run r ON r.id = e.stream WHERE r.project_id = $1) s
WHERE before IS NOT NULL`

	endedWell = `SELECT count(*), count(*) FILTER (WHERE state <> 'done') FROM run WHERE project_id = $1`
)

// look waits until all runs are over.
func (d *during) look(ctx context.Context, found *interrupted) error {
	if err := until(ctx, d.pool, openRuns, runsProject); err != nil {
		return err
	}
	if err := d.pool.QueryRow(ctx, endedWell, runsProject).Scan(&found.runs, &found.failed); err != nil {
		return fmt.Errorf("count runs: %w", err)
	}
	problems, err := d.starter.Verify(ctx)
	if err != nil {
		return err
	}
	for _, p := range problems {
		d.journal.say("p12: runs: %s", p)
	}
	found.flaws = len(problems)
	if found.pauses, err = durations(ctx, d.pool, handedPauses, runsProject); err != nil {
		return err
	}
	if found.silences, err = durations(ctx, d.pool, silences, runsProject); err != nil {
		return err
	}
	d.journal.say("p12: runs: %d runs, %d failed, %d flaws in records; %d nodes handed over, pause p50 %s p95 %s max %s; between two events of a run p50 %s p95 %s max %s",
		found.runs, found.failed, found.flaws, len(found.pauses), quantileOf(found.pauses, .5), quantileOf(found.pauses, .95), quantileOf(found.pauses, 1),
		quantileOf(found.silences, .5), quantileOf(found.silences, .95), quantileOf(slices.Clone(found.silences), 1))
	return nil
}

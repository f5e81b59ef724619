package flow

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"cofounder/internal/base/fault"

	"github.com/jackc/pgx/v5"
)

const (
	// medianOf is how many of the newest runs of a kind an estimate looks at.
	medianOf = 100
	// medianFor is how long what they say is used before they are asked again.
	medianFor = 10 * time.Second
	// unknownRun is taken for a kind none of which was finished yet.
	unknownRun = 5 * time.Minute
	// A full line is worth another try after this, at least and at most.
	leastRetry, mostRetry = 30 * time.Second, 10 * time.Minute
)

// Place is where a queued run stands in line and when it may begin. The estimate is
// about what others took: half of the time it lies between Soonest and Latest.
type Place struct {
	Ahead   int // runs that will begin before it
	About   time.Duration
	Soonest time.Duration
	Latest  time.Duration
}

const placeOf = `
SELECT r.kind,
    (SELECT count(*) FROM run o WHERE o.started_at IS NULL AND o.state = 'open' AND (o.due, o.id) < (r.due, r.id)
        AND EXISTS (SELECT FROM node n WHERE n.run_id = o.id AND n.state IN ` + active + `)) AS ahead,
    -- within its tightest limit
    coalesce((SELECT max(((SELECT count(*) FROM run_limit h WHERE h.key = l.key AND (h.held OR EXISTS (
            SELECT FROM run o WHERE o.id = h.run_id AND o.started_at IS NULL AND o.state = 'open' AND (o.due, o.id) < (r.due, r.id)
            AND EXISTS (SELECT FROM node n WHERE n.run_id = o.id AND n.state IN ` + active + `)))) - l.most + 1)::float8 / l.most)
        FROM run_limit l WHERE l.run_id = r.id AND NOT l.held), 0) AS rounds,
    (` + room + `) AS room,
    (SELECT coalesce(sum(w.slots), 0) FROM worker w WHERE NOT w.draining AND ` + alive + `) AS slots
FROM run r WHERE r.id = $1 AND r.workspace_id = $2 AND r.state = 'open' AND r.started_at IS NULL`

// Place returns where a queued run of a workspace stands. One that has begun, is over or
// does not exist is fault.NotFound.
func (e *Engine) Place(ctx context.Context, workspace string, run RunID) (Place, error) {
	var kind Kind
	var ahead, free, slots int
	var rounds float64
	err := e.cfg.DB.QueryRow(ctx, placeOf, run, workspace).Scan(&kind, &ahead, &rounds, &free, &slots)
	if errors.Is(err, pgx.ErrNoRows) {
		return Place{}, fault.New(fault.NotFound, "not_in_line", "This is not in line any more.")
	}
	if err != nil {
		return Place{}, fmt.Errorf("find the place of %s: %w", run, err)
	}
	took, err := e.took(ctx, kind)
	if err != nil {
		return Place{}, err
	}
	if behind := ahead + 1 - free; behind > 0 {
		rounds = max(rounds, float64(behind)/float64(max(1, slots)))
	}
	rounds = max(0, rounds)
	return Place{
		Ahead: ahead, About: times(took.half, rounds), Soonest: times(took.quarter, rounds), Latest: times(took.threeQuarters, rounds),
	}, nil
}

func times(d time.Duration, by float64) time.Duration {
	return time.Duration(float64(d) * by).Round(time.Second)
}

// spread is how long runs of a kind were at work.
type spread struct {
	quarter, half, threeQuarters time.Duration
	asked                        time.Time
}

// medians remembers spreads for a moment.
type medians struct {
	mu    sync.Mutex
	kinds map[Kind]spread
}

const tookOf = `
SELECT count(*),
    coalesce(percentile_cont(0.25) WITHIN GROUP (ORDER BY worked), '0'),
    coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY worked), '0'),
    coalesce(percentile_cont(0.75) WITHIN GROUP (ORDER BY worked), '0')
FROM (SELECT worked FROM run WHERE kind = $1 AND finished_at IS NOT NULL AND state = 'done' AND worked IS NOT NULL
    ORDER BY finished_at DESC LIMIT $2) newest`

func (e *Engine) took(ctx context.Context, kind Kind) (spread, error) {
	e.medians.mu.Lock()
	defer e.medians.mu.Unlock()
	now := e.cfg.Clock.Now()
	if s, ok := e.medians.kinds[kind]; ok && now.Sub(s.asked).Abs() < medianFor {
		return s, nil
	}
	s := spread{asked: now}
	var n int
	if err := e.cfg.DB.QueryRow(ctx, tookOf, kind, medianOf).Scan(&n, &s.quarter, &s.half, &s.threeQuarters); err != nil {
		return spread{}, fmt.Errorf("read how long %s takes: %w", kind, err)
	}
	if n == 0 {
		s.quarter, s.half, s.threeQuarters = unknownRun/2, unknownRun, 2*unknownRun
	}
	if e.medians.kinds == nil {
		e.medians.kinds = map[Kind]spread{}
	}
	e.medians.kinds[kind] = s
	return s, nil
}

// What waits for its time, such as a run for the next day, is not in line yet.
const waitingRuns = `
SELECT (SELECT count(*) FROM (
        SELECT FROM node n JOIN run r ON r.id = n.run_id
        WHERE n.state = 'ready' AND r.started_at IS NULL AND r.kind = $3 LIMIT $1) l),
    (SELECT coalesce(sum(w.slots), 0) FROM worker w WHERE NOT w.draining AND ` + alive + `),
    EXISTS (SELECT FROM run WHERE workspace_id = $2 AND kind = $3 AND dedupe = $4 AND dedupe <> '')`

// roomTx refuses a run when the operator's cap is reached. Runs that start at the same
// moment may pass it together; it keeps the line short, it is no limit of anybody.
func (e *Engine) roomTx(ctx context.Context, tx pgx.Tx, r NewRun) error {
	if e.cfg.MaxWaiting == 0 {
		return nil
	}
	var waiting, slots int
	var known bool
	if err := tx.QueryRow(ctx, waitingRuns, e.cfg.MaxWaiting, r.Workspace, r.Kind, r.Dedupe).Scan(&waiting, &slots, &known); err != nil {
		return fmt.Errorf("count waiting runs: %w", err)
	}
	if known || waiting < e.cfg.MaxWaiting {
		return nil
	}
	took, err := e.took(ctx, r.Kind)
	if err != nil {
		return err
	}
	after := times(took.half, 1/float64(max(1, slots)))
	return fault.New(fault.Unavailable, "line_full", "So much is waiting here that nothing more is taken in now. Please try again a little later.").
		WithRetry(min(max(after, leastRetry), mostRetry))
}

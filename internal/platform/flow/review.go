package flow

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Choice chooses among the runs of all workspaces. Empty fields choose all.
type Choice struct {
	State     State
	Kind      Kind
	Workspace string
	After     RunID // the last of the page before; "" for the first page
	Limit     int
}

const (
	// The first condition is what an index or a short look can tell of the state.
	chosenRuns = `
SELECT q.id, q.kind, q.workspace, q.project, q.starter, q.state, q.reason, q.detail, q.created_at, q.started_at, q.finished_at, q.shortened_at, q.waits,
    'null'::json AS input, NULL::json AS output FROM (SELECT ` + runFacts + ` FROM run r
    WHERE ($1 = '' OR r.state = CASE WHEN $1 IN ('queued', 'running', 'waiting') THEN 'open' ELSE $1 END)
      AND ($2 = '' OR r.kind = $2) AND ($3 = '' OR r.workspace_id = $3) AND ($4 = '' OR r.id < $4)) q
WHERE $1 = '' OR q.state = $1 ORDER BY q.id DESC LIMIT $5`

	// From one kind to the next by the index, not through all runs.
	kindsOfRuns = `
WITH RECURSIVE k AS (
    (SELECT kind FROM run ORDER BY kind LIMIT 1)
    UNION ALL
    SELECT (SELECT r.kind FROM run r WHERE r.kind > k.kind ORDER BY r.kind LIMIT 1) FROM k WHERE k.kind IS NOT NULL
)
SELECT kind FROM k WHERE kind IS NOT NULL`
)

// RunsOfAll returns runs of all workspaces, newest first, without their inputs and
// outputs. It is for whoever runs the installation.
func (e *Engine) RunsOfAll(ctx context.Context, c Choice) ([]Run, error) {
	rows, err := e.cfg.DB.Query(ctx, chosenRuns, c.State, c.Kind, c.Workspace, c.After, c.Limit)
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	runs, err := pgx.CollectRows(rows, pgx.RowToStructByName[Run])
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	return runs, nil
}

// Kinds are those of which there are runs.
func (e *Engine) Kinds(ctx context.Context) ([]Kind, error) {
	rows, err := e.cfg.DB.Query(ctx, kindsOfRuns)
	if err != nil {
		return nil, fmt.Errorf("read kinds of runs: %w", err)
	}
	kinds, err := pgx.CollectRows(rows, pgx.RowTo[Kind])
	if err != nil {
		return nil, fmt.Errorf("read kinds of runs: %w", err)
	}
	return kinds, nil
}

// Condition is how the work of all processes goes.
type Condition struct {
	Workers []Worker
	Busy    int // nodes at work
	Ready   int // nodes in line
	// Oldest is how long the first of the nodes in line has been due, Due how long the
	// oldest job that River may deliver. Both should be seconds; 0 when there is none.
	Oldest time.Duration
	Due    time.Duration
	// Paused are River's queues that somebody has paused: what is in them stands
	// still, periodic work too.
	Paused []PausedQueue
}

// Worker is a process that works.
type Worker struct {
	ID       string
	Slots    int
	Busy     int
	Draining bool
	Since    time.Time
	Silent   time.Duration // since its last beat
}

// PausedQueue is a queue of River's that hands out nothing.
type PausedQueue struct {
	Name  string
	Since time.Time
}

const (
	conditionOfAll = `
SELECT (SELECT count(*) FROM node WHERE state = 'running'),
    (SELECT count(*) FROM node WHERE state = 'ready'),
    greatest('0', coalesce((SELECT clock_timestamp() - min(due) FROM node WHERE state = 'ready'), '0')),
    greatest('0', coalesce((SELECT clock_timestamp() - min(scheduled_at) FROM river_job WHERE state = 'available'), '0'))`

	allWorkers = `
SELECT w.id, w.slots, (SELECT count(*) FROM node n WHERE n.worker = w.id AND n.state = 'running') AS busy, w.draining,
    w.started_at AS since, greatest('0', clock_timestamp() - w.beat) AS silent
FROM worker w ORDER BY w.id`

	pausedQueues = `SELECT name, paused_at AS since FROM river_queue WHERE paused_at IS NOT NULL ORDER BY name`
)

// Condition returns how the work of all processes goes.
func (e *Engine) Condition(ctx context.Context) (Condition, error) {
	var c Condition
	if err := e.cfg.DB.QueryRow(ctx, conditionOfAll).Scan(&c.Busy, &c.Ready, &c.Oldest, &c.Due); err != nil {
		return Condition{}, fmt.Errorf("look how work goes: %w", err)
	}
	rows, err := e.cfg.DB.Query(ctx, allWorkers)
	if err != nil {
		return Condition{}, fmt.Errorf("read workers: %w", err)
	}
	if c.Workers, err = pgx.CollectRows(rows, pgx.RowToStructByName[Worker]); err != nil {
		return Condition{}, fmt.Errorf("read workers: %w", err)
	}
	if rows, err = e.cfg.DB.Query(ctx, pausedQueues); err != nil {
		return Condition{}, fmt.Errorf("read paused queues: %w", err)
	}
	if c.Paused, err = pgx.CollectRows(rows, pgx.RowToStructByName[PausedQueue]); err != nil {
		return Condition{}, fmt.Errorf("read paused queues: %w", err)
	}
	return c, nil
}

package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"

	"github.com/jackc/pgx/v5"
)

// RunID identifies a run.
type RunID string

// Prefix implements id.Kind.
func (RunID) Prefix() string { return "run" }

// Kind names what a run does: the set of handlers that know its nodes.
type Kind string

// NewRun is a run to be started. Workspace, Project and Starter are opaque: they are
// stored, handed to the nodes, and what reads for founders is filtered by.
type NewRun struct {
	Kind      Kind
	Workspace string // never empty
	Project   string // "" for none
	Starter   string // never empty
	First     Next   // the node it begins with
	Input     any    // of the run; every node can read it
	// Offset is added to the time the run becomes ready to find its place in line:
	// the smaller, the sooner. It bounds how far one can overtake another.
	Offset time.Duration
	Limits []Limit
	// Dedupe, if not empty, names this run within its workspace and kind: starting it
	// again is the same run.
	Dedupe string
	// NotBefore, if later than now, lets it wait until then before it stands in line.
	NotBefore time.Time
}

// Limit bounds how many runs with the same key may be at work at once, over all
// processes.
type Limit struct {
	Key  string
	Most int
	Hold Hold
}

// Hold says how long a run counts against a limit once it has begun.
type Hold uint8

const (
	// WhileActive gives the token back while the run waits or is paused.
	WhileActive Hold = iota
	// UntilFinished keeps it through waits and pauses to the end.
	UntilFinished
)

const (
	insertRun = `
INSERT INTO run (id, kind, workspace_id, project_id, starter_id, dedupe, input, "offset", due)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::interval, clock_timestamp() + $8::interval)
ON CONFLICT (workspace_id, kind, dedupe) WHERE dedupe <> '' DO NOTHING`

	insertLimits = `
INSERT INTO run_limit (run_id, key, most, kept)
SELECT $1, l.key, l.most, l.kept FROM unnest($2::text[], $3::int[], $4::boolean[]) AS l (key, most, kept)`

	insertFirst = `
INSERT INTO node (id, run_id, name, handler, state, due, input, wait, wake_at)
SELECT $2, r.id, $3, r.kind || '/' || $3, CASE WHEN later THEN 'waiting' ELSE 'ready' END, r.due, $4,
    CASE WHEN later THEN 'time' ELSE '' END, CASE WHEN later THEN $5::timestamptz END
FROM run r CROSS JOIN LATERAL (SELECT coalesce($5::timestamptz > clock_timestamp(), false) AS later) l WHERE r.id = $1`

	deduped = `SELECT id FROM run WHERE workspace_id = $1 AND kind = $2 AND dedupe = $3`
)

// StartTx puts a run in line as part of tx. Nobody works on it before tx commits; call
// Poke after that, so that this process does not wait for its next look. When the
// operator's cap on runs of its kind in line is reached it is a fault.Unavailable that says when to
// come back; a kind nobody has registered is not an error.
func (e *Engine) StartTx(ctx context.Context, tx pgx.Tx, r NewRun) (RunID, error) {
	if r.Kind == "" || r.Workspace == "" || r.Starter == "" || r.First.Name == "" {
		return "", errors.New("start run: kind, workspace, starter and first node must be named")
	}
	if err := e.roomTx(ctx, tx, r); err != nil {
		return "", err
	}
	input, err := json.Marshal(r.Input)
	if err != nil {
		return "", fmt.Errorf("start run: write input: %w", err)
	}
	first, err := json.Marshal(r.First.Input)
	if err != nil {
		return "", fmt.Errorf("start run: write input of %s: %w", r.First.Name, err)
	}
	run := id.Mint[RunID](e.cfg.IDs)
	tag, err := tx.Exec(ctx, insertRun, run, r.Kind, r.Workspace, r.Project, r.Starter, r.Dedupe, input, r.Offset)
	if err != nil {
		return "", fmt.Errorf("start run: %w", err)
	}
	if tag.RowsAffected() == 0 {
		if err := tx.QueryRow(ctx, deduped, r.Workspace, r.Kind, r.Dedupe).Scan(&run); err != nil {
			return "", fmt.Errorf("start run: find the one already started: %w", err)
		}
		return run, nil
	}
	b := &pgx.Batch{}
	if len(r.Limits) > 0 {
		keys, most, kept := make([]string, len(r.Limits)), make([]int, len(r.Limits)), make([]bool, len(r.Limits))
		for i, l := range r.Limits {
			keys[i], most[i], kept[i] = l.Key, l.Most, l.Hold == UntilFinished
		}
		b.Queue(insertLimits, run, keys, most, kept)
	}
	b.Queue(insertFirst, run, id.Mint[NodeID](e.cfg.IDs), r.First.Name, first, notBefore(r.NotBefore))
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return "", fmt.Errorf("start run: %w", err)
	}
	return run, nil
}

func notBefore(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// StartRun is StartTx in a transaction of its own.
func (e *Engine) StartRun(ctx context.Context, r NewRun) (RunID, error) {
	var run RunID
	err := db.InTx(ctx, e.cfg.DB, func(tx pgx.Tx) error {
		var err error
		run, err = e.StartTx(ctx, tx, r)
		return err
	})
	if err != nil {
		return "", err
	}
	e.Poke()
	return run, nil
}

const underway = `
SELECT id FROM run WHERE workspace_id = $1 AND project_id = $2 AND kind = $3 AND state IN ('open', 'paused') ORDER BY id LIMIT 1`

// UnderwayTx returns the oldest run of a kind of a project that is not over, as tx sees
// it; "" when there is none.
func (*Engine) UnderwayTx(ctx context.Context, tx pgx.Tx, workspace, project string, k Kind) (RunID, error) {
	var run RunID
	err := tx.QueryRow(ctx, underway, workspace, project, k).Scan(&run)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("look for runs under way: %w", err)
	}
	return run, nil
}

const setLimit = `UPDATE run_limit SET most = $2 WHERE key = $1 AND most <> $2`

// SetLimitTx changes a limit for the runs that have it and are not finished: a plan
// was bought or left. What is at work beyond a lowered limit goes on.
func (e *Engine) SetLimitTx(ctx context.Context, tx pgx.Tx, key string, most int) error {
	if _, err := tx.Exec(ctx, setLimit, key, most); err != nil {
		return fmt.Errorf("set limit %s: %w", key, err)
	}
	return nil
}

// notFound is what a run of another workspace is answered with, too.
func notFound() error { return fault.New(fault.NotFound, "run_not_found", "There is no such run.") }

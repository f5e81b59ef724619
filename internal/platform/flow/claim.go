package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"cofounder/internal/base/faultpoint"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// nodeQueue is River's queue of nodes.
const nodeQueue = "node"

// nodeArgs is a delivery: a node at the epoch at which it was handed out. An old
// delivery finds another epoch and does nothing.
type nodeArgs struct {
	Node  NodeID `json:"node"`
	Epoch int64  `json:"epoch"`
	Run   RunID  `json:"run"` // for people who look at the queue
}

// Kind implements river.JobArgs.
func (nodeArgs) Kind() string { return "node" }

// InsertOpts implements river.JobArgsWithInsertOpts. River tries a delivery once; what
// happens to a node is decided here.
func (nodeArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: nodeQueue, MaxAttempts: 1}
}

// worker takes deliveries from River.
type worker struct {
	river.WorkerDefaults[nodeArgs]

	engine *Engine
}

// Timeout implements river.Worker: a node takes as long as it takes, and is never
// rescued by age; the beat decides.
func (worker) Timeout(*river.Job[nodeArgs]) time.Duration { return -1 }

// unknownPause is how long a delivery of something only newer processes know waits
// before one of them may get it.
const unknownPause = time.Second

const (
	claimNode = `
WITH claimed AS (
    UPDATE node SET epoch = epoch + 1, worker = $3, state = 'running', job = $4, claimed_at = clock_timestamp()
    WHERE id = $1 AND epoch = $2 AND state = 'queued'
    RETURNING id, epoch, worker, run_id, name, branch, failures, input, answer, joins
), noted AS (
    INSERT INTO attempt (node_id, epoch, worker) SELECT id, epoch, worker FROM claimed
)
SELECT c.id, c.epoch, c.run_id, c.name, c.branch, c.failures, c.input, c.answer, c.joins,
    r.kind, r.workspace_id, r.project_id, r.starter_id, r.input, r.started_at IS NULL
FROM claimed c JOIN run r ON r.id = c.run_id`

	peekNode = `SELECT r.kind, n.name FROM node n JOIN run r ON r.id = n.run_id WHERE n.id = $1`

	markStarted = `UPDATE run SET started_at = clock_timestamp() WHERE id = $1 AND started_at IS NULL`

	recorded = `SELECT key, output FROM step WHERE node_id = $1`
)

// Work implements river.Worker. Whatever becomes of the node is written in our rows; the
// error is only for River's own list.
func (w worker) Work(ctx context.Context, job *river.Job[nodeArgs]) error {
	e := w.engine
	if e.leaving() || e.lost.Load() {
		return e.giveBack(ctx, job.Args)
	}
	knows, err := e.knows(ctx, job.Args.Node)
	if err != nil {
		return err
	}
	if !knows {
		return river.JobSnooze(unknownPause)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := &claim{cancel: cancel}
	if !e.live.add(job.Args.Node, c) {
		return nil // an old delivery of what runs here
	}
	defer e.live.remove(job.Args.Node)
	n, err := e.claim(ctx, job, c)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // an old delivery
	}
	if err != nil {
		return fmt.Errorf("claim %s: %w", job.Args.Node, err)
	}
	e.work(ctx, n, job)
	e.Poke()
	return nil
}

// knows reports whether this process has a handler for the node.
func (e *Engine) knows(ctx context.Context, n NodeID) (bool, error) {
	var kind Kind
	var name string
	err := e.cfg.DB.QueryRow(ctx, peekNode, n).Scan(&kind, &name)
	if errors.Is(err, pgx.ErrNoRows) {
		return true, nil // claiming it will find nothing
	}
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", n, err)
	}
	_, ok := e.handler(kind, name)
	return ok, nil
}

// claim makes this process the owner of a node. pgx.ErrNoRows means that the delivery
// is old.
func (e *Engine) claim(ctx context.Context, job *river.Job[nodeArgs], c *claim) (*Node, error) {
	n := &Node{engine: e, claim: c, done: map[string]json.RawMessage{}}
	var first bool
	err := e.cfg.DB.QueryRow(ctx, claimNode, job.Args.Node, job.Args.Epoch, e.cfg.Worker, job.ID).Scan(
		&n.ID, &n.Epoch, &n.Run, &n.Name, &n.Branch, &n.Failures, &n.input, &n.answer, &n.joins,
		&n.Kind, &n.Workspace, &n.Project, &n.Starter, &n.runInput, &first)
	if err != nil {
		return nil, err
	}
	e.live.claimed(c, n.Epoch)
	faultpoint.At("flow.claim.after")
	if first {
		if _, err := e.cfg.DB.Exec(ctx, markStarted, n.Run); err != nil {
			return nil, fmt.Errorf("note the start of %s: %w", n.Run, err)
		}
	}
	if n.Epoch == 1 {
		return n, nil // nothing can be recorded yet
	}
	rows, err := e.cfg.DB.Query(ctx, recorded, n.ID)
	if err != nil {
		return nil, fmt.Errorf("read steps: %w", err)
	}
	var key string
	var output json.RawMessage
	_, err = pgx.ForEachRow(rows, []any{&key, &output}, func() error {
		n.done[key] = append(json.RawMessage(nil), output...)
		return nil
	})
	return n, err
}

// work runs the handler of a claimed node and writes what came of it.
func (e *Engine) work(ctx context.Context, n *Node, job *river.Job[nodeArgs]) {
	outcome, err := e.handle(ctx, n)
	if err == nil {
		err = e.close(ctx, n, outcome, job)
	}
	log := e.cfg.Log.With("run", n.Run, "node", n.ID, "name", n.Name, "epoch", n.Epoch)
	cause := context.Cause(ctx)
	switch {
	case err == nil:
		return
	case errors.Is(err, ErrFenced), errors.Is(cause, ErrStopped):
		log.InfoContext(ctx, "node stopped, another claim or the run's end decides")
		return
	case errors.Is(err, ErrDraining), errors.Is(cause, ErrDraining), errors.Is(cause, ErrLost), errors.Is(err, ErrLost), isAway(err),
		errors.Is(cause, rivertype.ErrJobCancelledRemotely): // somebody ended the delivery by hand; the run was not meant
		log.InfoContext(ctx, "node given back", "err", err)
		err = e.release(ctx, n.ID, n.Epoch)
	default:
		log.ErrorContext(ctx, "node failed", "err", err, "failures", n.Failures+1)
		err = e.fail(ctx, n, err)
	}
	if err != nil {
		// The watch finds a node that nobody works on any more.
		log.WarnContext(ctx, "what became of a node could not be written", "err", err)
	}
}

// handle asks who may, and calls the handler.
func (e *Engine) handle(ctx context.Context, n *Node) (o Outcome, err error) {
	if e.cfg.Admit != nil {
		why, err := e.cfg.Admit(ctx, n)
		if err != nil {
			return Outcome{}, fmt.Errorf("ask whether %s may go on: %w", n.Starter, err)
		}
		if why != "" {
			return Outcome{halt: true, reason: why, again: true}, nil
		}
	}
	handler, ok := e.handler(n.Kind, n.Name)
	if !ok {
		return Outcome{}, fmt.Errorf("no handler for %s/%s", n.Kind, n.Name)
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the handler panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return handler(ctx, n)
}

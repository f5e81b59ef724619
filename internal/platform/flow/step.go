package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/base/faultpoint"

	"github.com/jackc/pgx/v5"
)

// Why a node must stop at once; context.Cause of a handler's ctx, and what Step returns.
var (
	// ErrStopped: the run was paused, ended, or taken over by another worker.
	ErrStopped = errors.New("the node was stopped")
	// ErrLost: this process could not reach the database for too long to be sure
	// that the node is still its own.
	ErrLost = errors.New("the worker lost the database")
	// ErrDraining: this process is being stopped; another goes on.
	ErrDraining = errors.New("the worker is being stopped")
	// ErrFenced: another claim owns the node; nothing was written.
	ErrFenced = errors.New("the node belongs to a newer claim")
)

// fenced is the SQLSTATE of node_fence.
const fenced = "CF001"

// Commit collects what is written in one transaction together with a step or the end
// of a node. The function that fills it may be called again when the connection broke
// and nothing was written, so it must only collect.
//
// Batch is sent together with the record of the step, in one exchange with the server:
// add statements with Queue, or hand it to functions named …QueueTx. When their results
// are read it is too late to refuse, so conditions belong into the statements.
type Commit struct {
	Batch     pgx.Batch
	inTx      []func(ctx context.Context, tx pgx.Tx) error
	otherwise []func(ctx context.Context) error
}

// Tx adds work that needs answers from the server while the transaction is open. It
// costs more exchanges than Batch; it comes after all of that, in order.
func (c *Commit) Tx(do func(ctx context.Context, tx pgx.Tx) error) { c.inTx = append(c.inTx, do) }

// Otherwise adds what is done, outside any transaction and with a context of its own,
// when it is certain or likely that nothing was written: for settling a call whose
// answer could not be kept.
func (c *Commit) Otherwise(do func(ctx context.Context) error) { c.otherwise = append(c.otherwise, do) }

// Step returns the recorded result of the step named key of node n, or does it and
// records the result. do runs outside any transaction; its context ends at once when the
// node must stop, also when the process is being stopped. commit may be nil.
//
// The result is kept as JSON; what is returned the first time is what do returned. A
// process that dies between do and the commit does the step again: what do changes
// elsewhere needs a key of its own. With an error nothing was recorded.
func Step[T any](ctx context.Context, n *Node, key string, do func(ctx context.Context) (T, error), commit func(c *Commit, v T) error) (T, error) {
	return record(ctx, n, step[T]{key: key, do: do, commit: commit})
}

// Paid is Step for what is paid for as soon as it was asked: a call that is under way
// when the process is told to stop may finish, for at most a minute, and its result is
// kept.
func Paid[T any](ctx context.Context, n *Node, key string, do func(ctx context.Context) (T, error), commit func(c *Commit, v T) error) (T, error) {
	return record(ctx, n, step[T]{key: key, do: do, commit: commit, mayFinish: true})
}

type step[T any] struct {
	key       string
	do        func(ctx context.Context) (T, error)
	commit    func(c *Commit, v T) error
	mayFinish bool
}

func record[T any](ctx context.Context, n *Node, s step[T]) (T, error) {
	var v T
	if kept, ok := n.done[s.key]; ok {
		return v, read(kept, &v, "step "+s.key)
	}
	if err := n.mayGoOn(ctx); err != nil {
		return v, err
	}
	faultpoint.At("flow.step.before_do")
	working := ctx
	if !s.mayFinish {
		var cancel context.CancelCauseFunc
		working, cancel = context.WithCancelCause(ctx)
		defer cancel(nil)
		defer context.AfterFunc(n.engine.draining, func() { cancel(ErrDraining) })() //nolint:contextcheck // the engine's signal, not a caller
	}
	began := n.engine.cfg.Clock.Now()
	v, err := s.do(working)
	if err != nil {
		if cause := context.Cause(working); cause != nil {
			return v, errors.Join(cause, err)
		}
		return v, err
	}
	faultpoint.At("flow.step.after_do")
	output, err := json.Marshal(v)
	if err != nil {
		return v, fmt.Errorf("write step %s: %w", s.key, err)
	}
	fill := func(c *Commit) error {
		if s.commit == nil {
			return nil
		}
		return s.commit(c, v)
	}
	if err := n.record(ctx, s.key, output, max(0, n.engine.cfg.Clock.Now().Sub(began)), fill); err != nil {
		return v, err
	}
	n.done[s.key] = output
	return v, nil
}

// mayGoOn is asked before anything new is begun.
func (n *Node) mayGoOn(ctx context.Context) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if n.engine.leaving() {
		return ErrDraining
	}
	return nil
}

const insertStep = `
WITH fence AS MATERIALIZED (SELECT node_fence($1, $2))
INSERT INTO step (node_id, key, epoch, output, took) SELECT $1, $3, $2, $4, $5 FROM fence`

// record writes a step. It does so also when ctx is over: what was paid for is kept
// if the fence allows.
func (n *Node) record(ctx context.Context, key string, output json.RawMessage, took time.Duration, fill func(*Commit) error) error {
	write := func(b *pgx.Batch) { b.Queue(insertStep, n.ID, n.Epoch, key, output, took) }
	written := func(ctx context.Context) (bool, error) { return n.hasStep(ctx, key) }
	return n.engine.commit(ctx, commit{what: "step " + key, write: write, written: written, fill: fill})
}

const hasStep = `SELECT EXISTS (SELECT FROM step WHERE node_id = $1 AND key = $2 AND epoch = $3)`

// hasStep reports whether this claim has recorded the step: asked when a connection
// broke during the commit.
func (n *Node) hasStep(ctx context.Context, key string) (bool, error) {
	var yes bool
	if err := n.engine.cfg.DB.QueryRow(ctx, hasStep, n.ID, key, n.Epoch).Scan(&yes); err != nil {
		return false, fmt.Errorf("look for step %s: %w", key, err)
	}
	return yes, nil
}

package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/base/id"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
)

const (
	lockRun = `SELECT FROM run WHERE id = $1 FOR NO KEY UPDATE`

	endNode = `
WITH fence AS MATERIALIZED (SELECT node_fence($1, $2))
UPDATE node SET state = $3, worker = NULL, output = $4, error = $5, finished_at = clock_timestamp() FROM fence WHERE id = $1`

	insertNode = `
INSERT INTO node (id, run_id, name, handler, state, due, input, joins, branch, missing, wait, wait_key, wake_at)
SELECT $2, r.id, $3, r.kind || '/' || $3, $4, r.due, $5, $6, $7, $8, $9, $10, $11 FROM run r WHERE r.id = $1`

	// The last of the branches makes the node that joins them ready.
	joinBranch = `
UPDATE node n SET missing = n.missing - 1, state = CASE n.missing WHEN 1 THEN 'ready' ELSE n.state END, due = r.due
FROM run r WHERE n.id = $1 AND r.id = n.run_id AND n.state = 'joining'`

	// active are the states of nodes that keep a run in its place and its tokens.
	active = `('ready', 'queued', 'running')`

	// A run of which nothing is at work or in line gives its tokens back.
	releaseIdle = `
UPDATE run_limit SET held = false WHERE run_id = $1 AND held AND NOT kept
AND NOT EXISTS (SELECT FROM node WHERE run_id = $1 AND state IN ` + active + `)`

	releaseAll = `UPDATE run_limit SET held = false WHERE run_id = $1 AND held`

	finishRun = `
UPDATE run SET state = $2, reason = $3, detail = $4, output = $5, finished_at = clock_timestamp(),
    worked = (SELECT sum(finished_at - claimed_at) FROM node WHERE run_id = $1)
WHERE id = $1`

	pauseRun = `UPDATE run SET state = 'paused', reason = $2, detail = $3 WHERE id = $1`

	// What nodes of a run are at is taken from them: whoever is at work finds a newer
	// epoch, and River's row, if any, ends.
	endNodes = `
WITH gone AS (
    UPDATE node SET state = 'ended', epoch = epoch + 1, worker = NULL, finished_at = clock_timestamp()
    WHERE run_id = $1 AND finished_at IS NULL RETURNING job
)` + cancelJobs
	holdNodes = `
WITH gone AS (
    UPDATE node SET state = 'held', epoch = epoch + 1, worker = NULL
    WHERE run_id = $1 AND state IN ` + active + ` RETURNING job
)` + cancelJobs

	// cancelJobs ends River's rows of the nodes that are gone, in whatever state
	// they are. River has no call for this that works on a row whose worker died.
	cancelJobs = `
UPDATE river_job SET state = 'cancelled', finalized_at = clock_timestamp() FROM gone WHERE river_job.id = gone.job AND finalized_at IS NULL`

	// nobodyBefore reports whether a node is the first in line.
	nobodyBefore = `SELECT NOT EXISTS (SELECT FROM node o WHERE o.state = 'ready' AND (o.due, o.id) < (n.due, n.id)) FROM node n WHERE n.id = $1`

	handOut = `UPDATE node SET state = 'queued', job = $2 WHERE id = $1`

	nodeClosed = `SELECT EXISTS (SELECT FROM node WHERE id = $1 AND epoch = $2 AND state <> 'running')`
)

// closing is the transaction that ends a node.
type closing struct {
	n      *Node
	o      Outcome
	job    *river.Job[nodeArgs]
	output json.RawMessage // nil: none
	state  string          // the node's from now on
	nodes  []successor
	next   NodeID // the one that may be handed out at once; "" for none
	first  bool   // it is first in line
}

// successor is a node to be inserted.
type successor struct {
	id      NodeID
	name    string
	state   string
	input   json.RawMessage
	joins   *NodeID
	branch  int
	missing int
	wait    Wait
}

// close ends a node with an outcome: its output, the run's state and the nodes that
// follow, and what the handler added, in one transaction.
func (e *Engine) close(ctx context.Context, n *Node, o Outcome, job *river.Job[nodeArgs]) error {
	c := &closing{n: n, o: o, job: job, state: "done"}
	if o.fail {
		c.state = "failed"
	}
	var err error
	if o.output != nil {
		if c.output, err = json.Marshal(o.output); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	}
	if err := c.plan(e.cfg.IDs); err != nil {
		return err
	}
	if _, known := e.handler(n.Kind, soleName(c.nodes)); known && !e.leaving() {
		c.next = c.nodes[0].id
	}
	fill := o.commit
	if fill == nil {
		fill = func(*Commit) error { return nil }
	}
	return e.commit(ctx, commit{
		what: "end of node", write: c.write, fill: fill,
		then: func(ctx context.Context, tx pgx.Tx) error { return e.deliver(ctx, tx, c) },
		written: func(ctx context.Context) (bool, error) {
			var yes bool
			err := e.cfg.DB.QueryRow(ctx, nodeClosed, n.ID, n.Epoch).Scan(&yes)
			return yes, err
		},
	})
}

// soleName is the name of the only successor if it is ready.
func soleName(nodes []successor) string {
	if len(nodes) == 1 && nodes[0].state == "ready" {
		return nodes[0].name
	}
	return ""
}

// plan turns the outcome into nodes to insert.
func (c *closing) plan(ids *id.Source) error {
	state := "ready"
	switch {
	case c.o.halt:
		state = "held"
	case c.o.wait != (Wait{}):
		state = "waiting"
		if c.o.wait.Key == "" && c.o.wait.Until.IsZero() {
			return errors.New("the outcome waits for nothing: a key or an instant is needed")
		}
	}
	joins, branch := c.n.joins, func(int) int { return c.n.Branch }
	if c.o.join != nil {
		input, err := json.Marshal(c.o.join.Input)
		if err != nil {
			return fmt.Errorf("write input of %s: %w", c.o.join.Name, err)
		}
		join := successor{
			id: id.Mint[NodeID](ids), name: c.o.join.Name, state: "joining", input: input,
			joins: joins, branch: c.n.Branch, missing: len(c.o.next),
		}
		if join.missing == 0 {
			join.state = "ready"
		}
		c.nodes = append(c.nodes, join)
		joins, branch = &join.id, func(i int) int { return i }
	}
	for i, next := range c.o.next {
		input, err := json.Marshal(next.Input)
		if err != nil {
			return fmt.Errorf("write input of %s: %w", next.Name, err)
		}
		c.nodes = append(c.nodes, successor{
			id: id.Mint[NodeID](ids), name: next.Name, state: state, input: input, joins: joins, branch: branch(i), wait: c.o.wait,
		})
	}
	return nil
}

// write queues what needs no answer. The order is that of all locks: run, nodes, limits.
func (c *closing) write(b *pgx.Batch) {
	run := c.n.Run
	b.Queue(lockRun, run)
	if c.o.again {
		b.Queue(fence, c.n.ID, c.n.Epoch)
	} else {
		b.Queue(endNode, c.n.ID, c.n.Epoch, c.state, c.output, "")
	}
	for _, s := range c.nodes {
		b.Queue(insertNode, run, s.id, s.name, s.state, s.input, s.joins, s.branch, s.missing,
			string(s.wait.For), s.wait.Key, notBefore(s.wait.Until))
	}
	switch {
	case c.o.fail:
		queueFinish(b, run, Failed, c.o.reason, c.o.detail, nil)
	case c.o.halt:
		queuePause(b, run, c.o.reason, c.o.detail)
	case c.o.wait != (Wait{}):
		b.Queue(releaseIdle, run)
	case len(c.nodes) == 0 && c.n.joins == nil:
		queueFinish(b, run, Finished, "", "", c.output)
	case len(c.nodes) == 0:
		b.Queue(joinBranch, *c.n.joins)
		b.Queue(releaseIdle, run)
	case c.next != "":
		b.Queue(nobodyBefore, c.next).QueryRow(func(row pgx.Row) error { return row.Scan(&c.first) })
	}
}

const fence = `SELECT node_fence($1, $2)`

// queueFinish ends a run with all that is left of it.
func queueFinish(b *pgx.Batch, run RunID, state State, why Reason, detail string, output json.RawMessage) {
	b.Queue(endNodes, run)
	b.Queue(finishRun, run, state, why, text(detail), output)
	b.Queue(releaseAll, run)
}

// queuePause takes what is at work or in line of a run out of it.
func queuePause(b *pgx.Batch, run RunID, why Reason, detail string) {
	b.Queue(pauseRun, run, why, text(detail))
	b.Queue(holdNodes, run)
	b.Queue(releaseIdle, run)
}

// deliver tells River that this delivery is over and, when the next node is first in line,
// hands it out in the place that has become free, without a word of the dispatcher.
func (e *Engine) deliver(ctx context.Context, tx pgx.Tx, c *closing) error {
	_, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, c.job)
	if err != nil && !errors.Is(err, rivertype.ErrNotFound) { // somebody removed the row; the claim is what counts
		return fmt.Errorf("complete the delivery: %w", err)
	}
	if !c.first {
		return nil
	}
	inserted, err := e.client.InsertTx(ctx, tx, nodeArgs{Node: c.next, Run: c.n.Run}, nil)
	if err != nil {
		return fmt.Errorf("hand out the next node: %w", err)
	}
	if _, err := tx.Exec(ctx, handOut, c.next, inserted.Job.ID); err != nil {
		return fmt.Errorf("hand out the next node: %w", err)
	}
	return nil
}

const releaseNode = `
WITH gone AS (
    UPDATE node SET state = 'ready', worker = NULL WHERE id = $1 AND epoch = $2 AND state = 'running' RETURNING job
)` + cancelJobs

// release gives a claimed node back to the line, in its old place.
func (e *Engine) release(ctx context.Context, n NodeID, epoch int64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	if _, err := e.cfg.DB.Exec(ctx, releaseNode, n, epoch); err != nil {
		return fmt.Errorf("give back %s: %w", n, err)
	}
	return nil
}

const returnNode = `
WITH gone AS (
    UPDATE node SET state = 'ready' WHERE id = $1 AND epoch = $2 AND state = 'queued' RETURNING job
)` + cancelJobs

// giveBack returns a delivery that came while this process stops.
func (e *Engine) giveBack(ctx context.Context, a nodeArgs) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	if _, err := e.cfg.DB.Exec(ctx, returnNode, a.Node, a.Epoch); err != nil {
		return fmt.Errorf("give back %s: %w", a.Node, err)
	}
	return nil
}

// backoff is how long a node rests after its handler failed; after the last the run
// fails.
var backoff = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute} //nolint:gochecknoglobals // a constant table

const restNode = `
WITH fence AS MATERIALIZED (SELECT node_fence($1, $2))
UPDATE node SET state = 'waiting', worker = NULL, wait = 'retry', wake_at = clock_timestamp() + $3, failures = failures + 1, error = $4
FROM fence WHERE id = $1`

// dropDelivery ends River's row of a node together with what became of the node. River
// would do so a moment later; a process that dies in between leaves a row that nobody
// ever looks at again.
const dropDelivery = `WITH gone AS (SELECT job FROM node WHERE id = $1)` + cancelJobs

// fail lets a node rest whose handler returned an error, or fails its run.
func (e *Engine) fail(ctx context.Context, n *Node, why error) error {
	kept := text(why.Error())
	write := func(b *pgx.Batch) {
		b.Queue(lockRun, n.Run)
		if n.Failures < len(backoff) {
			b.Queue(restNode, n.ID, n.Epoch, backoff[n.Failures], kept)
			b.Queue(dropDelivery, n.ID)
			b.Queue(releaseIdle, n.Run)
			return
		}
		b.Queue(endNode, n.ID, n.Epoch, "failed", nil, kept)
		b.Queue(dropDelivery, n.ID)
		queueFinish(b, n.Run, Failed, Internal, "Something went wrong on our side. Reference: "+string(n.ID), nil)
	}
	return e.commit(ctx, commit{
		what: "failure of node", write: write, fill: func(*Commit) error { return nil },
		written: func(ctx context.Context) (bool, error) {
			var yes bool
			err := e.cfg.DB.QueryRow(ctx, nodeClosed, n.ID, n.Epoch).Scan(&yes)
			return yes, err
		},
	})
}

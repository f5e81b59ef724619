package flow

import (
	"context"
	"fmt"

	"cofounder/internal/base/faultpoint"
	"cofounder/internal/platform/db"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

const (
	// alive is a condition on a worker w.
	alive = `w.beat > clock_timestamp() - interval '5 s'`

	// room is how many nodes may be handed out: the slots of those that live and stay,
	// less what is with River or at work there.
	room = `
SELECT (SELECT coalesce(sum(w.slots), 0) FROM worker w WHERE NOT w.draining AND ` + alive + `)
    - (SELECT count(*) FROM node n LEFT JOIN worker w ON w.id = n.worker
       WHERE n.state = 'queued' OR n.state = 'running' AND NOT w.draining AND ` + alive + `)`

	// somethingToDo keeps processes that have nothing to hand out from queueing
	// for the lock.
	somethingToDo = `SELECT EXISTS (SELECT FROM node WHERE state = 'ready') AND (` + room + `) > 0`

	// dispatchLock lets one process at a time hand out nodes.
	dispatchLock = `SELECT pg_advisory_xact_lock(hashtext('cofounder'), hashtext('flow dispatch'))`

	// inLine are the first nodes somebody alive can do and no limit keeps back.
	inLine = `
SELECT n.id, n.epoch, n.run_id FROM node n
WHERE n.state = 'ready'
  AND n.handler IN (SELECT unnest(w.handlers) FROM worker w WHERE NOT w.draining AND ` + alive + `)
  AND NOT EXISTS (
    SELECT FROM run_limit l WHERE l.run_id = n.run_id AND NOT l.held
    AND (SELECT count(*) FROM run_limit o WHERE o.key = l.key AND o.held) >= l.most)
ORDER BY n.due, n.id LIMIT $1 FOR NO KEY UPDATE OF n SKIP LOCKED`

	limitsNeeded = `
SELECT l.run_id, l.key, l.most, (SELECT count(*) FROM run_limit o WHERE o.key = l.key AND o.held)
FROM run_limit l WHERE l.run_id = ANY($1) AND NOT l.held`

	takeTokens = `UPDATE run_limit SET held = true WHERE run_id = ANY($1) AND NOT held`

	handOutMany = `
UPDATE node SET state = 'queued', job = d.job FROM unnest($1::text[], $2::bigint[]) AS d (id, job) WHERE node.id = d.id`
)

// candidate is a node in line.
type candidate struct {
	Node  NodeID
	Epoch int64
	Run   RunID
}

// dispatch hands out nodes while there are slots and tokens for them.
func (e *Engine) dispatch(ctx context.Context) error {
	if e.leaving() || e.lost.Load() {
		return nil
	}
	var something bool
	if err := e.cfg.DB.QueryRow(ctx, somethingToDo).Scan(&something); err != nil {
		return fmt.Errorf("look at the line: %w", err)
	}
	if !something {
		return nil
	}
	return db.InTx(ctx, e.cfg.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, dispatchLock); err != nil {
			return fmt.Errorf("wait to hand out: %w", err)
		}
		var left int
		if err := tx.QueryRow(ctx, room).Scan(&left); err != nil {
			return fmt.Errorf("count slots: %w", err)
		}
		for left > 0 {
			handed, again, err := e.handOut(ctx, tx, left)
			if err != nil {
				return err
			}
			left -= handed
			if !again {
				return nil
			}
		}
		return nil
	})
}

// handOut gives River the first nodes in line, at most so many. again says that some were
// passed over because others of the same round took the last tokens, so that those
// behind them deserve a look.
func (e *Engine) handOut(ctx context.Context, tx pgx.Tx, most int) (handed int, again bool, err error) {
	rows, err := tx.Query(ctx, inLine, most)
	if err != nil {
		return 0, false, fmt.Errorf("read the line: %w", err)
	}
	line, err := pgx.CollectRows(rows, pgx.RowToStructByPos[candidate])
	if err != nil {
		return 0, false, fmt.Errorf("read the line: %w", err)
	}
	chosen, err := choose(ctx, tx, line)
	if err != nil || len(chosen) == 0 {
		return 0, false, err
	}
	deliveries := make([]river.InsertManyParams, len(chosen))
	nodes, runs, jobs := make([]NodeID, len(chosen)), make([]RunID, len(chosen)), make([]int64, len(chosen))
	for i, c := range chosen {
		deliveries[i].Args = nodeArgs(c)
		nodes[i], runs[i] = c.Node, c.Run
	}
	inserted, err := e.client.InsertManyTx(ctx, tx, deliveries)
	if err != nil {
		return 0, false, fmt.Errorf("hand out: %w", err)
	}
	for i, r := range inserted {
		jobs[i] = r.Job.ID
	}
	b := &pgx.Batch{}
	b.Queue(handOutMany, nodes, jobs)
	b.Queue(takeTokens, runs)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return 0, false, fmt.Errorf("hand out: %w", err)
	}
	faultpoint.At("flow.dispatch.inside")
	return len(chosen), len(chosen) < len(line), nil
}

// choose keeps those of the line for which there are tokens, in its order.
func choose(ctx context.Context, tx pgx.Tx, line []candidate) ([]candidate, error) {
	runs := make([]RunID, len(line))
	for i, c := range line {
		runs[i] = c.Run
	}
	rows, err := tx.Query(ctx, limitsNeeded, runs)
	if err != nil {
		return nil, fmt.Errorf("count tokens: %w", err)
	}
	type need struct {
		Run  RunID
		Key  string
		Most int
		Used int
	}
	needs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[need])
	if err != nil {
		return nil, fmt.Errorf("count tokens: %w", err)
	}
	wanted := map[RunID][]need{}
	for _, n := range needs {
		wanted[n.Run] = append(wanted[n.Run], n)
	}
	taken := map[string]int{}
	var chosen []candidate
next:
	for _, c := range line {
		for _, n := range wanted[c.Run] {
			if n.Used+taken[n.Key] >= n.Most {
				continue next
			}
		}
		for _, n := range wanted[c.Run] {
			taken[n.Key]++
		}
		delete(wanted, c.Run) // its other branches need no second token
		chosen = append(chosen, c)
	}
	return chosen, nil
}

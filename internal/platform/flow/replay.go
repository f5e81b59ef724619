package flow

import (
	"context"
	"errors"
	"fmt"

	"cofounder/internal/base/fault"

	"github.com/jackc/pgx/v5"
)

const (
	anyControlled = `SELECT state, workspace_id FROM run WHERE id = $1 FOR NO KEY UPDATE`

	isShortened = `SELECT shortened_at IS NOT NULL FROM run WHERE id = $1`

	// What a failure took from the nodes of a run is given back: one that joins, waits or
	// stands in line does so again. Which it was is written in the columns that ending it
	// has left as they were. Epochs are newer than those of all who worked on them.
	reopenRun = `
UPDATE run SET state = 'open', reason = '', detail = '', output = NULL, finished_at = NULL, worked = NULL,
    due = clock_timestamp() + "offset" WHERE id = $1`
	reopenNodes = `
UPDATE node n SET finished_at = NULL, job = NULL, failures = 0, due = r.due,
    state = CASE WHEN n.missing > 0 THEN 'joining'
                 WHEN n.wait IN ('', 'retry') OR n.answer IS NOT NULL THEN 'ready'
                 ELSE 'waiting' END
FROM run r WHERE r.id = $1 AND n.run_id = r.id AND n.state IN ('failed', 'ended')`

	restOver = `
UPDATE node SET state = 'ready', failures = 0 WHERE run_id = $1 AND state = 'waiting' AND wait = 'retry'`

	controlledNode = `SELECT state, wait FROM node WHERE id = $1 AND run_id = $2 FOR NO KEY UPDATE`

	stepKeys = `SELECT key FROM step WHERE node_id = $1 ORDER BY at, key`

	// A message that only a forgotten step had taken is queued again.
	returnMessages = `UPDATE run_message SET node_id = NULL, step = NULL WHERE node_id = $1 AND step = ANY($2)`
	forgetSteps    = `DELETE FROM step WHERE node_id = $1 AND key = ANY($2)`

	// Whoever is at work on it finds a newer epoch, and River's row, if any, ends.
	claimAnew = `
WITH before AS (
    SELECT n.id, n.job, r.state AS of_run FROM node n JOIN run r ON r.id = n.run_id WHERE n.id = $1
), gone AS (
    UPDATE node SET state = CASE before.of_run WHEN 'open' THEN 'ready' ELSE 'held' END, epoch = epoch + 1, worker = NULL, failures = 0
    FROM before WHERE node.id = before.id RETURNING before.job
)` + cancelJobs
)

// errOver is what cannot be taken up again.
func errOver() error {
	return fault.New(fault.Conflict, "run_over", "This is over: it was finished, or somebody ended it. Start it anew instead.")
}

// anyRunTx locks a run of any workspace.
func anyRunTx(ctx context.Context, tx pgx.Tx, run RunID) (state State, workspace string, err error) {
	err = tx.QueryRow(ctx, anyControlled, run).Scan(&state, &workspace)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", "", notFound()
	}
	if err != nil {
		return "", "", fmt.Errorf("look at %s: %w", run, err)
	}
	return state, workspace, nil
}

// WorkspaceTx locks a run of any workspace and returns whose it is. It is for whoever
// runs the installation; fault.NotFound.
func (e *Engine) WorkspaceTx(ctx context.Context, tx pgx.Tx, run RunID) (string, error) {
	_, workspace, err := anyRunTx(ctx, tx, run)
	return workspace, err
}

// RetryTx takes a run of any workspace up again, as part of tx: a failed one goes on with
// the node that failed and everything that its failure had ended; in one that is open,
// nodes that rest after a failure rest no longer. Steps that are recorded are not done
// again. What the product wrote when the run failed stays; its handlers find it. A run of
// which nothing has failed is fault.Conflict.
func (e *Engine) RetryTx(ctx context.Context, tx pgx.Tx, run RunID) error {
	state, _, err := anyRunTx(ctx, tx, run)
	if err != nil {
		return err
	}
	switch state {
	case Failed:
		return reopen(ctx, tx, run)
	case Finished, Ended:
		return errOver()
	case Queued, Running, Waiting, Paused: // stored as open, or paused
	}
	tag, err := tx.Exec(ctx, restOver, run)
	if err != nil {
		return fmt.Errorf("retry %s: %w", run, err)
	}
	if tag.RowsAffected() == 0 {
		return fault.New(fault.Conflict, "nothing_failed", "Nothing of this rests after a failure, so there is nothing to try again.")
	}
	return nil
}

func reopen(ctx context.Context, tx pgx.Tx, run RunID) error {
	var shortened bool
	if err := tx.QueryRow(ctx, isShortened, run).Scan(&shortened); err != nil {
		return fmt.Errorf("look at %s: %w", run, err)
	}
	if shortened {
		return fault.New(fault.Conflict, "run_shortened",
			"This failed so long ago that its steps are no longer kept, so it cannot go on from them. Start it anew instead.")
	}
	b := &pgx.Batch{}
	b.Queue(reopenRun, run)
	b.Queue(reopenNodes, run)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("take %s up again: %w", run, err)
	}
	return nil
}

// ReplayTx lets a node of a run of any workspace be done anew, as part of tx: whoever is at
// work on it is stopped, and the next claim begins it from its start. A failed run is
// taken up again with it, as RetryTx does. keep is handed the keys of the recorded steps,
// oldest first, while nobody can add one, and returns how many of the first to keep;
// the rest is forgotten, with messages that a forgotten step had taken in line again. Only
// the end can be forgotten: what is recorded later was made of what was recorded before.
//
// A node that is done is fault.Conflict, since what followed was made of it; so is one
// that waits or has not begun, and a run that is over without having failed.
func (e *Engine) ReplayTx(ctx context.Context, tx pgx.Tx, run RunID, node NodeID, keep func(steps []string) (int, error)) error {
	state, _, err := anyRunTx(ctx, tx, run)
	if err != nil {
		return err
	}
	switch state {
	case Finished, Ended:
		return errOver()
	case Failed:
		if err := reopen(ctx, tx, run); err != nil {
			return err
		}
	case Queued, Running, Waiting, Paused: // stored as open, or paused
	}
	var at, wait string
	err = tx.QueryRow(ctx, controlledNode, node, run).Scan(&at, &wait)
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.New(fault.NotFound, "node_not_found", "There is no such node.")
	}
	if err != nil {
		return fmt.Errorf("look at %s: %w", node, err)
	}
	switch {
	case at == "done":
		return fault.New(fault.Conflict, "node_done", "This node is done, and what came after it was made of its result. Replay the one that did not get on.")
	case at == "joining", at == "waiting" && wait != "retry":
		return fault.New(fault.Conflict, "node_not_begun", "This node waits and has not begun, so there is nothing to replay.")
	}
	if err := forget(ctx, tx, node, keep); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, claimAnew, node); err != nil {
		return fmt.Errorf("replay %s: %w", node, err)
	}
	return nil
}

// forget removes the steps of a node behind those to keep.
func forget(ctx context.Context, tx pgx.Tx, node NodeID, keep func(steps []string) (int, error)) error {
	rows, err := tx.Query(ctx, stepKeys, node)
	if err != nil {
		return fmt.Errorf("read steps of %s: %w", node, err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("read steps of %s: %w", node, err)
	}
	n, err := keep(keys)
	if err != nil {
		return err
	}
	if n < 0 || n > len(keys) {
		return fmt.Errorf("replay %s: %d of %d steps cannot be kept", node, n, len(keys))
	}
	b := &pgx.Batch{}
	b.Queue(returnMessages, node, keys[n:])
	b.Queue(forgetSteps, node, keys[n:])
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("forget steps of %s: %w", node, err)
	}
	return nil
}

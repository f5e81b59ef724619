package flow

import (
	"context"
	"errors"
	"fmt"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"

	"github.com/jackc/pgx/v5"
)

const (
	controlled = `SELECT state FROM run WHERE id = $1 AND workspace_id = $2 FOR NO KEY UPDATE`

	resumeRun = `UPDATE run SET state = 'open', reason = '', detail = '' WHERE id = $1`

	resumeNodes = `UPDATE node n SET state = 'ready', due = r.due FROM run r WHERE r.id = n.run_id AND r.id = $1 AND n.state = 'held'`
)

// control locks a run of a workspace and returns its state.
func control(ctx context.Context, tx pgx.Tx, workspace string, run RunID) (State, error) {
	var s State
	err := tx.QueryRow(ctx, controlled, run, workspace).Scan(&s)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", notFound()
	}
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", run, err)
	}
	if s.Over() {
		return s, fault.New(fault.Conflict, "run_over", "This is over already.")
	}
	return s, nil
}

// PauseTx pauses a run, as part of tx: nothing of it is handed out any more, and what is
// at work is stopped at once, its last finished step kept. A run that is paused gets the
// new reason. One of another workspace is fault.NotFound, one that is over
// fault.Conflict.
func (e *Engine) PauseTx(ctx context.Context, tx pgx.Tx, workspace string, run RunID, why Reason, detail string) error {
	if _, err := control(ctx, tx, workspace, run); err != nil {
		return err
	}
	b := &pgx.Batch{}
	queuePause(b, run, why, detail)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("pause %s: %w", run, err)
	}
	return nil
}

// ResumeTx lets a paused run go on, as part of tx. It takes its place in line anew. One
// that is not paused stays as it is.
func (e *Engine) ResumeTx(ctx context.Context, tx pgx.Tx, workspace string, run RunID) error {
	s, err := control(ctx, tx, workspace, run)
	if err != nil || s != Paused {
		return err
	}
	b := &pgx.Batch{}
	queueResume(b, run)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("resume %s: %w", run, err)
	}
	return nil
}

// EndTx ends a run for good, as part of tx: what is at work is stopped at once, what
// waits never comes.
func (e *Engine) EndTx(ctx context.Context, tx pgx.Tx, workspace string, run RunID, why Reason, detail string) error {
	if _, err := control(ctx, tx, workspace, run); err != nil {
		return err
	}
	b := &pgx.Batch{}
	queueFinish(b, run, Ended, why, detail, nil)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("end %s: %w", run, err)
	}
	return nil
}

// Pause is PauseTx in a transaction of its own.
func (e *Engine) Pause(ctx context.Context, workspace string, run RunID, why Reason, detail string) error {
	return e.alone(ctx, func(tx pgx.Tx) error { return e.PauseTx(ctx, tx, workspace, run, why, detail) })
}

// Resume is ResumeTx in a transaction of its own.
func (e *Engine) Resume(ctx context.Context, workspace string, run RunID) error {
	return e.alone(ctx, func(tx pgx.Tx) error { return e.ResumeTx(ctx, tx, workspace, run) })
}

// End is EndTx in a transaction of its own.
func (e *Engine) End(ctx context.Context, workspace string, run RunID, why Reason, detail string) error {
	return e.alone(ctx, func(tx pgx.Tx) error { return e.EndTx(ctx, tx, workspace, run, why, detail) })
}

func (e *Engine) alone(ctx context.Context, do func(tx pgx.Tx) error) error {
	err := db.InTx(ctx, e.cfg.DB, do)
	e.Poke()
	return err
}

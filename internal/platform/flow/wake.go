package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"cofounder/internal/base/faultpoint"
	"cofounder/internal/platform/db"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// asks is a condition on a node n: it waits, and not for the end of a rest after a
	// failure. One that rests keeps the key of the question before it, which was answered.
	asks = `n.state = 'waiting' AND n.wait <> 'retry'`

	askedBy = `
SELECT id FROM run WHERE workspace_id = $1 AND id IN (SELECT n.run_id FROM node n WHERE n.wait_key = $2 AND ` + asks + `)
ORDER BY id FOR NO KEY UPDATE`

	answerNodes = `
UPDATE node n SET state = CASE r.state WHEN 'open' THEN 'ready' ELSE 'held' END, answer = $3, due = r.due
FROM run r WHERE r.id = n.run_id AND r.id = ANY($1) AND n.wait_key = $2 AND ` + asks

	// A run that was idle takes its place in line anew.
	takePlace = `
UPDATE run r SET due = clock_timestamp() + r."offset"
WHERE r.id = ANY($1) AND NOT EXISTS (SELECT FROM node n WHERE n.run_id = r.id AND n.state IN ` + active + `)`

	overdue = `
SELECT r.id FROM run r WHERE r.id IN (
    SELECT n.run_id FROM node n WHERE n.state = 'waiting' AND n.wake_at <= clock_timestamp() ORDER BY n.wake_at LIMIT 500)
ORDER BY r.id FOR NO KEY UPDATE SKIP LOCKED`

	// Resting after a failure costs no place.
	takePlaceOverdue = takePlace + `
AND NOT EXISTS (SELECT FROM node n WHERE n.run_id = r.id AND n.state = 'waiting' AND n.wait = 'retry' AND n.wake_at <= clock_timestamp())`

	wakeNodes = `
UPDATE node n SET state = CASE r.state WHEN 'open' THEN 'ready' ELSE 'held' END, due = r.due
FROM run r WHERE r.id = n.run_id AND r.id = ANY($1) AND n.state = 'waiting' AND n.wake_at <= clock_timestamp()`
)

// AnswerTx ends the waits of a workspace for key, as part of tx, and hands them the
// answer. It returns how many there were; none is no error, since the answer may have
// come twice or too late; the first one stays. What waits in a paused run goes on when that is resumed.
func (e *Engine) AnswerTx(ctx context.Context, tx pgx.Tx, workspace, key string, answer any) (int, error) {
	if key == "" {
		return 0, errors.New("answer: the key is empty")
	}
	given, err := json.Marshal(answer)
	if err != nil {
		return 0, fmt.Errorf("write answer: %w", err)
	}
	runs, err := lockRuns(ctx, tx, askedBy, workspace, key)
	if err != nil || len(runs) == 0 {
		return 0, err
	}
	return rouse(ctx, tx, func(b *pgx.Batch) *pgx.QueuedQuery {
		b.Queue(takePlace, runs)
		return b.Queue(answerNodes, runs, key, given)
	})
}

// Answer is AnswerTx in a transaction of its own.
func (e *Engine) Answer(ctx context.Context, workspace, key string, answer any) (int, error) {
	var woken int
	err := db.InTx(ctx, e.cfg.DB, func(tx pgx.Tx) error {
		var err error
		woken, err = e.AnswerTx(ctx, tx, workspace, key, answer)
		return err
	})
	e.Poke()
	return woken, err
}

// wake ends the waits whose time has come.
func (e *Engine) wake(ctx context.Context) error {
	var woken int
	err := db.InTx(ctx, e.cfg.DB, func(tx pgx.Tx) error {
		runs, err := lockRuns(ctx, tx, overdue)
		if err != nil || len(runs) == 0 {
			return err
		}
		woken, err = rouse(ctx, tx, func(b *pgx.Batch) *pgx.QueuedQuery {
			b.Queue(takePlaceOverdue, runs)
			return b.Queue(wakeNodes, runs)
		})
		faultpoint.At("flow.wake.inside")
		return err
	})
	if woken > 0 {
		poke(e.kick)
	}
	return err
}

func lockRuns(ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]RunID, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("lock runs: %w", err)
	}
	runs, err := pgx.CollectRows(rows, pgx.RowTo[RunID])
	if err != nil {
		return nil, fmt.Errorf("lock runs: %w", err)
	}
	return runs, nil
}

// rouse sends a batch and returns how many rows its last statement changed.
func rouse(ctx context.Context, tx pgx.Tx, fill func(*pgx.Batch) *pgx.QueuedQuery) (int, error) {
	var woken int
	b := &pgx.Batch{}
	fill(b).Exec(func(tag pgconn.CommandTag) error {
		woken = int(tag.RowsAffected())
		return nil
	})
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return 0, fmt.Errorf("wake: %w", err)
	}
	return woken, nil
}

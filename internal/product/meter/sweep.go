package meter

import (
	"context"
	"fmt"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/llm"

	"github.com/jackc/pgx/v5"
)

// sweepBatch bounds one sweep, so that it never holds many rows.
const sweepBatch = 100

// abandoned is the failure of a call whose process died before it could say what
// became of it.
const abandoned llm.Kind = "abandoned"

// Calls that nobody came back to are written off: the prompt was sent, so it counts;
// whether anything was generated nobody knows.
const sweep = `
WITH due AS (
    SELECT id FROM reservation WHERE expires_at <= $1 ORDER BY expires_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM reservation r USING due WHERE r.id = due.id RETURNING r.*
), entry AS (
    INSERT INTO ledger (` + key + `, id, kind, at, state, failure, reason, input,
        input_rate, write_5m_rate, write_1h_rate, read_rate, output_rate, reserved, nano, weighed)
    SELECT ` + key + `, id, 'call', $1, 'unknown', coalesce(nullif(failure, ''), $3), reason, input_upper,
        input_rate, write_5m_rate, write_1h_rate, read_rate, output_rate, nano, estimate, estimate_weighed
    FROM gone
    RETURNING id, failure
), change AS (
    INSERT INTO budget_change (budgets, sinces, day, released, released_weighed, spent, spent_weighed)
    SELECT budgets, sinces, day, nano, weighed, estimate, estimate_weighed FROM gone
)
SELECT id, failure FROM entry`

// Sweep writes off reservations that have expired: calls that lost their connection
// fifteen minutes ago, and calls of processes that have died. They count with their
// prompt only; unless somebody stopped them they are our mistake. It returns how many. Any process may call it at any
// time.
func (m *Meter) Sweep(ctx context.Context) (int, error) {
	total := 0
	for {
		n, err := m.sweepSome(ctx)
		total += n
		if err != nil || n < sweepBatch {
			return total, err
		}
	}
}

func (m *Meter) sweepSome(ctx context.Context) (int, error) {
	n := 0
	err := db.InTx(ctx, m.db, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sweep, m.clock.Now(), sweepBatch, abandoned)
		if err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
		lost, err := pgx.CollectRows(rows, pgx.RowToStructByName[struct {
			ID      EntryID
			Failure string
		}])
		if err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
		because := map[Mistake][]EntryID{}
		for _, l := range lost {
			if mistake := mistakeOf(llm.Kind(l.Failure)); mistake != "" {
				because[mistake] = append(because[mistake], l.ID)
			}
		}
		for mistake, entries := range because {
			if _, err := m.CreditTx(ctx, tx, mistake, Calls{Entries: entries}); err != nil {
				return err
			}
		}
		n = len(lost)
		return nil
	})
	return n, err
}

const keepAlive = `
UPDATE reservation SET expires_at = $2 WHERE id IN (
    SELECT id FROM reservation WHERE id = ANY($1) AND failure = '' FOR UPDATE SKIP LOCKED)`

// keepAlive says that the calls under way in this process are alive. One that is being
// settled at this moment is passed by.
func (m *Meter) keepAlive(ctx context.Context) error {
	ids := m.underWay()
	if len(ids) == 0 {
		return nil
	}
	if _, err := m.db.Exec(ctx, keepAlive, ids, m.clock.Now().Add(lifetime)); err != nil {
		return fmt.Errorf("keep calls alive: %w", err)
	}
	return nil
}

package meter

import (
	"context"
	"fmt"
)

// foldBatch bounds how long one folding holds the locks of its budgets.
const foldBatch = 200

// What calls have given back and spent, added to their budgets, in one statement that
// commits by itself and takes the rows away that it has added. A change of a window
// already past changes nothing in the one of now; one of a window not yet begun
// begins it.
const fold = `
WITH due AS (
    SELECT seq FROM budget_change ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED
), ` + foldDue

// The same for changes of some budgets, however many and though others may be folding
// them: it waits for those, so that a refusal right after it knows all of them.
const foldFor = `
WITH due AS (
    SELECT seq FROM budget_change WHERE budgets && $1 ORDER BY seq FOR UPDATE
), ` + foldDue

const foldDue = `gone AS (
    DELETE FROM budget_change c USING due WHERE c.seq = due.seq RETURNING c.*
), change AS (
    SELECT w.budget, w.since, g.day, sum(g.released) AS released, sum(g.released_weighed) AS released_weighed,
        sum(g.spent) AS spent, sum(g.spent_weighed) AS spent_weighed
    FROM gone g CROSS JOIN LATERAL unnest(g.budgets, g.sinces) AS w (budget, since)
    GROUP BY 1, 2, 3
), held AS MATERIALIZED (
    SELECT id, day, since FROM budget WHERE id = ANY(ARRAY(SELECT budget FROM change)) ORDER BY id FOR UPDATE
), newest AS (
    SELECT h.id, greatest(h.day, max(c.day)) AS day, greatest(h.since, max(c.since)) AS since
    FROM held h JOIN change c ON c.budget = h.id GROUP BY h.id, h.day, h.since
), net AS (
    SELECT n.id, n.day, n.since,
        coalesce(sum(c.released) FILTER (WHERE c.day = n.day), 0) AS day_released,
        coalesce(sum(c.released_weighed) FILTER (WHERE c.day = n.day), 0) AS day_released_weighed,
        coalesce(sum(c.spent) FILTER (WHERE c.day = n.day), 0) AS day_spent,
        coalesce(sum(c.spent_weighed) FILTER (WHERE c.day = n.day), 0) AS day_spent_weighed,
        coalesce(sum(c.released) FILTER (WHERE c.since = n.since), 0) AS period_released,
        coalesce(sum(c.released_weighed) FILTER (WHERE c.since = n.since), 0) AS period_released_weighed,
        coalesce(sum(c.spent) FILTER (WHERE c.since = n.since), 0) AS period_spent,
        coalesce(sum(c.spent_weighed) FILTER (WHERE c.since = n.since), 0) AS period_spent_weighed
    FROM newest n JOIN change c ON c.budget = n.id GROUP BY n.id, n.day, n.since
), added AS (
    UPDATE budget b SET day = n.day, since = n.since,
        day_reserved = CASE WHEN b.day = n.day THEN b.day_reserved ELSE 0 END - n.day_released,
        day_reserved_weighed = CASE WHEN b.day = n.day THEN b.day_reserved_weighed ELSE 0 END - n.day_released_weighed,
        day_spent = CASE WHEN b.day = n.day THEN b.day_spent ELSE 0 END + n.day_spent,
        day_spent_weighed = CASE WHEN b.day = n.day THEN b.day_spent_weighed ELSE 0 END + n.day_spent_weighed,
        period_reserved = CASE WHEN b.since = n.since THEN b.period_reserved ELSE 0 END - n.period_released,
        period_reserved_weighed = CASE WHEN b.since = n.since THEN b.period_reserved_weighed ELSE 0 END - n.period_released_weighed,
        period_spent = CASE WHEN b.since = n.since THEN b.period_spent ELSE 0 END + n.period_spent,
        period_spent_weighed = CASE WHEN b.since = n.since THEN b.period_spent_weighed ELSE 0 END + n.period_spent_weighed
    FROM net n WHERE b.id = n.id
)
SELECT count(*) FROM gone`

// Fold adds to the budgets what calls have spent and given back since the last time,
// and returns how many changes. Until folded a budget reads too full, never too empty.
// Any number of processes may fold at once.
func (m *Meter) Fold(ctx context.Context) (int, error) {
	total := 0
	for {
		var n int
		if err := m.db.QueryRow(ctx, fold, foldBatch).Scan(&n); err != nil {
			return total, fmt.Errorf("fold: %w", err)
		}
		total += n
		if n < foldBatch {
			return total, nil
		}
	}
}

func (m *Meter) foldFor(ctx context.Context, budgets []BudgetID) error {
	var n int
	if err := m.db.QueryRow(ctx, foldFor, budgets).Scan(&n); err != nil {
		return fmt.Errorf("fold before refusing: %w", err)
	}
	return nil
}

package flow

import (
	"context"
	"fmt"
	"time"
)

// Keep says what Trim leaves of what was recorded.
type Keep struct {
	// Whole is how long a run that is over keeps its steps and claims, so that its story
	// can be read closely and, when it failed, taken up again.
	Whole time.Duration
	// Steps is how many of the newest steps, and of the newest claims, a node that is done
	// keeps until then. Nodes that are not done keep all: they go on from them.
	Steps int
}

const (
	// trimRuns and trimRows bound one transaction.
	trimRuns = 20
	trimRows = 5000

	shortenRuns = `
WITH old AS (
    SELECT id FROM run WHERE finished_at < clock_timestamp() - $1::interval AND shortened_at IS NULL
    ORDER BY finished_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
), steps AS (
    DELETE FROM step s USING node n, old WHERE s.node_id = n.id AND n.run_id = old.id RETURNING 1
), attempts AS (
    DELETE FROM attempt a USING node n, old WHERE a.node_id = n.id AND n.run_id = old.id RETURNING 1
), marked AS (
    UPDATE run SET shortened_at = clock_timestamp() FROM old WHERE run.id = old.id RETURNING 1
)
SELECT (SELECT count(*) FROM marked), (SELECT count(*) FROM steps) + (SELECT count(*) FROM attempts)`

	// Only nodes with too many are looked at closely.
	oldSteps = `
DELETE FROM step WHERE ctid = ANY(ARRAY(
    SELECT o.at FROM (
        SELECT s.ctid AS at, row_number() OVER (PARTITION BY s.node_id ORDER BY s.at DESC, s.key DESC) AS place FROM step s
        WHERE s.node_id IN (SELECT m.node_id FROM step m JOIN node n ON n.id = m.node_id AND n.state = 'done' GROUP BY m.node_id HAVING count(*) > $1)
    ) o WHERE o.place > $1 LIMIT $2))`

	oldAttempts = `
DELETE FROM attempt WHERE ctid = ANY(ARRAY(
    SELECT o.at FROM (
        SELECT a.ctid AS at, row_number() OVER (PARTITION BY a.node_id ORDER BY a.epoch DESC) AS place FROM attempt a
        WHERE a.node_id IN (SELECT m.node_id FROM attempt m JOIN node n ON n.id = m.node_id AND n.state = 'done' GROUP BY m.node_id HAVING count(*) > $1)
    ) o WHERE o.place > $1 LIMIT $2))`
)

// Trim removes steps and claims nobody goes on from, and returns how many rows went. What
// stays of an old run is its row, its nodes with what they were given and gave, and what
// was said to it: its story in short form, until its project is removed. It may run beside
// itself and everything else.
func (e *Engine) Trim(ctx context.Context, keep Keep) (int, error) {
	if keep.Whole <= 0 || keep.Steps <= 0 {
		return 0, fmt.Errorf("trim: to keep %v and %d steps is nothing", keep.Whole, keep.Steps)
	}
	removed := 0
	for {
		var runs, rows int
		if err := e.cfg.DB.QueryRow(ctx, shortenRuns, keep.Whole, trimRuns).Scan(&runs, &rows); err != nil {
			return removed, fmt.Errorf("shorten old runs: %w", err)
		}
		removed += rows
		if runs < trimRuns {
			break
		}
	}
	for _, sql := range []string{oldSteps, oldAttempts} {
		for {
			tag, err := e.cfg.DB.Exec(ctx, sql, keep.Steps, trimRows)
			if err != nil {
				return removed, fmt.Errorf("remove old steps: %w", err)
			}
			removed += int(tag.RowsAffected())
			if tag.RowsAffected() < trimRows {
				break
			}
		}
	}
	return removed, nil
}

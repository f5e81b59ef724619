package sample

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// doubts are questions whose answer must be 0 at rest, whatever was killed before.
var doubts = map[string]string{ //nolint:gochecknoglobals // a constant table
	"steps without exactly one settled call": `
SELECT count(*) FROM step s WHERE (s.key = 'thought' OR s.key LIKE 'turn/%') AND 1 <> (
    SELECT count(*) FROM ledger l WHERE l.kind = 'call' AND l.node = s.node_id AND l.step = s.key AND l.failure = '' AND NOT l.superseded AND l.state <> 'unknown')`,
	"settled calls without their step": `
SELECT count(*) FROM ledger l WHERE l.kind = 'call' AND l.failure = '' AND NOT l.superseded AND l.state <> 'unknown'
AND NOT EXISTS (SELECT FROM step s WHERE s.node_id = l.node AND s.key = l.step)`,
	"steps without exactly one event": `
SELECT count(*) FROM step s JOIN node n ON n.id = s.node_id WHERE (s.key = 'thought' OR s.key LIKE 'turn/%') AND NOT EXISTS (
    SELECT FROM event e WHERE e.stream = n.run_id AND e.kind = s.key AND e.data ->> 'node' = n.name)`,
	"events that are not as many as steps and ends": `
SELECT abs((SELECT count(*) FROM event e JOIN run r ON r.id = e.stream) - (SELECT count(*) FROM step WHERE key = 'thought' OR key LIKE 'turn/%')
    - (SELECT count(*) FROM node WHERE state = 'done' AND name IN ('decide', 'finish'))
    - (SELECT count(*) FROM node n WHERE state = 'done' AND name = 'ask' AND EXISTS (SELECT FROM node d WHERE d.run_id = n.run_id AND d.name = 'decide')))`,
	"streams with a gap or a double": `
SELECT count(*) FROM (SELECT stream FROM event GROUP BY stream HAVING count(*) <> max(seq) OR min(seq) <> 1) s`,
	"runs that are over with something open": `
SELECT count(*) FROM run r JOIN node n ON n.run_id = r.id WHERE r.finished_at IS NOT NULL AND n.finished_at IS NULL`,
	"runs that are open with nothing to do": `
SELECT count(*) FROM run r WHERE r.state = 'open' AND NOT EXISTS (SELECT FROM node n WHERE n.run_id = r.id AND n.finished_at IS NULL)`,
	"limits that runs which are over count against": `SELECT count(*) FROM run_limit l JOIN run r ON r.id = l.run_id WHERE l.held AND r.finished_at IS NOT NULL`,
	"deliveries at work of nodes that are over": `
SELECT count(*) FROM river_job j JOIN node n ON n.id = j.args ->> 'node' WHERE j.kind = 'node' AND j.state = 'running' AND n.finished_at IS NOT NULL`,
}

// Verify compares steps, ledger, events, nodes and deliveries of all sample runs, and
// returns what does not fit together. Ask it at rest.
func (w *World) Verify(ctx context.Context) ([]string, error) {
	var problems []string
	for what, sql := range doubts {
		rows, err := w.DB.Query(ctx, sql)
		if err != nil {
			return nil, fmt.Errorf("count %s: %w", what, err)
		}
		n, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[int64])
		if err != nil {
			return nil, fmt.Errorf("count %s: %w", what, err)
		}
		if n != 0 {
			problems = append(problems, fmt.Sprintf("%d %s", n, what))
		}
	}
	return problems, nil
}

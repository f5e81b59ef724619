package flow

import (
	"context"
	"fmt"

	"cofounder/internal/base/faultpoint"

	"github.com/jackc/pgx/v5"
)

const (
	mine = `SELECT id, epoch FROM node WHERE worker = $1 AND state = 'running'`

	// takeOver puts back in line what died with its worker, in one statement. A node
	// is running and its worker does not beat; or it is with River, and there the
	// delivery is over, gone, or was fetched by a process that died before it claimed.
	// $1 is who asks: about itself it knows better, also when it has slept.
	takeOver = `
WITH dead AS (
    SELECT n.id FROM node n LEFT JOIN river_job j ON j.id = n.job AND n.state = 'queued'
    WHERE n.state = 'running' AND n.worker <> $1 AND NOT EXISTS (SELECT FROM worker w WHERE w.id = n.worker AND ` + alive + `)
       OR n.state = 'queued' AND (j.id IS NULL OR j.finalized_at IS NOT NULL
            OR j.state = 'running' AND j.attempted_by[cardinality(j.attempted_by)] <> $1 AND NOT EXISTS (
                SELECT FROM worker w WHERE w.id = j.attempted_by[cardinality(j.attempted_by)] AND ` + alive + `))
    FOR NO KEY UPDATE OF n SKIP LOCKED
), gone AS (
    UPDATE node SET state = 'ready', epoch = epoch + 1, worker = NULL FROM dead WHERE node.id = dead.id
    RETURNING node.id, node.epoch, node.job
), ended AS (` + cancelJobs + `
)
SELECT id, epoch FROM gone`
)

// held is a node and an epoch.
type held struct {
	Node  NodeID
	Epoch int64
}

// watch compares what runs here with what the database says, and looks after what other
// processes left behind.
func (e *Engine) watch(ctx context.Context) error {
	before := e.live.snapshot()
	rows, err := e.cfg.DB.Query(ctx, mine, e.cfg.Worker)
	if err != nil {
		return fmt.Errorf("read own nodes: %w", err)
	}
	claimed, err := pgx.CollectRows(rows, pgx.RowToStructByPos[held])
	if err != nil {
		return fmt.Errorf("read own nodes: %w", err)
	}
	after := e.live.snapshot()
	for _, c := range claimed {
		if before[c.Node] == c.Epoch {
			delete(before, c.Node)
		}
		if _, here := after[c.Node]; !here {
			// Nobody works on it: writing down how it ended had failed.
			if err := e.release(ctx, c.Node, c.Epoch); err != nil {
				return err
			}
		}
	}
	for n, epoch := range before {
		if epoch > 0 { // claimed then, and no more
			e.live.stop(n, epoch, ErrStopped)
		}
	}
	return e.takeOver(ctx)
}

func (e *Engine) takeOver(ctx context.Context) error {
	rows, err := e.cfg.DB.Query(ctx, takeOver, e.cfg.Worker)
	if err != nil {
		return fmt.Errorf("take over: %w", err)
	}
	taken, err := pgx.CollectRows(rows, pgx.RowToStructByPos[held])
	if err != nil {
		return fmt.Errorf("take over: %w", err)
	}
	if len(taken) == 0 {
		return nil
	}
	faultpoint.At("flow.takeover.after")
	for _, t := range taken {
		e.cfg.Log.WarnContext(ctx, "node taken over", "node", t.Node, "epoch", t.Epoch)
	}
	poke(e.kick)
	return nil
}

const (
	buryWorkers = `
DELETE FROM worker w WHERE NOT ` + alive + ` AND NOT EXISTS (SELECT FROM node n WHERE n.worker = w.id AND n.state = 'running')`

	// A token nobody needs would keep others waiting for ever. Every way a run takes
	// gives them back; this mends what a bug or a hand left behind.
	strayTokens = `
UPDATE run_limit l SET held = false FROM run r
WHERE r.id = l.run_id AND l.held AND (r.finished_at IS NOT NULL
    OR NOT l.kept AND NOT EXISTS (SELECT FROM node n WHERE n.run_id = r.id AND n.state IN ` + active + `))`
)

// strayDeliveries ends River's rows that a dead process had at work and no node needs: it
// had told our tables what became of the node, or found an old delivery, and died before
// it told River, which looks at nodes' rows never again. One that began anew under its
// name left them, too.
const strayDeliveries = `
UPDATE river_job j SET state = 'cancelled', finalized_at = clock_timestamp()
WHERE j.state = 'running' AND j.queue = '` + nodeQueue + `'
AND NOT EXISTS (SELECT FROM node n WHERE n.job = j.id AND n.state IN ('queued', 'running'))
AND NOT EXISTS (SELECT FROM worker w WHERE w.id = j.attempted_by[cardinality(j.attempted_by)] AND w.started_at <= j.attempted_at AND ` + alive + `)`

// repair clears away dead workers and what they left behind, and mends tokens.
func (e *Engine) repair(ctx context.Context) error {
	if _, err := e.cfg.DB.Exec(ctx, buryWorkers); err != nil {
		return fmt.Errorf("clear away dead workers: %w", err)
	}
	tag, err := e.cfg.DB.Exec(ctx, strayDeliveries)
	if err != nil {
		return fmt.Errorf("clear away deliveries: %w", err)
	}
	if n := tag.RowsAffected(); n > 0 {
		e.cfg.Log.InfoContext(ctx, "deliveries of dead workers cleared away", "deliveries", n)
	}
	tag, err = e.cfg.DB.Exec(ctx, strayTokens)
	if err != nil {
		return fmt.Errorf("mend tokens: %w", err)
	}
	if n := tag.RowsAffected(); n > 0 {
		e.cfg.Log.WarnContext(ctx, "tokens were held for nothing", "tokens", n)
	}
	return nil
}

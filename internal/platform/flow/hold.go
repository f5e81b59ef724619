package flow

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

const (
	openOfProject = `
SELECT id FROM run WHERE workspace_id = $1 AND project_id = $2 AND project_id <> '' AND state = 'open' ORDER BY id FOR NO KEY UPDATE`

	pausedOfProject = `
SELECT id FROM run WHERE workspace_id = $1 AND project_id = $2 AND project_id <> '' AND state = 'paused' AND reason = $3
ORDER BY id FOR NO KEY UPDATE`

	// lockNodes takes them in the order that every transaction takes them in.
	lockNodes = `SELECT FROM node WHERE run_id = ANY($1) AND state IN ` + active + ` ORDER BY id FOR NO KEY UPDATE`
)

// LockProjectTx locks the runs of a project that are open and their nodes that are at
// work or in line. A step locks its node before what its commit adds, so whoever locks
// something of the project, and then does something to its runs, begins with this.
func LockProjectTx(ctx context.Context, tx pgx.Tx, workspace, project string) error {
	_, err := openRuns(ctx, tx, workspace, project)
	return err
}

// openRuns locks and returns them.
func openRuns(ctx context.Context, tx pgx.Tx, workspace, project string) ([]RunID, error) {
	runs, err := lockRuns(ctx, tx, openOfProject, workspace, project)
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	if _, err := tx.Exec(ctx, lockNodes, runs); err != nil {
		return nil, fmt.Errorf("lock nodes of %s: %w", project, err)
	}
	return runs, nil
}

// PauseProjectTx pauses all runs of a project that are open, as PauseTx does, as part of
// tx. Runs that are paused already keep their reason. It locks as LockProjectTx does.
func PauseProjectTx(ctx context.Context, tx pgx.Tx, workspace, project string, why Reason, detail string) error {
	runs, err := openRuns(ctx, tx, workspace, project)
	if err != nil || len(runs) == 0 {
		return err
	}
	b := &pgx.Batch{}
	for _, run := range runs {
		queuePause(b, run, why, detail)
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("pause the runs of %s: %w", project, err)
	}
	return nil
}

// ResumeProjectTx lets the runs of a project go on that were paused for this reason, as
// part of tx.
func ResumeProjectTx(ctx context.Context, tx pgx.Tx, workspace, project string, why Reason) error {
	runs, err := lockRuns(ctx, tx, pausedOfProject, workspace, project, why)
	if err != nil || len(runs) == 0 {
		return err
	}
	b := &pgx.Batch{}
	for _, run := range runs {
		queueResume(b, run)
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("resume the runs of %s: %w", project, err)
	}
	return nil
}

func queueResume(b *pgx.Batch, run RunID) {
	b.Queue(resumeRun, run)
	b.Queue(takePlace, []RunID{run})
	b.Queue(resumeNodes, run)
}

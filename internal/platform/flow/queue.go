package flow

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"cofounder/internal/base/fault"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/rivertype"
)

// JobChange is what can be done by hand to jobs of River's, plain ones and deliveries of
// nodes. None of it decides about a node: a delivery that is cancelled or deleted is
// replaced by another, and one that is retried finds a newer epoch. Runs are paused and
// ended by name.
type JobChange string

// The changes.
const (
	CancelJobs JobChange = "cancel" // stop them; those at work are told to
	RetryJobs  JobChange = "retry"  // now, whatever they are at
	DeleteJobs JobChange = "delete" // none that is at work
)

// ChangeJobsTx does the same to several jobs of River's, as part of tx: to all or to
// none. One that does not exist is fault.NotFound, deleting one that is at work
// fault.Conflict.
func (e *Engine) ChangeJobsTx(ctx context.Context, tx pgx.Tx, what JobChange, jobs []int64) error {
	for _, job := range jobs {
		if err := e.changeJobTx(ctx, tx, what, job); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) changeJobTx(ctx context.Context, tx pgx.Tx, what JobChange, job int64) error {
	var err error
	switch what {
	case CancelJobs:
		_, err = e.client.JobCancelTx(ctx, tx, job)
	case RetryJobs:
		_, err = e.client.JobRetryTx(ctx, tx, job)
	case DeleteJobs:
		_, err = e.client.JobDeleteTx(ctx, tx, job)
	default:
		return fmt.Errorf("change job %d: %q is no change", job, what)
	}
	switch {
	case errors.Is(err, rivertype.ErrNotFound):
		return fault.New(fault.NotFound, "job_not_found", "There is no job "+strconv.FormatInt(job, 10)+" any more.").Because(err)
	case errors.Is(err, rivertype.ErrJobRunning):
		return fault.New(fault.Conflict, "job_running", "Job "+strconv.FormatInt(job, 10)+" is at work. Cancel it, or wait for its end.").Because(err)
	case err != nil:
		return fmt.Errorf("%s job %d: %w", what, job, err)
	}
	return nil
}

// PauseQueueTx lets a queue of River's hand out nothing any more, as part of tx. What it
// has handed out goes on. Condition tells of it. A queue that does not exist is
// fault.NotFound.
func (e *Engine) PauseQueueTx(ctx context.Context, tx pgx.Tx, queue string) error {
	return explainQueue(e.client.QueuePauseTx(ctx, tx, queue, nil), "pause", queue)
}

// ResumeQueueTx ends that.
func (e *Engine) ResumeQueueTx(ctx context.Context, tx pgx.Tx, queue string) error {
	return explainQueue(e.client.QueueResumeTx(ctx, tx, queue, nil), "resume", queue)
}

func explainQueue(err error, what, queue string) error {
	switch {
	case errors.Is(err, rivertype.ErrNotFound):
		return fault.New(fault.NotFound, "queue_not_found", "There is no such queue.").Because(err)
	case err != nil:
		return fmt.Errorf("%s queue %q: %w", what, queue, err)
	}
	return nil
}

package admin

import (
	"context"
	"fmt"
	"strconv"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"

	"github.com/jackc/pgx/v5"
)

// ThroughQueuePages is the reason of what is done on the queue's own pages, which ask
// for none.
const ThroughQueuePages = "Through the queue's own pages."

// mostJobs bounds how many jobs are changed at once, as the pages do.
const mostJobs = 1000

// ChangeJobs does the same to several jobs of the queue, to all or to none.
func (d *Desk) ChangeJobs(ctx context.Context, actor account.Actor, what flow.JobChange, jobs []int64) error {
	actions := map[flow.JobChange]Action{flow.CancelJobs: CancelJob, flow.RetryJobs: RetryJob, flow.DeleteJobs: DeleteJob}
	action, known := actions[what]
	if !known {
		return fault.New(fault.NotFound, "", "There is no such action on a job.")
	}
	if n := len(jobs); n == 0 || n > mostJobs {
		return fault.OnField("ids", fmt.Sprintf("Choose 1 to %d jobs.", mostJobs))
	}
	notes := make([]Entry, len(jobs))
	for i, job := range jobs {
		notes[i] = Entry{Action: action, Subject: "job " + strconv.FormatInt(job, 10)}
	}
	return d.actOnQueue(ctx, actor, func(tx pgx.Tx) error { return d.cfg.Flow.ChangeJobsTx(ctx, tx, what, jobs) }, notes...)
}

// PauseQueue lets a queue hand out nothing any more, until ResumeQueue.
func (d *Desk) PauseQueue(ctx context.Context, actor account.Actor, queue string) error {
	return d.actOnQueue(ctx, actor, func(tx pgx.Tx) error { return d.cfg.Flow.PauseQueueTx(ctx, tx, queue) },
		Entry{Action: PauseQueue, Subject: "queue " + queue})
}

// ResumeQueue ends a pause.
func (d *Desk) ResumeQueue(ctx context.Context, actor account.Actor, queue string) error {
	return d.actOnQueue(ctx, actor, func(tx pgx.Tx) error { return d.cfg.Flow.ResumeQueueTx(ctx, tx, queue) },
		Entry{Action: ResumeQueue, Subject: "queue " + queue})
}

// actOnQueue does something to what belongs to no team, and writes down that it was
// done, in one transaction.
func (d *Desk) actOnQueue(ctx context.Context, actor account.Actor, do func(tx pgx.Tx) error, notes ...Entry) error {
	if err := need(actor); err != nil {
		return err
	}
	return db.InTx(ctx, d.cfg.DB, func(tx pgx.Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		for _, e := range notes {
			e.User, e.Reason = actor.User, ThroughQueuePages
			if err := d.noteTx(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

package option

import (
	"context"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"
	"cofounder/internal/product/account/form"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// Wanted is what the founder asks for.
type Wanted struct {
	Compare  bool   // two or three, to choose from
	Feedback string // what is to be different from those that are there; may be empty
}

// maxFeedback is how long it may be, in bytes.
const maxFeedback = 20_000

// Ask has ways to build worked out: after a failure, after a change of the page, to
// compare, or again with what the founder says about those that are there. What was there
// stays in force until they are written. fault.Invalid on feedback; fault.Conflict with
// code project_parked, project_deleted, page_needed before there are brief and scope, or
// being_written. fault.Unavailable when the operator's cap on waiting work is reached.
func (o *Options) Ask(ctx context.Context, actor account.Actor, p project.ID, want Wanted) (Set, error) {
	err := o.locked(ctx, actor, p, func(tx pgx.Tx, in project.Project) error {
		var f form.Form
		want.Feedback = f.Block("feedback", want.Feedback, maxFeedback)
		if err := f.Err(); err != nil {
			return err
		}
		return o.askTx(ctx, tx, actor, in, want)
	})
	if err != nil {
		return Set{}, err
	}
	return o.Get(ctx, actor, p)
}

func (o *Options) askTx(ctx context.Context, tx pgx.Tx, actor account.Actor, in project.Project, want Wanted) error {
	papers, err := o.papersTx(ctx, tx, actor, in.ID)
	if fault.Is(err, fault.NotFound) {
		return conflict(in.ID, "page_needed", "There is no page about your idea yet. Answer the questions first, then I work out how to build it.", "questions")
	}
	if err != nil {
		return err
	}
	latest, err := oneSet(ctx, tx, latestSet, in.ID)
	if err != nil {
		return err
	}
	if latest.State == Writing {
		return conflict(in.ID, "being_written", "I am working out how to build this already.", "options")
	}
	r := row{
		ID: id.Mint[SetID](o.cfg.IDs), Number: latest.Number + 1, Compare: want.Compare, Feedback: want.Feedback,
		Brief: papers.brief.Number, Scope: papers.scope.Number,
	}
	run, err := o.cfg.Runs.StartTx(ctx, tx, in.Run(project.RunWriteOptions, actor.User, string(r.ID), assignment{Set: r.ID}))
	if err != nil {
		return err
	}
	r.Run = string(run)
	return o.insertTx(ctx, tx, in.ID, r)
}

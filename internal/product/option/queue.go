package option

import (
	"context"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// ByFounder is the reason of builds that the founder ended.
const ByFounder flow.Reason = "founder"

// Place returns where an order stands in line. One that has begun or is over is
// fault.NotFound.
func (o *Options) Place(ctx context.Context, actor account.Actor, p project.ID, order Order) (flow.Place, error) {
	if _, err := o.cfg.Projects.Get(ctx, actor, p); err != nil {
		return flow.Place{}, err
	}
	return o.cfg.Runs.Place(ctx, string(actor.Workspace), order.Run)
}

// End ends a build for good; what it made so far is kept. One that is over stays as it
// is; one that is not there is fault.NotFound.
func (o *Options) End(ctx context.Context, actor account.Actor, p project.ID, i OrderID) error {
	return o.lockedIf(ctx, actor, p, func(project.Project) error { return nil }, func(tx pgx.Tx, _ project.Project) error {
		last, err := lastOrder(ctx, tx, p)
		if err != nil {
			return err
		}
		if last == nil || last.ID != i {
			return fault.New(fault.NotFound, "", "There is no such build.")
		}
		err = o.cfg.Runs.EndTx(ctx, tx, string(actor.Workspace), last.Run, ByFounder, "The founder ended it.")
		if fault.Is(err, fault.Conflict) { // it is over already
			return nil
		}
		if err != nil {
			return err
		}
		return o.tellTx(ctx, tx, p, WasEnded, news{Order: i})
	})
}

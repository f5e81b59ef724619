package app

import (
	"context"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"
)

// mayGoOn reads again who started a run, and what for, each time a node of it starts: the
// work of somebody who was suspended, left the team, may only look at it now or sees the
// project no more pauses, and so does that on a project that is on hold or deleted.
func (a *App) mayGoOn(ctx context.Context, n *flow.Node) (flow.Reason, error) {
	actor, err := a.Accounts.ForRun(ctx, account.UserID(n.Starter), account.WorkspaceID(n.Workspace))
	if err == nil {
		err = actor.Need(account.MayWrite)
	}
	if fault.Is(err, fault.Forbidden) {
		return project.OfAccount, nil
	}
	if err != nil || n.Project == "" {
		return "", err
	}
	p, err := a.Projects.Get(ctx, actor, project.ID(n.Project))
	if fault.Is(err, fault.NotFound) {
		return project.OfAccount, nil
	}
	return p.MayRun(), err
}

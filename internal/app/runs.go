package app

import (
	"context"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"
)

// mayGoOn reads again who started a run, each time a node of it starts: the work of
// somebody who was suspended or left the team pauses.
func (a *App) mayGoOn(ctx context.Context, n *flow.Node) (flow.Reason, error) {
	_, err := a.Accounts.ForRun(ctx, account.UserID(n.Starter), account.WorkspaceID(n.Workspace))
	if f := fault.Of(err); f != nil && f.Kind == fault.Forbidden {
		return project.OfAccount, nil
	}
	return "", err
}

package view

import (
	"context"

	"cofounder/internal/product/account"
)

// TeamField is the field in which a form names the team it was drawn for.
const TeamField = "team"

type teamKey struct{}

// InTeam returns a context for drawing pages of somebody signed in: their forms
// name the team. An empty team is somebody's who is in none.
func InTeam(ctx context.Context, team account.WorkspaceID) context.Context {
	return context.WithValue(ctx, teamKey{}, team)
}

// teamOf returns the team pages are drawn for, or nothing.
func teamOf(ctx context.Context) account.WorkspaceID {
	team, _ := ctx.Value(teamKey{}).(account.WorkspaceID) //nolint:errcheck // absent is nothing
	return team
}

// SignedIn reports whether ctx is for drawing somebody's pages.
func SignedIn(ctx context.Context) bool {
	_, ok := ctx.Value(teamKey{}).(account.WorkspaceID)
	return ok
}

package app

import (
	"testing"

	"cofounder/internal/platform/flow"
	"cofounder/internal/product/project"
)

// TestRunsOfWhoIsGonePause: a node asks again who started its run.
func TestRunsOfWhoIsGonePause(t *testing.T) {
	t.Parallel()
	a, owner := openModels(t)
	n := &flow.Node{Starter: string(owner.User), Workspace: string(owner.Workspace)}
	if why, err := a.mayGoOn(t.Context(), n); why != "" || err != nil {
		t.Errorf("the owner's run: %q, %v", why, err)
	}
	other := &flow.Node{Starter: string(owner.User), Workspace: "wsp_01kav5zsk3q8t2m4x7n9p6r0wd"}
	if why, err := a.mayGoOn(t.Context(), other); why != project.OfAccount || err != nil {
		t.Errorf("a run in a team he is not in: %q, %v", why, err)
	}
	if _, err := a.database.pool.Exec(t.Context(), `UPDATE app_user SET suspended_at = now() WHERE id = $1`, owner.User); err != nil {
		t.Fatal(err)
	}
	if why, err := a.mayGoOn(t.Context(), n); why != project.OfAccount || err != nil {
		t.Errorf("a suspended owner's run: %q, %v", why, err)
	}
}

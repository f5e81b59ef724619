package app

import (
	"log/slog"
	"testing"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/event"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
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
	become := func(role account.Role) {
		if _, err := a.database.pool.Exec(t.Context(), `UPDATE member SET role = $2 WHERE user_id = $1`, owner.User, role); err != nil {
			t.Fatal(err)
		}
	}
	for role, want := range map[account.Role]flow.Reason{account.Viewer: project.OfAccount, account.Member: ""} {
		become(role)
		if why, err := a.mayGoOn(t.Context(), n); why != want || err != nil {
			t.Errorf("the run of who became a %s: %q, %v; want %q", role, why, err, want)
		}
	}
	if _, err := a.database.pool.Exec(t.Context(), `UPDATE app_user SET suspended_at = now() WHERE id = $1`, owner.User); err != nil {
		t.Fatal(err)
	}
	if why, err := a.mayGoOn(t.Context(), n); why != project.OfAccount || err != nil {
		t.Errorf("a suspended owner's run: %q, %v", why, err)
	}
}

// TestRunsOfWhatIsOnHoldPause: a node asks again whether its project may be worked on.
func TestRunsOfWhatIsOnHoldPause(t *testing.T) {
	t.Parallel()
	a, owner := openModels(t)
	a.Projects = project.New(project.Config{
		DB: a.database.pool, Clock: clock.System{}, IDs: id.NewSource(clock.System{}.Now), Events: event.NewHub(a.database.pool, slog.New(slog.DiscardHandler)),
	})
	p, err := a.Projects.Create(t.Context(), owner, project.Draft{Idea: "a shop for dogs"})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(want flow.Reason) {
		t.Helper()
		n := &flow.Node{Starter: string(owner.User), Workspace: string(owner.Workspace), Project: string(p.ID)}
		if why, err := a.mayGoOn(t.Context(), n); why != want || err != nil {
			t.Errorf("may go on: %q, %v; want %q", why, err, want)
		}
	}
	ask("")
	if _, err := a.Projects.Park(t.Context(), owner, p.ID, ""); err != nil {
		t.Fatal(err)
	}
	ask(project.OnHold)
	if _, err := a.Projects.Delete(t.Context(), owner, p.ID); err != nil {
		t.Fatal(err)
	}
	ask(project.OfDeleted)
}

package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"cofounder/internal/product/account"
	"cofounder/internal/product/project"

	"github.com/google/go-cmp/cmp"
)

// A session of somebody in several workspaces says in which one it writes; which
// one it looked at last decides nothing.
func TestWritesSayTheirWorkspace(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	other, err := w.accounts.CreateWorkspace(t.Context(), ann.actor, "Choir")
	if err != nil {
		t.Fatal(err)
	}
	own := []string{"update-me", "set-password", "revoke-session", "revoke-other-sessions", "remove-passkey", "create-workspace", "set-operator-roles"}
	seen := map[string]bool{}
	for _, o := range w.doc.operations() {
		if !o.writes() || strings.HasPrefix(o.path, "/projects/{") {
			continue
		}
		if slices.Contains(own, o.OperationID) {
			continue
		}
		seen[o.OperationID] = true
		r := w.whole(t, o, ann)
		r.as = ann
		before := w.contents(t)
		w.send(t, r).wantProblem(t, http.StatusConflict, "workspace_needed")
		if diff := cmp.Diff(before, w.contents(t)); diff != "" {
			t.Errorf("%s: something was written\n%s", o, diff)
		}
	}
	for _, want := range []string{"create-project", "rename-workspace", "create-invitation", "create-token", "set-member-role"} {
		if !seen[want] {
			t.Errorf("%s was not looked at", want)
		}
	}

	r := request{method: http.MethodPost, path: "/projects", as: ann, body: map[string]any{"idea": "One"}}
	for _, team := range []account.WorkspaceID{ann.actor.Workspace, other.ID} {
		r.header = http.Header{"X-Workspace": {string(team)}}
		w.send(t, r).want(t, http.StatusCreated)
		actor, err := w.accounts.ActorIn(t.Context(), ann.session, team)
		if err != nil {
			t.Fatal(err)
		}
		if page, err := w.projects.List(t.Context(), actor, project.Query{}); err != nil || len(page.Projects) != 1 {
			t.Errorf("%d projects in %s, %v; want 1", len(page.Projects), team, err)
		}
	}
	for _, team := range []string{string(w.founder(t).actor.Workspace), "nonsense", string(ann.actor.User)} {
		r.header = http.Header{"X-Workspace": {team}}
		w.send(t, r).want(t, http.StatusNotFound)
	}
	// An access key has its one workspace.
	r.as, r.header = w.key(t, ann, account.ScopeWrite), nil
	w.send(t, r).want(t, http.StatusCreated)
	r.header = http.Header{"X-Workspace": {string(other.ID)}}
	w.send(t, r).want(t, http.StatusNotFound)
}

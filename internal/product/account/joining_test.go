package account_test

import (
	"fmt"
	"testing"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/account"

	"github.com/google/go-cmp/cmp"
)

// grant is what somebody may do in a team: the most on each project. everywhere stands for
// the projects nobody was invited to singly, those to come among them.
type grant map[string]account.Role

const everywhere = "all"

func weight(r account.Role) int {
	return map[account.Role]int{account.Viewer: 1, account.Member: 2, account.Owner: 3}[r]
}

// union returns the most that either of two grants allows on each project.
func union(x, y grant) grant {
	sum := grant{}
	for _, g := range []grant{x, y} {
		for project, r := range g {
			if weight(r) > weight(sum[project]) {
				sum[project] = r
			}
		}
	}
	return sum
}

// exceeds reports whether g allows anything that most does not.
func (g grant) exceeds(most grant) bool {
	for project, r := range g {
		if weight(r) > weight(most[project]) {
			return true
		}
	}
	return false
}

// granted reads what somebody may do to the projects named by names.
func (w *world) granted(t *testing.T, ws account.WorkspaceID, u account.UserID, names map[string]account.ProjectID) grant {
	t.Helper()
	g := grant{}
	var role account.Role
	var restricted bool
	err := w.db.QueryRow(t.Context(), `SELECT coalesce(min(role), ''), coalesce(bool_or(restricted), true) FROM member WHERE workspace_id = $1 AND user_id = $2`, ws, u).
		Scan(&role, &restricted)
	if err != nil {
		t.Fatal(err)
	}
	if !restricted {
		g[everywhere] = role
	}
	for name, p := range names {
		n := w.count(t, `SELECT count(*) FROM member_project WHERE workspace_id = $1 AND user_id = $2 AND project_id = $3`, ws, u, p)
		if !restricted || n == 1 {
			g[name] = role
		}
	}
	return g
}

// A second invitation may never add up with the first to more than the two grant.
func TestJoiningTwiceGrantsNoMoreThanBoth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.person(t, "ann")
	ws := ann.actor.Workspace
	names := map[string]account.ProjectID{"x": w.project(t, ws), "y": w.project(t, ws), "z": w.project(t, ws)}
	type reach struct {
		role     account.Role
		projects []string // none: all
		purged   bool     // and then its projects were
	}
	var firsts, seconds []reach
	for _, r := range []account.Role{account.Viewer, account.Member} {
		firsts = append(firsts, reach{role: r}, reach{r, []string{"x"}, false}, reach{r, []string{"x", "y"}, false}, reach{r, []string{"x"}, true})
		seconds = append(seconds, reach{role: r}, reach{r, []string{"x"}, false}, reach{r, []string{"y"}, false})
	}
	firsts, seconds = append(firsts, reach{role: account.Owner}), append(seconds, reach{role: account.Owner})
	invited := func(r reach) grant {
		g := grant{}
		for _, p := range r.projects {
			g[p] = r.role
		}
		if len(r.projects) == 0 {
			g = grant{everywhere: r.role, "x": r.role, "y": r.role, "z": r.role}
		}
		return g
	}
	joins := func(t *testing.T, p someone, r reach) error {
		t.Helper()
		drafts := []account.InvitationDraft{{Role: r.role}}
		for i, project := range r.projects {
			drafts = append(drafts[:i], account.InvitationDraft{Role: r.role, Project: names[project]})
		}
		for _, d := range drafts {
			code, i, err := w.Invite(t.Context(), ann.actor, d)
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.AcceptInvitation(t.Context(), p.session, code)
			w.exec(t, `UPDATE invitation SET expires_at = created_at WHERE id = $1`, i.ID) // a hundred may be open
			if err != nil {
				return err
			}
		}
		return nil
	}
	for i, first := range firsts {
		for j, second := range seconds {
			name := fmt.Sprintf("%s of %v (purged: %v), then %s of %v", first.role, first.projects, first.purged, second.role, second.projects)
			bob := w.person(t, fmt.Sprintf("bob-%d-%d", i, j))
			if err := joins(t, bob, first); err != nil {
				t.Fatalf("%s: the first: %v", name, err)
			}
			if first.purged {
				w.exec(t, `DELETE FROM member_project WHERE user_id = $1`, bob.actor.User)
			}
			before := w.granted(t, ws, bob.actor.User, names)
			offered := invited(second)
			err := joins(t, bob, second)
			after := w.granted(t, ws, bob.actor.User, names)
			switch {
			case after.exceeds(union(before, offered)):
				t.Errorf("%s: %v and %v became %v", name, before, offered, after)
			case before.exceeds(after):
				t.Errorf("%s: %v was lowered to %v", name, before, after)
			case err == nil && offered.exceeds(after):
				t.Errorf("%s: joined, and of %v got %v", name, offered, after)
			case err != nil && after.exceeds(before):
				t.Errorf("%s: refused, and %v became %v", name, before, after)
			case err != nil:
				faulttest.Wants(t, name, err, "conflict already_member")
			}
			// Only what no single role can say is refused.
			sayable := !before.exceeds(offered) || !offered.exceeds(before) || first.role == second.role
			if first.purged && weight(first.role) > weight(second.role) {
				sayable = false // nothing is left of it but the higher role
			}
			if sayable != (err == nil) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// Whoever was invited to a project that is gone shares nothing with anybody.
func TestNobodyIsSeenWithoutASharedProject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob, cid := w.person(t, "ann"), w.person(t, "bob"), w.person(t, "cid")
	p := w.project(t, ann.actor.Workspace)
	w.joins(t, cid, ann, account.InvitationDraft{Role: account.Member})
	there := w.joins(t, bob, ann, account.InvitationDraft{Role: account.Viewer, Project: p})
	names := func() (list []string) {
		members, err := w.Members(t.Context(), there)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range members {
			list = append(list, m.Name)
		}
		return list
	}
	if diff := cmp.Diff([]string{"ann", "cid", "bob"}, names()); diff != "" {
		t.Errorf("with the project (-want +got):\n%s", diff)
	}
	w.exec(t, `DELETE FROM project WHERE id = $1`, p)
	if diff := cmp.Diff([]string{"bob"}, names()); diff != "" {
		t.Errorf("without (-want +got):\n%s", diff)
	}
}

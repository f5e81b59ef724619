package account_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/account"

	"github.com/google/go-cmp/cmp"
)

func TestWorkspaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.person(t, "ann")
	made, err := w.CreateWorkspace(t.Context(), ann.actor, "  alpha team ")
	if err != nil {
		t.Fatal(err)
	}
	want := account.Workspace{ID: made.ID, Name: "alpha team", Role: account.Owner, CreatedAt: w.clock.Now()}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("CreateWorkspace (-want +got):\n%s", diff)
	}
	list, err := w.Workspaces(t.Context(), ann.actor)
	if err != nil {
		t.Fatal(err)
	}
	own, err := w.Workspace(t.Context(), ann.actor)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]account.Workspace{made, own}, list); diff != "" {
		t.Errorf("Workspaces (-want +got):\n%s", diff)
	}
	there := w.in(t, ann.session, made.ID)
	renamed, err := w.RenameWorkspace(t.Context(), there, "Beta")
	want.Name = "Beta"
	if diff := cmp.Diff(want, renamed); err != nil || diff != "" {
		t.Errorf("RenameWorkspace (-want +got): %v\n%s", err, diff)
	}
	for _, name := range []string{"", "   ", "a\nb", "\u200d", strings.Repeat("x", 81), "\xff", "a\x00"} {
		_, err := w.CreateWorkspace(t.Context(), ann.actor, name)
		faulttest.Wants(t, fmt.Sprintf("CreateWorkspace %q", name), err, "invalid name")
		_, err = w.RenameWorkspace(t.Context(), there, name)
		faulttest.Wants(t, fmt.Sprintf("RenameWorkspace %q", name), err, "invalid name")
	}
}

func TestWhoMayMakeWorkspaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t, closed)
	owner := w.owner(t)
	if _, err := w.CreateWorkspace(t.Context(), owner.actor, "Second"); err != nil {
		t.Errorf("the operator: %v", err)
	}
	code, _, err := w.Invite(t.Context(), owner.actor, account.InvitationDraft{Role: account.Member})
	if err != nil {
		t.Fatal(err)
	}
	_, s, err := w.SignUpInvited(t.Context(), code, account.Credentials{Name: "Ann", Email: "ann@example.org", Password: password}, device())
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.CreateWorkspace(t.Context(), w.in(t, s, ""), "Mine")
	faulttest.Wants(t, "a member", err, "forbidden sign_up_closed")
	if err := w.SetRole(t.Context(), owner.actor, s.User.ID, account.Owner); err != nil {
		t.Fatal(err)
	}
	_, err = w.CreateWorkspace(t.Context(), w.in(t, s, ""), "Mine")
	faulttest.Wants(t, "an owner", err, "")
	w.exec(t, `INSERT INTO workspace (id, name, created_at) SELECT 'wsp_' || n, 'x', now() FROM generate_series(1, 60) n`)
	w.exec(t, `INSERT INTO member (workspace_id, user_id, role, joined_at) SELECT 'wsp_' || n, $1, 'owner', now() FROM generate_series(1, 48) n`, s.User.ID)
	_, err = w.CreateWorkspace(t.Context(), w.in(t, s, ""), "More")
	faulttest.Wants(t, "with fifty", err, "conflict too_many_workspaces")
}

func TestMembersAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob, cid, dan := w.person(t, "ann"), w.person(t, "bob"), w.person(t, "cid"), w.person(t, "dan")
	ws := ann.actor.Workspace
	x, y := w.project(t, ws), w.project(t, ws)
	w.joins(t, bob, ann, account.InvitationDraft{Role: account.Viewer})
	cidThere := w.joins(t, cid, ann, account.InvitationDraft{Role: account.Member, Project: x})
	danThere := w.joins(t, dan, ann, account.InvitationDraft{Role: account.Viewer, Project: y})
	if !cidThere.Restricted || !danThere.Restricted {
		t.Fatal("somebody invited to one project is not restricted")
	}
	now := w.clock.Now()
	person := func(p someone, name string, r account.Role, projects ...account.ProjectID) account.Membership {
		if projects == nil {
			projects = []account.ProjectID{}
		}
		return account.Membership{
			User: p.actor.User, Name: name, Email: name + "@example.org", Role: r, JoinedAt: now,
			Projects: projects, Restricted: len(projects) > 0,
		}
	}
	everybody := []account.Membership{
		person(ann, "ann", account.Owner), person(cid, "cid", account.Member, x), person(bob, "bob", account.Viewer), person(dan, "dan", account.Viewer, y),
	}
	tests := []struct {
		name  string
		actor account.Actor
		want  []account.Membership
	}{
		{"owner", ann.actor, everybody},
		{"viewer", w.in(t, bob.session, ws), everybody},
		{"of one project", cidThere, everybody[:3]},
		{"of another", danThere, []account.Membership{everybody[0], everybody[2], everybody[3]}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := w.Members(t.Context(), tt.actor)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Members (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSetRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob, eve := w.person(t, "ann"), w.person(t, "bob"), w.person(t, "eve")
	ws := ann.actor.Workspace
	p := w.project(t, ws)
	w.joins(t, bob, ann, account.InvitationDraft{Role: account.Viewer, Project: p})
	ctx := t.Context()
	faulttest.Wants(t, "a role there is not", w.SetRole(ctx, ann.actor, bob.actor.User, "admin"), "invalid role")
	faulttest.Wants(t, "no role", w.SetRole(ctx, ann.actor, bob.actor.User, ""), "invalid role")
	faulttest.Wants(t, "somebody of another team", w.SetRole(ctx, ann.actor, eve.actor.User, account.Owner), "not_found")
	faulttest.Wants(t, "the last owner", w.SetRole(ctx, ann.actor, ann.actor.User, account.Member), "conflict last_owner")
	faulttest.Wants(t, "the last owner, to owner", w.SetRole(ctx, ann.actor, ann.actor.User, account.Owner), "")
	faulttest.Wants(t, "by a viewer", w.SetRole(ctx, w.in(t, bob.session, ws), ann.actor.User, account.Viewer), "forbidden owner_only")
	faulttest.Wants(t, "to member", w.SetRole(ctx, ann.actor, bob.actor.User, account.Member), "")
	if a := w.in(t, bob.session, ws); a.Role != account.Member || !a.Restricted {
		t.Errorf("as member: %+v, want still restricted", a)
	}
	faulttest.Wants(t, "to owner", w.SetRole(ctx, ann.actor, bob.actor.User, account.Owner), "")
	if a := w.in(t, bob.session, ws); a.Role != account.Owner || a.Restricted {
		t.Errorf("as owner: %+v, want no longer restricted", a)
	}
	if n := w.count(t, `SELECT count(*) FROM member_project`); n != 0 {
		t.Errorf("%d single projects are left of an owner", n)
	}
	faulttest.Wants(t, "one of two owners", w.SetRole(ctx, w.in(t, bob.session, ws), ann.actor.User, account.Viewer), "")
	faulttest.Wants(t, "with a right of yesterday", w.SetRole(ctx, ann.actor, bob.actor.User, account.Viewer), "forbidden owner_only")
}

func TestRemoveMember(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob, cid, eve := w.person(t, "ann"), w.person(t, "bob"), w.person(t, "cid"), w.person(t, "eve")
	ws := ann.actor.Workspace
	bobThere := w.joins(t, bob, ann, account.InvitationDraft{Role: account.Member})
	cidThere := w.joins(t, cid, ann, account.InvitationDraft{Role: account.Viewer})
	ctx := t.Context()
	faulttest.Wants(t, "an owner by a member", w.RemoveMember(ctx, bobThere, ann.actor.User), "forbidden owner_only")
	faulttest.Wants(t, "a viewer by a member", w.RemoveMember(ctx, bobThere, cid.actor.User), "forbidden owner_only")
	faulttest.Wants(t, "somebody of another team", w.RemoveMember(ctx, ann.actor, eve.actor.User), "not_found")
	faulttest.Wants(t, "nobody", w.RemoveMember(ctx, ann.actor, ""), "not_found")
	faulttest.Wants(t, "the last owner", w.RemoveMember(ctx, ann.actor, ann.actor.User), "conflict last_owner")
	faulttest.Wants(t, "a viewer who leaves", w.RemoveMember(ctx, cidThere, cid.actor.User), "")
	faulttest.Wants(t, "who left already", w.RemoveMember(ctx, cidThere, cid.actor.User), "not_found")
	faulttest.Wants(t, "a member by the owner", w.RemoveMember(ctx, ann.actor, bob.actor.User), "")
	_, err := w.ActorIn(ctx, bob.session, ws)
	faulttest.Wants(t, "the removed in the team", err, "not_found")
	s, err := w.Authenticate(ctx, bob.secret)
	if err != nil || s.Workspace != bob.actor.Workspace {
		t.Errorf("his session is in %q, %v; want his own team", s.Workspace, err)
	}
}

func TestInvitationsOfAFormerOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob, eve := w.person(t, "ann"), w.person(t, "bob"), w.person(t, "eve")
	there := w.joins(t, bob, ann, account.InvitationDraft{Role: account.Owner})
	code, _, err := w.Invite(t.Context(), there, account.InvitationDraft{Role: account.Owner})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.RemoveMember(t.Context(), ann.actor, bob.actor.User); err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]someone{"himself": bob, "another": eve} {
		_, err := w.AcceptInvitation(t.Context(), p.session, code)
		faulttest.Wants(t, "a back door for "+name, err, "gone link_revoked")
	}
	if list, err := w.Invitations(t.Context(), ann.actor); err != nil || len(list) != 0 {
		t.Errorf("Invitations = %v, %v", list, err)
	}
}

func TestTwoOwnersAtOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(w *world, ctx context.Context, by account.Actor, u account.UserID) error
	}{
		{"demote each other", func(w *world, ctx context.Context, by account.Actor, u account.UserID) error {
			return w.SetRole(ctx, by, u, account.Viewer)
		}},
		{"remove each other", func(w *world, ctx context.Context, by account.Actor, u account.UserID) error {
			return w.RemoveMember(ctx, by, u)
		}},
		{"step down", func(w *world, ctx context.Context, by account.Actor, _ account.UserID) error {
			return w.SetRole(ctx, by, by.User, account.Member)
		}},
		{"leave", func(w *world, ctx context.Context, by account.Actor, _ account.UserID) error {
			return w.RemoveMember(ctx, by, by.User)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ann, bob := w.person(t, "ann"), w.person(t, "bob")
			for round := range 8 {
				made, err := w.CreateWorkspace(t.Context(), ann.actor, fmt.Sprint("round ", round))
				if err != nil {
					t.Fatal(err)
				}
				annThere := w.in(t, ann.session, made.ID)
				bobThere := w.joins(t, bob, someone{actor: annThere}, account.InvitationDraft{Role: account.Owner})
				actors := []account.Actor{annThere, bobThere}
				errs := atOnce(t.Context(), 2, func(ctx context.Context, i int) error {
					return tt.do(w, ctx, actors[i], actors[1-i].User)
				})
				if (errs[0] == nil) == (errs[1] == nil) {
					t.Errorf("round %d: %q and %q; want one to succeed", round, faulttest.Says(errs[0]), faulttest.Says(errs[1]))
				}
				if n := w.count(t, `SELECT count(*) FROM member WHERE workspace_id = $1 AND role = 'owner'`, made.ID); n != 1 {
					t.Errorf("round %d: %d owners are left, want 1", round, n)
				}
			}
		})
	}
}

package account_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"

	"github.com/google/go-cmp/cmp"
)

func TestInvite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.person(t, "ann"), w.person(t, "bob")
	own, deleted, foreign := w.project(t, ann.actor.Workspace), w.project(t, ann.actor.Workspace), w.project(t, bob.actor.Workspace)
	w.exec(t, `UPDATE project SET deleted_at = now() WHERE id = $1`, deleted)
	viewer := w.joins(t, bob, ann, account.InvitationDraft{Role: account.Viewer})
	tests := []struct {
		name  string
		actor account.Actor
		draft account.InvitationDraft
		want  string
	}{
		{"owner", ann.actor, account.InvitationDraft{Role: account.Owner}, ""},
		{"member of one project", ann.actor, account.InvitationDraft{Role: account.Member, Project: own}, ""},
		{"owner of one project", ann.actor, account.InvitationDraft{Role: account.Owner, Project: own}, "invalid role"},
		{"no role", ann.actor, account.InvitationDraft{}, "invalid role"},
		{"a deleted project", ann.actor, account.InvitationDraft{Role: account.Viewer, Project: deleted}, "invalid project"},
		{"another team's project", ann.actor, account.InvitationDraft{Role: account.Viewer, Project: foreign}, "invalid project"},
		{"no project", ann.actor, account.InvitationDraft{Role: account.Viewer, Project: "prj_x"}, "invalid project"},
		{"by a viewer", viewer, account.InvitationDraft{Role: account.Viewer}, "forbidden owner_only"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, i, err := w.Invite(t.Context(), tt.actor, tt.draft)
			faulttest.Wants(t, "Invite", err, tt.want)
			if err != nil {
				return
			}
			want := account.Invitation{
				ID: i.ID, Role: tt.draft.Role, Project: tt.draft.Project, CreatedBy: "ann",
				CreatedAt: w.clock.Now(), ExpiresAt: w.clock.Now().Add(7 * day),
			}
			if diff := cmp.Diff(want, i); diff != "" {
				t.Errorf("invitation (-want +got):\n%s", diff)
			}
			offer, err := w.PeekInvitation(t.Context(), code)
			wantOffer := account.InvitationOffer{Workspace: "My team", InvitedBy: "ann", Role: tt.draft.Role, OneOnly: tt.draft.Project != ""}
			if err != nil || offer != wantOffer {
				t.Errorf("PeekInvitation = %+v, %v; want %+v", offer, err, wantOffer)
			}
		})
	}
}

func TestInvitationEnds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		before func(t *testing.T, w *world, ann someone, p account.ProjectID, i account.InvitationID, code string)
		want   string
	}{
		{"fresh", func(*testing.T, *world, someone, account.ProjectID, account.InvitationID, string) {}, ""},
		{"six days later", func(_ *testing.T, w *world, _ someone, _ account.ProjectID, _ account.InvitationID, _ string) {
			w.clock.Advance(7*day - time.Second)
		}, ""},
		{"expired", func(_ *testing.T, w *world, _ someone, _ account.ProjectID, _ account.InvitationID, _ string) {
			w.clock.Advance(7 * day)
		}, "gone link_expired"},
		{"revoked, twice", func(t *testing.T, w *world, ann someone, _ account.ProjectID, i account.InvitationID, _ string) {
			t.Helper()
			for range 2 {
				if err := w.RevokeInvitation(t.Context(), ann.actor, i); err != nil {
					t.Fatal(err)
				}
			}
		}, "gone link_revoked"},
		{"used", func(t *testing.T, w *world, ann someone, _ account.ProjectID, i account.InvitationID, code string) {
			t.Helper()
			if _, err := w.AcceptInvitation(t.Context(), w.person(t, "dan").session, code); err != nil {
				t.Fatal(err)
			}
			faulttest.Wants(t, "revoking a used one", w.RevokeInvitation(t.Context(), ann.actor, i), "not_found")
		}, "gone link_used"},
		{"project deleted", func(t *testing.T, w *world, _ someone, p account.ProjectID, _ account.InvitationID, _ string) {
			t.Helper()
			w.exec(t, `UPDATE project SET deleted_at = now() WHERE id = $1`, p)
		}, "gone link_revoked"},
		{"project purged", func(t *testing.T, w *world, _ someone, p account.ProjectID, _ account.InvitationID, _ string) {
			t.Helper()
			w.exec(t, `DELETE FROM project WHERE id = $1`, p)
		}, "not_found"},
		{"account of the inviter deleted", func(t *testing.T, w *world, ann someone, _ account.ProjectID, _ account.InvitationID, _ string) {
			t.Helper()
			if err := w.DeleteAccount(t.Context(), ann.actor, "ann@example.org"); err != nil {
				t.Fatal(err)
			}
		}, "not_found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ann, bob := w.person(t, "ann"), w.person(t, "bob")
			p := w.project(t, ann.actor.Workspace)
			code, i, err := w.Invite(t.Context(), ann.actor, account.InvitationDraft{Role: account.Member, Project: p})
			if err != nil {
				t.Fatal(err)
			}
			tt.before(t, w, ann, p, i.ID, code)
			_, err = w.PeekInvitation(t.Context(), code)
			faulttest.Wants(t, "PeekInvitation", err, tt.want)
			before := w.snapshot(t)
			_, err = w.AcceptInvitation(t.Context(), bob.session, code)
			faulttest.Wants(t, "AcceptInvitation", err, tt.want)
			if diff := cmp.Diff(before, w.snapshot(t)); err != nil && diff != "" {
				t.Errorf("rows (-before +after):\n%s", diff)
			}
			c := account.Credentials{Name: "Cid", Email: "cid@example.org", Password: password}
			if err == nil {
				tt.want = "gone link_used"
			}
			_, _, err = w.SignUpInvited(t.Context(), code, c, device())
			faulttest.Wants(t, "SignUpInvited", err, tt.want)
		})
	}
	w := newWorld(t)
	for _, code := range []string{"", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "\x00"} {
		_, err := w.PeekInvitation(t.Context(), code)
		faulttest.Wants(t, fmt.Sprintf("PeekInvitation %q", code), err, "not_found")
	}
}

// What joining does to somebody who is or is not there already.
func TestJoining(t *testing.T) {
	t.Parallel()
	type state struct {
		Role       account.Role
		Restricted bool
		Projects   int
		Used       bool
	}
	tests := []struct {
		name  string
		first *account.InvitationDraft // what Bob is there already
		draft account.InvitationDraft
		one   bool // second invitation is to one project
		want  state
		err   string
	}{
		{"nobody, all projects", nil, account.InvitationDraft{Role: account.Viewer}, false, state{account.Viewer, false, 0, true}, ""},
		{"nobody, one project", nil, account.InvitationDraft{Role: account.Member}, true, state{account.Member, true, 1, true}, ""},
		{"viewer to owner", &account.InvitationDraft{Role: account.Viewer}, account.InvitationDraft{Role: account.Owner}, false, state{account.Owner, false, 0, true}, ""},
		{"owner to viewer", &account.InvitationDraft{Role: account.Owner}, account.InvitationDraft{Role: account.Viewer}, false, state{account.Owner, false, 0, false}, ""},
		{"member to member", &account.InvitationDraft{Role: account.Member}, account.InvitationDraft{Role: account.Member}, false, state{account.Member, false, 0, false}, ""},
		{"sees all, invited to one", &account.InvitationDraft{Role: account.Member}, account.InvitationDraft{Role: account.Viewer}, true, state{account.Member, false, 0, false}, ""},
		{"sees all, raised for one", &account.InvitationDraft{Role: account.Viewer}, account.InvitationDraft{Role: account.Member}, true, state{account.Viewer, false, 0, false}, "conflict already_member"},
		{"sees one, invited to another", &account.InvitationDraft{Role: account.Member, Project: "x"}, account.InvitationDraft{Role: account.Member}, true, state{account.Member, true, 2, true}, ""},
		{"sees one, raised for another", &account.InvitationDraft{Role: account.Viewer, Project: "x"}, account.InvitationDraft{Role: account.Member}, true, state{account.Viewer, true, 1, false}, "conflict already_member"},
		{"sees one, invited to all", &account.InvitationDraft{Role: account.Viewer, Project: "x"}, account.InvitationDraft{Role: account.Member}, false, state{account.Member, false, 0, true}, ""},
		{"sees one, invited to less of all", &account.InvitationDraft{Role: account.Member, Project: "x"}, account.InvitationDraft{Role: account.Viewer}, false, state{account.Member, true, 1, false}, "conflict already_member"},
		{"sees one, made owner", &account.InvitationDraft{Role: account.Viewer, Project: "x"}, account.InvitationDraft{Role: account.Owner}, false, state{account.Owner, false, 0, true}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ann, bob := w.person(t, "ann"), w.person(t, "bob")
			x, y := w.project(t, ann.actor.Workspace), w.project(t, ann.actor.Workspace)
			if tt.first != nil {
				if tt.first.Project != "" {
					tt.first.Project = x
				}
				w.joins(t, bob, ann, *tt.first)
			}
			if tt.one {
				tt.draft.Project = y
			}
			code, i, err := w.Invite(t.Context(), ann.actor, tt.draft)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // joining twice changes nothing
				ws, err := w.AcceptInvitation(t.Context(), bob.session, code)
				faulttest.Wants(t, "AcceptInvitation", err, tt.err)
				if err == nil && ws != ann.actor.Workspace {
					t.Fatalf("AcceptInvitation = %s", ws)
				}
				a := w.in(t, bob.session, "") // where joining left him
				got := state{
					a.Role, a.Restricted,
					w.count(t, `SELECT count(*) FROM member_project WHERE user_id = $1`, bob.actor.User),
					w.count(t, `SELECT count(*) FROM invitation WHERE id = $1 AND used_at IS NOT NULL`, i.ID) == 1,
				}
				if got != tt.want || a.Workspace != ann.actor.Workspace {
					t.Errorf("joined as %+v in %s, want %+v", got, a.Workspace, tt.want)
				}
			}
		})
	}
}

func TestOneInvitationManyGuests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, closed)
	owner := w.owner(t)
	code, _, err := w.Invite(t.Context(), owner.actor, account.InvitationDraft{Role: account.Member})
	if err != nil {
		t.Fatal(err)
	}
	errs := atOnce(t.Context(), 8, func(ctx context.Context, i int) error {
		c := account.Credentials{Name: "Guest", Email: fmt.Sprintf("guest%d@example.org", i), Password: password}
		_, s, err := w.SignUpInvited(ctx, code, c, account.Device{Address: fmt.Sprint(i)})
		if err == nil && s.Workspace != owner.actor.Workspace {
			return fmt.Errorf("joined %s", s.Workspace)
		}
		return err
	})
	if diff := cmp.Diff(map[string]int{"": 1, "gone link_used": 7}, kinds(errs)); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	users, teams := w.count(t, `SELECT count(*) FROM app_user`), w.count(t, `SELECT count(*) FROM workspace`)
	if users != 2 || teams != 1 {
		t.Errorf("%d users in %d workspaces; want the owner and one guest in one", users, teams)
	}
}

func TestSignUpInvitedChecksCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t, closed)
	owner := w.owner(t)
	code, _, err := w.Invite(t.Context(), owner.actor, account.InvitationDraft{Role: account.Member})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.SecureAccount(t.Context(), owner.actor, "owner@example.org", password); err != nil {
		t.Fatal(err)
	}
	before := w.snapshot(t)
	for name, tt := range map[string]struct {
		c    account.Credentials
		want string
	}{
		"weak":          {account.Credentials{Name: "Bob", Email: "bob@example.org", Password: "password"}, "invalid password"},
		"known address": {account.Credentials{Name: "Bob", Email: "owner@example.org", Password: password}, "invalid email"},
	} {
		_, _, err := w.SignUpInvited(t.Context(), code, tt.c, device())
		faulttest.Wants(t, name, err, tt.want)
	}
	if diff := cmp.Diff(before, w.snapshot(t)); diff != "" {
		t.Errorf("rows (-before +after):\n%s", diff)
	}
	if _, err := w.PeekInvitation(t.Context(), code); err != nil {
		t.Errorf("the invitation was used up: %v", err)
	}
}

func TestInvitationsAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.person(t, "ann"), w.person(t, "bob")
	if list, err := w.Invitations(t.Context(), ann.actor); err != nil || list == nil || len(list) != 0 {
		t.Errorf("Invitations = %v, %v; want an empty list", list, err)
	}
	var made []account.Invitation
	for range 4 {
		w.clock.Advance(time.Hour)
		_, i, err := w.Invite(t.Context(), ann.actor, account.InvitationDraft{Role: account.Viewer})
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, i)
	}
	viewer := w.joins(t, bob, ann, account.InvitationDraft{Role: account.Viewer})
	if err := w.RevokeInvitation(t.Context(), ann.actor, made[1].ID); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(made[0].ExpiresAt.Sub(w.clock.Now()))
	list, err := w.Invitations(t.Context(), ann.actor)
	if diff := cmp.Diff([]account.Invitation{made[3], made[2]}, list); err != nil || diff != "" {
		t.Errorf("Invitations (-want +got): %v\n%s", err, diff)
	}
	_, err = w.Invitations(t.Context(), viewer)
	faulttest.Wants(t, "Invitations for a viewer", err, "forbidden owner_only")
	faulttest.Wants(t, "revoking as a viewer", w.RevokeInvitation(t.Context(), viewer, made[3].ID), "forbidden owner_only")
	faulttest.Wants(t, "revoking another team's", w.RevokeInvitation(t.Context(), bob.actor, made[3].ID), "not_found")
	faulttest.Wants(t, "revoking none", w.RevokeInvitation(t.Context(), ann.actor, id.Mint[account.InvitationID](w.ids)), "not_found")
	w.exec(t, `INSERT INTO invitation (id, workspace_id, role, code_hash, created_by, created_at, expires_at)
		SELECT 'inv_' || n, $1, 'viewer', sha256(n::text::bytea), $2, $3::timestamptz, $3::timestamptz + interval '1 day' FROM generate_series(1, 98) n`,
		ann.actor.Workspace, ann.actor.User, w.clock.Now())
	_, _, err = w.Invite(t.Context(), ann.actor, account.InvitationDraft{Role: account.Viewer})
	faulttest.Wants(t, "above a hundred", err, "conflict too_many_invitations")
}

func TestAcceptWhileTheAccountIsDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.person(t, "ann"), w.person(t, "bob")
	code, _, err := w.Invite(t.Context(), ann.actor, account.InvitationDraft{Role: account.Owner})
	if err != nil {
		t.Fatal(err)
	}
	atOnce(t.Context(), 2, func(ctx context.Context, i int) error {
		if i == 0 {
			return w.DeleteAccount(ctx, bob.actor, "bob@example.org")
		}
		_, err := w.AcceptInvitation(ctx, bob.session, code)
		return err
	})
	if n := w.count(t, `SELECT count(*) FROM member m JOIN app_user u ON u.id = m.user_id WHERE u.deleted_at IS NOT NULL`); n != 0 {
		t.Errorf("%d memberships of a deleted user", n)
	}
	if err := w.DeleteAccount(t.Context(), bob.actor, "bob@example.org"); err == nil {
		return // he joined first, and then could leave
	}
	_, err = w.AcceptInvitation(t.Context(), bob.session, code)
	faulttest.Wants(t, "joining when deleted", err, "unauthenticated")
}

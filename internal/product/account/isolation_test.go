package account_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/account"

	"github.com/google/go-cmp/cmp"
)

// rows returns everything stored of the given users and workspaces, as text.
func (w *world) rows(t *testing.T, keys ...string) map[string]string {
	t.Helper()
	stored := map[string]string{}
	for table := range w.snapshot(t) {
		var text string
		err := w.db.QueryRow(t.Context(), `SELECT coalesce(string_agg(x::text, E'\n' ORDER BY x::text), '') FROM `+table+` x
			WHERE EXISTS (SELECT FROM unnest($1::text[]) k WHERE strpos(x::text, k) > 0)`, keys).Scan(&text)
		if err != nil {
			t.Fatal(err)
		}
		stored[table] = text
	}
	return stored
}

// Two teams that know nothing of each other: every method, called by Ann with what
// is Bob's, must neither show nor change anything of his.
func TestTwoTeams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.person(t, "ann"), w.person(t, "bob")
	theirs := w.project(t, bob.actor.Workspace)
	bobToken, token, err := w.CreateToken(t.Context(), bob.actor, account.TokenDraft{Name: "bobs-key", Scope: account.ScopeWrite})
	if err != nil {
		t.Fatal(err)
	}
	key := newAuthenticator(t)
	passkey := w.enrol(t, bob, key)
	_, invitation, err := w.Invite(t.Context(), bob.actor, account.InvitationDraft{Role: account.Viewer})
	if err != nil {
		t.Fatal(err)
	}
	options, ceremony, err := w.BeginPasskey(t.Context(), bob.actor)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.RenameWorkspace(t.Context(), bob.actor, "Bobs bakery"); err != nil {
		t.Fatal(err)
	}
	his := []string{
		string(bob.actor.User), string(bob.actor.Workspace), string(bob.session.ID), string(token.ID), string(passkey.ID),
		string(invitation.ID), string(theirs), "bob@example.org", "Bobs bakery", "bobs-key",
	}
	// An actor whose workspace was put there by hand: no method may believe it.
	forged := ann.actor
	forged.Workspace = bob.actor.Workspace

	const none, notFound, nothing = "", "not_found", "unauthenticated"
	type call struct {
		want string
		do   func(ctx context.Context) (any, error)
	}
	just := func(want string, do func(ctx context.Context) error) call {
		return call{want, func(ctx context.Context) (any, error) { return nil, do(ctx) }}
	}
	calls := map[string][]call{
		"Authenticate": {{none, func(ctx context.Context) (any, error) { return w.Authenticate(ctx, ann.secret) }}},
		"ActorIn":      {{notFound, func(ctx context.Context) (any, error) { return w.ActorIn(ctx, ann.session, bob.actor.Workspace) }}},
		"ForRun":       {{"forbidden not_a_member", func(ctx context.Context) (any, error) { return w.ForRun(ctx, ann.actor.User, bob.actor.Workspace) }}},
		"Profile":      {{none, func(ctx context.Context) (any, error) { return w.Profile(ctx, ann.actor) }}},
		"Sessions":     {{none, func(ctx context.Context) (any, error) { return w.Sessions(ctx, ann.actor) }}},
		"Tokens":       {{none, func(ctx context.Context) (any, error) { return w.Tokens(ctx, forged) }}},
		"Passkeys":     {{none, func(ctx context.Context) (any, error) { return w.Passkeys(ctx, ann.actor) }}},
		"ExportData":   {{none, func(ctx context.Context) (any, error) { return w.ExportData(ctx, ann.actor) }}},
		"Workspaces":   {{none, func(ctx context.Context) (any, error) { return w.Workspaces(ctx, ann.actor) }}},
		"Workspace":    {{notFound, func(ctx context.Context) (any, error) { return w.Workspace(ctx, forged) }}},
		"SwitchWorkspace": {just(notFound, func(ctx context.Context) error {
			return w.SwitchWorkspace(ctx, ann.session, bob.actor.Workspace)
		})},
		"RevokeSession": {just(notFound, func(ctx context.Context) error { return w.RevokeSession(ctx, ann.actor, bob.session.ID) })},
		"RevokeOtherSessions": {{none, func(ctx context.Context) (any, error) {
			return w.RevokeOtherSessions(ctx, ann.actor)
		}}},
		"RevokeToken": {
			just(notFound, func(ctx context.Context) error { return w.RevokeToken(ctx, ann.actor, token.ID) }),
			just(notFound, func(ctx context.Context) error { return w.RevokeToken(ctx, forged, token.ID) }),
		},
		"CreateToken": {{notFound, func(ctx context.Context) (any, error) {
			secret, _, err := w.CreateToken(ctx, forged, account.TokenDraft{Name: "x", Scope: account.ScopeWrite})
			return secret, err
		}}},
		"RemovePasskey": {just(notFound, func(ctx context.Context) error { return w.RemovePasskey(ctx, ann.actor, passkey.ID) })},
		"FinishPasskey": {{"gone ceremony_over", func(ctx context.Context) (any, error) {
			other := newAuthenticator(t)
			return w.FinishPasskey(ctx, ann.actor, ceremony, "x", other.create(t, options))
		}}},
		"RenameWorkspace": {{notFound, func(ctx context.Context) (any, error) { return w.RenameWorkspace(ctx, forged, "Mine") }}},
		"Members":         {{none, func(ctx context.Context) (any, error) { return w.Members(ctx, ann.actor) }}},
		"SetRole": {
			just(notFound, func(ctx context.Context) error { return w.SetRole(ctx, ann.actor, bob.actor.User, account.Viewer) }),
			just(notFound, func(ctx context.Context) error { return w.SetRole(ctx, forged, bob.actor.User, account.Viewer) }),
			just(notFound, func(ctx context.Context) error { return w.SetRole(ctx, forged, ann.actor.User, account.Owner) }),
		},
		"RemoveMember": {
			just(notFound, func(ctx context.Context) error { return w.RemoveMember(ctx, ann.actor, bob.actor.User) }),
			just(notFound, func(ctx context.Context) error { return w.RemoveMember(ctx, forged, bob.actor.User) }),
		},
		"Invite": {
			{"invalid project", func(ctx context.Context) (any, error) {
				code, _, err := w.Invite(ctx, ann.actor, account.InvitationDraft{Role: account.Viewer, Project: theirs})
				return code, err
			}},
			{notFound, func(ctx context.Context) (any, error) {
				code, _, err := w.Invite(ctx, forged, account.InvitationDraft{Role: account.Owner})
				return code, err
			}},
		},
		"Invitations": {{none, func(ctx context.Context) (any, error) { return w.Invitations(ctx, ann.actor) }}},
		"RevokeInvitation": {
			just(notFound, func(ctx context.Context) error { return w.RevokeInvitation(ctx, ann.actor, invitation.ID) }),
			just(notFound, func(ctx context.Context) error { return w.RevokeInvitation(ctx, forged, invitation.ID) }),
		},
		"SetProfile": {{"invalid email", func(ctx context.Context) (any, error) {
			return w.SetProfile(ctx, ann.actor, account.ProfileEdit{Email: "Bob@example.org", CurrentPassword: password})
		}}},
		"SetPassword": {just(none, func(ctx context.Context) error { return w.SetPassword(ctx, ann.actor, password, password) })},
		"SecureAccount": {just("conflict already_secured", func(ctx context.Context) error {
			return w.SecureAccount(ctx, ann.actor, "bob@example.org", nextPassword)
		})},
		"DeleteAccount": {just(nothing, func(ctx context.Context) error {
			mixed := ann.actor // her user through his session
			mixed.Session = bob.session.ID
			return w.DeleteAccount(ctx, mixed, "bob@example.org")
		})},
		"NeedFresh":       {just(none, func(ctx context.Context) error { return w.NeedFresh(ctx, ann.actor) })},
		"CreateWorkspace": {{none, func(ctx context.Context) (any, error) { return w.CreateWorkspace(ctx, forged, "New") }}},
		"AuthenticateToken": {{"unauthenticated bad_token", func(ctx context.Context) (any, error) {
			return w.AuthenticateToken(ctx, bobToken[:62]+"!")
		}}},
		"BeginPasskey": {{none, func(ctx context.Context) (any, error) {
			options, _, err := w.BeginPasskey(ctx, ann.actor)
			return string(options), err
		}}},
	}
	// These take no object of a team: a secret that proves itself, or nothing.
	for _, name := range []string{
		"SignIn", "SignUp", "SignUpInvited", "Redeem", "MintStartLink", "MintResetLink", "HasUsers", "Sweep", "PasskeyTrouble",
		"PeekInvitation", "AcceptInvitation", "BeginPasskeySignIn", "FinishPasskeySignIn",
		"FreeHashing", "CountHashing", "OnHash", "Cost",
	} {
		calls[name] = nil
	}
	for m := range reflect.TypeFor[*account.Accounts]().Methods() {
		if _, ok := calls[m.Name]; !ok {
			t.Errorf("%s is not in this test: which objects of another team could it be given?", m.Name)
		}
	}
	before := w.rows(t, his...)
	if !strings.Contains(before["member"], string(bob.actor.User)) || before["passkey"] == "" {
		t.Fatal("the test does not see Bob's rows")
	}
	for name, list := range calls {
		for i, c := range list {
			got, err := c.do(t.Context())
			faulttest.Wants(t, fmt.Sprintf("%s (%d)", name, i), err, c.want)
			shown := fmt.Sprintf("%+v %v", got, err)
			for _, secret := range his {
				if strings.Contains(shown, secret) {
					t.Errorf("%s (%d) shows %s: %s", name, i, secret, shown)
				}
			}
			if diff := cmp.Diff(before, w.rows(t, his...)); diff != "" {
				t.Fatalf("%s (%d) changed what is Bob's (-before +after):\n%s", name, i, diff)
			}
		}
	}
}

package account_test

import (
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/account"

	"github.com/google/go-cmp/cmp"
)

func TestCreateToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.person(t, "ann")
	tests := []struct {
		name  string
		draft account.TokenDraft
		want  string
	}{
		{"read", account.TokenDraft{Name: " CI ", Scope: account.ScopeRead}, ""},
		{"write for a year", account.TokenDraft{Name: "deploy", Scope: account.ScopeWrite, Days: 366}, ""},
		{"nothing", account.TokenDraft{}, "invalid name scope"},
		{"another scope", account.TokenDraft{Name: "x", Scope: "admin"}, "invalid scope"},
		{"too many days", account.TokenDraft{Name: "x", Scope: account.ScopeRead, Days: 367}, "invalid days"},
		{"negative days", account.TokenDraft{Name: "x", Scope: account.ScopeRead, Days: -1}, "invalid days"},
		{"name too long", account.TokenDraft{Name: strings.Repeat("x", 81), Scope: account.ScopeRead}, "invalid name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			secret, token, err := w.CreateToken(t.Context(), ann.actor, tt.draft)
			faulttest.Wants(t, "CreateToken", err, tt.want)
			if err != nil {
				return
			}
			want := account.Token{
				ID: token.ID, Name: strings.TrimSpace(tt.draft.Name), Scope: tt.draft.Scope,
				Hint: secret[len(secret)-4:], CreatedAt: w.clock.Now(),
			}
			if tt.draft.Days > 0 {
				end := w.clock.Now().AddDate(0, 0, tt.draft.Days)
				want.ExpiresAt = &end
			}
			if diff := cmp.Diff(want, token); diff != "" {
				t.Errorf("token (-want +got):\n%s", diff)
			}
			actor, err := w.AuthenticateToken(t.Context(), secret)
			if err != nil {
				t.Fatal(err)
			}
			wantActor := account.Actor{
				User: ann.actor.User, Workspace: ann.actor.Workspace, Role: account.Owner, Scope: tt.draft.Scope, Token: token.ID,
			}
			if diff := cmp.Diff(wantActor, actor); diff != "" {
				t.Errorf("actor (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTokenLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.person(t, "ann"), w.person(t, "bob")
	w.joins(t, bob, ann, account.InvitationDraft{Role: account.Member})
	bobThere := w.in(t, bob.session, ann.actor.Workspace)
	secret, token, err := w.CreateToken(t.Context(), bobThere, account.TokenDraft{Name: "ci", Scope: account.ScopeWrite, Days: 2})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		before func() error
		want   string
		role   account.Role
	}{
		{"fresh", func() error { return nil }, "", account.Member},
		{"role lowered", func() error { return w.SetRole(t.Context(), ann.actor, bob.actor.User, account.Viewer) }, "", account.Viewer},
		{"suspended", func() error {
			w.suspend(t, bob.actor.User)
			return nil
		}, "unauthenticated bad_token", ""},
		{"back", func() error {
			w.exec(t, `UPDATE app_user SET suspended_at = NULL`)
			return nil
		}, "", account.Viewer},
		{"a moment before its end", func() error {
			w.clock.Advance(2*day - time.Second)
			return nil
		}, "", account.Viewer},
		{"expired", func() error {
			w.clock.Advance(time.Second)
			return nil
		}, "unauthenticated bad_token", ""},
	}
	for _, tt := range tests { // each goes on from the last
		if err := tt.before(); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		actor, err := w.AuthenticateToken(t.Context(), secret)
		faulttest.Wants(t, tt.name, err, tt.want)
		if err == nil && (actor.Role != tt.role || actor.Token != token.ID || actor.Operator) {
			t.Errorf("%s: actor = %+v, want %s", tt.name, actor, tt.role)
		}
	}
}

func TestTokenGoesWithMembership(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.person(t, "ann"), w.person(t, "bob")
	there := w.joins(t, bob, ann, account.InvitationDraft{Role: account.Member})
	inAnns, _, err := w.CreateToken(t.Context(), there, account.TokenDraft{Name: "there", Scope: account.ScopeWrite})
	if err != nil {
		t.Fatal(err)
	}
	inOwn, _, err := w.CreateToken(t.Context(), bob.actor, account.TokenDraft{Name: "here", Scope: account.ScopeWrite})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.RemoveMember(t.Context(), ann.actor, bob.actor.User); err != nil {
		t.Fatal(err)
	}
	_, err = w.AuthenticateToken(t.Context(), inAnns)
	faulttest.Wants(t, "token of a team left", err, "unauthenticated bad_token")
	_, err = w.AuthenticateToken(t.Context(), inOwn)
	faulttest.Wants(t, "token of another team", err, "")
	// Joining again does not bring it back.
	w.joins(t, bob, ann, account.InvitationDraft{Role: account.Member})
	_, err = w.AuthenticateToken(t.Context(), inAnns)
	faulttest.Wants(t, "token after joining again", err, "unauthenticated bad_token")
}

func TestTokenUseIsWrittenOnceAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.person(t, "ann")
	secret, _, err := w.CreateToken(t.Context(), ann.actor, account.TokenDraft{Name: "ci", Scope: account.ScopeRead})
	if err != nil {
		t.Fatal(err)
	}
	start := w.clock.Now()
	for _, step := range []struct{ after, used time.Duration }{{0, 0}, {59 * time.Second, 0}, {time.Second, time.Minute}} {
		w.clock.Advance(step.after)
		if _, err := w.AuthenticateToken(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		list, err := w.Tokens(t.Context(), ann.actor)
		if err != nil {
			t.Fatal(err)
		}
		if used := list[0].LastUsedAt; used == nil || !used.Equal(start.Add(step.used)) {
			t.Errorf("at +%v last used %v, want +%v", w.clock.Now().Sub(start), used, step.used)
		}
	}
}

func TestRubbishTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.person(t, "ann")
	secret, token, err := w.CreateToken(t.Context(), ann.actor, account.TokenDraft{Name: "ci", Scope: account.ScopeRead})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		"", "cof_", secret + "0", secret[:62], strings.ToUpper(secret), "Bearer " + secret, secret[4:],
		string(token.ID), ann.secret, "cof_" + strings.Repeat("0", 59), "\x00", strings.Repeat("c", 1<<20),
	} {
		_, err := w.AuthenticateToken(t.Context(), s)
		faulttest.Wants(t, "AuthenticateToken "+s[:min(len(s), 70)], err, "unauthenticated bad_token")
	}
	_, err = w.Authenticate(t.Context(), secret)
	faulttest.Wants(t, "a token as a cookie", err, "unauthenticated")
}

func TestRevokeToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.person(t, "ann")
	issue := func(name string, scope account.Scope) (string, account.Token) {
		t.Helper()
		w.clock.Advance(time.Second)
		secret, token, err := w.CreateToken(t.Context(), ann.actor, account.TokenDraft{Name: name, Scope: scope})
		if err != nil {
			t.Fatal(err)
		}
		return secret, token
	}
	_, first := issue("first", account.ScopeRead)
	readSecret, read := issue("read", account.ScopeRead)
	writeSecret, write := issue("write", account.ScopeWrite)
	reader, err := w.AuthenticateToken(t.Context(), readSecret)
	if err != nil {
		t.Fatal(err)
	}
	writer, err := w.AuthenticateToken(t.Context(), writeSecret)
	if err != nil {
		t.Fatal(err)
	}
	faulttest.Wants(t, "a read token", w.RevokeToken(t.Context(), reader, first.ID), "forbidden token_read_only")
	faulttest.Wants(t, "a write token", w.RevokeToken(t.Context(), writer, first.ID), "")
	faulttest.Wants(t, "again", w.RevokeToken(t.Context(), ann.actor, first.ID), "not_found")
	list, err := w.Tokens(t.Context(), reader)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, token := range list {
		names = append(names, token.Name)
	}
	if diff := cmp.Diff([]string{"write", "read"}, names); diff != "" {
		t.Errorf("Tokens (-want +got):\n%s", diff)
	}
	faulttest.Wants(t, "itself", w.RevokeToken(t.Context(), writer, write.ID), "")
	faulttest.Wants(t, "the last", w.RevokeToken(t.Context(), ann.actor, read.ID), "")
	_, err = w.AuthenticateToken(t.Context(), readSecret)
	faulttest.Wants(t, "a revoked token", err, "unauthenticated bad_token")
	if list, err := w.Tokens(t.Context(), ann.actor); err != nil || list == nil || len(list) != 0 {
		t.Errorf("Tokens = %v, %v; want an empty list", list, err)
	}
}

func TestTokensAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.person(t, "ann")
	draft := account.TokenDraft{Name: "ci", Scope: account.ScopeRead}
	for range 100 {
		if _, _, err := w.CreateToken(t.Context(), ann.actor, draft); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := w.CreateToken(t.Context(), ann.actor, draft)
	faulttest.Wants(t, "the 101st", err, "conflict too_many_tokens")
}

// What concerns the account itself, or lets others in, is for a person at a
// browser.
func TestWhatTokensMayNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.person(t, "ann")
	secret, _, err := w.CreateToken(t.Context(), ann.actor, account.TokenDraft{Name: "ci", Scope: account.ScopeWrite})
	if err != nil {
		t.Fatal(err)
	}
	actor, err := w.AuthenticateToken(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	run, err := w.ForRun(t.Context(), ann.actor.User, ann.actor.Workspace)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	tests := []struct {
		name string
		do   func(a account.Actor) error
	}{
		{"CreateToken", func(a account.Actor) error {
			_, _, err := w.CreateToken(ctx, a, account.TokenDraft{Name: "more", Scope: account.ScopeRead})
			return err
		}},
		{"SetProfile", func(a account.Actor) error {
			_, err := w.SetProfile(ctx, a, account.ProfileEdit{Name: "Eve"})
			return err
		}},
		{"SetPassword", func(a account.Actor) error { return w.SetPassword(ctx, a, password, "x7#kp!qzx") }},
		{"SecureAccount", func(a account.Actor) error { return w.SecureAccount(ctx, a, "eve@example.org", "x7#kp!qzx") }},
		{"RevokeSession", func(a account.Actor) error { return w.RevokeSession(ctx, a, ann.session.ID) }},
		{"RevokeOtherSessions", func(a account.Actor) error {
			_, err := w.RevokeOtherSessions(ctx, a)
			return err
		}},
		{"ExportData", func(a account.Actor) error {
			_, err := w.ExportData(ctx, a)
			return err
		}},
		{"DeleteAccount", func(a account.Actor) error { return w.DeleteAccount(ctx, a, "ann@example.org") }},
		{"CreateWorkspace", func(a account.Actor) error {
			_, err := w.CreateWorkspace(ctx, a, "More")
			return err
		}},
		{"Invite", func(a account.Actor) error {
			_, _, err := w.Invite(ctx, a, account.InvitationDraft{Role: account.Owner})
			return err
		}},
		{"RevokeInvitation", func(a account.Actor) error { return w.RevokeInvitation(ctx, a, "inv_x") }},
		{"SetRole", func(a account.Actor) error { return w.SetRole(ctx, a, "usr_x", account.Owner) }},
		{"RemoveMember", func(a account.Actor) error { return w.RemoveMember(ctx, a, "usr_x") }},
		{"RemoveMember of oneself", func(a account.Actor) error { return w.RemoveMember(ctx, a, a.User) }},
		{"BeginPasskey", func(a account.Actor) error {
			_, _, err := w.BeginPasskey(ctx, a)
			return err
		}},
		{"FinishPasskey", func(a account.Actor) error {
			_, err := w.FinishPasskey(ctx, a, "x", "x", nil)
			return err
		}},
		{"RemovePasskey", func(a account.Actor) error { return w.RemovePasskey(ctx, a, "pky_x") }},
	}
	before := w.snapshot(t)
	for _, tt := range tests {
		faulttest.Wants(t, tt.name+" by a token", tt.do(actor), "forbidden session_needed")
		faulttest.Wants(t, tt.name+" by a run", tt.do(run), "forbidden session_needed")
		faulttest.Wants(t, tt.name+" by nobody", tt.do(account.Actor{}), "forbidden session_needed")
	}
	if diff := cmp.Diff(before, w.snapshot(t)); diff != "" {
		t.Errorf("rows (-before +after):\n%s", diff)
	}
	if list, err := w.Workspaces(ctx, actor); err != nil || len(list) != 1 || list[0].ID != actor.Workspace {
		t.Errorf("Workspaces of a token = %v, %v; want its own", list, err)
	}
}

package account_test

import (
	"testing"
	"time"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/account"
)

// What changes who can get in needs a session that was opened a moment ago: a stolen
// one must not become permanent.
func TestWhatNeedsAFreshSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const again = "forbidden sign_in_again"
	type call struct {
		name string
		do   func(t *testing.T, p someone) error
		// what a stale session of each kind of user is told
		withPassword, withPasskey, withNeither string
	}
	calls := []call{
		{"CreateToken to write", func(t *testing.T, p someone) error {
			t.Helper()
			_, _, err := w.CreateToken(t.Context(), p.actor, account.TokenDraft{Name: "x", Scope: account.ScopeWrite})
			return err
		}, again, again, again},
		{"CreateToken to read", func(t *testing.T, p someone) error {
			t.Helper()
			_, _, err := w.CreateToken(t.Context(), p.actor, account.TokenDraft{Name: "x", Scope: account.ScopeRead})
			return err
		}, "", "", ""},
		{"BeginPasskey", func(t *testing.T, p someone) error {
			t.Helper()
			_, _, err := w.BeginPasskey(t.Context(), p.actor)
			return err
		}, again, again, ""},
		{"FinishPasskey", func(t *testing.T, p someone) error {
			t.Helper()
			_, err := w.FinishPasskey(t.Context(), p.actor, "x", "x", nil)
			return err
		}, again, again, "gone ceremony_over"},
		{"RemovePasskey", func(t *testing.T, p someone) error {
			t.Helper()
			return w.RemovePasskey(t.Context(), p.actor, "pky_x")
		}, again, again, again},
		{"SetPassword without the old one", func(t *testing.T, p someone) error {
			t.Helper()
			return w.SetPassword(t.Context(), p.actor, "", nextPassword)
		}, "invalid current_password", again, "conflict email_missing"},
		{"DeleteAccount", func(t *testing.T, p someone) error {
			t.Helper()
			return w.DeleteAccount(t.Context(), p.actor, "?")
		}, again, again, again},
		{"SecureAccount", func(t *testing.T, p someone) error {
			t.Helper()
			return w.SecureAccount(t.Context(), p.actor, "someone@example.org", nextPassword)
		}, "conflict already_secured", again, ""},
	}
	neither := w.owner(t)
	ann, bob := w.person(t, "ann"), w.person(t, "bob")
	w.enrol(t, bob, newAuthenticator(t))
	w.exec(t, `UPDATE app_user SET password_hash = NULL WHERE id = $1`, bob.actor.User)
	w.clock.Advance(15*time.Minute - time.Second)
	faulttest.Wants(t, "a moment before the end", w.RemovePasskey(t.Context(), ann.actor, "pky_x"), "not_found")
	w.clock.Advance(time.Second)
	if _, err := w.Authenticate(t.Context(), ann.secret); err != nil { // a visit makes nothing fresh
		t.Fatal(err)
	}
	for _, c := range calls {
		faulttest.Wants(t, c.name+" with a password", c.do(t, ann), c.withPassword)
		faulttest.Wants(t, c.name+" with a passkey", c.do(t, bob), c.withPasskey)
		faulttest.Wants(t, c.name+" with neither", c.do(t, neither), c.withNeither)
	}
	_, s, err := w.SignIn(t.Context(), "ann@example.org", password, device())
	if err != nil {
		t.Fatal(err)
	}
	ann.actor = w.in(t, s, "")
	faulttest.Wants(t, "RemovePasskey after signing in again", w.RemovePasskey(t.Context(), ann.actor, "pky_x"), "not_found")
	faulttest.Wants(t, "DeleteAccount after signing in again", w.DeleteAccount(t.Context(), ann.actor, "ann@example.org"), "")
}

// Who has neither password nor passkey could not sign in again, so a first one can be
// made at any time; a second cannot.
func TestFirstPasskeyOfAnOldSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(t)
	w.clock.Advance(day)
	made := w.enrol(t, owner, newAuthenticator(t))
	_, _, err := w.BeginPasskey(t.Context(), owner.actor)
	faulttest.Wants(t, "a second passkey", err, "forbidden sign_in_again")
	faulttest.Wants(t, "removing it", w.RemovePasskey(t.Context(), owner.actor, made.ID), "forbidden sign_in_again")
	faulttest.Wants(t, "a password beside it", w.SecureAccount(t.Context(), owner.actor, "me@example.org", nextPassword), "forbidden sign_in_again")
}

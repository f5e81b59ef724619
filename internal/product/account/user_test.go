package account_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/account"

	"github.com/google/go-cmp/cmp"
)

const nextPassword = "four other made up words"

// reset opens a session by a reset link.
func (w *world) reset(t *testing.T, email string) someone {
	t.Helper()
	code, err := w.MintResetLink(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	secret, r, err := w.Redeem(t.Context(), code, device())
	if err != nil {
		t.Fatal(err)
	}
	return someone{secret, r.Session, w.in(t, r.Session, "")}
}

func TestSetProfile(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		email     string // before
		edit      account.ProfileEdit
		want      string
		wantName  string
		wantEmail string
	}{
		{"name only", "ann@example.org", account.ProfileEdit{Name: " Ann  B ", Email: "ann@example.org"}, "", "Ann  B", "ann@example.org"},
		{"no name", "ann@example.org", account.ProfileEdit{Email: "Ann@Example.org"}, "", "", "ann@example.org"},
		{"address, with the password", "ann@example.org", account.ProfileEdit{Name: "ann", Email: "new@example.org", CurrentPassword: password}, "", "ann", "new@example.org"},
		{"address, without", "ann@example.org", account.ProfileEdit{Email: "new@example.org"}, "invalid current_password", "ann", "ann@example.org"},
		{"address, with a wrong one", "ann@example.org", account.ProfileEdit{Email: "new@example.org", CurrentPassword: "wrong"}, "invalid current_password", "ann", "ann@example.org"},
		{"somebody else's address", "ann@example.org", account.ProfileEdit{Email: "BOB@example.org", CurrentPassword: password}, "invalid email", "ann", "ann@example.org"},
		{"taking the address away", "ann@example.org", account.ProfileEdit{Name: "ann", CurrentPassword: password}, "invalid email", "ann", "ann@example.org"},
		{"bad name and address", "ann@example.org", account.ProfileEdit{Name: "a\x07", Email: "x"}, "invalid name email", "ann", "ann@example.org"},
		{"name too long", "ann@example.org", account.ProfileEdit{Name: strings.Repeat("x", 81), Email: "ann@example.org"}, "invalid name", "ann", "ann@example.org"},
		{"first address", "", account.ProfileEdit{Name: "Owner", Email: "owner@example.org"}, "", "Owner", "owner@example.org"},
		{"no address yet", "", account.ProfileEdit{Name: "Owner"}, "", "Owner", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.owner(t)
			w.person(t, "bob")
			if tt.email != "" {
				p = w.person(t, "ann")
			}
			got, err := w.SetProfile(t.Context(), p.actor, tt.edit)
			faulttest.Wants(t, "SetProfile", err, tt.want)
			read, readErr := w.Profile(t.Context(), p.actor)
			if readErr != nil {
				t.Fatal(readErr)
			}
			if read.Name != tt.wantName || read.Email != tt.wantEmail {
				t.Errorf("profile = %q, %q; want %q, %q", read.Name, read.Email, tt.wantName, tt.wantEmail)
			}
			if diff := cmp.Diff(read, got); err == nil && diff != "" {
				t.Errorf("SetProfile returned otherwise than Profile (-read +returned):\n%s", diff)
			}
		})
	}
}

func TestSetPassword(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		current, next string
		want          string
	}{
		{"right", password, nextPassword, ""},
		{"wrong", "wrong", nextPassword, "invalid current_password"},
		{"none", "", nextPassword, "invalid current_password"},
		{"weak", password, "password1", "invalid password"},
		{"short", password, "x7#kp!q", "invalid password"},
		{"the address", password, "ann@example.org", "invalid password"},
		{"the same again", password, password, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ann, bob := w.person(t, "ann"), w.person(t, "bob")
			token, _, err := w.CreateToken(t.Context(), ann.actor, account.TokenDraft{Name: "ci", Scope: account.ScopeRead})
			if err != nil {
				t.Fatal(err)
			}
			other, _, err := w.SignIn(t.Context(), "ann@example.org", password, device())
			if err != nil {
				t.Fatal(err)
			}
			link, err := w.MintResetLink(t.Context(), "ann@example.org")
			if err != nil {
				t.Fatal(err)
			}
			err = w.SetPassword(t.Context(), ann.actor, tt.current, tt.next)
			faulttest.Wants(t, "SetPassword", err, tt.want)
			in, out, otherSession, unusedLink := tt.next, password, "unauthenticated", "not_found"
			if tt.want != "" {
				in, out, otherSession, unusedLink = password, tt.next, "", ""
			}
			_, _, err = w.SignIn(t.Context(), "ann@example.org", in, device())
			faulttest.Wants(t, "signing in with the password in force", err, "")
			if in != out {
				_, _, err = w.SignIn(t.Context(), "ann@example.org", out, device())
				faulttest.Wants(t, "signing in with the other", err, "unauthenticated wrong_credentials")
			}
			_, err = w.Authenticate(t.Context(), ann.secret)
			faulttest.Wants(t, "her session", err, "")
			_, err = w.Authenticate(t.Context(), other)
			faulttest.Wants(t, "her other session", err, otherSession)
			_, err = w.Authenticate(t.Context(), bob.secret)
			faulttest.Wants(t, "Bob's session", err, "")
			_, err = w.AuthenticateToken(t.Context(), token)
			faulttest.Wants(t, "her token", err, "")
			_, _, err = w.Redeem(t.Context(), link, device())
			faulttest.Wants(t, "a reset link not used yet", err, unusedLink)
		})
	}
}

func TestCurrentPasswordIsThrottled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.person(t, "ann")
	for range 3 {
		faulttest.Wants(t, "wrong", w.SetPassword(t.Context(), ann.actor, "wrong", nextPassword), "invalid current_password")
	}
	for range 2 {
		_, err := w.SetProfile(t.Context(), ann.actor, account.ProfileEdit{Email: "new@example.org", CurrentPassword: "wrong"})
		faulttest.Wants(t, "wrong", err, "invalid current_password")
	}
	faulttest.Wants(t, "right, too late", w.SetPassword(t.Context(), ann.actor, password, nextPassword), "too_many too_many_tries")
	w.clock.Advance(15 * time.Minute)
	faulttest.Wants(t, "right, after the wait", w.SetPassword(t.Context(), ann.actor, password, nextPassword), "")
}

// Whose address is known here must not be searched by trying addresses out.
func TestAddressesCannotBeSearched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person(t, "known")
	ann, owner := w.person(t, "ann"), w.owner(t)
	try := func(i int) error {
		_, err := w.SetProfile(t.Context(), ann.actor, account.ProfileEdit{
			Email: []string{"known@example.org", fmt.Sprintf("free%d@example.org", i)}[i%2], CurrentPassword: password,
		})
		return err
	}
	for i := range 9 { // signing up was the first of ten
		faulttest.Wants(t, fmt.Sprint("SetProfile ", i), try(i), []string{"invalid email", ""}[i%2])
	}
	faulttest.Wants(t, "SetProfile once more", try(9), "too_many too_many_tries")
	_, err := w.SetProfile(t.Context(), ann.actor, account.ProfileEdit{Name: "Ann", Email: "free7@example.org"})
	faulttest.Wants(t, "a name, and the address there is", err, "")
	w.clock.Advance(time.Hour)
	faulttest.Wants(t, "an hour later", try(9), "")

	for range 10 {
		faulttest.Wants(t, "SecureAccount", w.SecureAccount(t.Context(), owner.actor, "known@example.org", nextPassword), "invalid email")
	}
	faulttest.Wants(t, "SecureAccount once more", w.SecureAccount(t.Context(), owner.actor, "me@example.org", nextPassword), "too_many too_many_tries")
	w.clock.Advance(time.Hour)
	faulttest.Wants(t, "SecureAccount an hour later", w.SecureAccount(t.Context(), owner.actor, "me@example.org", nextPassword), "")
}

func TestPasswordAfterResetLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.person(t, "ann")
	ann := w.reset(t, "ann@example.org")
	_, err := w.Authenticate(t.Context(), old.secret)
	faulttest.Wants(t, "the old session, before a password is set", err, "")
	w.clock.Advance(15*time.Minute - time.Second)
	faulttest.Wants(t, "SetPassword without the old one", w.SetPassword(t.Context(), ann.actor, "", nextPassword), "")
	_, err = w.Authenticate(t.Context(), old.secret)
	faulttest.Wants(t, "the old session", err, "unauthenticated")
	faulttest.Wants(t, "a second time", w.SetPassword(t.Context(), ann.actor, "", password), "invalid current_password")
	faulttest.Wants(t, "with the password", w.SetPassword(t.Context(), ann.actor, nextPassword, password), "")

	late := w.reset(t, "ann@example.org")
	w.clock.Advance(15 * time.Minute)
	faulttest.Wants(t, "too late", w.SetPassword(t.Context(), late.actor, "", nextPassword), "invalid current_password")
}

func TestSecureAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(t)
	w.person(t, "bob")
	second := w.owner(t) // another session of the same
	faulttest.Wants(t, "a password alone", w.SetPassword(t.Context(), owner.actor, "", nextPassword), "conflict email_missing")
	faulttest.Wants(t, "nothing", w.SecureAccount(t.Context(), owner.actor, "", ""), "invalid email password")
	faulttest.Wants(t, "somebody's address", w.SecureAccount(t.Context(), owner.actor, "bob@example.org", nextPassword), "invalid email")
	faulttest.Wants(t, "the address as password", w.SecureAccount(t.Context(), owner.actor, "me@example.org", "me@example.org"), "invalid password")
	if u, err := w.Profile(t.Context(), owner.actor); err != nil || u.Email != "" || u.HasPassword {
		t.Errorf("after refusals: %+v, %v", u, err)
	}
	faulttest.Wants(t, "both", w.SecureAccount(t.Context(), owner.actor, " Me@Example.org", nextPassword), "")
	if u, err := w.Profile(t.Context(), owner.actor); err != nil || u.Email != "me@example.org" || !u.HasPassword {
		t.Errorf("afterwards: %+v, %v", u, err)
	}
	_, err := w.Authenticate(t.Context(), second.secret)
	faulttest.Wants(t, "the other session", err, "unauthenticated")
	_, _, err = w.SignIn(t.Context(), "me@example.org", nextPassword, device())
	faulttest.Wants(t, "SignIn", err, "")
	faulttest.Wants(t, "again", w.SecureAccount(t.Context(), owner.actor, "x@example.org", password), "conflict already_secured")
	fresh := w.reset(t, "")
	faulttest.Wants(t, "after a reset link", w.SecureAccount(t.Context(), fresh.actor, "new@example.org", password), "")
	_, _, err = w.SignIn(t.Context(), "new@example.org", password, device())
	faulttest.Wants(t, "SignIn with both new", err, "")
}

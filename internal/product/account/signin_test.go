package account_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/account"

	"github.com/google/go-cmp/cmp"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.person(t, "ann")
	w.suspend(t, w.person(t, "bob").actor.User)
	if err := w.DeleteAccount(t.Context(), w.person(t, "eve").actor, "eve@example.org"); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, email, password string
		want                  string
	}{
		{"right", "ann@example.org", password, ""},
		{"other case and space", "  Ann@Example.ORG ", password, ""},
		{"wrong password", "ann@example.org", "three made up word", "unauthenticated wrong_credentials"},
		{"password in other case", "ann@example.org", strings.ToUpper(password), "unauthenticated wrong_credentials"},
		{"no password", "ann@example.org", "", "unauthenticated wrong_credentials"},
		{"unknown address", "nobody@example.org", password, "unauthenticated wrong_credentials"},
		{"no address", "", password, "unauthenticated wrong_credentials"},
		{"not an address", "ann", password, "unauthenticated wrong_credentials"},
		{"invalid UTF-8", "ann\xff@example.org", password, "unauthenticated wrong_credentials"},
		{"NUL", "ann\x00@example.org", password, "unauthenticated wrong_credentials"},
		{"ten megabytes", "ann@example.org", strings.Repeat("x", 10<<20), "unauthenticated wrong_credentials"},
		{"suspended, wrong", "bob@example.org", "wrong", "unauthenticated wrong_credentials"},
		{"suspended, right", "bob@example.org", password, "forbidden suspended"},
		{"deleted", "eve@example.org", password, "unauthenticated wrong_credentials"},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := account.Device{UserAgent: browser, Address: fmt.Sprintf("198.51.100.%d", i)}
			secret, s, err := w.SignIn(t.Context(), tt.email, tt.password, d)
			faulttest.Wants(t, "SignIn", err, tt.want)
			if err != nil {
				if secret != "" || s.ID != "" {
					t.Errorf("a refused sign-in returned %q, %+v", secret, s)
				}
				return
			}
			if s.User.ID != ann.actor.User || s.Workspace != ann.actor.Workspace || !s.User.HasPassword {
				t.Errorf("session = %+v, want one of %s", s, ann.actor.User)
			}
			if _, err := w.Authenticate(t.Context(), secret); err != nil {
				t.Errorf("Authenticate: %v", err)
			}
		})
	}
}

// One address has one spelling, whichever way its accents were typed.
func TestOneSpellingOfAnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person(t, "rene\u0301") // e and a combining accent
	_, _, err := w.SignIn(t.Context(), "REN\u00c9@example.org", password, device())
	faulttest.Wants(t, "SignIn with the accented letter", err, "")
	c := account.Credentials{Name: "René", Email: "ren\u00e9@example.org", Password: password}
	_, _, err = w.SignUp(t.Context(), c, device())
	faulttest.Wants(t, "a second account", err, "invalid email")
}

// Everything a stranger can see of a refusal must be the same whether the address
// has an account, has none, or has one without a password.
func TestRefusalsAreAlike(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person(t, "ann")
	w.suspend(t, w.person(t, "bob").actor.User)
	owner := w.owner(t)
	if _, err := w.SetProfile(t.Context(), owner.actor, account.ProfileEdit{Email: "owner@example.org"}); err != nil {
		t.Fatal(err)
	}
	answers := map[string][]string{}
	for i, email := range []string{"ann@example.org", "bob@example.org", "owner@example.org", "nobody@example.org", "not an address"} {
		for try := range 7 {
			_, _, err := w.SignIn(t.Context(), email, "wrong", account.Device{Address: fmt.Sprintf("203.0.113.%d", i)})
			f := fault.Of(err)
			if f == nil {
				t.Fatalf("try %d at %s: %v", try, email, err)
			}
			answers[email] = append(answers[email], fmt.Sprintf("%v %v %v %v %v", f.Kind, f.Code, f.Detail, f.Fields, f.RetryAfter))
		}
	}
	want := answers["nobody@example.org"]
	if want[0] == want[5] || want[5] != want[6] {
		t.Errorf("answers to a stranger: %q; want five refusals, then too many", want)
	}
	for email, got := range answers {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s is told otherwise than an unknown address (-unknown +%s):\n%s", email, email, diff)
		}
	}
}

func TestSignInIsThrottled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person(t, "ann")
	w.person(t, "bob")
	home := account.Device{Address: "192.0.2.1"}
	try := func(email, pw string, d account.Device) error {
		_, _, err := w.SignIn(t.Context(), email, pw, d)
		return err
	}
	for i := range 5 {
		faulttest.Wants(t, fmt.Sprintf("failure %d", i+1), try("ann@example.org", "wrong", home), "unauthenticated wrong_credentials")
	}
	err := try("ann@example.org", password, home)
	faulttest.Wants(t, "the right password after five wrong ones", err, "too_many too_many_tries")
	if got := fault.Of(err).RetryAfter; got != 15*time.Minute {
		t.Errorf("RetryAfter = %v, want 15m", got)
	}
	faulttest.Wants(t, "the same in capitals", try("ANN@example.org", password, home), "too_many too_many_tries")
	faulttest.Wants(t, "another account from there", try("bob@example.org", password, home), "")
	faulttest.Wants(t, "the account from elsewhere", try("ann@example.org", password, account.Device{Address: "192.0.2.2"}), "")

	w.clock.Advance(15*time.Minute - time.Second)
	faulttest.Wants(t, "a second early", try("ann@example.org", password, home), "too_many too_many_tries")
	w.clock.Advance(time.Second)
	faulttest.Wants(t, "after the wait", try("ann@example.org", "wrong", home), "unauthenticated wrong_credentials")
	faulttest.Wants(t, "success", try("ann@example.org", password, home), "")
	for i := range 5 {
		faulttest.Wants(t, fmt.Sprintf("failure %d after success", i+1), try("ann@example.org", "wrong", home), "unauthenticated wrong_credentials")
	}
	faulttest.Wants(t, "the sixth", try("ann@example.org", "wrong", home), "too_many too_many_tries")
}

// A locked pair must not be able to lock the account for everybody else.
func TestRefusedTriesCountForNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person(t, "ann")
	attacker := account.Device{Address: "192.0.2.66"}
	for range 130 {
		if _, _, err := w.SignIn(t.Context(), "ann@example.org", "wrong", attacker); err == nil {
			t.Fatal("signed in with a wrong password")
		}
	}
	if _, _, err := w.SignIn(t.Context(), "ann@example.org", password, account.Device{Address: "192.0.2.1"}); err != nil {
		t.Errorf("Ann at home: %v", err)
	}
}

func TestWiderThrottles(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		tries  int
		email  func(i int) string
		from   func(i int) string
		window time.Duration
	}{
		{
			"one network, many accounts", 50,
			func(i int) string { return fmt.Sprintf("user%d@example.org", i) },
			func(i int) string { return fmt.Sprintf("2001:db8:1:2::%x", i+1) },
			15 * time.Minute,
		},
		{
			"one account, many networks", 30,
			func(int) string { return "ann@example.org" },
			func(i int) string { return fmt.Sprintf("2001:db8:1:%x::1", i+1) },
			15 * time.Minute,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			refused := func(i int) string {
				_, _, err := w.SignIn(t.Context(), tt.email(i), "wrong", account.Device{Address: tt.from(i)})
				return faulttest.Says(err)
			}
			for i := range tt.tries {
				if got := refused(i); got != "unauthenticated wrong_credentials" {
					t.Fatalf("try %d of %d: %s", i+1, tt.tries, got)
				}
			}
			if got := refused(tt.tries); got != "too_many too_many_tries" {
				t.Errorf("one more: %s, want too many", got)
			}
			w.clock.Advance(tt.window)
			if got := refused(tt.tries); got != "unauthenticated wrong_credentials" {
				t.Errorf("after %v: %s", tt.window, got)
			}
		})
	}
}

// Somebody who tries an account from everywhere must not lock out its owner: where
// they signed in before they get in, and elsewhere after a quarter of an hour.
func TestOwnersPlacesStayOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person(t, "ann") // "from ann"
	try := func(pw, from string) error {
		_, _, err := w.SignIn(t.Context(), "Ann@example.org", pw, account.Device{Address: from})
		return err
	}
	attack := func() {
		t.Helper()
		for i := range 31 {
			if err := try("wrong", fmt.Sprintf("198.51.100.%d", i)); err == nil {
				t.Fatal("signed in with a wrong password")
			}
		}
	}
	faulttest.Wants(t, "the office, before", try(password, "192.0.2.1"), "")
	attack()
	err := try(password, "192.0.2.2")
	faulttest.Wants(t, "a new place", err, "too_many too_many_tries")
	if f := fault.Of(err); f == nil || f.RetryAfter > 15*time.Minute {
		t.Errorf("a new place is told %v, want to wait 15 minutes at most", err)
	}
	faulttest.Wants(t, "the office", try(password, "192.0.2.1"), "")
	faulttest.Wants(t, "where the account was made", try(password, "from ann"), "")
	for range 5 {
		faulttest.Wants(t, "a guess at the office", try("wrong", "192.0.2.1"), "unauthenticated wrong_credentials")
	}
	faulttest.Wants(t, "a sixth guess at the office", try("wrong", "192.0.2.1"), "too_many too_many_tries")
	w.clock.Advance(15 * time.Minute)
	faulttest.Wants(t, "the new place, after the wait", try(password, "192.0.2.2"), "")

	w.clock.Advance(90*day - time.Minute)
	attack()
	faulttest.Wants(t, "the new place, ninety days later", try(password, "192.0.2.2"), "")
	w.clock.Advance(time.Hour)
	attack()
	faulttest.Wants(t, "the office, not seen for ninety days", try(password, "192.0.2.1"), "too_many too_many_tries")
	faulttest.Wants(t, "the new place, seen an hour ago", try(password, "192.0.2.2"), "")
	w.clock.Advance(91 * day)
	if _, err := w.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.count(t, `SELECT count(*) FROM sign_in_place`); n != 0 {
		t.Errorf("%d places are kept after ninety days", n)
	}
}

func TestPlacesGoWithTheAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.person(t, "ann")
	if n := w.count(t, `SELECT count(*) FROM sign_in_place WHERE user_id = $1`, ann.actor.User); n != 1 {
		t.Fatalf("%d places after signing up, want 1", n)
	}
	if err := w.DeleteAccount(t.Context(), ann.actor, "ann@example.org"); err != nil {
		t.Fatal(err)
	}
	if n := w.count(t, `SELECT count(*) FROM sign_in_place`); n != 1 { // the owner's
		t.Errorf("%d places, want the owner's", n)
	}
}

func TestThrottleHoldsUnderConcurrency(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	errs := atOnce(t.Context(), 40, func(ctx context.Context, _ int) error {
		_, _, err := w.SignIn(ctx, "ann@example.org", "wrong", device())
		return err
	})
	want := map[string]int{"unauthenticated wrong_credentials": 5, "too_many too_many_tries": 35}
	if diff := cmp.Diff(want, kinds(errs)); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

// A password that is changed after it was found and before the session is opened
// must let nobody in.
func TestPasswordChangedWhileSigningIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.person(t, "ann")
	changing, err := account.New(account.Config{DB: w.db, Clock: w.clock, IDs: w.ids})
	if err != nil {
		t.Fatal(err)
	}
	w.OnHash(func() {
		if err := changing.SetPassword(t.Context(), ann.actor, password, nextPassword); err != nil {
			t.Error(err)
		}
	})
	_, _, err = w.SignIn(t.Context(), "ann@example.org", password, device())
	faulttest.Wants(t, "SignIn", err, "unauthenticated wrong_credentials")
	if n := w.count(t, `SELECT count(*) FROM session WHERE user_id = $1`, ann.actor.User); n != 1 {
		t.Errorf("%d sessions, want the one that changed the password", n)
	}
}

func TestSignUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person(t, "ann")
	long := strings.Repeat("é", 80)
	tests := []struct {
		name                  string
		user, email, password string
		want                  string
	}{
		{"good", "Bob Byrne", "bob@example.org", password, ""},
		{"longest name", long, "long@example.org", password, ""},
		{"known address", "Ann", "ann@example.org", password, "invalid email"},
		{"known address, spelled otherwise", "Ann", " ANN@Example.org", password, "invalid email"},
		{"nothing", "", "", "", "invalid name email password"},
		{"name too long", long + "é", "n@example.org", password, "invalid name"},
		{"name with a line break", "Bob\nByrne", "n@example.org", password, "invalid name"},
		{"name with a direction override", "Bob\u202eenryB", "n@example.org", password, "invalid name"},
		{"name not UTF-8", "Bob\xff", "n@example.org", password, "invalid name"},
		{"name with NUL", "Bob\x00", "n@example.org", password, "invalid name"},
		{"two addresses", "Bob", "a@example.org,b@example.org", password, "invalid email"},
		{"address with a name", "Bob", "Bob <b@example.org>", password, "invalid email"},
		{"header injection", "Bob", "b@example.org\r\nBcc: x@example.org", password, "invalid email"},
		{"address with an invisible character", "Bob", "b\u200bob@example.org", password, "invalid email"},
		{"address with a soft hyphen", "Bob", "b\u00adob@example.org", password, "invalid email"},
		{"address with a direction override", "Bob", "b\u202eob@example.org", password, "invalid email"},
		{"address with an ideographic space", "Bob", "b\u3000ob@example.org", password, "invalid email"},
		{"address with a line separator", "Bob", "b\u2028ob@example.org", password, "invalid email"},
		{"address with an accent", "Bob", "ren\u00e9@example.org", password, ""},
		{"address too long", "Bob", strings.Repeat("a", 250) + "@example.org", password, "invalid email"},
		{"seven characters", "Bob", "b@example.org", "x7#kp!q", "invalid password"},
		{"eight characters", "Bob", "b8@example.org", "x7#kp!qz", ""},
		{"eight characters in twenty-four bytes", "Bob", "b24@example.org", "日本語のことばだ", ""},
		{"128 characters", "Bob", "b128@example.org", strings.Repeat("ab7!", 32), ""},
		{"129 characters", "Bob", "b@example.org", strings.Repeat("ab7!", 32) + "x", "invalid password"},
		{"common password", "Bob", "b@example.org", "password1", "invalid password"},
		{"common password in capitals", "Bob", "b@example.org", "PASSWORD1", "invalid password"},
		{"one character", "Bob", "b@example.org", "zzzzzzzzzzzz", "invalid password"},
		{"password not UTF-8", "Bob", "b@example.org", "abcdefgh\xff", "invalid password"},
		{"the address", "Bob", "bob.byrne@example.org", "Bob.Byrne@example.org", "invalid password"},
		{"the local part", "Bob", "bob.byrne@example.org", "bob.byrne", "invalid password"},
		{"the name", "Bob Byrne", "b@example.org", "bob byrne", "invalid password"},
		{"the name in one word", "Bob Byrne", "b@example.org", "BobByrne", "invalid password"},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := account.Credentials{Name: tt.user, Email: tt.email, Password: tt.password}
			secret, s, err := w.SignUp(t.Context(), c, account.Device{Address: fmt.Sprintf("203.0.113.%d", i)})
			faulttest.Wants(t, "SignUp", err, tt.want)
			if err != nil {
				if secret != "" || s.ID != "" {
					t.Errorf("a refused sign-up returned %q, %+v", secret, s)
				}
				return
			}
			actor := w.in(t, s, "")
			if actor.Role != account.Owner || actor.Operator {
				t.Errorf("actor = %+v, want the owner of a workspace who is no operator", actor)
			}
			if _, _, err := w.SignIn(t.Context(), tt.email, tt.password, account.Device{Address: fmt.Sprintf("203.0.113.%d", i)}); err != nil {
				t.Errorf("SignIn afterwards: %v", err)
			}
		})
	}
}

func TestSignUpIsAsked(t *testing.T) {
	t.Parallel()
	c := account.Credentials{Name: "Ann", Email: "ann@example.org", Password: password}
	t.Run("closed", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, closed)
		w.owner(t)
		_, _, err := w.SignUp(t.Context(), c, device())
		faulttest.Wants(t, "SignUp", err, "forbidden sign_up_closed")
	})
	t.Run("open, but nobody is there yet", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		_, _, err := w.SignUp(t.Context(), c, device())
		faulttest.Wants(t, "SignUp", err, "forbidden not_started")
	})
	t.Run("ten from one network", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.owner(t)
		for i := range 10 {
			c := account.Credentials{Name: "Ann", Email: fmt.Sprintf("ann%d@example.org", i/2), Password: password}
			_, _, err := w.SignUp(t.Context(), c, device())
			faulttest.Wants(t, fmt.Sprintf("sign-up %d", i), err, []string{"", "invalid email"}[i%2])
		}
		_, _, err := w.SignUp(t.Context(), c, device())
		faulttest.Wants(t, "the eleventh", err, "too_many too_many_tries")
		w.clock.Advance(time.Hour)
		_, _, err = w.SignUp(t.Context(), c, device())
		faulttest.Wants(t, "an hour later", err, "")
	})
	t.Run("one address at once", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.owner(t)
		errs := atOnce(t.Context(), 8, func(ctx context.Context, i int) error {
			_, _, err := w.SignUp(ctx, c, account.Device{Address: fmt.Sprintf("192.0.2.%d", i)})
			return err
		})
		if diff := cmp.Diff(map[string]int{"": 1, "invalid email": 7}, kinds(errs)); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	})
}

// What a refusal at the last moment leaves behind: nothing.
func TestRefusedSignUpWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person(t, "ann")
	before := w.snapshot(t)
	c := account.Credentials{Name: "Ann", Email: "ann@example.org", Password: password}
	_, _, err := w.SignUp(t.Context(), c, device())
	faulttest.Wants(t, "SignUp", err, "invalid email")
	if diff := cmp.Diff(before, w.snapshot(t)); diff != "" {
		t.Errorf("rows (-before +after):\n%s", diff)
	}
}

// Unknown addresses and accounts without a password cost as many hashes as the
// others, so that time tells nothing.
func TestRefusalsCostTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person(t, "ann")
	w.suspend(t, w.person(t, "bob").actor.User)
	owner := w.owner(t)
	if _, err := w.SetProfile(t.Context(), owner.actor, account.ProfileEdit{Email: "owner@example.org"}); err != nil {
		t.Fatal(err)
	}
	hashes := w.CountHashing()
	for i, email := range []string{"ann@example.org", "bob@example.org", "owner@example.org", "nobody@example.org", "not an address", ""} {
		before := hashes.Load()
		_, _, err := w.SignIn(t.Context(), email, "wrong", account.Device{Address: fmt.Sprint(i)})
		faulttest.Wants(t, "SignIn "+email, err, "unauthenticated wrong_credentials")
		if got := hashes.Load() - before; got != 1 {
			t.Errorf("%q cost %d hashes, want 1", email, got)
		}
	}
}

func TestHashIsRenewed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	later, err := account.New(account.Config{DB: w.db, Clock: w.clock, IDs: w.ids})
	if err != nil {
		t.Fatal(err)
	}
	memory, passes := later.Cost()
	if memory != 19*1024 || passes != 2 {
		t.Errorf("cost = %d KiB, %d passes; want what OWASP recommends", memory, passes)
	}
	ann := w.person(t, "ann") // hashed at a cost of long ago
	stored := func() (hash string) {
		if err := w.db.QueryRow(t.Context(), `SELECT password_hash FROM app_user WHERE id = $1`, ann.actor.User).Scan(&hash); err != nil {
			t.Fatal(err)
		}
		return hash
	}
	old := stored()
	if !strings.HasPrefix(old, "$argon2id$v=19$m=8,t=1,p=1$") {
		t.Fatalf("stored %q", old)
	}
	for range 2 {
		if _, _, err := later.SignIn(t.Context(), "ann@example.org", password, device()); err != nil {
			t.Fatal(err)
		}
	}
	renewed := stored()
	if !strings.HasPrefix(renewed, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("stored %q, want the present cost", renewed)
	}
	if _, _, err := later.SignIn(t.Context(), "ann@example.org", password, device()); err != nil || stored() != renewed {
		t.Errorf("a hash of the present cost was renewed (%v)", err)
	}
}

package account_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/account"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// enrol gives a person a passkey.
func (w *world) enrol(t *testing.T, p someone, a *authenticator) account.Passkey {
	t.Helper()
	options, ceremony, err := w.BeginPasskey(t.Context(), p.actor)
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.FinishPasskey(t.Context(), p.actor, ceremony, "phone", a.create(t, options))
	if err != nil {
		t.Fatalf("FinishPasskey: %v", err)
	}
	return got
}

// enter signs in with a passkey.
func (w *world) enter(t *testing.T, a *authenticator) (account.Session, error) {
	t.Helper()
	options, ceremony, err := w.BeginPasskeySignIn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, s, err := w.FinishPasskeySignIn(t.Context(), ceremony, a.get(t, options), device())
	return s, err
}

func TestPasskey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(t)
	key := newAuthenticator(t)
	options, ceremony, err := w.BeginPasskey(t.Context(), owner.actor)
	if err != nil {
		t.Fatal(err)
	}
	var c creation
	decode(t, options, &c)
	if got := c.PublicKey; got.RP.ID != "localhost" || got.User.Name != "Owner" || got.Selection.ResidentKey != "required" ||
		got.Selection.UserVerification != "preferred" || got.Attestation != "none" || got.Timeout != 300_000 || len(got.Exclude) != 0 {
		t.Errorf("options = %s", options)
	}
	made, err := w.FinishPasskey(t.Context(), owner.actor, ceremony, "", key.create(t, options))
	if err != nil {
		t.Fatal(err)
	}
	want := account.Passkey{ID: made.ID, Name: "Passkey", CreatedAt: w.clock.Now()}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("FinishPasskey (-want +got):\n%s", diff)
	}

	// The next registration excludes it.
	options, _, err = w.BeginPasskey(t.Context(), owner.actor)
	if err != nil {
		t.Fatal(err)
	}
	decode(t, options, &c)
	if len(c.PublicKey.Exclude) != 1 || c.PublicKey.Exclude[0].ID != b64(key.id) {
		t.Errorf("excluded = %+v, want the one there is", c.PublicKey.Exclude)
	}

	w.clock.Advance(time.Hour)
	options, ceremony, err = w.BeginPasskeySignIn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var r request
	decode(t, options, &r)
	if r.PublicKey.RPID != "localhost" || len(r.PublicKey.Allow) != 0 {
		t.Errorf("sign-in options = %s, want nobody named", options)
	}
	secret, s, err := w.FinishPasskeySignIn(t.Context(), ceremony, key.get(t, options), device())
	if err != nil {
		t.Fatal(err)
	}
	if s.User.ID != owner.actor.User || s.Workspace != owner.actor.Workspace {
		t.Errorf("session = %+v", s)
	}
	if _, err := w.Authenticate(t.Context(), secret); err != nil {
		t.Error(err)
	}
	used := w.clock.Now()
	want.LastUsedAt = &used
	list, err := w.Passkeys(t.Context(), owner.actor)
	if diff := cmp.Diff([]account.Passkey{want}, list); err != nil || diff != "" {
		t.Errorf("Passkeys (-want +got): %v\n%s", err, diff)
	}
	owner.actor = w.in(t, s, "")
	faulttest.Wants(t, "RemovePasskey", w.RemovePasskey(t.Context(), owner.actor, made.ID), "")
	faulttest.Wants(t, "RemovePasskey again", w.RemovePasskey(t.Context(), owner.actor, made.ID), "not_found")
	_, err = w.enter(t, key)
	faulttest.Wants(t, "a removed passkey", err, "unauthenticated passkey_refused")
}

func TestPasskeySignInRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(t *testing.T, w *world, p someone, a *authenticator)
		want   string
	}{
		{"right", func(*testing.T, *world, someone, *authenticator) {}, ""},
		{"without verification of the user", func(_ *testing.T, _ *world, _ someone, a *authenticator) { a.flags = userPresent }, "unauthenticated passkey_refused"},
		{"nobody there", func(_ *testing.T, _ *world, _ someone, a *authenticator) { a.flags = 0 }, "unauthenticated passkey_refused"},
		{"unknown credential", func(_ *testing.T, _ *world, _ someone, a *authenticator) { a.id = []byte("0123456789abcdef") }, "unauthenticated passkey_refused"},
		{"another key", func(t *testing.T, _ *world, _ someone, a *authenticator) {
			t.Helper()
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			a.key = key
		}, "unauthenticated passkey_refused"},
		{"another site", func(_ *testing.T, _ *world, _ someone, a *authenticator) { a.origin = "https://evil.example" }, "unauthenticated passkey_refused"},
		{"another port", func(_ *testing.T, _ *world, _ someone, a *authenticator) { a.origin = "http://localhost:8081" }, "unauthenticated passkey_refused"},
		{"another relying party", func(_ *testing.T, _ *world, _ someone, a *authenticator) { a.rpID = "evil.example" }, "unauthenticated passkey_refused"},
		{"another user's handle", func(t *testing.T, w *world, _ someone, a *authenticator) {
			t.Helper()
			a.handle = []byte(w.person(t, "eve").actor.User)
		}, "unauthenticated passkey_refused"},
		{"no handle", func(_ *testing.T, _ *world, _ someone, a *authenticator) { a.handle = nil }, "unauthenticated passkey_refused"},
		{"suspended", func(t *testing.T, w *world, p someone, _ *authenticator) {
			t.Helper()
			w.suspend(t, p.actor.User)
		}, "forbidden suspended"},
		{"deleted", func(t *testing.T, w *world, p someone, _ *authenticator) {
			t.Helper()
			if err := w.DeleteAccount(t.Context(), p.actor, "ann@example.org"); err != nil {
				t.Fatal(err)
			}
		}, "unauthenticated passkey_refused"},
		{"a copy that is behind", func(_ *testing.T, _ *world, _ someone, a *authenticator) { a.count = 0 }, "unauthenticated passkey_refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ann := w.person(t, "ann")
			key := newAuthenticator(t)
			w.enrol(t, ann, key)
			tt.change(t, w, ann, key)
			before := w.snapshot(t)["session"]
			_, err := w.enter(t, key)
			faulttest.Wants(t, "FinishPasskeySignIn", err, tt.want)
			if f := fault.Of(err); f != nil && f.Kind == fault.Unauthenticated && f.Detail != "This passkey does not belong to an account here, or no longer." {
				t.Errorf("the refusal says %q", f.Detail)
			}
			if after := w.snapshot(t)["session"]; (after > before) != (err == nil) {
				t.Errorf("%d sessions before, %d after, with %v", before, after, err)
			}
		})
	}
}

func TestCopiedPasskeyIsNoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.person(t, "ann")
	key := newAuthenticator(t)
	made := w.enrol(t, ann, key)
	copied := *key
	for range 3 {
		if _, err := w.enter(t, key); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.enter(t, &copied)
	faulttest.Wants(t, "the copy", err, "unauthenticated passkey_refused")
	if n := w.count(t, `SELECT count(*) FROM passkey WHERE id = $1 AND cloned_at IS NOT NULL`, made.ID); n != 1 {
		t.Error("the copy is not noted")
	}
	if n := w.count(t, `SELECT count(*) FROM account_event WHERE kind = 'passkey_cloned' AND object = $1`, string(made.ID)); n != 1 {
		t.Error("the audit does not say so")
	}
	if _, err := w.enter(t, key); err != nil {
		t.Errorf("the original: %v", err)
	}
}

func TestSynchronisedPasskeysCountNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := newAuthenticator(t)
	key.counts = false
	w.enrol(t, w.person(t, "ann"), key)
	for range 3 {
		if _, err := w.enter(t, key); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOneCountAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := newAuthenticator(t)
	w.enrol(t, w.person(t, "ann"), key)
	type try struct {
		ceremony string
		answer   json.RawMessage
	}
	tries := make([]try, 6)
	for i := range tries { // copies of the key answer six ceremonies with one count
		options, ceremony, err := w.BeginPasskeySignIn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		copied := *key
		tries[i] = try{ceremony, copied.get(t, options)}
	}
	// All are verified before the first is let through.
	hold, err := w.db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hold.Exec(t.Context(), `SELECT FROM app_user FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	released := make(chan error, 1)
	go func() { released <- w.releaseWhenWaiting(t.Context(), hold, len(tries)) }()
	errs := atOnce(t.Context(), len(tries), func(ctx context.Context, i int) error {
		_, _, err := w.FinishPasskeySignIn(ctx, tries[i].ceremony, tries[i].answer, device())
		return err
	})
	if err := <-released; err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"": 1, "unauthenticated passkey_refused": 5}, kinds(errs)); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

// releaseWhenWaiting ends a transaction when n others wait for what it has locked. It
// looks from outside: a transaction sees the activity of its first look only.
func (w *world) releaseWhenWaiting(ctx context.Context, hold pgx.Tx, n int) error {
	for {
		waiting, err := w.waiting(ctx)
		if err != nil {
			return err
		}
		if waiting == n {
			return hold.Commit(ctx)
		}
	}
}

// waiting counts the connections that wait for a lock.
func (w *world) waiting(ctx context.Context) (n int, err error) {
	err = w.db.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
	return n, err
}

func TestCeremonies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.person(t, "ann"), w.person(t, "bob")
	known := newAuthenticator(t)
	w.enrol(t, ann, known)
	ctx := t.Context()
	begin := func() (json.RawMessage, string) {
		options, ceremony, err := w.BeginPasskey(ctx, ann.actor)
		if err != nil {
			t.Fatal(err)
		}
		return options, ceremony
	}
	finish := func(p someone, ceremony, name string, answer json.RawMessage) error {
		_, err := w.FinishPasskey(ctx, p.actor, ceremony, name, answer)
		return err
	}
	key := newAuthenticator(t)
	options, ceremony := begin()
	answer := key.create(t, options)
	faulttest.Wants(t, "by another user", finish(bob, ceremony, "", answer), "gone ceremony_over")
	_, _, err := w.FinishPasskeySignIn(ctx, ceremony, answer, device())
	faulttest.Wants(t, "as a sign-in", err, "gone ceremony_over")
	faulttest.Wants(t, "with a bad name", finish(ann, ceremony, "a\nb", answer), "invalid name")
	faulttest.Wants(t, "right", finish(ann, ceremony, "key", answer), "")
	faulttest.Wants(t, "again", finish(ann, ceremony, "key", answer), "gone ceremony_over")

	options, ceremony = begin()
	answer = newAuthenticator(t).create(t, options)
	w.clock.Advance(5 * time.Minute)
	faulttest.Wants(t, "too late", finish(ann, ceremony, "", answer), "gone ceremony_over")

	options, ceremony = begin()
	faulttest.Wants(t, "a credential that is stored", finish(ann, ceremony, "", known.create(t, options)), "conflict passkey_known")

	options, _ = begin()
	_, ceremony = begin()
	faulttest.Wants(t, "an answer to another challenge", finish(ann, ceremony, "", newAuthenticator(t).create(t, options)), "invalid answer")

	for _, bad := range []string{"", "null", "{}", "[]", `{"id":1}`, "\xff", strings.Repeat("[", 1000), `{"rawId":"` + strings.Repeat("A", 70_000) + `"}`} {
		_, ceremony = begin()
		faulttest.Wants(t, fmt.Sprintf("the answer %.20q", bad), finish(ann, ceremony, "", json.RawMessage(bad)), "malformed passkey_unreadable")
		_, login, err := w.BeginPasskeySignIn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = w.FinishPasskeySignIn(ctx, login, json.RawMessage(bad), device())
		faulttest.Wants(t, fmt.Sprintf("signing in with %.20q", bad), err, "malformed passkey_unreadable")
	}
	for _, rubbish := range []string{"", "x", ann.secret, "\x00"} {
		faulttest.Wants(t, "the ceremony "+rubbish, finish(ann, rubbish, "", answer), "gone ceremony_over")
	}
	if list, err := w.Passkeys(ctx, bob.actor); err != nil || list == nil || len(list) != 0 {
		t.Errorf("Bob's passkeys = %v, %v; want an empty list", list, err)
	}
	faulttest.Wants(t, "removing another's", w.RemovePasskey(ctx, bob.actor, w.passkeys(t, ann)[0].ID), "not_found")
}

func (w *world) passkeys(t *testing.T, p someone) []account.Passkey {
	t.Helper()
	list, err := w.Passkeys(t.Context(), p.actor)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestPasskeysAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.person(t, "ann")
	for range 20 {
		w.enrol(t, ann, newAuthenticator(t))
	}
	_, _, err := w.BeginPasskey(t.Context(), ann.actor)
	faulttest.Wants(t, "the 21st", err, "conflict too_many_passkeys")
}

// An authenticator that cannot verify its user when it is registered need not later.
func TestPasskeyWithoutVerification(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := newAuthenticator(t)
	key.flags = userPresent
	w.enrol(t, w.person(t, "ann"), key)
	_, err := w.enter(t, key)
	faulttest.Wants(t, "without", err, "")
	key.flags |= userVerified
	_, err = w.enter(t, key)
	faulttest.Wants(t, "with", err, "")
}

// Anybody may begin to sign in, so what that stores is bounded.
func TestBegunSignInsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	begin := func() error {
		_, _, err := w.BeginPasskeySignIn(t.Context())
		return err
	}
	faulttest.Wants(t, "the first", begin(), "")
	w.exec(t, `UPDATE throttle SET tries = 599`)
	faulttest.Wants(t, "the last of a minute", begin(), "")
	before := w.snapshot(t)
	err := begin()
	faulttest.Wants(t, "one more", err, "too_many too_many_tries")
	if f := fault.Of(err); f == nil || f.RetryAfter != time.Minute {
		t.Errorf("one more = %v, want to wait a minute", err)
	}
	if diff := cmp.Diff(before, w.snapshot(t)); diff != "" {
		t.Errorf("rows (-before +after):\n%s", diff)
	}
	w.clock.Advance(time.Minute)
	faulttest.Wants(t, "a minute later", begin(), "")
}

func TestPasskeyTriesAreThrottled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := newAuthenticator(t)
	key.handle = []byte("usr_x")
	for range 50 {
		_, err := w.enter(t, key)
		faulttest.Wants(t, "unknown", err, "unauthenticated passkey_refused")
	}
	_, err := w.enter(t, key)
	faulttest.Wants(t, "the 51st", err, "too_many too_many_tries")
}

func TestWherePasskeysWork(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, url string
		want      string // part of the reason; empty: they work
		fails     bool
	}{
		{"localhost", "http://localhost:8080", "", false},
		{"below localhost", "http://app.localhost:8080", "", false},
		{"https", "https://cofounder.example.com", "", false},
		{"https with a port and a path", "https://Cofounder.Example.com:8443/", "", false},
		{"plain http", "http://cofounder.example.com", "https", false},
		{"LAN address", "http://192.168.1.20:8080", "192.168.1.20", false},
		{"LAN address with https", "https://192.168.1.20", "192.168.1.20", false},
		{"IPv6", "http://[::1]:8080", "::1", false},
		{"nothing", "", "own address", false},
		{"no address", "cofounder", "", true},
		{"another scheme", "ftp://example.com", "", true},
		{"no host", "http://", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, err := account.New(account.Config{PublicURL: tt.url})
			if (err != nil) != tt.fails {
				t.Fatalf("New = %v", err)
			}
			if err != nil {
				return
			}
			trouble := a.PasskeyTrouble()
			if (trouble == nil) != (tt.want == "") || trouble != nil && !strings.Contains(fault.Of(trouble).Detail, tt.want) {
				t.Errorf("PasskeyTrouble = %v, want %q", trouble, tt.want)
			}
			if trouble == nil {
				return
			}
			actor := account.Actor{User: "usr_x", Session: "ses_x"}
			_, _, begin := a.BeginPasskey(t.Context(), actor)
			_, finish := a.FinishPasskey(t.Context(), actor, "", "", nil)
			_, _, beginSignIn := a.BeginPasskeySignIn(t.Context())
			_, _, finishSignIn := a.FinishPasskeySignIn(t.Context(), "", nil, device())
			for _, err := range []error{begin, finish, beginSignIn, finishSignIn} {
				faulttest.Wants(t, "a passkey method", err, "misdirected passkeys_unavailable")
			}
		})
	}
}

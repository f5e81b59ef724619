package account_test

import (
	"context"
	"testing"
	"time"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/account"

	"github.com/google/go-cmp/cmp"
)

func TestFirstStartLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t, closed)
	if has, err := w.HasUsers(t.Context()); has || err != nil {
		t.Fatalf("HasUsers of an empty installation = %v, %v", has, err)
	}
	code, err := w.MintStartLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	secret, r, err := w.Redeem(t.Context(), code, device())
	if err != nil {
		t.Fatal(err)
	}
	if !r.First || r.Reset {
		t.Errorf("Redeem = First %v, Reset %v; want the first account and no reset", r.First, r.Reset)
	}
	now := w.clock.Now()
	want := account.Session{
		ID: r.Session.ID, Workspace: r.Session.Workspace, Device: device(),
		User:      account.User{ID: r.Session.User.ID, Operator: true, CreatedAt: now},
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(30 * 24 * time.Hour),
	}
	if diff := cmp.Diff(want, r.Session); diff != "" {
		t.Errorf("session (-want +got):\n%s", diff)
	}
	again, err := w.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, again); diff != "" {
		t.Errorf("authenticated session (-want +got):\n%s", diff)
	}
	actor := w.in(t, again, "")
	if actor.Role != account.Owner || !actor.Operator || actor.Scope != account.ScopeWrite || actor.Restricted {
		t.Errorf("actor = %+v, want an owner and operator", actor)
	}
	team, err := w.Workspace(t.Context(), actor)
	if err != nil || team.Name != "My team" || team.Role != account.Owner {
		t.Errorf("Workspace = %+v, %v", team, err)
	}
	if has, err := w.HasUsers(t.Context()); !has || err != nil {
		t.Errorf("HasUsers = %v, %v", has, err)
	}
}

func TestSecondStartLinkSignsTheOwnerIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.owner(t)
	w.person(t, "ann")
	w.clock.Advance(time.Hour)
	second := w.owner(t)
	if second.actor.User != first.actor.User || second.actor.Workspace != first.actor.Workspace || second.actor.Session == first.actor.Session {
		t.Errorf("second link = %+v, want another session of %+v", second.actor, first.actor)
	}
	if n := w.count(t, `SELECT count(*) FROM app_user`); n != 2 {
		t.Errorf("%d users, want 2", n)
	}
}

func TestStartLinkWhenTheOperatorIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.owner(t)
	ann := w.person(t, "ann")
	if err := w.DeleteAccount(t.Context(), first.actor, "delete"); err != nil {
		t.Fatal(err)
	}
	next := w.owner(t)
	if next.actor.User == first.actor.User || next.actor.User == ann.actor.User || !next.actor.Operator {
		t.Errorf("link made %+v, want a new operator", next.actor)
	}
}

// Suspending the only operator must not hand the installation to whoever starts it
// next.
func TestStartLinkWhileTheOperatorIsSuspended(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.owner(t)
	w.suspend(t, first.actor.User)
	code, err := w.MintStartLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := w.snapshot(t)
	_, _, err = w.Redeem(t.Context(), code, device())
	faulttest.Wants(t, "Redeem", err, "conflict operator_suspended")
	if diff := cmp.Diff(before, w.snapshot(t)); diff != "" {
		t.Errorf("rows (-before +after):\n%s", diff)
	}
	_, err = w.MintResetLink(t.Context(), "")
	faulttest.Wants(t, "MintResetLink", err, "forbidden suspended")
	w.exec(t, `UPDATE app_user SET suspended_at = NULL`)
	_, r, err := w.Redeem(t.Context(), code, device())
	if err != nil || r.First || r.Session.User.ID != first.actor.User {
		t.Errorf("Redeem afterwards = %+v, %v; want the operator's session", r, err)
	}
}

func TestRedeemTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.owner(t)
	ann := w.person(t, "ann")
	bob := w.person(t, "bob")
	mint := func() string {
		code, err := w.MintResetLink(t.Context(), "ann@example.org")
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	tests := []struct {
		name string
		code func() string
		want string
	}{
		{"never was", func() string { return "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }, "not_found"},
		{"empty", func() string { return "" }, "not_found"},
		{"rubbish", func() string { return "../../etc/passwd\x00" }, "not_found"},
		{"good", mint, ""},
		{"used", func() string {
			code := mint()
			if _, _, err := w.Redeem(t.Context(), code, device()); err != nil {
				t.Fatal(err)
			}
			return code
		}, "gone link_used"},
		{"expired", func() string {
			code := mint()
			w.clock.Advance(15 * time.Minute)
			return code
		}, "gone link_expired"},
		{"just in time", func() string {
			code := mint()
			w.clock.Advance(15*time.Minute - time.Microsecond)
			return code
		}, ""},
		{"a session's secret", func() string { return ann.secret }, "not_found"},
		{"of somebody suspended since", func() string {
			code, err := w.MintResetLink(t.Context(), "bob@example.org")
			if err != nil {
				t.Fatal(err)
			}
			w.suspend(t, bob.actor.User)
			return code
		}, "forbidden suspended"},
	}
	for _, tt := range tests { // one clock for all
		secret, _, err := w.Redeem(t.Context(), tt.code(), device())
		faulttest.Wants(t, tt.name, err, tt.want)
		if (secret == "") != (err != nil) {
			t.Errorf("%s: secret %q with error %v", tt.name, secret, err)
		}
	}
}

func TestOneCodeManyRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, err := w.MintStartLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	errs := atOnce(t.Context(), 12, func(ctx context.Context, _ int) error {
		_, _, err := w.Redeem(ctx, code, device())
		return err
	})
	if diff := cmp.Diff(map[string]int{"": 1, "gone link_used": 11}, kinds(errs)); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if n := w.count(t, `SELECT count(*) FROM session`); n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}
}

func TestManyStartLinksMakeOneOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	codes := make([]string, 12)
	for i := range codes {
		var err error
		if codes[i], err = w.MintStartLink(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	firsts := make([]bool, len(codes))
	errs := atOnce(t.Context(), len(codes), func(ctx context.Context, i int) error {
		_, r, err := w.Redeem(ctx, codes[i], device())
		firsts[i] = r.First
		return err
	})
	if diff := cmp.Diff(map[string]int{"": len(codes)}, kinds(errs)); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	made := 0
	for _, first := range firsts {
		if first {
			made++
		}
	}
	users, teams := w.count(t, `SELECT count(*) FROM app_user`), w.count(t, `SELECT count(*) FROM workspace`)
	if made != 1 || users != 1 || teams != 1 {
		t.Errorf("%d first accounts, %d users, %d workspaces; want one of each", made, users, teams)
	}
}

func TestMintResetLinkTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.MintResetLink(t.Context(), ""); faulttest.Says(err) != "not_found" {
		t.Errorf("MintResetLink of nobody = %v, want not found", err)
	}
	owner := w.owner(t)
	ann := w.person(t, "ann")
	w.suspend(t, w.person(t, "bob").actor.User)
	tests := []struct {
		name, email string
		user        account.UserID
		want        string
	}{
		{"the owner", "", owner.actor.User, ""},
		{"by address", " ANN@example.org", ann.actor.User, ""},
		{"unknown", "nobody@example.org", "", "not_found"},
		{"not an address", "ann", "", "not_found"},
		{"suspended", "bob@example.org", "", "forbidden suspended"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, err := w.MintResetLink(t.Context(), tt.email)
			faulttest.Wants(t, "MintResetLink", err, tt.want)
			if err != nil {
				return
			}
			_, r, err := w.Redeem(t.Context(), code, device())
			if err != nil || !r.Reset || r.First || r.Session.User.ID != tt.user {
				t.Errorf("Redeem = %+v, %v; want a reset of %s", r, err, tt.user)
			}
		})
	}
}

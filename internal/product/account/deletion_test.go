package account_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/account"

	"github.com/google/go-cmp/cmp"
)

func TestDeleteAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.person(t, "ann"), w.person(t, "bob")
	w.project(t, ann.actor.Workspace)
	shared := w.joins(t, ann, bob, account.InvitationDraft{Role: account.Member})
	token, _, err := w.CreateToken(t.Context(), shared, account.TokenDraft{Name: "ci", Scope: account.ScopeRead})
	if err != nil {
		t.Fatal(err)
	}
	link, err := w.MintResetLink(t.Context(), "ann@example.org")
	if err != nil {
		t.Fatal(err)
	}
	for _, confirm := range []string{"", "delete", "bob@example.org", "ann"} {
		faulttest.Wants(t, "confirmed by "+confirm, w.DeleteAccount(t.Context(), ann.actor, confirm), "invalid confirm")
	}
	faulttest.Wants(t, "DeleteAccount", w.DeleteAccount(t.Context(), ann.actor, " Ann@example.org "), "")
	faulttest.Wants(t, "again", w.DeleteAccount(t.Context(), ann.actor, "ann@example.org"), "unauthenticated")

	_, err = w.Authenticate(t.Context(), ann.secret)
	faulttest.Wants(t, "her session", err, "unauthenticated")
	_, err = w.AuthenticateToken(t.Context(), token)
	faulttest.Wants(t, "her token", err, "unauthenticated bad_token")
	_, _, err = w.Redeem(t.Context(), link, device())
	faulttest.Wants(t, "her link", err, "not_found")
	_, _, err = w.SignIn(t.Context(), "ann@example.org", password, device())
	faulttest.Wants(t, "her password", err, "unauthenticated wrong_credentials")
	_, err = w.Profile(t.Context(), ann.actor)
	faulttest.Wants(t, "her profile", err, "unauthenticated")
	members, err := w.Members(t.Context(), bob.actor)
	if err != nil || len(members) != 1 {
		t.Errorf("Bob's team = %+v, %v; want Bob", members, err)
	}
	// The address is free again, and leads to another person.
	again := w.person(t, "ann")
	if again.actor.User == ann.actor.User {
		t.Error("a new account is the old one")
	}
	var row string
	if err := w.db.QueryRow(t.Context(), `SELECT to_jsonb(u)::text FROM app_user u WHERE id = $1`, ann.actor.User).Scan(&row); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(row, "ann") && !strings.Contains(string(ann.actor.User), "ann") {
		t.Errorf("the row still says %s", row)
	}
	if n := w.count(t, `SELECT count(*) FROM workspace WHERE id = $1 AND deleted_at IS NOT NULL AND name = 'deleted'`, ann.actor.Workspace); n != 1 {
		t.Error("the workspace she was alone in is not deleted")
	}
}

func TestDeleteAccountAsLastOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.person(t, "ann"), w.person(t, "bob")
	if _, err := w.RenameWorkspace(t.Context(), ann.actor, "Bakery"); err != nil {
		t.Fatal(err)
	}
	w.joins(t, bob, ann, account.InvitationDraft{Role: account.Member})
	before := w.snapshot(t)
	err := w.DeleteAccount(t.Context(), ann.actor, "ann@example.org")
	faulttest.Wants(t, "with a member left", err, "conflict last_owner")
	if !strings.Contains(err.Error(), "Bakery") {
		t.Errorf("%v does not name the team", err)
	}
	if diff := cmp.Diff(before, w.snapshot(t)); diff != "" {
		t.Errorf("rows (-before +after):\n%s", diff)
	}
	if err := w.SetRole(t.Context(), ann.actor, bob.actor.User, account.Owner); err != nil {
		t.Fatal(err)
	}
	faulttest.Wants(t, "with another owner", w.DeleteAccount(t.Context(), ann.actor, "ann@example.org"), "")
}

func TestExport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.person(t, "ann"), w.person(t, "bob")
	there := w.joins(t, ann, bob, account.InvitationDraft{Role: account.Member})
	secret, token, err := w.CreateToken(t.Context(), there, account.TokenDraft{Name: "ci", Scope: account.ScopeRead, Days: 30})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.SetRole(t.Context(), bob.actor, ann.actor.User, account.Viewer); err != nil {
		t.Fatal(err)
	}
	got, err := w.ExportData(t.Context(), ann.actor)
	if err != nil {
		t.Fatal(err)
	}
	now := w.clock.Now()
	event := func(kind string, by account.UserID, ws account.WorkspaceID, object string) account.ExportEvent {
		return account.ExportEvent{At: now, Kind: kind, By: by, Workspace: ws, Object: object}
	}
	me := ann.actor.User
	want := account.Export{
		User: account.ExportUser{ID: me, Email: "ann@example.org", Name: "ann", HasPassword: true, CreatedAt: now},
		Sessions: []account.ExportSession{{
			ID: ann.session.ID, UserAgent: browser, Address: "from ann", CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(30 * day),
		}},
		Tokens: []account.ExportToken{{
			ID: token.ID, Workspace: bob.actor.Workspace, Name: "ci", Scope: account.ScopeRead, Hint: token.Hint, CreatedAt: now, ExpiresAt: token.ExpiresAt,
		}},
		Passkeys: []account.ExportPasskey{},
		Workspaces: []account.ExportWorkspace{
			{ID: ann.actor.Workspace, Name: "My team", Role: account.Owner, JoinedAt: now},
			{ID: bob.actor.Workspace, Name: "My team", Role: account.Viewer, JoinedAt: now},
		},
		Events: []account.ExportEvent{
			event("signed_up", me, "", ""),
			event("workspace_made", me, ann.actor.Workspace, ""),
			event("member_joined", me, bob.actor.Workspace, "member"),
			event("token_made", me, bob.actor.Workspace, string(token.ID)),
			event("role_changed", bob.actor.User, bob.actor.Workspace, "viewer"),
		},
	}
	if want.Workspaces[0].ID > want.Workspaces[1].ID { // both were made in one millisecond
		want.Workspaces[0], want.Workspaces[1] = want.Workspaces[1], want.Workspaces[0]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("export (-want +got):\n%s", diff)
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	for _, hidden := range []string{"hash", "argon2", secret, ann.secret, "null,\"operator\"", "bob@example.org"} {
		if strings.Contains(string(text), hidden) {
			t.Errorf("the export holds %q", hidden)
		}
	}
	for _, list := range []string{`"sessions":[`, `"tokens":[`, `"passkeys":[`, `"workspaces":[`, `"events":[`} {
		if !strings.Contains(string(text), list) {
			t.Errorf("the export has no %s in %s", list, text)
		}
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.person(t, "ann"), w.person(t, "bob")
	eve := w.person(t, "eve")
	w.project(t, eve.actor.Workspace)
	if _, err := w.MintStartLink(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.BeginPasskeySignIn(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, days := range []int{0, 1} {
		if _, _, err := w.CreateToken(t.Context(), ann.actor, account.TokenDraft{Name: "ci", Scope: account.ScopeRead, Days: days}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := w.Invite(t.Context(), bob.actor, account.InvitationDraft{Role: account.Viewer}); err != nil {
		t.Fatal(err)
	}
	for _, p := range []someone{bob, eve} {
		if err := w.DeleteAccount(t.Context(), p.actor, p.session.User.Email); err != nil {
			t.Fatal(err)
		}
	}
	left := func() map[string]int {
		rows := w.snapshot(t)
		rows["throttle"] = w.count(t, `SELECT count(*) FROM throttle`)
		for _, same := range []string{"app_user", "member", "member_project", "project", "passkey", "invitation"} {
			delete(rows, same)
		}
		return rows
	}
	steps := []struct {
		name  string
		after time.Duration
		gone  []string
	}{
		{"at once", 0, []string{"workspace"}}, // Bob's; Eve's still has a project
		{"again", 0, nil},
		{"an hour later", time.Hour, []string{"passkey_ceremony", "throttle"}},
		{"eight days later", 8 * day, []string{"sign_in_link"}},
		{"forty days later", 40 * day, []string{"session", "api_token"}},
		{"a year later", 366 * day, []string{"sign_in_place", "account_event"}},
	}
	before := left()
	for _, step := range steps {
		w.clock.Advance(step.after)
		n, err := w.Sweep(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		after := left()
		var gone []string
		total := 0
		for _, table := range []string{"workspace", "passkey_ceremony", "throttle", "sign_in_link", "session", "api_token", "sign_in_place", "account_event"} {
			if after[table] < before[table] {
				gone = append(gone, table)
				total += before[table] - after[table]
			}
		}
		if diff := cmp.Diff(step.gone, gone); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
		if n != total {
			t.Errorf("%s: Sweep = %d, and %d rows are gone", step.name, n, total)
		}
		before = after
	}
	if n := w.count(t, `SELECT count(*) FROM api_token`); n != 1 {
		t.Errorf("%d tokens are left, want the one that does not expire", n)
	}
	w.exec(t, `DELETE FROM project`)
	if n, err := w.Sweep(t.Context()); n != 1 || err != nil {
		t.Errorf("Sweep after the purge = %d, %v; want Eve's workspace", n, err)
	}
}

func TestSweepInBatches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `INSERT INTO throttle SELECT sha256(n::text::bytea), 1, $1 FROM generate_series(1, 1200) n`, w.clock.Now())
	if n, err := w.Sweep(t.Context()); n != 1200 || err != nil {
		t.Errorf("Sweep = %d, %v; want 1200", n, err)
	}
}

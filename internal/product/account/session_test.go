package account_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"

	"github.com/google/go-cmp/cmp"
)

const day = 24 * time.Hour

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		before func(t *testing.T, w *world, p someone)
		want   string
	}{
		{"fresh", func(*testing.T, *world, someone) {}, ""},
		{"30 days without a visit", func(_ *testing.T, w *world, _ someone) { w.clock.Advance(30 * day) }, "unauthenticated"},
		{"a moment less", func(_ *testing.T, w *world, _ someone) { w.clock.Advance(30*day - time.Second) }, ""},
		{"visited every week for 179 days", func(t *testing.T, w *world, p someone) {
			t.Helper()
			w.visitWeekly(t, p, 179)
		}, ""},
		{"visited every week for 180 days", func(t *testing.T, w *world, p someone) {
			t.Helper()
			w.visitWeekly(t, p, 180)
		}, "unauthenticated"},
		{"signed out", func(t *testing.T, w *world, p someone) {
			t.Helper()
			if err := w.RevokeSession(t.Context(), p.actor, p.session.ID); err != nil {
				t.Fatal(err)
			}
		}, "unauthenticated"},
		{"suspended", func(t *testing.T, w *world, p someone) {
			t.Helper()
			w.suspend(t, p.actor.User)
		}, "unauthenticated"},
		{"deleted", func(t *testing.T, w *world, p someone) {
			t.Helper()
			if err := w.DeleteAccount(t.Context(), p.actor, "ann@example.org"); err != nil {
				t.Fatal(err)
			}
		}, "unauthenticated"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ann := w.person(t, "ann")
			tt.before(t, w, ann)
			_, err := w.Authenticate(t.Context(), ann.secret)
			faulttest.Wants(t, "Authenticate", err, tt.want)
			_, err = w.ActorIn(t.Context(), ann.session, "")
			faulttest.Wants(t, "ActorIn", err, tt.want)
		})
	}
}

func (w *world) visitWeekly(t *testing.T, p someone, days int) {
	t.Helper()
	for ; days > 7; days -= 7 {
		w.clock.Advance(7 * day)
		if _, err := w.Authenticate(t.Context(), p.secret); err != nil {
			t.Fatalf("with %d days to go: %v", days, err)
		}
	}
	w.clock.Advance(time.Duration(days) * day)
}

func TestRubbishSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.person(t, "ann")
	for _, secret := range []string{
		"", "x", ann.secret + "x", ann.secret[1:], strings.ToUpper(ann.secret), " " + ann.secret,
		ann.secret + "=", string(ann.session.ID), "\x00", strings.Repeat("A", 43), strings.Repeat("A", 1<<20),
	} {
		_, err := w.Authenticate(t.Context(), secret)
		faulttest.Wants(t, "Authenticate "+secret[:min(len(secret), 50)], err, "unauthenticated")
	}
}

func TestVisitsAreWrittenOnceAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.person(t, "ann")
	start := w.clock.Now()
	steps := []struct {
		after time.Duration
		seen  time.Duration // since start
	}{{0, 0}, {59 * time.Second, 0}, {time.Second, time.Minute}, {time.Second, time.Minute}, {time.Hour, time.Hour + time.Minute + time.Second}}
	for _, step := range steps {
		w.clock.Advance(step.after)
		s, err := w.Authenticate(t.Context(), ann.secret)
		if err != nil {
			t.Fatal(err)
		}
		want := start.Add(step.seen)
		list, err := w.Sessions(t.Context(), ann.actor)
		if err != nil {
			t.Fatal(err)
		}
		if !s.LastSeenAt.Equal(want) || !list[0].LastSeenAt.Equal(want) || !list[0].ExpiresAt.Equal(want.Add(30*day)) {
			t.Errorf("at +%v: last seen %v and stored %v, want +%v", w.clock.Now().Sub(start), s.LastSeenAt, list[0].LastSeenAt, step.seen)
		}
	}
}

func TestSecretsAreNotStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.person(t, "ann")
	token, _, err := w.CreateToken(t.Context(), ann.actor, account.TokenDraft{Name: "ci", Scope: account.ScopeRead})
	if err != nil {
		t.Fatal(err)
	}
	link, err := w.MintResetLink(t.Context(), "ann@example.org")
	if err != nil {
		t.Fatal(err)
	}
	invitation, _, err := w.Invite(t.Context(), ann.actor, account.InvitationDraft{Role: account.Viewer})
	if err != nil {
		t.Fatal(err)
	}
	_, ceremony, err := w.BeginPasskeySignIn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var dump strings.Builder
	for table := range w.snapshot(t) {
		rows, err := w.db.Query(t.Context(), `SELECT to_jsonb(x)::text FROM `+table+` x`)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var row string
			if err := rows.Scan(&row); err != nil {
				t.Fatal(err)
			}
			dump.WriteString(row)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(dump.String(), "ann@example.org") {
		t.Fatal("the dump does not hold what is stored")
	}
	for name, secret := range map[string]string{
		"password": password, "session": ann.secret, "token": token, "link": link, "invitation": invitation, "ceremony": ceremony,
	} {
		if strings.Contains(dump.String(), secret) {
			t.Errorf("the database holds the %s", name)
		}
	}
}

func TestSessionsListAndRevoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.person(t, "ann"), w.person(t, "bob")
	var all []account.Session
	for range 3 {
		w.clock.Advance(time.Minute)
		_, s, err := w.SignIn(t.Context(), "ann@example.org", password, device())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	ids := func() (list []account.SessionID) {
		t.Helper()
		sessions, err := w.Sessions(t.Context(), ann.actor)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sessions {
			list = append(list, s.ID)
		}
		return list
	}
	want := []account.SessionID{all[2].ID, all[1].ID, all[0].ID, ann.session.ID}
	if diff := cmp.Diff(want, ids()); diff != "" {
		t.Fatalf("Sessions (-want +got):\n%s", diff)
	}
	faulttest.Wants(t, "revoking one", w.RevokeSession(t.Context(), ann.actor, all[1].ID), "")
	faulttest.Wants(t, "revoking it again", w.RevokeSession(t.Context(), ann.actor, all[1].ID), "not_found")
	faulttest.Wants(t, "revoking Bob's", w.RevokeSession(t.Context(), ann.actor, bob.session.ID), "not_found")
	faulttest.Wants(t, "revoking rubbish", w.RevokeSession(t.Context(), ann.actor, "ses_x'; DROP TABLE session"), "not_found")
	if diff := cmp.Diff(slices.Delete(want, 1, 2), ids()); diff != "" {
		t.Errorf("Sessions (-want +got):\n%s", diff)
	}
	if n, err := w.RevokeOtherSessions(t.Context(), ann.actor); n != 2 || err != nil {
		t.Errorf("RevokeOtherSessions = %d, %v; want 2", n, err)
	}
	if n, err := w.RevokeOtherSessions(t.Context(), ann.actor); n != 0 || err != nil {
		t.Errorf("RevokeOtherSessions = %d, %v; want 0", n, err)
	}
	if _, err := w.Authenticate(t.Context(), bob.secret); err != nil {
		t.Errorf("Bob: %v", err)
	}
}

func TestSessionsAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.person(t, "ann")
	for range 104 {
		w.clock.Advance(time.Minute)
		if _, _, err := w.SignIn(t.Context(), "ann@example.org", password, device()); err != nil {
			t.Fatal(err)
		}
	}
	list, err := w.Sessions(t.Context(), ann.actor)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 100 || !list[0].CreatedAt.Equal(w.clock.Now()) {
		t.Errorf("%d sessions, the newest of %v", len(list), list[0].CreatedAt)
	}
	_, err = w.Authenticate(t.Context(), ann.secret)
	faulttest.Wants(t, "the oldest", err, "unauthenticated")
}

func TestDeviceIsCut(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, agent, want string }{
		{"plain", browser, browser},
		{"nothing", "", ""},
		{"long", strings.Repeat("é", 300), strings.Repeat("é", 200)},
		{"long, cut inside a character", "x" + strings.Repeat("é", 300), "x" + strings.Repeat("é", 199)},
		{"control characters", "a\x00b\r\nc\x1b[31md", "abc[31md"},
		{"not UTF-8", "a\xff\xfeb", "ab"},
	}
	w := newWorld(t)
	w.person(t, "ann")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, s, err := w.SignIn(t.Context(), "ann@example.org", password, account.Device{UserAgent: tt.agent, Address: tt.name + tt.agent})
			if err != nil {
				t.Fatal(err)
			}
			if s.Device.UserAgent != tt.want || len(s.Device.UserAgent) > 400 || !utf8.ValidString(s.Device.Address) {
				t.Errorf("device = %+v, want %q", s.Device, tt.want)
			}
		})
	}
}

func TestActorIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.person(t, "ann"), w.person(t, "bob")
	own := ann.actor.Workspace
	joined := w.joins(t, ann, bob, account.InvitationDraft{Role: account.Viewer})
	if joined.Workspace != bob.actor.Workspace || joined.Role != account.Viewer {
		t.Fatalf("joined as %+v", joined)
	}
	if a := w.in(t, ann.session, own); a.Workspace != own || a.Role != account.Owner {
		t.Errorf("in her own: %+v", a)
	}
	if a := w.in(t, ann.session, ""); a.Workspace != joined.Workspace {
		t.Errorf("without a choice: %+v, want where she joined last", a)
	}
	if err := w.SwitchWorkspace(t.Context(), ann.session, own); err != nil {
		t.Fatal(err)
	}
	if a := w.in(t, ann.session, ""); a.Workspace != own {
		t.Errorf("after switching: %+v", a)
	}
	// The next session begins where the last one was.
	w.clock.Advance(time.Hour)
	_, s, err := w.SignIn(t.Context(), "ann@example.org", password, device())
	if err != nil || s.Workspace != own {
		t.Errorf("next session in %s, %v; want %s", s.Workspace, err, own)
	}
	// A role changed meanwhile holds at once.
	if err := w.SetRole(t.Context(), bob.actor, ann.actor.User, account.Member); err != nil {
		t.Fatal(err)
	}
	if a := w.in(t, ann.session, joined.Workspace); a.Role != account.Member {
		t.Errorf("after a change of role: %+v", a)
	}
	for _, ws := range []account.WorkspaceID{"wsp_nope", id.Mint[account.WorkspaceID](w.ids), "' OR true --"} {
		_, err := w.ActorIn(t.Context(), ann.session, ws)
		faulttest.Wants(t, "ActorIn "+string(ws), err, "not_found")
		faulttest.Wants(t, "SwitchWorkspace "+string(ws), w.SwitchWorkspace(t.Context(), ann.session, ws), "not_found")
	}
	_, err = w.ActorIn(t.Context(), bob.session, own)
	faulttest.Wants(t, "Bob in Ann's", err, "not_found")
	_, err = w.ActorIn(t.Context(), account.Session{}, "")
	faulttest.Wants(t, "nobody", err, "unauthenticated")
}

func TestActorWithoutTeam(t *testing.T) {
	t.Parallel()
	w := newWorld(t, closed)
	owner := w.owner(t)
	code, _, err := w.Invite(t.Context(), owner.actor, account.InvitationDraft{Role: account.Member})
	if err != nil {
		t.Fatal(err)
	}
	_, s, err := w.SignUpInvited(t.Context(), code, account.Credentials{Name: "Ann", Email: "ann@example.org", Password: password}, device())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.RemoveMember(t.Context(), owner.actor, s.User.ID); err != nil {
		t.Fatal(err)
	}
	actor := w.in(t, s, "")
	if diff := cmp.Diff(account.Actor{User: s.User.ID, Session: s.ID, Scope: account.ScopeWrite}, actor); diff != "" {
		t.Errorf("actor (-want +got):\n%s", diff)
	}
	faulttest.Wants(t, "Need(MayRead)", actor.Need(account.MayRead), "forbidden")
	if _, err := w.Profile(t.Context(), actor); err != nil {
		t.Errorf("Profile: %v", err)
	}
	if list, err := w.Workspaces(t.Context(), actor); err != nil || list == nil || len(list) != 0 {
		t.Errorf("Workspaces = %v, %v; want an empty list", list, err)
	}
	_, err = w.CreateWorkspace(t.Context(), actor, "Mine")
	faulttest.Wants(t, "CreateWorkspace", err, "forbidden sign_up_closed")
	faulttest.Wants(t, "DeleteAccount", w.DeleteAccount(t.Context(), actor, "ann@example.org"), "")
}

func TestForRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.person(t, "ann"), w.person(t, "bob")
	w.joins(t, bob, ann, account.InvitationDraft{Role: account.Member})
	tests := []struct {
		name   string
		before func(t *testing.T)
		want   string
	}{
		{"a member", func(*testing.T) {}, ""},
		{"suspended", func(t *testing.T) {
			t.Helper()
			w.suspend(t, bob.actor.User)
		}, "forbidden suspended"},
		{"no longer suspended", func(t *testing.T) {
			t.Helper()
			w.exec(t, `UPDATE app_user SET suspended_at = NULL`)
		}, ""},
		{"removed", func(t *testing.T) {
			t.Helper()
			if err := w.RemoveMember(t.Context(), ann.actor, bob.actor.User); err != nil {
				t.Fatal(err)
			}
		}, "forbidden not_a_member"},
		{"deleted", func(t *testing.T) {
			t.Helper()
			if err := w.DeleteAccount(t.Context(), bob.actor, "bob@example.org"); err != nil {
				t.Fatal(err)
			}
		}, "forbidden not_a_member"},
	}
	want := account.Actor{User: bob.actor.User, Workspace: ann.actor.Workspace, Role: account.Member, Scope: account.ScopeWrite}
	for _, tt := range tests { // each goes on from the last
		tt.before(t)
		got, err := w.ForRun(t.Context(), bob.actor.User, ann.actor.Workspace)
		faulttest.Wants(t, tt.name, err, tt.want)
		if err == nil && got != want {
			t.Errorf("%s: ForRun = %+v, want %+v", tt.name, got, want)
		}
	}
	_, err := w.ForRun(t.Context(), "usr_unknown", ann.actor.Workspace)
	faulttest.Wants(t, "ForRun of an unknown user", err, "forbidden not_a_member")
}

func TestVisitsAtOnceWriteOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.person(t, "ann")
	w.exec(t, `CREATE TABLE visit (id text)`)
	w.exec(t, `CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO visit VALUES (NEW.id); RETURN NEW; END'`)
	w.exec(t, `CREATE TRIGGER note AFTER UPDATE ON session FOR EACH ROW EXECUTE FUNCTION note()`)
	for minute := range 3 {
		w.clock.Advance(time.Minute)
		errs := atOnce(t.Context(), 8, func(ctx context.Context, _ int) error {
			_, err := w.Authenticate(ctx, ann.secret)
			return err
		})
		if diff := cmp.Diff(map[string]int{"": 8}, kinds(errs)); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
		if n := w.count(t, `SELECT count(*) FROM visit`); n != minute+1 {
			t.Errorf("%d writes after %d minutes", n, minute+1)
		}
	}
}

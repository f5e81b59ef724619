package project_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

const day = 24 * time.Hour

func TestCreate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, _ := w.founder(t)
	tests := []struct {
		name     string
		draft    project.Draft
		want     string
		wantName string
		wantIdea string
	}{
		{"idea only", project.Draft{Idea: "A booking page for my dog salon.\r\nWith reminders."}, "", "A booking page for my dog salon", "A booking page for my dog salon.\nWith reminders."},
		{"name and idea", project.Draft{Name: " Pawbook ", Idea: "Bookings"}, "", "Pawbook", "Bookings"},
		{"other scripts", project.Draft{Idea: "犬の予約サイト。お客さんが予約する。"}, "", "犬の予約サイト", "犬の予約サイト。お客さんが予約する。"},
		{"only marks", project.Draft{Idea: "!!!"}, "", "Untitled idea", "!!!"},
		{"longest", project.Draft{Name: "x", Idea: strings.Repeat("é", 50_000)}, "", "x", strings.Repeat("é", 50_000)},
		{"one byte more", project.Draft{Idea: strings.Repeat("é", 50_000) + "x"}, "invalid idea", "", ""},
		{"empty", project.Draft{Name: "x"}, "invalid idea", "", ""},
		{"white", project.Draft{Idea: " \n\t\u00a0\u3000"}, "invalid idea", "", ""},
		{"invisible", project.Draft{Idea: "\u200b\u200d\ufeff\x07"}, "invalid idea", "", ""},
		{"NUL", project.Draft{Idea: "a\x00b"}, "invalid idea", "", ""},
		{"not UTF-8", project.Draft{Idea: "%PDF\xff"}, "invalid idea", "", ""},
		{"control characters go", project.Draft{Idea: "red \x1b[31m alert\x07"}, "", "red [31m alert", "red [31m alert"},
		{"name too long", project.Draft{Name: strings.Repeat("é", 81), Idea: "x"}, "invalid name", "", ""},
		{"both wrong", project.Draft{Name: "a\nb"}, "invalid name idea", "", ""},
		{"looks like SQL and HTML", project.Draft{Idea: `'); DROP TABLE project; --<script>`}, "", `'); DROP TABLE project; --<script`, `'); DROP TABLE project; --<script>`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := w.Create(t.Context(), owner, tt.draft)
			faulttest.Wants(t, "Create", err, tt.want)
			if err != nil {
				return
			}
			want := project.Project{
				ID: got.ID, Workspace: owner.Workspace, Name: tt.wantName, Idea: tt.wantIdea,
				Status: project.Active, CreatedAt: w.clock.Now(), UpdatedAt: w.clock.Now(),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Create (-want +got):\n%s", diff)
			}
			read, err := w.Get(t.Context(), owner, got.ID)
			if diff := cmp.Diff(want, read); err != nil || diff != "" {
				t.Errorf("Get (-want +got): %v\n%s", err, diff)
			}
		})
	}
}

func TestCreateAfterRemoval(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, _ := w.founder(t)
	member, _ := w.guest(t, owner, account.InvitationDraft{Role: account.Member})
	if err := w.accounts.RemoveMember(t.Context(), owner, member.User); err != nil {
		t.Fatal(err)
	}
	_, err := w.Create(t.Context(), member, project.Draft{Idea: "too late"})
	faulttest.Wants(t, "Create", err, "forbidden")
	if n := w.count(t, `SELECT count(*) FROM project`); n != 0 {
		t.Errorf("%d projects", n)
	}
}

// What each role and scope may do to a project.
func TestRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, _ := w.founder(t)
	p := w.create(t, owner, "an idea")
	member, _ := w.guest(t, owner, account.InvitationDraft{Role: account.Member})
	viewer, _ := w.guest(t, owner, account.InvitationDraft{Role: account.Viewer})
	single, _ := w.guest(t, owner, account.InvitationDraft{Role: account.Member, Project: p.ID})
	reader := owner
	reader.Scope = account.ScopeRead
	const ok, viewerOnly, ownerOnly, readOnly, no = "", "forbidden viewer_only", "forbidden owner_only", "forbidden token_read_only", "forbidden"
	actors := map[string]account.Actor{"owner": owner, "member": member, "viewer": viewer, "single": single, "reader": reader, "nobody": {}}
	tests := map[string]struct {
		do   func(ctx context.Context, a account.Actor) error
		want map[string]string
	}{
		"Get": {func(ctx context.Context, a account.Actor) error {
			_, err := w.Get(ctx, a, p.ID)
			return err
		}, map[string]string{"owner": ok, "member": ok, "viewer": ok, "single": ok, "reader": ok, "nobody": no}},
		"List": {func(ctx context.Context, a account.Actor) error {
			_, err := w.List(ctx, a, project.Query{})
			return err
		}, map[string]string{"owner": ok, "member": ok, "viewer": ok, "single": ok, "reader": ok, "nobody": no}},
		"Create": {func(ctx context.Context, a account.Actor) error {
			_, err := w.Create(ctx, a, project.Draft{Idea: "another"})
			return err
		}, map[string]string{"owner": ok, "member": ok, "viewer": viewerOnly, "single": "forbidden restricted", "reader": readOnly, "nobody": readOnly}},
		"Rename": {func(ctx context.Context, a account.Actor) error {
			_, err := w.Rename(ctx, a, p.ID, "new name")
			return err
		}, map[string]string{"owner": ok, "member": ok, "viewer": viewerOnly, "single": ok, "reader": readOnly, "nobody": readOnly}},
		"Park": {func(ctx context.Context, a account.Actor) error {
			_, err := w.Park(ctx, a, p.ID, "")
			return err
		}, map[string]string{"owner": ok, "member": ok, "viewer": viewerOnly, "single": ok, "reader": readOnly, "nobody": readOnly}},
		"Unpark": {func(ctx context.Context, a account.Actor) error {
			_, err := w.Unpark(ctx, a, p.ID)
			return err
		}, map[string]string{"owner": ok, "member": ok, "viewer": viewerOnly, "single": ok, "reader": readOnly, "nobody": readOnly}},
		"Delete": {func(ctx context.Context, a account.Actor) error {
			_, err := w.Delete(ctx, a, p.ID)
			return err
		}, map[string]string{"owner": ok, "member": ownerOnly, "viewer": ownerOnly, "single": ownerOnly, "reader": readOnly, "nobody": readOnly}},
		"Restore": {func(ctx context.Context, a account.Actor) error {
			_, err := w.Restore(ctx, a, p.ID)
			return err
		}, map[string]string{"owner": ok, "member": ownerOnly, "viewer": ownerOnly, "single": ownerOnly, "reader": readOnly, "nobody": readOnly}},
	}
	for _, name := range []string{"Get", "List", "Create", "Rename", "Park", "Unpark", "Delete", "Restore"} { // in this order they all apply
		tt := tests[name]
		for who, actor := range actors {
			faulttest.Wants(t, name+" by "+who, tt.do(t.Context(), actor), tt.want[who])
		}
	}
}

// Every method, with a project of another team, of another member's only, and of
// none.
func TestTwoTeams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, annSession := w.founder(t)
	bob, _ := w.founder(t)
	theirs := w.create(t, bob, "a secret of Bob")
	own := w.create(t, ann, "an idea of Ann")
	hidden := w.create(t, ann, "another idea of Ann")
	single, singleSession := w.guest(t, ann, account.InvitationDraft{Role: account.Member, Project: own.ID})
	forged := ann // a workspace put there by hand together with restricted rights
	forged.Workspace, forged.Restricted = bob.Workspace, true
	type target struct {
		name    string
		actor   account.Actor
		session account.Session
		id      project.ID
	}
	targets := []target{
		{"another team's", ann, annSession, theirs.ID},
		{"not invited to", single, singleSession, hidden.ID},
		{"none", ann, annSession, id.Mint[project.ID](w.ids)},
		{"malformed", ann, annSession, "prj_x' OR true --"},
		{"another kind", ann, annSession, project.ID(ann.User)},
		{"empty", ann, annSession, ""},
		{"forged", forged, annSession, theirs.ID},
	}
	asOwner := func(a account.Actor) account.Actor { // so that only isolation refuses
		a.Role = account.Owner
		return a
	}
	calls := map[string]func(ctx context.Context, x target) (any, error){
		"Get": func(ctx context.Context, x target) (any, error) { return w.Get(ctx, asOwner(x.actor), x.id) },
		"Rename": func(ctx context.Context, x target) (any, error) {
			return w.Rename(ctx, asOwner(x.actor), x.id, "taken")
		},
		"Park":    func(ctx context.Context, x target) (any, error) { return w.Park(ctx, asOwner(x.actor), x.id, "taken") },
		"Unpark":  func(ctx context.Context, x target) (any, error) { return w.Unpark(ctx, asOwner(x.actor), x.id) },
		"Delete":  func(ctx context.Context, x target) (any, error) { return w.Delete(ctx, asOwner(x.actor), x.id) },
		"Restore": func(ctx context.Context, x target) (any, error) { return w.Restore(ctx, asOwner(x.actor), x.id) },
		"LockTx": within(w, func(ctx context.Context, tx pgx.Tx, x target) (project.Project, error) {
			return w.LockTx(ctx, tx, asOwner(x.actor), x.id)
		}),
		"ParkTx": within(w, func(ctx context.Context, tx pgx.Tx, x target) (project.Project, error) {
			return w.ParkTx(ctx, tx, asOwner(x.actor), x.id, "taken")
		}),
		"UnparkTx": within(w, func(ctx context.Context, tx pgx.Tx, x target) (project.Project, error) {
			return w.UnparkTx(ctx, tx, asOwner(x.actor), x.id)
		}),
		"SetLanguage": func(ctx context.Context, x target) (any, error) {
			return w.SetLanguage(ctx, asOwner(x.actor), x.id, "de")
		},
		"HearLanguageTx": within(w, func(ctx context.Context, tx pgx.Tx, x target) (project.Project, error) {
			return project.Project{}, w.HearLanguageTx(ctx, tx, asOwner(x.actor), x.id, "de")
		}),
		"Lately": func(ctx context.Context, x target) (any, error) {
			steps, _, err := w.Lately(ctx, asOwner(x.actor), x.id, 10)
			return steps, err
		},
		"Follow": func(ctx context.Context, x target) (any, error) { return w.Follow(ctx, asOwner(x.actor), x.id, 0) },
		"Locate": func(ctx context.Context, x target) (any, error) { return w.Locate(ctx, x.session.User.ID, x.id) },
	}
	for _, name := range []string{"Create", "CreateTx", "List", "Purge", "Wake"} { // take no project, or show nothing of it; List is below
		calls[name] = nil
	}
	for m := range reflect.TypeFor[*project.Projects]().Methods() {
		if _, ok := calls[m.Name]; !ok {
			t.Errorf("%s is not in this test", m.Name)
		}
	}
	dump := func() (text string) {
		if err := w.db.QueryRow(t.Context(), `SELECT string_agg(p::text, E'\n' ORDER BY id) FROM project p`).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	before := dump()
	for name, call := range calls {
		if call == nil {
			continue
		}
		for _, x := range targets {
			got, err := call(t.Context(), x)
			faulttest.Wants(t, name+" "+x.name, err, "not_found")
			if shown := fmt.Sprintf("%+v", got); strings.Contains(shown, "secret") || strings.Contains(shown, string(bob.Workspace)) {
				t.Errorf("%s %s shows %s", name, x.name, shown)
			}
		}
	}
	if diff := cmp.Diff(before, dump()); diff != "" {
		t.Errorf("projects (-before +after):\n%s", diff)
	}
	for who, tt := range map[string]struct {
		actor account.Actor
		want  []project.ID
	}{"Ann": {ann, []project.ID{hidden.ID, own.ID}}, "Bob": {bob, []project.ID{theirs.ID}}, "single": {single, []project.ID{own.ID}}} {
		page, err := w.List(t.Context(), tt.actor, project.Query{})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[project.ID]bool{}
		for _, p := range page.Projects {
			seen[p.ID] = true
		}
		for _, i := range tt.want {
			if !seen[i] {
				t.Errorf("%s does not see %s", who, i)
			}
		}
		if len(seen) != len(tt.want) {
			t.Errorf("%s sees %d projects, want %d", who, len(seen), len(tt.want))
		}
	}
	if ws, err := w.Locate(t.Context(), single.User, own.ID); err != nil || ws != ann.Workspace {
		t.Errorf("Locate = %s, %v; want %s", ws, err, ann.Workspace)
	}
}

// within makes a call that commits of one that takes a transaction.
func within[X any](w *world, call func(context.Context, pgx.Tx, X) (project.Project, error)) func(context.Context, X) (any, error) {
	return func(ctx context.Context, x X) (any, error) {
		var got project.Project
		err := db.InTx(ctx, w.db, func(tx pgx.Tx) (err error) {
			got, err = call(ctx, tx, x)
			return err
		})
		return got, err
	}
}

func TestPurge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, session := w.founder(t)
	other, _ := w.founder(t)
	var deleted []project.Project
	for i := range 45 {
		deleted = append(deleted, w.create(t, owner, fmt.Sprint("idea ", i)))
	}
	kept := w.create(t, owner, "kept")
	guest, _ := w.guest(t, owner, account.InvitationDraft{Role: account.Viewer, Project: deleted[0].ID})
	for _, p := range deleted {
		if _, err := w.Delete(t.Context(), owner, p.ID); err != nil {
			t.Fatal(err)
		}
	}
	purge := func(what string, want int) {
		t.Helper()
		if n, err := w.Purge(t.Context()); n != want || err != nil {
			t.Errorf("%s: Purge = %d, %v; want %d", what, n, err, want)
		}
	}
	purge("at once", 0)
	w.clock.Advance(30*day - time.Second)
	purge("a second early", 0)
	if _, err := w.Restore(t.Context(), owner, deleted[1].ID); err != nil {
		t.Errorf("Restore at the last moment: %v", err)
	}
	w.clock.Advance(time.Second)
	purge("after 30 days", 44)
	purge("again", 0)
	_, err := w.Restore(t.Context(), owner, deleted[0].ID)
	faulttest.Wants(t, "Restore after the purge", err, "not_found")
	if n := w.count(t, `SELECT count(*) FROM member_project WHERE user_id = $1`, guest.User); n != 0 {
		t.Error("an invitation to a purged project is left")
	}
	page, err := w.List(t.Context(), owner, project.Query{})
	if err != nil || len(page.Projects) != 2 || page.Projects[0].ID != kept.ID && page.Projects[1].ID != kept.ID {
		t.Errorf("left: %v, %v", page.Projects, err)
	}

	foreign := w.create(t, other, "of another team")
	if err := w.accounts.RemoveMember(t.Context(), owner, guest.User); err != nil {
		t.Fatal(err)
	}
	// Deleting an account needs a session opened a moment ago.
	w.exec(t, `UPDATE session SET created_at = $2 WHERE id = $1`, owner.Session, w.clock.Now())
	if err := w.accounts.DeleteAccount(t.Context(), owner, "delete"); err != nil {
		t.Fatal(err)
	}
	_, err = w.Locate(t.Context(), session.User.ID, kept.ID)
	faulttest.Wants(t, "a project of a deleted account", err, "not_found")
	purge("when the account is deleted", 2)
	if _, err := w.Get(t.Context(), other, foreign.ID); err != nil {
		t.Errorf("another team's project: %v", err)
	}
	if n, err := w.accounts.Sweep(t.Context()); n == 0 || err != nil {
		t.Errorf("Sweep = %d, %v", n, err)
	}
	if n := w.count(t, `SELECT count(*) FROM workspace WHERE id = $1`, owner.Workspace); n != 0 {
		t.Error("the deleted workspace is still there")
	}
}

func TestPurgeAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, _ := w.founder(t)
	for i := range 100 {
		p := w.create(t, owner, fmt.Sprint("idea ", i))
		if _, err := w.Delete(t.Context(), owner, p.ID); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.Advance(30 * day)
	counts := make([]int, 4)
	errs := atOnce(t.Context(), len(counts), func(ctx context.Context, i int) (err error) {
		counts[i], err = w.Purge(ctx)
		return err
	})
	total := 0
	for i, n := range counts {
		faulttest.Wants(t, "Purge", errs[i], "")
		total += n
	}
	if total != 100 {
		t.Errorf("four processes purged %v, want 100 together", counts)
	}
}

// What others keep of a project goes in one transaction with it, in the order given;
// one project that cannot go stays whole and does not keep the others.
func TestPurgePieces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, _ := w.founder(t)
	var all []project.ID
	for range 3 {
		p := w.create(t, owner, "an idea")
		if _, err := w.Delete(t.Context(), owner, p.ID); err != nil {
			t.Fatal(err)
		}
		all = append(all, p.ID)
	}
	w.clock.Advance(project.KeepDeleted)
	w.exec(t, `CREATE TABLE stream (project text, n int)`)
	var order []string
	note := func(name string, fails project.ID) project.Piece {
		return func(ctx context.Context, tx pgx.Tx, i project.ID) error {
			order = append(order, name)
			if _, err := tx.Exec(ctx, `INSERT INTO stream VALUES ($1, 1)`, i); err != nil {
				return err
			}
			if i == fails {
				return errors.New("the disk is full")
			}
			return nil
		}
	}
	n, err := w.Purge(t.Context(), note("high", ""), note("low", all[1]))
	if n != 2 || err == nil || !strings.Contains(err.Error(), string(all[1])) {
		t.Errorf("Purge = %d, %v; want 2 and a word about %s", n, err, all[1])
	}
	if diff := cmp.Diff([]string{"high", "low", "high", "low", "high", "low"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if got := w.count(t, `SELECT count(*) FROM stream`); got != 4 {
		t.Errorf("%d rows written by pieces, want the 4 of two projects", got)
	}
	if n, err := w.Purge(t.Context(), note("high", "")); n != 1 || err != nil {
		t.Errorf("Purge once more = %d, %v; want the one that was left", n, err)
	}
}

package account_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/product/account"

	"github.com/jackc/pgx/v5/pgxpool"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const (
	password = "three made up words"
	browser  = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
)

// world is one installation with its own database and clock.
type world struct {
	*account.Accounts
	db    *pgxpool.Pool
	clock *clock.Manual
	ids   *id.Source
}

func newWorld(t *testing.T, change ...func(*account.Config)) *world {
	t.Helper()
	at := clock.NewManual(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	cfg := account.Config{
		DB: dbtest.New(t), Clock: at, IDs: id.NewSource(at.Now),
		SignUpOpen: true, PublicURL: "http://localhost:8080",
	}
	for _, c := range change {
		c(&cfg)
	}
	accounts, err := account.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	accounts.FreeHashing()
	return &world{Accounts: accounts, db: cfg.DB, clock: at, ids: cfg.IDs}
}

func closed(cfg *account.Config) { cfg.SignUpOpen = false }

// someone is a signed-in person.
type someone struct {
	secret  string
	session account.Session
	actor   account.Actor
}

// in returns the person as an actor in a workspace, read anew.
func (w *world) in(t *testing.T, s account.Session, ws account.WorkspaceID) account.Actor {
	t.Helper()
	actor, err := w.ActorIn(t.Context(), s, ws)
	if err != nil {
		t.Fatalf("ActorIn(%s, %q): %v", s.User.ID, ws, err)
	}
	return actor
}

func device() account.Device {
	return account.Device{UserAgent: browser, Address: "192.0.2.7"}
}

// owner makes the first account by a start link.
func (w *world) owner(t *testing.T) someone {
	t.Helper()
	code, err := w.MintStartLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	secret, r, err := w.Redeem(t.Context(), code, device())
	if err != nil {
		t.Fatal(err)
	}
	return someone{secret, r.Session, w.in(t, r.Session, "")}
}

// person signs somebody up with a workspace of their own. Everybody comes from an
// address of their own, so that nobody is throttled for the others.
func (w *world) person(t *testing.T, name string) someone {
	t.Helper()
	w.started(t)
	c := account.Credentials{Name: name, Email: name + "@example.org", Password: password}
	secret, s, err := w.SignUp(t.Context(), c, account.Device{UserAgent: browser, Address: "from " + name})
	if err != nil {
		t.Fatalf("SignUp(%s): %v", name, err)
	}
	return someone{secret, s, w.in(t, s, "")}
}

func (w *world) started(t *testing.T) {
	t.Helper()
	has, err := w.HasUsers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !has {
		w.owner(t)
	}
}

// joins lets a person join the workspace of owner with a role.
func (w *world) joins(t *testing.T, p, owner someone, d account.InvitationDraft) account.Actor {
	t.Helper()
	code, _, err := w.Invite(t.Context(), owner.actor, d)
	if err != nil {
		t.Fatalf("Invite: %v", err)
	}
	ws, err := w.AcceptInvitation(t.Context(), p.session, code)
	if err != nil {
		t.Fatalf("AcceptInvitation: %v", err)
	}
	return w.in(t, p.session, ws)
}

// project puts a project into a workspace, as package project would.
func (w *world) project(t *testing.T, ws account.WorkspaceID) account.ProjectID {
	t.Helper()
	p := id.Mint[account.ProjectID](w.ids)
	w.exec(t, `INSERT INTO project (id, workspace_id, name, idea, created_at, updated_at) VALUES ($1, $2, 'n', 'i', $3, $3)`, p, ws, w.clock.Now())
	return p
}

func (w *world) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := w.db.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func (w *world) count(t *testing.T, sql string, args ...any) int {
	t.Helper()
	var n int
	if err := w.db.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// snapshot counts the rows of every table but those that count tries.
func (w *world) snapshot(t *testing.T) map[string]int {
	t.Helper()
	rows := map[string]int{}
	for _, table := range []string{
		"app_user", "workspace", "member", "member_project", "session", "sign_in_link", "api_token",
		"invitation", "passkey", "passkey_ceremony", "sign_in_place", "account_event", "project",
	} {
		rows[table] = w.count(t, "SELECT count(*) FROM "+table)
	}
	return rows
}

func (w *world) suspend(t *testing.T, u account.UserID) {
	t.Helper()
	w.exec(t, `UPDATE app_user SET suspended_at = $2 WHERE id = $1`, u, w.clock.Now())
}

// at once runs n functions at the same moment and returns their errors in order.
func atOnce(ctx context.Context, n int, do func(ctx context.Context, i int) error) []error {
	errs := make([]error, n)
	start, done := make(chan struct{}), make(chan int, n)
	for i := range n {
		go func() {
			<-start
			defer func() { done <- i }()
			defer func() {
				if p := recover(); p != nil {
					errs[i] = fmt.Errorf("panic: %v", p)
				}
			}()
			errs[i] = do(ctx, i)
		}()
	}
	close(start)
	for range n {
		<-done
	}
	return errs
}

// kinds counts what errors say.
func kinds(errs []error) map[string]int {
	counts := map[string]int{}
	for _, err := range errs {
		counts[faulttest.Says(err)]++
	}
	return counts
}

package project_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/event"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5/pgxpool"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// world is one installation with its own database and clock.
type world struct {
	*project.Projects
	accounts *account.Accounts
	db       *pgxpool.Pool
	clock    *clock.Manual
	ids      *id.Source
	people   int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	at := clock.NewManual(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	pool, ids := dbtest.New(t), id.NewSource(at.Now)
	accounts, err := account.New(account.Config{DB: pool, Clock: at, IDs: ids})
	if err != nil {
		t.Fatal(err)
	}
	projects := project.New(project.Config{DB: pool, Clock: at, IDs: ids, Events: event.NewHub(pool, slog.New(slog.DiscardHandler))})
	return &world{Projects: projects, accounts: accounts, db: pool, clock: at, ids: ids}
}

// founder makes a user with a workspace of their own.
func (w *world) founder(t *testing.T) (account.Actor, account.Session) {
	t.Helper()
	w.people++
	u, ws, s := id.Mint[account.UserID](w.ids), id.Mint[account.WorkspaceID](w.ids), id.Mint[account.SessionID](w.ids)
	now := w.clock.Now()
	w.exec(t, `INSERT INTO app_user (id, name, created_at) VALUES ($1, $2, $3)`, u, fmt.Sprint("user ", w.people), now)
	w.exec(t, `INSERT INTO workspace (id, name, created_at) VALUES ($1, 'team', $2)`, ws, now)
	w.exec(t, `INSERT INTO member (workspace_id, user_id, role, joined_at) VALUES ($1, $2, 'owner', $3)`, ws, u, now)
	w.exec(t, `INSERT INTO session (id, user_id, workspace_id, secret_hash, user_agent, address, created_at, last_seen_at, expires_at)
		VALUES ($1, $2, $3, sha256($1::text::bytea), '', '', $4, $4, $4::timestamptz + interval '365 days')`, s, u, ws, now)
	session := account.Session{ID: s, User: account.User{ID: u}, Workspace: ws}
	actor, err := w.accounts.ActorIn(t.Context(), session, ws)
	if err != nil {
		t.Fatal(err)
	}
	return actor, session
}

// guest makes a user who joins the workspace of owner by invitation.
func (w *world) guest(t *testing.T, owner account.Actor, d account.InvitationDraft) (account.Actor, account.Session) {
	t.Helper()
	_, session := w.founder(t)
	code, _, err := w.accounts.Invite(t.Context(), owner, d)
	if err != nil {
		t.Fatal(err)
	}
	ws, err := w.accounts.AcceptInvitation(t.Context(), session, code)
	if err != nil {
		t.Fatal(err)
	}
	actor, err := w.accounts.ActorIn(t.Context(), session, ws)
	if err != nil {
		t.Fatal(err)
	}
	return actor, session
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

// create makes a project.
func (w *world) create(t *testing.T, actor account.Actor, idea string) project.Project {
	t.Helper()
	p, err := w.Create(t.Context(), actor, project.Draft{Idea: idea})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// atOnce runs n functions at the same moment and returns their errors in order.
func atOnce(ctx context.Context, n int, do func(ctx context.Context, i int) error) []error {
	errs := make([]error, n)
	start, done := make(chan struct{}), make(chan struct{}, n)
	for i := range n {
		go func() {
			<-start
			errs[i] = do(ctx, i)
			done <- struct{}{}
		}()
	}
	close(start)
	for range n {
		<-done
	}
	return errs
}

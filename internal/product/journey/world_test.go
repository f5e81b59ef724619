package journey_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/event"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// fewer random sequences than usual: each step of one is several round trips.
const sequences = "30"

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", sequences); err != nil {
		panic(err)
	}
	dbtest.Main(m)
}

// world is one installation with its own database and clock.
type world struct {
	*journey.Journeys
	projects *project.Projects
	accounts *account.Accounts
	db       *pgxpool.Pool
	clock    *clock.Manual
	ids      *id.Source

	runs *flow.Engine
}

func newWorld(t *testing.T) *world {
	t.Helper()
	at := clock.NewManual(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	w := &world{db: dbtest.New(t), clock: at, ids: id.NewSource(at.Now)}
	var err error
	w.accounts, err = account.New(account.Config{DB: w.db, Clock: at, IDs: w.ids})
	if err != nil {
		t.Fatal(err)
	}
	hub := event.NewHub(w.db, slog.New(slog.DiscardHandler))
	w.projects = project.New(project.Config{DB: w.db, Clock: at, IDs: w.ids, Events: hub})
	// It works on nothing; that runs are in line is what matters here.
	w.runs, err = flow.New(flow.Config{DB: w.db, Clock: at, IDs: w.ids, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	w.Journeys = journey.New(journey.Config{DB: w.db, Clock: at, IDs: w.ids, Projects: w.projects, Runs: w.runs})
	// Facts of packages above this one.
	w.exec(t, `CREATE TABLE given (project text COLLATE "C", fact text, at timestamptz)`)
	w.exec(t, `CREATE OR REPLACE VIEW project_fact AS
		SELECT project, fact, at FROM journey_fact UNION ALL SELECT project, fact, at FROM given`)
	return w
}

func (w *world) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := w.db.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// texts returns the first column of a query.
func (w *world) texts(t *testing.T, sql string, args ...any) []string {
	t.Helper()
	rows, err := w.db.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return all
}

// person makes a user with a role in a team; an empty team is a new one.
func (w *world) person(t *testing.T, team account.WorkspaceID, role account.Role) account.Actor {
	t.Helper()
	u, s := id.Mint[account.UserID](w.ids), id.Mint[account.SessionID](w.ids)
	now := w.clock.Now()
	w.exec(t, `INSERT INTO app_user (id, name, created_at) VALUES ($1, 'somebody', $2)`, u, now)
	if team == "" {
		team = id.Mint[account.WorkspaceID](w.ids)
		w.exec(t, `INSERT INTO workspace (id, name, created_at) VALUES ($1, 'team', $2)`, team, now)
	}
	w.exec(t, `INSERT INTO member (workspace_id, user_id, role, joined_at) VALUES ($1, $2, $3, $4)`, team, u, role, now)
	return account.Actor{User: u, Workspace: team, Role: role, Scope: account.ScopeWrite, Session: s}
}

// founder makes a user with a team of their own and one project.
func (w *world) founder(t *testing.T) (account.Actor, project.ID) {
	t.Helper()
	actor := w.person(t, "", account.Owner)
	return actor, w.create(t, actor)
}

func (w *world) create(t *testing.T, actor account.Actor) project.ID {
	t.Helper()
	p, err := w.projects.Create(t.Context(), actor, project.Draft{Idea: "A calendar for a dog groomer."})
	if err != nil {
		t.Fatal(err)
	}
	return p.ID
}

// give makes a fact of a package above this one.
func (w *world) give(t *testing.T, p project.ID, fact string) {
	t.Helper()
	w.exec(t, `INSERT INTO given VALUES ($1, $2, $3)`, p, fact, w.clock.Now())
}

// advance is what writes a brief and what checks a version do.
func (w *world) advance(t *testing.T, actor account.Actor, p project.ID, fact string, to journey.Stage) bool {
	t.Helper()
	w.give(t, p, fact)
	var moved bool
	err := db.InTx(t.Context(), w.db, func(tx pgx.Tx) (err error) {
		moved, err = w.AdvanceTx(t.Context(), tx, actor, p, to, journey.Cause{Kind: journey.ByBrief, Object: "brief@1", Correlation: "run_1"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return moved
}

// brief brings a new project to its first page.
func (w *world) brief(t *testing.T) (account.Actor, project.ID) {
	t.Helper()
	actor, p := w.founder(t)
	if !w.advance(t, actor, p, "brief_written", journey.Brief) {
		t.Fatal("a written brief moved nothing")
	}
	return actor, p
}

// first brings a new project to its first version.
func (w *world) first(t *testing.T) (account.Actor, project.ID) {
	t.Helper()
	actor, p := w.brief(t)
	w.decide(t, actor, p, journey.Direction, journey.Proceed, "")
	if !w.advance(t, actor, p, "version_checked", journey.FirstVersion) {
		t.Fatal("a checked version moved nothing")
	}
	return actor, p
}

// decide asks and decides in one.
func (w *world) decide(t *testing.T, actor account.Actor, p project.ID, k journey.Kind, choice, words string) journey.Decision {
	t.Helper()
	a := journey.Ask{Kind: k}
	if k == journey.Option {
		a.Question, a.Options = "Which way?", []journey.Alternative{{Value: choice, Title: choice}}
	}
	d, err := w.DecideNow(t.Context(), actor, p, a, journey.Verdict{Key: w.key(), Choice: choice, Words: words})
	if err != nil {
		t.Fatalf("decide %s: %v", choice, err)
	}
	return d
}

func (w *world) key() string { return string(id.Mint[journey.DecisionID](w.ids)) }

func (w *world) stage(t *testing.T, actor account.Actor, p project.ID) journey.Stage {
	t.Helper()
	return w.journey(t, actor, p).Stage
}

func (w *world) journey(t *testing.T, actor account.Actor, p project.ID) journey.Journey {
	t.Helper()
	j, err := w.Get(t.Context(), actor, p)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// buildable asks as the start of a build does.
func (w *world) buildable(ctx context.Context, actor account.Actor, p project.ID) (d journey.Decision, err error) {
	err = db.InTx(ctx, w.db, func(tx pgx.Tx) error {
		d, err = w.BuildableTx(ctx, tx, actor, p)
		return err
	})
	return d, err
}

func show(d journey.Decision) string {
	return fmt.Sprintf("%s %s %q %v", d.Kind, d.Choice, d.Words, d.Effects)
}

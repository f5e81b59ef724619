package document_test

import (
	"encoding/json"
	"flag"
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
	"cofounder/internal/product/document"
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
	*document.Documents
	projects *project.Projects
	db       *pgxpool.Pool
	clock    *clock.Manual
	ids      *id.Source
}

func newWorld(t *testing.T) *world {
	t.Helper()
	at := clock.NewManual(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	w := &world{db: dbtest.New(t), clock: at, ids: id.NewSource(at.Now)}
	log := slog.New(slog.DiscardHandler)
	w.projects = project.New(project.Config{DB: w.db, Clock: at, IDs: w.ids, Events: event.NewHub(w.db, log)})
	runs, err := flow.New(flow.Config{DB: w.db, Clock: at, IDs: w.ids, Log: log}) // works on nothing
	if err != nil {
		t.Fatal(err)
	}
	w.Documents = document.New(document.Config{DB: w.db, Clock: at, IDs: w.ids, Projects: w.projects, Runs: runs})
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

// desk is a founder with a project.
type desk struct {
	*world
	actor   account.Actor
	project project.ID
}

func (w *world) desk(t *testing.T) *desk {
	t.Helper()
	actor := w.person(t, "", account.Owner)
	p, err := w.projects.Create(t.Context(), actor, project.Draft{Idea: "A calendar for a dog groomer."})
	if err != nil {
		t.Fatal(err)
	}
	return &desk{world: w, actor: actor, project: p.ID}
}

// brief is a short one.
func brief() document.Brief {
	return document.Brief{
		Problem: "Dog owners call while she is washing a dog.", TargetUser: "One groomer.", Value: "Nobody calls any more.",
		HowItWorks: "Owners pick a free hour.", Risks: []string{"Owners may prefer to call."},
		Assumptions: []document.Assumption{{Text: "One groomer works alone."}, {Text: "Owners pay in the shop."}},
	}
}

func scope(criteria ...string) document.Scope {
	f := document.Feature{Name: "Booking", Description: "Owners book.", Priority: document.Must}
	for _, text := range criteria {
		f.Criteria = append(f.Criteria, document.Criterion{Text: text, Must: true})
	}
	return document.Scope{Features: []document.Feature{f}, OutOfScope: []string{"Payment"}}
}

func asBrief(t *testing.T, c document.Content) document.Brief {
	t.Helper()
	b, ok := c.(document.Brief)
	if !ok {
		t.Fatalf("%T is no brief", c)
	}
	return b
}

func asScope(t *testing.T, c document.Content) document.Scope {
	t.Helper()
	s, ok := c.(document.Scope)
	if !ok {
		t.Fatalf("%T is no scope", c)
	}
	return s
}

// finish stores a draft as a run does.
func (d *desk) finish(t *testing.T, draft document.Draft) (document.Outcome, error) {
	t.Helper()
	var out document.Outcome
	err := db.InTx(t.Context(), d.db, func(tx pgx.Tx) (err error) {
		out, err = d.FinishTx(t.Context(), tx, d.actor, d.project, draft)
		return err
	})
	return out, err
}

// write stores content and wants it to be in force.
func (d *desk) write(t *testing.T, c document.Content) document.Version {
	t.Helper()
	out, err := d.finish(t, document.Draft{Content: c})
	if err != nil || out.Version == nil {
		t.Fatalf("write %s: %+v, %v", c.Kind(), out, err)
	}
	return *out.Version
}

// edit puts a value in a place, seen at a version.
func (d *desk) edit(t *testing.T, k document.Kind, place string, value any, base int) (document.Version, error) {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return d.Edit(t.Context(), d.actor, d.project, k, document.Edit{Place: document.ParsePlace(place), Value: raw, Base: base})
}

func (d *desk) mustEdit(t *testing.T, k document.Kind, place string, value any, base int) document.Version {
	t.Helper()
	v, err := d.edit(t, k, place, value, base)
	if err != nil {
		t.Fatalf("edit %s: %v", place, err)
	}
	return v
}

func (d *desk) get(t *testing.T, k document.Kind) document.Document {
	t.Helper()
	got, err := d.Get(t.Context(), d.actor, d.project, k)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// inTx commits one call.
func (d *desk) inTx(t *testing.T, do func(tx pgx.Tx) error) error {
	t.Helper()
	return db.InTx(t.Context(), d.db, do)
}

package interview_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/event"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/client"
	"cofounder/internal/platform/llm/demo"
	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/platform/seal"
	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
	"cofounder/internal/product/interview"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/metric/noop"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// world is one installation with its own database. Models are the demo model, unless a
// test connects another.
type world struct {
	*interview.Interviews
	db          *pgxpool.Pool
	ids         *id.Source
	accounts    *account.Accounts
	projects    *project.Projects
	journeys    *journey.Journeys
	documents   *document.Documents
	events      *event.Hub
	runs        *flow.Engine
	meter       *meter.Meter
	connections *meter.Connections
	model       *meter.Model
	elsewhere   atomic.Pointer[llm.Endpoint] // of the models; nil: the demo model
}

// ask lets the world ask a scripted model from now on, with a key of the team. Its turns are answered
// in any order that the script allows; what is left over fails the test.
func (w *world) ask(t *testing.T, script string) *llmtest.Running {
	t.Helper()
	srv := llmtest.Start(t, script)
	ep := srv.Endpoint()
	w.elsewhere.Store(&ep)
	return srv
}

func (w *world) connect(ctx context.Context, c meter.Charge) (meter.Connection, error) {
	if ep := w.elsewhere.Load(); ep != nil {
		return meter.Connection{Endpoint: *ep, Payer: meter.OwnKey}, nil
	}
	return w.connections.Connect(ctx, c)
}

// quick is not patient.
func quick() client.Policy {
	p := client.DefaultPolicy()
	p.BackOff, p.MostPause, p.BreakAfter = time.Millisecond, 10*time.Millisecond, 10_000
	p.FirstByte, p.Silence, p.Progress = 2*time.Second, 2*time.Second, 3*time.Second
	return p
}

func anyone(context.Context, account.Actor) error { return nil }

// open builds a world whose runs nobody works on.
func open(t *testing.T, pool *pgxpool.Pool) *world {
	t.Helper()
	at, log := clock.System{}, slog.New(slog.DiscardHandler)
	w := &world{db: pool, ids: id.NewSource(at.Now), events: event.NewHub(pool, log)}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	w.accounts, err = account.New(account.Config{DB: pool, Clock: at, IDs: w.ids, PublicURL: "http://localhost:8080"})
	must(err)
	w.projects = project.New(project.Config{DB: pool, Clock: at, IDs: w.ids, Events: w.events})
	box, err := seal.New(strings.Repeat("0123", 8))
	must(err)
	wire, err := client.New(client.Config{Clock: at, Log: log, Meter: noop.Meter{}, Transport: demo.New(http.DefaultTransport), Policy: quick()})
	must(err)
	w.meter = meter.New(meter.Config{DB: pool, Clock: at, IDs: w.ids, Log: log, Fresh: anyone})
	w.connections = meter.NewConnections(meter.ConnectionsConfig{DB: pool, Clock: at, Box: box, Fresh: anyone, Demo: demo.Endpoint()})
	w.model = meter.NewModel(meter.ModelConfig{
		Meter: w.meter, Client: wire, Connect: w.connect, Cards: map[string]*meter.Card{meter.AnthropicCard: meter.PublishedCard()},
	})
	w.runs, err = flow.New(flow.Config{DB: pool, Clock: at, IDs: w.ids, Log: log})
	must(err)
	w.journeys = journey.New(journey.Config{DB: pool, Clock: at, IDs: w.ids, Projects: w.projects, Runs: w.runs})
	w.documents = document.New(document.Config{DB: pool, Clock: at, IDs: w.ids, Projects: w.projects, Runs: w.runs})
	w.Interviews = interview.New(interview.Config{
		DB: pool, Clock: at, IDs: w.ids, Accounts: w.accounts, Projects: w.projects, Journeys: w.journeys, Documents: w.documents,
		Runs: w.runs, Model: w.model,
	})
	return w
}

func newWorld(t *testing.T) *world { t.Helper(); return open(t, dbtest.New(t)) }

// start lets the world work until the test ends.
func (w *world) start(t *testing.T) *world {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { defer close(done); w.events.Run(ctx) }()
	if err := w.runs.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.runs.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		cancel()
		<-done
	})
	return w
}

// founder makes the owner of a team of their own.
func (w *world) founder(t *testing.T) account.Actor {
	t.Helper()
	u, team := id.Mint[account.UserID](w.ids), id.Mint[account.WorkspaceID](w.ids)
	for _, one := range []struct {
		sql  string
		args []any
	}{
		{`INSERT INTO app_user (id, name, created_at) VALUES ($1, 'somebody', now())`, []any{u}},
		{`INSERT INTO workspace (id, name, created_at) VALUES ($1, 'team', now())`, []any{team}},
		{`INSERT INTO member (workspace_id, user_id, role, joined_at) VALUES ($1, $2, 'owner', now())`, []any{team, u}},
	} {
		if _, err := w.db.Exec(t.Context(), one.sql, one.args...); err != nil {
			t.Fatal(err)
		}
	}
	a := account.Actor{User: u, Workspace: team, Role: account.Owner, Scope: account.ScopeWrite}
	if err := w.meter.SetLimits(t.Context(), a, meter.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	return a
}

// desk is a founder with an idea that was told.
type desk struct {
	*world
	actor account.Actor
	id    project.ID
}

func (w *world) tell(t *testing.T, idea string) *desk {
	t.Helper()
	d := &desk{world: w, actor: w.founder(t)}
	begun, err := w.Begin(t.Context(), d.actor, project.Draft{Idea: idea})
	if err != nil {
		t.Fatal(err)
	}
	d.id = begun.Project
	return d
}

func (d *desk) look(t *testing.T) interview.Interview {
	t.Helper()
	got, err := d.Get(t.Context(), d.actor, d.id)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// patience bounds what waits for work, so that a test that would hang tells why.
const patience = 60 * time.Second

// await follows the events of the project until the interview is as wanted.
func (d *desk) await(t *testing.T, what string, ok func(interview.Interview) bool) interview.Interview {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	news, err := d.projects.Follow(ctx, d.actor, d.id, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer news.Close()
	for {
		got := d.look(t)
		if ok(got) {
			return got
		}
		if _, err := news.Next(ctx); err != nil {
			var broke string
			if err := d.db.QueryRow(t.Context(), `SELECT coalesce(string_agg(name || ' ' || state || ' ' || coalesce(error, ''), ', '), '') FROM node`).Scan(&broke); err != nil { //nolint:unqueryvet // once, before the test ends
				t.Error(err)
			}
			t.Fatalf("waited for %s: %v; it is %s (%s%s); nodes: %s", what, err, got.State, got.Reason, got.Trouble, broke)
		}
	}
}

func (d *desk) awaitState(t *testing.T, s interview.State) interview.Interview {
	t.Helper()
	return d.await(t, string(s), func(i interview.Interview) bool {
		return i.State == s || i.State == interview.Failed && s != interview.Asking
	})
}

func (d *desk) submit(t *testing.T, r interview.Reply) interview.Interview {
	t.Helper()
	got, err := d.Submit(t.Context(), d.actor, d.id, r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (w *world) count(t *testing.T, sql string, args ...any) int {
	t.Helper()
	var n int
	if err := w.db.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// settled waits until no run of a kind works or waits any more.
func (d *desk) settled(t *testing.T, kind string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for d.count(t, `SELECT count(*) FROM run WHERE project_id = $1 AND kind = $2 AND state = 'open'`, d.id, kind) > 0 {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited for runs of kind %s", kind)
		}
	}
}

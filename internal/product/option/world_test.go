package option_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/event"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/llm/client"
	"cofounder/internal/platform/llm/demo"
	"cofounder/internal/platform/seal"
	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
	"cofounder/internal/product/interview"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/option"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/metric/noop"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(childURL); url != "" {
		if err := child(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	dbtest.Main(m)
}

// The environment of a copy of this test binary that only works, until the ways to build
// a project are written.
const (
	childURL     = "COFOUNDER_OPTION_CHILD" // the database
	childProject = "COFOUNDER_OPTION_PROJECT"
	childUser    = "COFOUNDER_OPTION_USER"
	childTeam    = "COFOUNDER_OPTION_TEAM"
)

func child(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	pool, err := db.Open(ctx, url, db.Options{Name: "child"})
	if err != nil {
		return err
	}
	defer pool.Close()
	w, err := assemble(pool)
	if err != nil {
		return err
	}
	actor := account.Actor{
		User: account.UserID(os.Getenv(childUser)), Workspace: account.WorkspaceID(os.Getenv(childTeam)), Role: account.Owner, Scope: account.ScopeWrite,
	}
	p := project.ID(os.Getenv(childProject))
	var hub sync.WaitGroup
	hub.Go(func() { w.events.Run(ctx) })
	if err := w.runs.Start(ctx); err != nil {
		return err
	}
	news, err := w.projects.Follow(ctx, actor, p, 0)
	if err != nil {
		return err
	}
	defer news.Close()
	for {
		set, err := w.Get(ctx, actor, p)
		if err != nil {
			return err
		}
		if set.State == option.Written && set.Compare {
			break
		}
		if _, err := news.Next(ctx); err != nil {
			return err
		}
	}
	err = w.runs.Stop(ctx)
	cancel()
	hub.Wait()
	return err
}

// world is one installation with its own database. Models are the demo model, unless a
// test connects another.
type world struct {
	*option.Options
	interviews  *interview.Interviews
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
}

func anyone(context.Context, account.Actor) error { return nil }

// assemble builds a world whose runs nobody works on.
func assemble(pool *pgxpool.Pool) (*world, error) {
	at, log := clock.System{}, slog.New(slog.DiscardHandler)
	w := &world{db: pool, ids: id.NewSource(at.Now), events: event.NewHub(pool, log)}
	var err error
	w.accounts, err = account.New(account.Config{DB: pool, Clock: at, IDs: w.ids, PublicURL: "http://localhost:8080"})
	if err != nil {
		return nil, err
	}
	w.projects = project.New(project.Config{DB: pool, Clock: at, IDs: w.ids, Events: w.events})
	box, err := seal.New(strings.Repeat("0123", 8))
	if err != nil {
		return nil, err
	}
	policy := client.DefaultPolicy() // as often as production, without waiting long in between
	policy.BackOff, policy.MostPause, policy.BreakAfter = time.Millisecond, 10*time.Millisecond, 1000
	policy.FirstByte, policy.Silence, policy.Progress = 2*time.Second, 2*time.Second, 4*time.Second
	wire, err := client.New(client.Config{Clock: at, Log: log, Meter: noop.Meter{}, Policy: policy, Transport: demo.New(http.DefaultTransport)})
	if err != nil {
		return nil, err
	}
	w.meter = meter.New(meter.Config{DB: pool, Clock: at, IDs: w.ids, Log: log, Fresh: anyone})
	w.connections = meter.NewConnections(meter.ConnectionsConfig{DB: pool, Clock: at, Box: box, Fresh: anyone, Demo: demo.Endpoint()})
	w.model = meter.NewModel(meter.ModelConfig{
		Meter: w.meter, Client: wire, Connect: w.connections.Connect, Cards: map[string]*meter.Card{meter.AnthropicCard: meter.PublishedCard()},
	})
	w.runs, err = flow.New(flow.Config{DB: pool, Clock: at, IDs: w.ids, Log: log})
	if err != nil {
		return nil, err
	}
	w.journeys = journey.New(journey.Config{DB: pool, Clock: at, IDs: w.ids, Projects: w.projects, Runs: w.runs})
	w.documents = document.New(document.Config{DB: pool, Clock: at, IDs: w.ids, Projects: w.projects, Runs: w.runs})
	w.interviews = interview.New(interview.Config{
		DB: pool, Clock: at, IDs: w.ids, Accounts: w.accounts, Projects: w.projects, Journeys: w.journeys, Documents: w.documents,
		Runs: w.runs, Model: w.model,
	})
	w.Options = option.New(option.Config{
		DB: pool, Clock: at, IDs: w.ids, Accounts: w.accounts, Projects: w.projects, Journeys: w.journeys, Documents: w.documents,
		Runs: w.runs, Meter: w.meter, Model: w.model, Stacks: func() []option.Stack { return []option.Stack{option.Go, option.Node, option.Static} },
	})
	return w, nil
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w, err := assemble(dbtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// start lets the world work until the test ends.
func (w *world) start(t *testing.T) *world {
	t.Helper()
	t.Cleanup(w.work(t))
	return w
}

// work lets the world work until what it returns is called.
func (w *world) work(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { defer close(done); w.events.Run(ctx) }()
	if err := w.runs.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := w.runs.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		cancel()
		<-done
	}
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
	return account.Actor{User: u, Workspace: team, Role: account.Owner, Scope: account.ScopeWrite}
}

// desk is a founder whose idea has a page.
type desk struct {
	*world
	actor account.Actor
	id    project.ID
}

const walks = "I walk dogs for eleven families. I want one page where they pick a free slot, and where I see each dog's name and quirks."

// tell tells an idea and answers what is asked, until the page is written.
func (w *world) tell(t *testing.T, idea string) *desk {
	t.Helper()
	d := &desk{world: w, actor: w.founder(t)}
	begun, err := w.interviews.Begin(t.Context(), d.actor, project.Draft{Idea: idea})
	if err != nil {
		t.Fatal(err)
	}
	d.id = begun.Project
	talk := d.talk(t, "questions", func(i interview.Interview) bool { return i.State == interview.Asking })
	for _, q := range talk.Questions {
		if _, err := w.interviews.Submit(t.Context(), d.actor, d.id, interview.Reply{Question: q.ID, Text: q.Suggestions[0]}); err != nil {
			t.Fatal(err)
		}
	}
	d.talk(t, "the page", func(i interview.Interview) bool { return i.State == interview.Written })
	return d
}

func (d *desk) talk(t *testing.T, what string, ok func(interview.Interview) bool) interview.Interview {
	t.Helper()
	var got interview.Interview
	d.follow(t, what, func() bool {
		var err error
		if got, err = d.interviews.Get(t.Context(), d.actor, d.id); err != nil {
			t.Fatal(err)
		}
		return ok(got)
	})
	return got
}

func (d *desk) look(t *testing.T) option.Set {
	t.Helper()
	got, err := d.Get(t.Context(), d.actor, d.id)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// await follows the project until its ways to build are as wanted.
func (d *desk) await(t *testing.T, what string, ok func(option.Set) bool) option.Set {
	t.Helper()
	var got option.Set
	d.follow(t, what, func() bool { got = d.look(t); return ok(got) })
	return got
}

func (d *desk) awaitState(t *testing.T, s option.State) option.Set {
	t.Helper()
	return d.await(t, string(s), func(got option.Set) bool { return got.State == s })
}

// patience bounds what waits for work, so that a test that would hang tells why.
const patience = 60 * time.Second

// follow looks again with each event of the project until it is as wanted.
func (d *desk) follow(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	news, err := d.projects.Follow(ctx, d.actor, d.id, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer news.Close()
	for !ok() {
		if _, err := news.Next(ctx); err != nil {
			var broke string
			if err := d.db.QueryRow(t.Context(), `SELECT coalesce(string_agg(name || ' ' || state || ' ' || coalesce(error, ''), ', '), '') FROM node`).Scan(&broke); err != nil { //nolint:unqueryvet // once, before the test ends
				t.Error(err)
			}
			t.Fatalf("waited for %s: %v; options %+v; nodes: %s", what, err, d.look(t), broke)
		}
	}
}

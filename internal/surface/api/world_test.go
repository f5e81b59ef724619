package api_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/event"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/idempotency"
	"cofounder/internal/platform/seal"
	"cofounder/internal/product/account"
	"cofounder/internal/product/admin"
	papers "cofounder/internal/product/document"
	"cofounder/internal/product/interview"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/option"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/api"
	"cofounder/internal/surface/httpd"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const password = "plum kettle orbit"

// world is a running server with everything real below it.
type world struct {
	db       *pgxpool.Pool
	events   *event.Hub
	clock    *clock.Manual
	accounts *account.Accounts
	projects *project.Projects

	runs      *flow.Engine
	journeys  *journey.Journeys
	documents *papers.Documents

	interviews *interview.Interviews
	options    *option.Options
	desks      sync.Map // of a person; see desk

	meter       *meter.Meter
	connections *meter.Connections
	model       *meter.Model

	base   string
	client *http.Client
	log    *logBook
	doc    *document
	people atomic.Int64
}

// logBook is a buffer that many requests write to.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logBook) contains(s string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.text.Bytes(), []byte(s))
}

func open(t *testing.T) *world {
	t.Helper()
	w := &world{
		db:    dbtest.New(t),
		clock: clock.NewManual(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)),
		log:   &logBook{},
	}
	ids := id.NewSource(w.clock.Now)
	log := slog.New(slog.NewTextHandler(w.log, nil))
	var err error
	w.accounts, err = account.New(account.Config{DB: w.db, Clock: w.clock, IDs: ids, SignUpOpen: true, PublicURL: "http://localhost:8080"})
	if err != nil {
		t.Fatal(err)
	}
	w.events = event.NewHub(w.db, log)
	w.projects = project.New(project.Config{DB: w.db, Clock: w.clock, IDs: ids, Events: w.events})
	box, err := seal.New(strings.Repeat("0123", 8))
	if err != nil {
		t.Fatal(err)
	}
	w.ai(t, ids, box)
	w.runs, err = flow.New(flow.Config{DB: w.db, Clock: w.clock, IDs: ids, Log: log}) // works on nothing
	if err != nil {
		t.Fatal(err)
	}
	w.journeys = journey.New(journey.Config{DB: w.db, Clock: w.clock, IDs: ids, Projects: w.projects, Runs: w.runs})
	w.documents = papers.New(papers.Config{DB: w.db, Clock: w.clock, IDs: ids, Projects: w.projects, Runs: w.runs})
	w.interviews = interview.New(interview.Config{
		DB: w.db, Clock: w.clock, IDs: ids, Accounts: w.accounts, Projects: w.projects, Journeys: w.journeys, Documents: w.documents, Runs: w.runs, Model: w.model,
	})
	w.options = option.New(option.Config{
		DB: w.db, Clock: w.clock, IDs: ids, Accounts: w.accounts, Projects: w.projects, Journeys: w.journeys, Documents: w.documents, Runs: w.runs,
		Meter: w.meter, Model: w.model, Stacks: option.Stacks,
	})
	handler := api.New(api.Config{
		Accounts: w.accounts, Projects: w.projects, Journeys: w.journeys, Documents: w.documents, Interviews: w.interviews, Options: w.options, Version: "0.0.0-test",
		Meter: w.meter, Connections: w.connections, Model: w.model,
		Admin:       admin.New(admin.Config{DB: w.db, Clock: w.clock, IDs: ids, Flow: w.runs, Meter: w.meter, Connections: w.connections, Model: w.model}),
		Idempotency: idempotency.New(idempotency.Config{DB: w.db, Clock: w.clock, Log: log, Box: box, Deadline: 30 * time.Second}),
	})
	edge, err := httpd.New(httpd.Config{
		Addr: "localhost:0", PublicURL: &url.URL{Scheme: "http", Host: "localhost:8080"}, IDs: ids, Log: log,
	}, handler)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(edge.Handler())
	t.Cleanup(server.Close)
	w.base, w.client = server.URL+api.Prefix, server.Client()
	w.doc = readDocument(t, w.send(t, request{method: http.MethodGet, path: "/openapi.json"}).body)
	w.start(t)
	return w
}

// start makes the first account, without which nobody else can sign up.
func (w *world) start(t *testing.T) {
	t.Helper()
	code, err := w.accounts.MintStartLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.accounts.Redeem(t.Context(), code, account.Device{}); err != nil {
		t.Fatal(err)
	}
}

// person is somebody signed in.
type person struct {
	cookie  string
	session account.Session
	actor   account.Actor
}

// credentials returns a name and device nobody else has; sign-ups are limited by
// address.
func (w *world) credentials() (account.Credentials, account.Device) {
	n := w.people.Add(1)
	return account.Credentials{Name: fmt.Sprintf("Person %d", n), Email: fmt.Sprintf("p%d@example.com", n), Password: password},
		account.Device{UserAgent: "test", Address: fmt.Sprintf("192.0.2.%d", n%250)}
}

func (w *world) seat(t *testing.T, cookie string, s account.Session, err error) person {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	actor, err := w.accounts.ActorIn(t.Context(), s, "")
	if err != nil {
		t.Fatal(err)
	}
	return person{cookie: cookie, session: s, actor: actor}
}

// founder signs up with a team of their own.
func (w *world) founder(t *testing.T) person {
	t.Helper()
	c, d := w.credentials()
	cookie, s, err := w.accounts.SignUp(t.Context(), c, d)
	return w.seat(t, cookie, s, err)
}

// joins signs somebody up into the team of an owner.
func (w *world) joins(t *testing.T, owner person, role account.Role) person {
	t.Helper()
	code, _, err := w.accounts.Invite(t.Context(), owner.actor, account.InvitationDraft{Role: role})
	if err != nil {
		t.Fatal(err)
	}
	c, d := w.credentials()
	cookie, s, err := w.accounts.SignUpInvited(t.Context(), code, c, d)
	return w.seat(t, cookie, s, err)
}

// key makes an access key.
func (w *world) key(t *testing.T, p person, scope account.Scope) string {
	t.Helper()
	secret, _, err := w.accounts.CreateToken(t.Context(), p.actor, account.TokenDraft{Name: "test", Scope: scope, Days: 30})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func (w *world) project(t *testing.T, p person) project.Project {
	t.Helper()
	made, err := w.projects.Create(t.Context(), p.actor, project.Draft{Idea: "A calendar for a dog groomer."})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// contents returns every row of every table, without what reading itself changes.
func (w *world) contents(t *testing.T) map[string][]string {
	t.Helper()
	const tables = `SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('goose_db_version', 'throttle') ORDER BY 1`
	rows, err := w.db.Query(t.Context(), tables)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, name := range names {
		sql := `SELECT (to_jsonb(t) - 'last_seen_at' - 'last_used_at' - 'expires_at')::text FROM ` + pgx.Identifier{name}.Sanitize() + ` t ORDER BY 1`
		rows, err := w.db.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		if all[name], err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// Package dbtest gives each test a real PostgreSQL database of its own, with
// the product's schema in it.
//
// A test package hands its TestMain to Main; then New(t) returns a pool on a
// fresh database and URL(t) the address of one, for tests that start programs.
// The server starts with the first call, one per test process, in a temporary
// folder without a port; it ends with the process however that ends, kill -9
// included, and the folder goes with it. The schema is migrated once into a
// template, and each database is a copy of it, so tests may all be parallel.
//
// Nothing is durable: the server runs with fsync off. Its programs are found as
// package private finds them; without them a test fails and says what to do.
// COFOUNDER_TEST_DATABASE_URL names another server to use (the user must be
// allowed to create databases).
package dbtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cofounder/internal/platform/db"
	"cofounder/migrations"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// poolSize is enough for a test that races eight of its goroutines; the
	// server has room for every parallel test of a large machine.
	poolSize = 8
	// closeTime is how long a test's connections may take to come home.
	closeTime = 5 * time.Second
)

// world is what the tests of one process share.
type world struct {
	start    sync.Once
	err      error
	server   *server // nil with COFOUNDER_TEST_DATABASE_URL
	admin    *pgxpool.Pool
	address  *url.URL
	template string
	prefix   string
	count    atomic.Int64
}

var shared world //nolint:gochecknoglobals // one server per test process is the point

// Main runs the tests and ends the server. Use it as the whole TestMain:
//
//	func TestMain(m *testing.M) { dbtest.Main(m) }
func Main(m *testing.M) {
	defer shared.stop()
	m.Run() // its result becomes the exit code when TestMain returns
}

// New returns a pool on a fresh, migrated database. At the end of the test the
// pool is closed and the database dropped.
func New(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	address := URL(tb)
	pool, err := db.Open(tb.Context(), address, db.Options{Name: "test", MaxConns: poolSize})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { closePool(tb, pool) })
	return pool
}

// URL returns the address of a fresh, migrated database, dropped at the end of
// the test together with the connections it still has.
func URL(tb testing.TB) string {
	tb.Helper()
	return create(tb, func() string { return shared.template })
}

// Empty returns the address of a database without a schema, for tests of the
// migrations themselves.
func Empty(tb testing.TB) string {
	tb.Helper()
	return create(tb, func() string { return "template0" })
}

func create(tb testing.TB, template func() string) string {
	tb.Helper()
	ctx := tb.Context()
	shared.start.Do(func() { shared.err = shared.begin(ctx) })
	if shared.err != nil {
		tb.Fatalf("dbtest: %v", shared.err)
	}
	name := fmt.Sprintf("%s_%d", shared.prefix, shared.count.Add(1))
	if _, err := shared.admin.Exec(ctx, "CREATE DATABASE "+quote(name)+" TEMPLATE "+quote(template())); err != nil {
		tb.Fatalf("dbtest: create database: %v", err)
	}
	tb.Cleanup(func() {
		ctx := context.WithoutCancel(ctx)
		if _, err := shared.admin.Exec(ctx, "DROP DATABASE "+quote(name)+" WITH (FORCE)"); err != nil {
			tb.Errorf("dbtest: drop database: %v", err)
		}
	})
	return shared.at(name)
}

// closePool fails the test that leaves a connection checked out, where waiting
// for it would hang until the time limit of the whole run.
func closePool(tb testing.TB, pool *pgxpool.Pool) {
	tb.Helper()
	closed := make(chan struct{})
	go func() {
		pool.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(closeTime):
		tb.Errorf("dbtest: %d connections were not given back; is there a Rows without Close or a transaction without end?",
			pool.Stat().AcquiredConns())
	}
}

func (w *world) begin(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx) // the first test's end must not end it for the others
	// A test's settings can only come from its environment.
	given := os.Getenv("COFOUNDER_TEST_DATABASE_URL")
	if given == "" {
		server, err := startServer(ctx)
		if err != nil {
			return err
		}
		w.server = server
		given = server.url
	}
	address, err := url.Parse(given)
	if err != nil || !strings.HasPrefix(address.Scheme, "postgres") {
		return fmt.Errorf("COFOUNDER_TEST_DATABASE_URL is not an address like postgres://user:password@host:port/name")
	}
	w.address = address
	w.prefix = "cofounder_test_" + strings.ToLower(rand.Text()[:8])
	if w.admin, err = db.Open(ctx, given, db.Options{Name: "dbtest", MaxConns: 4}); err != nil {
		return err
	}
	w.template = w.prefix + "_template"
	if _, err := w.admin.Exec(ctx, "CREATE DATABASE "+quote(w.template)+" TEMPLATE template0"); err != nil {
		return fmt.Errorf("create template: %w", err)
	}
	pool, err := db.Open(ctx, w.at(w.template), db.Options{Name: "dbtest", MaxConns: 2})
	if err != nil {
		return err
	}
	defer pool.Close() // a template with a session in it cannot be copied
	return db.Migrate(ctx, pool, migrations.FS, slog.New(slog.DiscardHandler))
}

// at is the server's address with another database in it.
func (w *world) at(name string) string {
	address := *w.address
	address.Path = "/" + name
	return address.String()
}

func (w *world) stop() {
	if w.admin != nil {
		if w.server == nil && w.template != "" {
			//nolint:errcheck // somebody else's server; the name says whose leftover it is
			_, _ = w.admin.Exec(context.Background(), "DROP DATABASE IF EXISTS "+quote(w.template))
		}
		w.admin.Close()
	}
	if w.server != nil {
		w.server.stop()
	}
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

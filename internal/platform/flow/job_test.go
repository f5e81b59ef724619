package flow_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/flow"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

type letter struct {
	To string `json:"to"`
}

func (letter) Kind() string { return "test.letter" }

func TestPlainJobComesWithItsTransaction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine()
	sent := make(chan string, 1)
	flow.AddJob(e, func(_ context.Context, l letter) error { sent <- l.To; return nil })
	w.start(e)
	undone := errors.New("undone")
	err := db.InTx(t.Context(), w.pool, func(tx pgx.Tx) error { return errors.Join(e.EnqueueTx(t.Context(), tx, letter{"nobody"}), undone) })
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	if err := db.InTx(t.Context(), w.pool, func(tx pgx.Tx) error { return e.EnqueueTx(t.Context(), tx, letter{"ann"}) }); err != nil {
		t.Fatal(err)
	}
	if got := <-sent; got != "ann" {
		t.Errorf("a letter to %q, want ann", got)
	}
}

// What is due is done once for each period, by whichever process leads, also when the
// one before had died just after it.
func TestPeriodicWorkIsDoneOncePerPeriod(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ran := make(chan string, 9)
	begin := func(name string) *flow.Engine {
		e := w.engine(func(c *flow.Config) { c.Worker = name })
		e.AddPeriodic(flow.Periodic{Name: "test.nightly", Every: 24 * time.Hour, Do: func(context.Context) error { ran <- name; return nil }})
		if err := e.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		return e
	}
	first := begin("one")
	if got := <-ran; got != "one" {
		t.Errorf("%s did it", got)
	}
	w.until(func() bool {
		return w.count(`SELECT count(*) FROM river_job WHERE kind = 'test.nightly' AND state = 'completed'`) == 1
	},
		func() string { return "it is not completed" })
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := begin("two")
	w.until(func() bool { return w.count(`SELECT count(*) FROM river_leader WHERE leader_id = 'two'`) == 1 }, func() string { return "nobody leads" })
	if err := second.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.count(`SELECT count(*) FROM river_job WHERE kind = 'test.nightly'`); n != 1 {
		t.Errorf("it was asked for %d times in one period", n)
	}
}

// Our file of River's schema makes what River's own migrator makes.
func TestRiverSchemaIsRivers(t *testing.T) {
	t.Parallel()
	open := func(url string) *pgxpool.Pool {
		pool, err := db.Open(t.Context(), url, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		return pool
	}
	theirs, ours := open(dbtest.Empty(t)), open(dbtest.URL(t))
	migrator, err := rivermigrate.New(riverpgxv5.New(theirs), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrator.Migrate(t.Context(), rivermigrate.DirectionUp, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(schema(t, theirs), schema(t, ours)); diff != "" {
		t.Errorf("River's own (-) and ours (+):\n%s", diff)
	}
}

// schema describes River's objects, without the order of columns.
func schema(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `
SELECT format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, replace(column_default, 'public.', '')) FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name LIKE 'river%'
UNION ALL SELECT replace(indexdef, 'pkey1', 'pkey') FROM pg_indexes WHERE schemaname = 'public' AND tablename LIKE 'river%'
UNION ALL SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint WHERE conrelid::regclass::text LIKE 'river%'
UNION ALL SELECT format('%s %s', relname, relpersistence) FROM pg_class WHERE relname LIKE 'river%' AND relkind = 'r'
UNION ALL SELECT string_agg(enumlabel, ' ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = 'river_job_state'::regtype
UNION ALL SELECT regexp_replace(pg_get_functiondef(oid), '\s+', ' ', 'g') FROM pg_proc WHERE proname LIKE 'river%'
UNION ALL SELECT format('%s %s', line, version) FROM river_migration
ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

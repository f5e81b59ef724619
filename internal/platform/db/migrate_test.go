package db_test

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
)

// migrateURL makes a copy of this test binary one of the processes that migrate
// the database at its value.
const migrateURL = "COFOUNDER_TEST_MIGRATE"

// steps are slow enough that processes meet.
var steps = files(map[string]string{
	"00001_first.sql":  "-- +goose Up\nCREATE TABLE first (id int);\nSELECT pg_sleep(0.2);\n",
	"00002_second.sql": "-- +goose Up\nCREATE TABLE second (id int);\nSELECT pg_sleep(0.2);\n",
	"00003_third.sql":  "-- +goose Up\nINSERT INTO second VALUES (1);\n",
})

func TestTenProcessesMigrateAtOnce(t *testing.T) {
	t.Parallel()
	if address := os.Getenv(migrateURL); address != "" {
		pool, err := db.Open(t.Context(), address, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		if err := db.Migrate(t.Context(), pool, steps, slog.New(slog.NewTextHandler(os.Stdout, nil))); err != nil {
			t.Fatal(err)
		}
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	address := dbtest.Empty(t)
	outputs := make([]bytes.Buffer, 10)
	var all sync.WaitGroup
	for i := range outputs {
		all.Go(func() {
			cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestTenProcessesMigrateAtOnce$")
			cmd.Env = append(os.Environ(), migrateURL+"="+address)
			cmd.Stdout, cmd.Stderr = &outputs[i], &outputs[i]
			if err := cmd.Run(); err != nil {
				t.Errorf("process %d: %v\n%s", i, err, outputs[i].String())
			}
		})
	}
	all.Wait()
	applied := map[int]int{} // migrations applied → processes that did so
	for i := range outputs {
		applied[strings.Count(outputs[i].String(), "migration applied")]++
	}
	if diff := cmp.Diff(map[int]int{3: 1, 0: 9}, applied); diff != "" {
		t.Errorf("processes by migrations applied (-want +got):\n%s", diff)
	}
	var rows int
	if err := open(t, address).QueryRow(t.Context(), "SELECT count(*) FROM second").Scan(&rows); err != nil {
		t.Fatal(err)
	}
	if rows != 1 {
		t.Errorf("the third migration ran %d times, want once", rows)
	}
}

func TestMigrateAcceptsANewerSchema(t *testing.T) {
	t.Parallel()
	pool := open(t, dbtest.Empty(t))
	if err := db.Migrate(t.Context(), pool, steps, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	older := files(map[string]string{"00001_first.sql": "-- +goose Up\nCREATE TABLE first (id int);\n"})
	var said bytes.Buffer
	if err := db.Migrate(t.Context(), pool, older, slog.New(slog.NewTextHandler(&said, nil))); err != nil {
		t.Fatalf("the previous release on the new schema: %v", err)
	}
	if want := "newer than this program"; !strings.Contains(said.String(), want) {
		t.Errorf("log = %q, want it to hold %q", said.String(), want)
	}
	checkSchema(t, pool, older, db.Schema{Applied: 3, Known: 1})
}

func TestSchemaOf(t *testing.T) {
	t.Parallel()
	pool := open(t, dbtest.Empty(t))
	checkSchema(t, pool, steps, db.Schema{Applied: 0, Known: 3})
	var tables int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").Scan(&tables); err != nil {
		t.Fatal(err)
	}
	if tables != 0 {
		t.Errorf("looking at the schema made %d tables", tables)
	}
	if err := db.Migrate(t.Context(), pool, steps, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	checkSchema(t, pool, steps, db.Schema{Applied: 3, Known: 3})

	for _, c := range []struct {
		name           string
		schema         db.Schema
		pending, newer bool
	}{
		{"behind", db.Schema{Applied: 2, Known: 3}, true, false},
		{"level", db.Schema{Applied: 3, Known: 3}, false, false},
		{"ahead", db.Schema{Applied: 4, Known: 3}, false, true},
	} {
		if c.schema.Pending() != c.pending || c.schema.Newer() != c.newer {
			t.Errorf("%s: pending %v, newer %v; want %v, %v", c.name, c.schema.Pending(), c.schema.Newer(), c.pending, c.newer)
		}
	}
}

func TestFailedMigrationLeavesNothing(t *testing.T) {
	t.Parallel()
	pool := open(t, dbtest.Empty(t))
	broken := files(map[string]string{
		"00001_good.sql": "-- +goose Up\nCREATE TABLE good (id int);\n",
		"00002_bad.sql":  "-- +goose Up\nCREATE TABLE half (id int);\nINSERT INTO half VALUES ('no number');\n",
	})
	err := db.Migrate(t.Context(), pool, broken, slog.New(slog.DiscardHandler))
	if want := "00002_bad.sql was rolled back"; err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("error = %v, want %q", err, want)
	}
	checkSchema(t, pool, broken, db.Schema{Applied: 1, Known: 2})
	broken["00002_bad.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE half (id int);\n")}
	if err := db.Migrate(t.Context(), pool, broken, slog.New(slog.DiscardHandler)); err != nil {
		t.Errorf("after mending the file: %v", err)
	}
}

func TestMigrateRefusesWhatBreaksThePolicy(t *testing.T) {
	t.Parallel()
	pool := open(t, dbtest.Empty(t))
	bad := files(map[string]string{"00001_bad.sql": "-- +goose Up\nCREATE TABLE bad (id int);\n-- +goose Down\nDROP TABLE bad;\n"})
	if err := db.Migrate(t.Context(), pool, bad, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a file with a Down section was applied")
	}
	checkSchema(t, pool, bad, db.Schema{Applied: 0, Known: 1})
}

func TestMigrateWithoutTheRight(t *testing.T) {
	t.Parallel()
	pool := open(t, dbtest.Empty(t))
	if _, err := pool.Exec(t.Context(), "REVOKE CREATE ON SCHEMA public FROM PUBLIC, pg_database_owner"); err != nil {
		t.Fatal(err)
	}
	err := db.Migrate(t.Context(), pool, steps, slog.New(slog.DiscardHandler))
	if want := "may not create tables"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error = %v, want %q", err, want)
	}
}

func open(t *testing.T, address string) *pgxpool.Pool {
	t.Helper()
	pool, err := db.Open(t.Context(), address, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func checkSchema(t *testing.T, pool *pgxpool.Pool, fsys fstest.MapFS, want db.Schema) {
	t.Helper()
	got, err := db.SchemaOf(t.Context(), pool, fsys)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
}

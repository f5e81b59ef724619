package private_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"cofounder/internal/platform/db/private"

	"github.com/jackc/pgx/v5/pgxpool"
)

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	from, to := data(t), data(t)
	file := filepath.Join(t.TempDir(), "backup")
	pool := open(t, start(t, from))
	execute(t, pool, `CREATE TABLE kept (id int PRIMARY KEY, words text COLLATE "C");
		INSERT INTO kept SELECT n, 'text ' || n FROM generate_series(1, 1000) n; CREATE VIEW seen AS SELECT id FROM kept`)
	backup(t, from, file)
	if got := mode(t, file); got != 0o600 {
		t.Errorf("mode of the backup = %o, want 600", got)
	}
	checkAlone(t, file)

	// Into a machine that has nothing yet.
	if err := private.Restore(t.Context(), private.Config{Dir: to}, private.Restoration{File: file}); err != nil {
		t.Fatal(err)
	}
	restored := open(t, start(t, to))
	if got := query[int](t, restored, "SELECT count(*) FROM kept JOIN seen USING (id) WHERE words = 'text ' || id"); got != 1000 {
		t.Errorf("%d of 1000 rows came back", got)
	}
	if got := query[string](t, restored, "SELECT relowner::regrole::text FROM pg_class WHERE relname = 'kept'"); got != "cofounder" {
		t.Errorf("the restored table belongs to %q, want cofounder", got)
	}
	execute(t, restored, "INSERT INTO kept VALUES (1001, 'after')")
	checkDatabases(t, restored)

	// A backup replaces a backup.
	backup(t, to, file)
	checkAlone(t, file)
}

// TestRestoreOfACraftedBackup: a backup is SQL, and what it says runs as the
// product's user and nobody more powerful.
func TestRestoreOfACraftedBackup(t *testing.T) {
	t.Parallel()
	dir := data(t)
	file := filepath.Join(t.TempDir(), "backup")
	pool := open(t, start(t, dir))
	room := strings.Repeat("x", 200)
	execute(t, pool, "CREATE TABLE kept (id int); COMMENT ON TABLE kept IS '"+room+"'")
	backup(t, dir, file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before := []byte("COMMENT ON TABLE public.kept IS '" + room + "';")
	after := []byte("RESET ROLE; CREATE ROLE intruder SUPERUSER; -- ")
	after = append(after, bytes.Repeat([]byte("x"), len(before)-len(after))...)
	if bytes.Count(text, before) != 1 {
		t.Fatal("the backup does not hold the comment as expected")
	}
	if err := os.WriteFile(file, bytes.Replace(text, before, after, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := private.Restore(t.Context(), private.Config{Dir: dir}, private.Restoration{File: file, Replace: true}); err == nil {
		t.Error("a crafted backup was restored")
	}
	if query[bool](t, pool, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'intruder')") {
		t.Error("a crafted backup made a superuser")
	}
}

func TestBackupWhileOthersWrite(t *testing.T) {
	t.Parallel()
	dir := data(t)
	file := filepath.Join(t.TempDir(), "backup")
	pool := open(t, start(t, dir))
	execute(t, pool, "CREATE TABLE pair (a int, b int)")
	stop := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			// Two rows in one commit: half of one in a backup would be a torn one.
			//nolint:unqueryvet // each is a commit of its own
			if _, err := pool.Exec(t.Context(), "INSERT INTO pair VALUES ($1, 1), ($1, 2)", n); err != nil {
				t.Error(err)
				return
			}
		}
	})
	eventually(t, "somebody writes", func() bool { return query[bool](t, pool, "SELECT EXISTS (SELECT FROM pair)") })
	backup(t, dir, file)
	close(stop)
	all.Wait()
	pool.Close()
	if err := private.Restore(t.Context(), private.Config{Dir: dir}, private.Restoration{File: file, Replace: true}); err != nil {
		t.Fatal(err)
	}
	again := open(t, start(t, dir))
	if !query[bool](t, again, "SELECT EXISTS (SELECT FROM pair)") {
		t.Error("the backup holds nothing of what had been written")
	}
	if got := query[int](t, again, "SELECT count(*) FROM (SELECT a FROM pair GROUP BY a HAVING count(*) <> 2) torn"); got != 0 {
		t.Errorf("%d commits are half in the backup", got)
	}
}

func TestBackupRefusesToReplaceSomethingElse(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "letter")
	if err := os.WriteFile(file, []byte("Dear founder"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, file, want string }{
		{"another file", file, "exists and is something else"},
		{"a folder", filepath.Dir(file), "is a directory"},
		{"no such folder", filepath.Join(filepath.Dir(file), "none", "backup"), "no such file or directory"},
		{"below a file", filepath.Join(file, "backup"), "not a directory"},
	} {
		err := private.Backup(t.Context(), private.Config{Dir: filepath.Join(t.TempDir(), "unused")}, c.file)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error = %v, want %q", c.name, err, c.want)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != "Dear founder" {
		t.Errorf("the file holds %q (%v)", got, err)
	}
}

//nolint:tparallel // one after the other on one database
func TestRestoreLosesNothing(t *testing.T) {
	t.Parallel()
	dir := data(t)
	config := private.Config{Dir: dir}
	folder := t.TempDir()
	pool := open(t, start(t, dir))
	execute(t, pool, "CREATE TABLE kept (n int); INSERT INTO kept SELECT generate_series(1, 20000)")
	good := filepath.Join(folder, "good")
	backup(t, dir, good)
	execute(t, pool, "INSERT INTO kept VALUES (-1)") // what a restore would lose

	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, text []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		name, file string
		replace    bool
		want       string
	}{
		{"not asked to replace", good, false, "there is data already"},
		{"no such file", filepath.Join(folder, "none"), true, "no such file or directory"},
		{"not a backup", write("letter", []byte("Dear founder")), true, "is not a backup"},
		{"empty file", write("empty", nil), true, "is not a backup"},
		{"cut short", write("short", whole[:len(whole)/2]), true, "restore the database (it is as it was): pg_restore:"},
		{"only a beginning", write("begin", whole[:8]), true, "restore the database (it is as it was): pg_restore:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := private.Restore(t.Context(), config, private.Restoration{File: c.file, Replace: c.replace})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v, want %q", err, c.want)
			}
			if c.name == "not asked to replace" && !errors.Is(err, private.ErrNotEmpty) {
				t.Errorf("error = %v, want ErrNotEmpty", err)
			}
			if got := query[int](t, pool, "SELECT count(*) FROM kept"); got != 20001 {
				t.Errorf("%d rows are there, want the 20001 from before", got)
			}
			checkDatabases(t, pool)
		})
	}

	// Asked to, it replaces, and the pool of a running program finds the new one.
	if err := private.Restore(t.Context(), config, private.Restoration{File: good, Replace: true}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pool sees the restored rows", func() bool {
		var n int
		return pool.QueryRow(t.Context(), "SELECT count(*) FROM kept").Scan(&n) == nil && n == 20000
	})
	checkDatabases(t, pool)
}

func TestStartMendsAKilledRestore(t *testing.T) {
	t.Parallel()
	dir := data(t)
	server := start(t, dir)
	pool := open(t, server)
	execute(t, pool, "CREATE TABLE kept (n int)")
	if err := private.BreakRestore(t.Context(), server); err != nil {
		t.Fatal(err)
	}
	pool.Reset()
	var one int
	if err := pool.QueryRow(t.Context(), "SELECT 1").Scan(&one); err == nil {
		t.Fatal("the database is open, so there is nothing to mend")
	}
	again := open(t, start(t, dir))
	if !query[bool](t, again, "SELECT to_regclass('kept') IS NOT NULL") {
		t.Error("the table is gone")
	}
	checkDatabases(t, again)
}

func backup(t *testing.T, dir, file string) {
	t.Helper()
	if err := private.Backup(t.Context(), private.Config{Dir: dir}, file); err != nil {
		t.Fatal(err)
	}
}

// checkAlone wants nothing beside the file: no temporary one is left.
func checkAlone(t *testing.T, file string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("beside the backup there is something else: %v", entries)
	}
}

// checkDatabases wants no other database of ours than the one.
func checkDatabases(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	if got := query[string](t, pool, "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE NOT datistemplate"); got != "cofounder postgres" {
		t.Errorf("databases = %q, want cofounder postgres", got)
	}
}

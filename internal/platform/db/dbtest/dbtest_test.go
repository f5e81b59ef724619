package dbtest_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"cofounder/internal/platform/db/dbtest"

	"github.com/jackc/pgx/v5/pgxpool"
)

// child makes a copy of this test binary get a database and then hang.
const child = "COFOUNDER_DBTEST_CHILD"

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestEachTestHasItsOwnDatabase(t *testing.T) {
	t.Parallel()
	first, second := dbtest.New(t), dbtest.New(t)
	if _, err := first.Exec(t.Context(), "CREATE TABLE mine (id int)"); err != nil {
		t.Fatal(err)
	}
	var seen bool
	if err := second.QueryRow(t.Context(), "SELECT to_regclass('mine') IS NOT NULL").Scan(&seen); err != nil {
		t.Fatal(err)
	}
	if seen {
		t.Error("a table made in one test's database is visible in another's")
	}
}

func TestDatabaseIsMigrated(t *testing.T) {
	t.Parallel()
	var version int
	err := dbtest.New(t).QueryRow(t.Context(), "SELECT max(version_id) FROM goose_db_version").Scan(&version)
	if err != nil {
		t.Fatal(err)
	}
	if version < 1 {
		t.Errorf("schema version = %d, want at least 1", version)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	for i := range 20 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			dbtest.New(t)
		})
	}
}

//nolint:tparallel // the inner test's end is what is looked at
func TestDatabaseIsDroppedAtTheEnd(t *testing.T) {
	t.Parallel()
	outer := dbtest.New(t)
	var name string
	t.Run("inner", func(t *testing.T) {
		if err := dbtest.New(t).QueryRow(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
			t.Fatal(err)
		}
		if !exists(t, outer, name) {
			t.Errorf("database %q does not exist while its test runs", name)
		}
	})
	if exists(t, outer, name) {
		t.Errorf("database %q outlived its test", name)
	}
}

func exists(t *testing.T, pool *pgxpool.Pool, name string) bool {
	t.Helper()
	var found bool
	err := pool.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&found)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestServerDiesWithItsProcess(t *testing.T) {
	t.Parallel()
	if os.Getenv(child) != "" {
		host := dbtest.New(t).Config().ConnConfig.Host
		if _, err := os.Stdout.WriteString("folder=" + host + "\n"); err != nil {
			t.Fatal(err)
		}
		select {} // until killed
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestServerDiesWithItsProcess$")
	cmd.Env = append(os.Environ(), child+"=1", "COFOUNDER_TEST_DATABASE_URL=")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	folder := ""
	for lines := bufio.NewScanner(out); folder == "" && lines.Scan(); {
		_, folder, _ = strings.Cut(lines.Text(), "folder=")
	}
	if folder == "" {
		t.Fatal("the child did not get a database")
	}
	if _, err := os.Stat(filepath.Join(folder, "data", "postmaster.pid")); err != nil {
		t.Fatalf("no server in the child's folder: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
	deadline := time.After(10 * time.Second)
	for look := time.NewTicker(20 * time.Millisecond); ; {
		if _, err := os.Stat(folder); os.IsNotExist(err) {
			return
		}
		select {
		case <-look.C:
		case <-deadline:
			t.Fatalf("%s is still there 10 s after kill -9 of the test process", folder)
		}
	}
}

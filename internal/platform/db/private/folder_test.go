package private_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cofounder/internal/platform/db/private"
)

// failStart starts and wants an error of one line that holds all of wants.
func failStart(t *testing.T, dir string, wants ...string) {
	t.Helper()
	server, err := private.Start(t.Context(), private.Config{Dir: dir})
	if err == nil {
		t.Fatalf("started at %s, want an error", server.URL())
	}
	t.Logf("says: %v", err)
	for _, want := range wants {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error = %q, want it to hold %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error = %q has several lines", err)
	}
}

func TestPrepare(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		before os.FileMode // 0: not there
		file   bool        // something is in it
		after  os.FileMode
		err    string
	}{
		{"new", 0, false, 0o711, ""},
		{"empty and closed", 0o700, false, 0o711, ""},
		{"empty and open", 0o777, false, 0o711, ""},
		{"in use and closed", 0o700, true, 0o711, ""},
		{"in use and readable", 0o755, true, 0o755, ""},
		{"others may write", 0o775, true, 0o775, "others may write to the data folder"},
		{"like /tmp", 0o777 | os.ModeSticky, false, 0o777, "others may write to the data folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "deep", "data")
			if c.before != 0 {
				makeFolder(t, dir, c.before, c.file)
			}
			for range 2 { // it is safe to repeat
				err := private.Prepare(dir)
				if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
					t.Fatalf("error = %v, want %q", err, c.err)
				}
				if got := mode(t, dir); got != c.after {
					t.Fatalf("mode = %o, want %o", got, c.after)
				}
			}
		})
	}
}

//nolint:revive // a flag of the table above
func makeFolder(t *testing.T, dir string, mode os.FileMode, file bool) {
	t.Helper()
	err := os.MkdirAll(dir, 0o700)
	if file && err == nil {
		err = os.WriteFile(filepath.Join(dir, "secret"), nil, 0o600)
	}
	if err == nil {
		err = os.Chmod(dir, mode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestDataFolderIsAFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	failStart(t, dir, dir, "COFOUNDER_DATA")
}

func TestParentTheServersUserCannotPass(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root runs the server as another user")
	}
	dir := dataIn(t, "home/deep/data")
	closed := filepath.Dir(filepath.Dir(dir))
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	failStart(t, dir, "may not pass through "+closed+" ", "set COFOUNDER_DATA=/var/lib/cofounder")
	if status(t, dir).Exists {
		t.Error("a cluster was made all the same")
	}
	// The same folder works once it is open.
	if err := os.Chmod(closed, 0o711); err != nil {
		t.Fatal(err)
	}
	start(t, dir)
}

func TestLongPath(t *testing.T) {
	t.Parallel()
	dir := dataIn(t, strings.Repeat("long", 30)+"/data")
	server := start(t, dir)
	socket := status(t, dir).Socket
	if len(socket) > 90 {
		t.Errorf("the socket's path has %d bytes: %s", len(socket), socket)
	}
	folder := filepath.Dir(socket)
	if got := mode(t, folder); got != 0o700 {
		t.Errorf("mode of the short folder = %o, want 700", got)
	}
	if got := query[int](t, open(t, server), "SELECT 1"); got != 1 {
		t.Errorf("SELECT 1 = %d", got)
	}
	if again := start(t, dir); again.URL() != server.URL() || again.Started() {
		t.Errorf("a second start has %s, started %v; want the first one's %s", again.URL(), again.Started(), server.URL())
	}
	killServer(t, dir)
	eventually(t, "it is dead", func() bool { return !status(t, dir).Running })
	if again := start(t, dir); again.URL() != server.URL() {
		t.Errorf("after a crash the address is %s, want %s, which pools know", again.URL(), server.URL())
	}
	if err := private.Stop(t.Context(), private.Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("the stopped server's short folder is still there: %v", err)
	}
}

func TestShortFolderIsTaken(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can make a folder of somebody else's")
	}
	dir := dataIn(t, strings.Repeat("long", 30)+"/data")
	start(t, dir)
	folder := filepath.Dir(status(t, dir).Socket)
	if err := private.Stop(t.Context(), private.Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(folder) //nolint:errcheck // of this test alone
	if err := os.Chown(folder, 65123, 65123); err != nil {
		t.Fatal(err)
	}
	server := start(t, dir)
	if got := filepath.Dir(status(t, dir).Socket); got == folder {
		t.Errorf("the socket is in a stranger's folder, %s", got)
	}
	if got := query[int](t, open(t, server), "SELECT 1"); got != 1 {
		t.Errorf("SELECT 1 = %d", got)
	}
}

func TestImpostorInTheShortFolder(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can make a folder of somebody else's")
	}
	dir := dataIn(t, strings.Repeat("long", 30)+"/data")
	start(t, dir)
	folder := filepath.Dir(status(t, dir).Socket)
	own := owner(t, folder)
	if err := os.Chown(folder, 65123, 65123); err != nil {
		t.Fatal(err)
	}
	if err := private.Attach(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "is not the database's own folder") {
		t.Errorf("attached through a stranger's folder: %v", err)
	}
	if err := os.Chown(folder, own, own); err != nil {
		t.Fatal(err)
	}
}

func TestOddPath(t *testing.T) {
	t.Parallel()
	dir := dataIn(t, `it's "a", b c`)
	server := start(t, dir)
	if got := query[int](t, open(t, server), "SELECT 1"); got != 1 {
		t.Errorf("SELECT 1 = %d", got)
	}
}

func TestWrongVersion(t *testing.T) {
	t.Parallel()
	dir := data(t)
	server := start(t, dir)
	if err := private.Stop(t.Context(), private.Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	version := filepath.Join(dir, "pg", "PG_VERSION")
	if err := os.WriteFile(version, []byte("12\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	failStart(t, dir, "was made by PostgreSQL 12; installed is", "Install PostgreSQL 12 beside it", "cofounder db backup FILE", "cofounder db restore FILE")
	if err := os.WriteFile(version, []byte("nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	failStart(t, dir, "which is no version")
	if err := os.Rename(version, version+".away"); err != nil {
		t.Fatal(err)
	}
	failStart(t, dir, "is not a PostgreSQL data folder; move it away")
	if err := os.Rename(version+".away", version); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(version, fmt.Appendln(nil, server.Major()), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, dir)
}

func TestClusterOfRoot(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root has folders of root's")
	}
	dir := data(t)
	if err := os.MkdirAll(filepath.Join(dir, "pg"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "pg", "PG_VERSION"), []byte("15\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	failStart(t, dir, "belongs to root and PostgreSQL does not run as root")
}

func TestServerThatCannotStart(t *testing.T) {
	t.Parallel()
	dir := data(t)
	start(t, dir)
	if err := private.Stop(t.Context(), private.Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	control := filepath.Join(dir, "pg", "global", "pg_control")
	if err := os.Rename(control, control+".away"); err != nil {
		t.Fatal(err)
	}
	failStart(t, dir, "start the database: postgres: ", "could not")
	if err := os.Rename(control+".away", control); err != nil {
		t.Fatal(err)
	}
	start(t, dir)
}

// TestFullDisk makes the cluster's disk as small as a quota would.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	dir := data(t)
	if err := private.Prepare(dir); err != nil {
		t.Fatal(err)
	}
	mountSmall(t, dir)
	failStart(t, dir, "create the database in "+dir, "No space left on device", "the disk is full")
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		if strings.HasPrefix(entry.Name(), "pg.new-") {
			t.Errorf("a half-made cluster is left: %s", entry.Name())
		}
	}
}

package private_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/private"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// starter makes a copy of this test binary start the server of the folder that
// is its value, print what it is told and wait to be killed.
const starter = "COFOUNDER_TEST_PRIVATE"

func TestMain(m *testing.M) {
	dir := os.Getenv(starter)
	if dir == "" {
		m.Run()
		return
	}
	server, err := private.Start(context.Background(), private.Config{Dir: dir, Progress: say})
	if err != nil {
		say("failed: " + err.Error())
		os.Exit(1)
	}
	say(fmt.Sprint("ready: ", server.Started()))
	select {}
}

// say tells the test that started this process.
func say(line string) {
	if _, err := os.Stdout.WriteString(line + "\n"); err != nil {
		panic(err)
	}
}

// data returns a data folder that any user can reach and whose server, if one
// comes to run, is stopped at the end.
func data(t *testing.T) string {
	t.Helper()
	return dataIn(t, "data")
}

// dataIn is data with a path of the caller's choice.
func dataIn(t *testing.T, path string) string {
	t.Helper()
	parent := t.TempDir()
	if err := os.Chmod(filepath.Dir(parent), 0o711); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, path)
	t.Cleanup(func() {
		err := private.Stop(context.WithoutCancel(t.Context()), private.Config{Dir: dir})
		if err != nil && !errors.Is(err, private.ErrNotRunning) {
			t.Errorf("stop at the end of the test: %v", err)
		}
	})
	return dir
}

func start(t *testing.T, dir string) *private.Server {
	t.Helper()
	server, err := private.Start(t.Context(), private.Config{Dir: dir, Progress: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func open(t *testing.T, server *private.Server) *pgxpool.Pool {
	t.Helper()
	pool, err := db.Open(t.Context(), server.URL(), db.Options{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func query[T any](t *testing.T, pool *pgxpool.Pool, sql string) T {
	t.Helper()
	var got T
	if err := pool.QueryRow(t.Context(), sql).Scan(&got); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return got
}

func execute(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func status(t *testing.T, dir string) private.Status {
	t.Helper()
	got, err := private.StatusOf(dir)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func owner(t *testing.T, path string) int {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatal("no owner")
	}
	return int(stat.Uid)
}

func TestFirstStart(t *testing.T) {
	t.Parallel()
	dir := data(t)
	var said []string
	server, err := private.Start(t.Context(), private.Config{Dir: dir, Progress: func(s string) { said = append(said, s) }})
	if err != nil {
		t.Fatal(err)
	}
	if !server.Started() {
		t.Error("the first start says that it found a server")
	}
	if len(said) != 2 || !strings.HasPrefix(said[0], "database: first start, creating ") || !strings.HasPrefix(said[1], "database: starting PostgreSQL ") {
		t.Errorf("progress = %q, want creating, then starting", said)
	}
	pool := open(t, server)
	rows, err := pool.Query(t.Context(), `
SELECT name, current_setting(name) FROM unnest(ARRAY['listen_addresses', 'fsync', 'synchronous_commit', 'full_page_writes',
       'data_checksums', 'TimeZone', 'log_timezone', 'server_encoding', 'is_superuser', 'shared_buffers', 'jit']) name
UNION ALL SELECT 'collation', datcollate FROM pg_database WHERE datname = current_database()
UNION ALL SELECT 'owner', datdba::regrole::text FROM pg_database WHERE datname = current_database()`)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	var name, value string
	if _, err := pgx.ForEachRow(rows, []any{&name, &value}, func() error { got[name] = value; return nil }); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"listen_addresses": "", "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "data_checksums": "on",
		"TimeZone": "UTC", "log_timezone": "UTC", "server_encoding": "UTF8", "is_superuser": "off", "shared_buffers": "64MB",
		"jit": "off", "collation": "C", "owner": "cofounder",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	execute(t, pool, "CREATE TABLE mine (id int)")
	if got := mode(t, dir); got != 0o711 {
		t.Errorf("mode of the data folder = %o, want 711", got)
	}
	if got := mode(t, filepath.Join(dir, "pg")); got != 0o700 {
		t.Errorf("mode of the cluster = %o, want 700", got)
	}
	now := status(t, dir)
	if !now.Exists || !now.Running || now.Major != server.Major() || now.PID == 0 {
		t.Errorf("status = %+v, want it to exist and run as version %d", now, server.Major())
	}
	if now.URL() != server.URL() {
		t.Errorf("status gives the address %s, want %s", now.URL(), server.URL())
	}
	if got := mode(t, now.Socket); got != 0o700 {
		t.Errorf("mode of the socket = %o, want 700", got)
	}
}

func TestServerHasNoPort(t *testing.T) {
	t.Parallel()
	dir := data(t)
	start(t, dir)
	pid := status(t, dir).PID
	out, err := exec.CommandContext(t.Context(), "ss", "-Hltnp").Output()
	if err != nil {
		t.Logf("no ss here (%v); the setting is tested in TestFirstStart", err)
		return
	}
	if strings.Contains(string(out), fmt.Sprintf("pid=%d,", pid)) {
		t.Errorf("the server listens on a port:\n%s", out)
	}
}

func TestServerRunsUnprivileged(t *testing.T) {
	t.Parallel()
	dir := data(t)
	start(t, dir)
	cluster := owner(t, filepath.Join(dir, "pg"))
	if cluster == 0 {
		t.Error("the cluster belongs to root")
	}
	if os.Geteuid() != 0 && cluster != os.Geteuid() {
		t.Errorf("the cluster belongs to user id %d, want ours, %d", cluster, os.Geteuid())
	}
	process := fmt.Sprintf("/proc/%d", status(t, dir).PID)
	if _, err := os.Stat(process); err != nil {
		return // no such folder on this system
	}
	if got := owner(t, process); got != cluster {
		t.Errorf("the server runs as user id %d, want the cluster's owner, %d", got, cluster)
	}
	environment, err := os.ReadFile(process + "/environ")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(environment), "HOME=") || strings.Contains(string(environment), "GO") {
		t.Errorf("the server got our environment: %q", environment)
	}
}

func TestOthersCannotConnect(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else to try")
	}
	dir := data(t)
	server := start(t, dir)
	socket := filepath.Dir(status(t, dir).Socket)
	other := private.User{UID: 65123, GID: 65123, Switch: true}
	// Even with the folder opened up, the socket's mode and then the kernel's
	// word stand in the way.
	for _, opened := range []os.FileMode{0o700, 0o711} {
		if err := os.Chmod(socket, opened); err != nil {
			t.Fatal(err)
		}
		out, err := private.Command(t.Context(), other, "/usr/bin/psql", server.URL(), "-c", "SELECT 1").CombinedOutput()
		if err == nil || !strings.Contains(string(out), "Permission denied") {
			t.Errorf("folder %o: a stranger got %q (%v), want permission denied", opened, out, err)
		}
	}
	if err := os.Chmod(filepath.Join(socket, ".s.PGSQL.5432"), 0o777); err != nil {
		t.Fatal(err)
	}
	out, err := private.Command(t.Context(), other, "/usr/bin/psql", server.URL(), "-c", "SELECT 1").CombinedOutput()
	if err == nil || !strings.Contains(strings.ToLower(string(out)), "peer authentication failed") {
		t.Errorf("socket open: a stranger got %q (%v), want peer authentication to fail", out, err)
	}
}

func TestStartsAtOnceShareOneServer(t *testing.T) {
	t.Parallel()
	dir := data(t)
	servers := make([]*private.Server, 6)
	var all sync.WaitGroup
	for i := range servers {
		all.Go(func() {
			var err error
			if servers[i], err = private.Start(t.Context(), private.Config{Dir: dir}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	started := 0
	for _, server := range servers {
		if server.Started() {
			started++
		}
		if server.URL() != servers[0].URL() {
			t.Errorf("addresses %s and %s, want one", server.URL(), servers[0].URL())
		}
	}
	if started != 1 {
		t.Errorf("%d of %d started a server, want 1", started, len(servers))
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	dir := data(t)
	config := private.Config{Dir: dir}
	if err := private.Stop(t.Context(), config); !errors.Is(err, private.ErrNotRunning) {
		t.Errorf("stop without a data folder: %v, want ErrNotRunning", err)
	}
	pool := open(t, start(t, dir))
	execute(t, pool, "CREATE TABLE mine (id int)")
	if err := private.Stop(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if got := status(t, dir); got.Running || !got.Exists {
		t.Errorf("status after stop = %+v", got)
	}
	if err := private.Stop(t.Context(), config); !errors.Is(err, private.ErrNotRunning) {
		t.Errorf("second stop: %v, want ErrNotRunning", err)
	}
	again := open(t, start(t, dir))
	if !query[bool](t, again, "SELECT to_regclass('mine') IS NOT NULL") {
		t.Error("the table is gone after stop and start")
	}
}

// spawned is a process of ours that started or found a server.
type spawned struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

func spawn(t *testing.T, dir string) *spawned {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), starter+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &spawned{cmd, bufio.NewScanner(out)}
}

// waitFor reads until a line that begins so.
func (s *spawned) waitFor(t *testing.T, begin string) string {
	t.Helper()
	for s.lines.Scan() {
		if strings.HasPrefix(s.lines.Text(), begin) {
			return s.lines.Text()
		}
		t.Log(s.lines.Text())
	}
	t.Fatalf("the process ended before it said %q", begin)
	return ""
}

// kill is kill -9, and returns when the process is gone.
func (s *spawned) kill(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for s.lines.Scan() {
		t.Log(s.lines.Text())
	}
	if err := s.cmd.Wait(); err == nil {
		t.Fatal("the process ended by itself")
	}
}

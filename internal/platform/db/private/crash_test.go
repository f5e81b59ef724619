package private_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/private"

	"github.com/jackc/pgx/v5"
)

// stuck is longer than any start takes that waits for nothing: under a second on a quiet
// machine, a few while two suites run beside each other. How long it was is logged.
const stuck = 30 * time.Second

func TestServerOutlivesItsStarter(t *testing.T) {
	t.Parallel()
	dir := data(t)
	first := spawn(t, dir)
	first.waitFor(t, "ready: true")
	before := status(t, dir).PID
	first.kill(t)

	began := time.Now()
	server := start(t, dir)
	took := time.Since(began)
	t.Logf("found again %s after kill -9 of the process that started it", took)
	if server.Started() {
		t.Error("a second server was started")
	}
	if after := status(t, dir).PID; after != before {
		t.Errorf("the server is process %d, want the one that was there, %d", after, before)
	}
	if took > stuck {
		t.Errorf("finding it took %s, want less than %s", took, stuck)
	}
	if got := query[int](t, open(t, server), "SELECT 1"); got != 1 {
		t.Errorf("SELECT 1 = %d", got)
	}
}

func TestStarterKilledWhileTheServerStarts(t *testing.T) {
	t.Parallel()
	dir := data(t)
	first := spawn(t, dir)
	first.waitFor(t, "database: starting")
	first.kill(t)
	if got := query[int](t, open(t, start(t, dir)), "SELECT 1"); got != 1 {
		t.Errorf("SELECT 1 = %d", got)
	}
}

func TestKilledWhileTheClusterIsMade(t *testing.T) {
	t.Parallel()
	dir := data(t)
	// Different moments of a first start, from its beginning to about its end.
	for _, milliseconds := range []int{0, 50, 150, 300, 600} {
		process := spawn(t, dir)
		process.waitFor(t, "database: first start")
		<-time.After(time.Duration(milliseconds) * time.Millisecond)
		process.kill(t)
		if status(t, dir).Exists {
			t.Logf("the cluster was complete after %d ms", milliseconds)
			break
		}
	}
	server := start(t, dir)
	if got := query[string](t, open(t, server), "SELECT current_database()::text"); got != "cofounder" {
		t.Errorf("database = %q, want cofounder", got)
	}
	left, err := filepath.Glob(filepath.Join(dir, "pg.new-*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("half-made clusters are left: %q", left)
	}
}

// TestAcknowledgedWritesSurviveKill writes from several connections, kills every
// process of the server in the middle, starts it again and looks for each write
// whose commit had been answered. Ten rounds.
func TestAcknowledgedWritesSurviveKill(t *testing.T) {
	t.Parallel()
	const rounds, writers, atLeast = 10, 4, 50
	dir := data(t)
	execute(t, open(t, start(t, dir)), "CREATE TABLE kept (round int, writer int, n int)")
	var took []time.Duration
	total := 0
	for round := range rounds {
		answered := writeUntilKilled(t, dir, round, writers, atLeast)
		began := time.Now()
		server := start(t, dir)
		took = append(took, time.Since(began))
		if !server.Started() {
			t.Fatal("the killed server was found running")
		}
		stored := storedWrites(t, server, round)
		for writer, n := range answered {
			total += n
			if stored[writer] < n {
				t.Errorf("round %d, writer %d: %d writes were acknowledged, %d are there", round, writer, n, stored[writer])
			}
		}
	}
	slices.Sort(took)
	t.Logf("%d kills, %d acknowledged writes looked for; restart median %s, longest %s", rounds, total, took[rounds/2], took[rounds-1])
	// The median, since a busy machine may stall any one of them.
	if took[rounds/2] > stuck {
		t.Errorf("a restart took %s, want less than %s", took[rounds/2], stuck)
	}
}

// writeUntilKilled returns how many writes of each writer were acknowledged.
func writeUntilKilled(t *testing.T, dir string, round, writers, atLeast int) []int {
	t.Helper()
	server := start(t, dir)
	answered := make([]int, writers)
	var sum atomic.Int64
	enough := make(chan struct{})
	var all sync.WaitGroup
	// All are connected before the first writes: one that connects while the server is
	// killed is refused, which says nothing about what was acknowledged.
	conns := make([]*pgx.Conn, writers)
	for writer := range conns {
		conn, err := pgx.Connect(t.Context(), server.URL())
		if err != nil {
			t.Fatal(err)
		}
		conns[writer] = conn
	}
	for writer, conn := range conns {
		all.Go(func() {
			defer conn.Close(t.Context()) //nolint:errcheck // the server is dead by then
			for n := 1; ; n++ {
				//nolint:unqueryvet // each is a commit of its own
				if _, err := conn.Exec(t.Context(), "INSERT INTO kept VALUES ($1, $2, $3)", round, writer, n); err != nil {
					return // killed
				}
				answered[writer] = n
				if sum.Add(1) == int64(atLeast) {
					close(enough)
				}
			}
		})
	}
	<-enough
	<-time.After(time.Duration(rand.IntN(100)) * time.Millisecond) // anywhere between two commits
	kill := killServer
	if round%2 == 0 {
		kill = killMain
	}
	kill(t, dir)
	all.Wait()
	return answered
}

// killServer is kill -9 of the server's main process and, where the system tells
// which those are, of all the others at once.
func killServer(t *testing.T, dir string) {
	t.Helper()
	server := status(t, dir).PID
	//nolint:errcheck // without the list the others are left to end by themselves
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", server, server))
	killMain(t, dir)
	for child := range strings.FieldsSeq(string(children)) {
		pid, err := strconv.Atoi(child)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
}

// killMain kills the main process only, as the system does that runs out of
// memory; the others notice and end.
func killMain(t *testing.T, dir string) {
	t.Helper()
	if err := syscall.Kill(status(t, dir).PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func storedWrites(t *testing.T, server *private.Server, round int) map[int]int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // only read
	rows, err := conn.Query(t.Context(), "SELECT writer, count(*) FROM kept WHERE round = $1 GROUP BY writer", round)
	if err != nil {
		t.Fatal(err)
	}
	stored := map[int]int{}
	var writer, n int
	if _, err := pgx.ForEachRow(rows, []any{&writer, &n}, func() error { stored[writer] = n; return nil }); err != nil {
		t.Fatal(err)
	}
	return stored
}

func TestWatchStartsADeadServerAgain(t *testing.T) {
	t.Parallel()
	dir := data(t)
	server := start(t, dir)
	pool := open(t, server)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		server.Watch(ctx)
	}()
	first := status(t, dir).PID
	killServer(t, dir)
	eventually(t, "the pool works again", func() bool {
		var one int
		return pool.QueryRow(t.Context(), "SELECT 1").Scan(&one) == nil && status(t, dir).PID != first
	})
	cancel()
	<-ended
}

func TestWatchLeavesAStoppedServerAlone(t *testing.T) {
	t.Parallel()
	dir := data(t)
	server := start(t, dir)
	if err := private.Stop(t.Context(), private.Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	restarted, err := server.Look(t.Context())
	if err != nil || restarted {
		t.Errorf("one look at a stopped server: restarted %v, %v", restarted, err)
	}
	if status(t, dir).Running {
		t.Error("it runs again")
	}
	start(t, dir)
	killMain(t, dir)
	eventually(t, "it is dead", func() bool { return !status(t, dir).Running })
	restarted, err = server.Look(t.Context())
	if err != nil || !restarted {
		t.Errorf("one look at a dead server: restarted %v, %v", restarted, err)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	deadline := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-look.C:
		case <-deadline:
			t.Fatalf("20 s later it still does not hold that %s", what)
		}
	}
}

func TestStaleProcessIDOfAnotherProgram(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/cwd"); err != nil {
		t.Skip("this system does not tell where a process works")
	}
	dir := data(t)
	start(t, dir)
	pidFile := filepath.Join(dir, "pg", "postmaster.pid")
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	killServer(t, dir)
	eventually(t, "it is dead", func() bool { return !status(t, dir).Running })
	// A container that starts again gives the old numbers to other programs. This
	// one runs as the server's user, where PostgreSQL alone would refuse to start.
	user := private.User{UID: owner(t, pidFile), GID: owner(t, pidFile), Switch: os.Geteuid() == 0}
	other := private.Command(t.Context(), user, "/bin/sh", "-c", "read -r line")
	leash, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := leash.Close(); err != nil {
			t.Error(err)
		}
		other.Wait() //nolint:errcheck // its input ended
	}()
	_, rest, _ := strings.Cut(string(text), "\n")
	if err := os.WriteFile(pidFile, []byte(strconv.Itoa(other.Process.Pid)+"\n"+rest), 0o600); err != nil {
		t.Fatal(err)
	}
	if !start(t, dir).Started() {
		t.Error("another program was taken for the server")
	}
}

// TestUnreapedServer: a killed server whose parent never asks how it ended keeps
// its process id, and PostgreSQL alone would refuse to start.
func TestUnreapedServer(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("this system does not tell how a process is")
	}
	dir := data(t)
	start(t, dir)
	pidFile := filepath.Join(dir, "pg", "postmaster.pid")
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	killServer(t, dir)
	eventually(t, "it is dead", func() bool { return !status(t, dir).Running })
	user := private.User{UID: owner(t, pidFile), GID: owner(t, pidFile), Switch: os.Geteuid() == 0}
	dead := private.Command(t.Context(), user, "/bin/true")
	if err := dead.Start(); err != nil {
		t.Fatal(err)
	}
	defer dead.Wait() //nolint:errcheck // only now may it go
	eventually(t, "it is a zombie", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", dead.Process.Pid))
		return err == nil && strings.Contains(string(stat), ") Z ")
	})
	_, rest, _ := strings.Cut(string(text), "\n")
	if err := os.WriteFile(pidFile, []byte(strconv.Itoa(dead.Process.Pid)+"\n"+rest), 0o600); err != nil {
		t.Fatal(err)
	}
	lock, err := os.ReadFile(filepath.Join(dir, "pg", ".s.PGSQL.5432.lock"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ = strings.Cut(string(lock), "\n")
	if err := os.WriteFile(filepath.Join(dir, "pg", ".s.PGSQL.5432.lock"), []byte(strconv.Itoa(dead.Process.Pid)+"\n"+rest), 0o600); err != nil {
		t.Fatal(err)
	}
	if !start(t, dir).Started() {
		t.Error("a dead process was taken for the server")
	}
}

func TestLogIsCapped(t *testing.T) {
	t.Parallel()
	dir := data(t)
	server := start(t, dir)
	log := filepath.Join(dir, "pg.log")
	file, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(strings.Repeat("x", 9<<20)); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The server is still writing to the same file.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if _, err := db.Open(ctx, strings.Replace(server.URL(), "cofounder@", "nobody_at_all@", 1), db.Options{}); err == nil {
		t.Fatal("an unknown user got in")
	}
	now, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if len(now) > 1<<20 || !strings.Contains(string(now), "nobody_at_all") {
		t.Errorf("the log has %d bytes and the newest line in it: %v; want few and true", len(now), strings.Contains(string(now), "nobody_at_all"))
	}
	old, err := os.Stat(log + ".1")
	if err != nil {
		t.Fatal(err)
	}
	if old.Size() > 9<<20 || old.Size() < 7<<20 {
		t.Errorf("the old log has %d bytes, want about 8 MB", old.Size())
	}
}

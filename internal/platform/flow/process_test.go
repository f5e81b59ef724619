package flow_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/flow"

	"github.com/jackc/pgx/v5/pgxpool"
)

// The environment of a copy of this test binary that only works on nodes.
const (
	childURL     = "COFOUNDER_FLOW_CHILD" // the database
	childName    = "COFOUNDER_FLOW_NAME"  // its name among the workers
	childVersion = "COFOUNDER_FLOW_GRAPH" // "new": the graph as a later release has it
	childShift   = "COFOUNDER_FLOW_SHIFT" // how far its clock is off
	childSlots   = 4
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

// shifted is a clock that is off.
type shifted struct{ by time.Duration }

func (s shifted) Now() time.Time { return clock.System{}.Now().Add(s.by) }

// child works until it is told to stop.
func child(url string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	shift, err := time.ParseDuration(os.Getenv(childShift))
	if err != nil {
		return err
	}
	pool, err := db.Open(ctx, url, db.Options{Name: os.Getenv(childName)})
	if err != nil {
		return err
	}
	defer pool.Close()
	now := shifted{shift}
	e, err := flow.New(flow.Config{
		DB: pool, Clock: now, IDs: id.NewSource(now.Now), Worker: os.Getenv(childName), Slots: childSlots,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	e.Register("shape", shapes())
	e.Register("load", load(pool, os.Getenv(childName), os.Getenv(childVersion)))
	if err := e.Start(ctx); err != nil {
		return err
	}
	if _, err := os.Stdout.WriteString("ready\n"); err != nil {
		return err
	}
	<-ctx.Done()
	return e.Stop(context.WithoutCancel(ctx))
}

// load is a graph whose steps note each call they make, as somebody would note it who
// sends bills, and each result they keep.
//
// first → work (loadNodes times) → last. Release "new" has one more step in each node
// and does those it knows in another order.
func load(pool *pgxpool.Pool, who, version string) flow.Handlers {
	do := func(ctx context.Context, n *flow.Node, key string) error {
		_, err := flow.Paid(ctx, n, key, func(ctx context.Context) (string, error) {
			_, err := pool.Exec(ctx, `INSERT INTO test_call (node, key, epoch, worker) VALUES ($1, $2, $3, $4)`, n.ID, key, n.Epoch, who)
			if err != nil {
				return "", err
			}
			select {
			case <-time.After(20 * time.Millisecond): // as long as the model takes
				return key, nil
			case <-ctx.Done():
				return "", context.Cause(ctx)
			}
		}, func(c *flow.Commit, _ string) error {
			c.Batch.Queue(`INSERT INTO test_kept (node, key) VALUES ($1, $2)`, n.ID, key)
			return nil
		})
		return err
	}
	keys := []string{"turn/0", "turn/1", "turn/2"}
	if version == "new" {
		keys = []string{"turn/2", "turn/0", "turn/new", "turn/1"}
	}
	work := func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
		var nth int
		if err := n.Input(&nth); err != nil {
			return flow.Outcome{}, err
		}
		for _, key := range keys {
			if err := do(ctx, n, key); err != nil {
				return flow.Outcome{}, err
			}
		}
		if nth+1 < loadNodes {
			return flow.Go(flow.Next{Name: "work", Input: nth + 1}), nil
		}
		return flow.Done(nth + 1), nil
	}
	return flow.Handlers{"work": work}
}

const loadNodes = 4

const loadTables = `
CREATE TABLE test_call (node text, key text, epoch bigint, worker text, at timestamptz DEFAULT clock_timestamp());
CREATE TABLE test_kept (node text, key text)`

// worker is one such process.
type worker struct {
	name  string
	cmd   *exec.Cmd
	ended chan struct{}
	err   error
	mu    sync.Mutex
	said  strings.Builder
}

// spawn starts one and waits until it works.
func spawn(t *testing.T, url, name string, environ ...string) *worker {
	t.Helper()
	p, ready := launch(t, url, name, environ...)
	select {
	case <-ready:
	case <-p.ended:
		t.Fatalf("worker %s ended at once: %v %s", name, p.err, p.output())
	}
	return p
}

func launch(t *testing.T, url, name string, environ ...string) (*worker, <-chan struct{}) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &worker{name: name, cmd: exec.CommandContext(context.WithoutCancel(t.Context()), self), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), childURL+"="+url, childName+"="+name, childShift+"=0s")
	p.cmd.Env = append(p.cmd.Env, environ...)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	go func() {
		defer close(p.ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if lines.Text() == "ready" {
				close(ready)
			}
		}
		p.err = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("worker %s: %s", name, p.output())
		}
		p.signal(t, syscall.SIGCONT)
		p.signal(t, syscall.SIGKILL)
		<-p.ended
	})
	return p, ready
}

var _ io.Writer = (*worker)(nil)

// Write keeps what the process logs.
func (p *worker) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.Write(b)
}

func (p *worker) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// signal sends one, unless the process is over.
func (p *worker) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	select {
	case <-p.ended:
	default:
		if err := p.cmd.Process.Signal(s); err != nil && !strings.Contains(err.Error(), "finished") {
			t.Errorf("signal %s: %v", p.name, err)
		}
	}
}

// holds counts the nodes a worker has claimed.
func (w *world) holds(name string) int {
	w.tb.Helper()
	return w.count(`SELECT count(*) FROM node WHERE worker = $1 AND state = 'running'`, name)
}

func (w *world) count(sql string, args ...any) int {
	w.tb.Helper()
	var n int
	if err := w.pool.QueryRow(w.tb.Context(), sql, args...).Scan(&n); err != nil {
		w.tb.Fatal(err)
	}
	return n
}

// loadWorld is a database with runs of kind load in line, and an engine that only looks.
func loadWorld(t *testing.T, runs int) (*world, *flow.Engine, string) {
	t.Helper()
	w := newWorld(t)
	if _, err := w.pool.Exec(t.Context(), loadTables); err != nil {
		t.Fatal(err)
	}
	e := w.engine()
	for range runs {
		w.run(e, flow.NewRun{Kind: "load", First: flow.Next{Name: "work", Input: 0}})
	}
	return w, e, w.pool.Config().ConnString()
}

// settle waits until all runs are done and checks that everything was kept once, and
// that no more calls were made than results plus the attempts that ended early.
func (w *world) settle(runs int) {
	w.tb.Helper()
	w.until(func() bool { return w.count(`SELECT count(*) FROM run WHERE state = 'done'`) == runs }, func() string {
		return fmt.Sprintf("%d of %d runs are done; nodes: %v", w.count(`SELECT count(*) FROM run WHERE state = 'done'`), runs, w.nodes())
	})
	want := runs * loadNodes
	for what, sql := range map[string]string{
		"nodes done":     `SELECT count(*) FROM node WHERE state = 'done'`,
		"nodes":          `SELECT count(*) FROM node`,
		"nodes of steps": `SELECT count(DISTINCT node_id) FROM step`,
	} {
		if got := w.count(sql); got != want {
			w.tb.Errorf("%d %s, want %d", got, what, want)
		}
	}
	steps, kept := w.count(`SELECT count(*) FROM step`), w.count(`SELECT count(*) FROM test_kept`)
	if once := w.count(`SELECT count(DISTINCT (node, key)) FROM test_kept`); steps != kept || kept != once {
		w.tb.Errorf("%d steps, %d rows kept with them, %d different ones; want the same", steps, kept, once)
	}
	calls, early := w.count(`SELECT count(*) FROM test_call`), w.count(`SELECT count(*) FROM attempt`)-want
	if calls > steps+early {
		w.tb.Errorf("%d calls for %d results and %d attempts that ended early", calls, steps, early)
	}
	w.until(func() bool {
		return w.count(`SELECT count(*) FROM river_job WHERE kind = 'node' AND finalized_at IS NULL`) == 0
	}, func() string { return "deliveries are left over" })
	w.tb.Logf("%d steps, %d calls, %d attempts ended early", steps, calls, early)
}

// nodes counts nodes by their state.
func (w *world) nodes() map[string]int {
	w.tb.Helper()
	rows, err := w.pool.Query(w.tb.Context(), `SELECT state, count(*) FROM node GROUP BY state`)
	if err != nil {
		w.tb.Fatal(err)
	}
	defer rows.Close()
	states := map[string]int{}
	for rows.Next() {
		var s string
		var n int
		if err := rows.Scan(&s, &n); err != nil {
			w.tb.Fatal(err)
		}
		states[s] = n
	}
	return states
}

package hosting_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/hosting"
	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/sandboxtest"

	"github.com/jackc/pgx/v5/pgxpool"
)

func TestMain(m *testing.M) {
	sandboxtest.Init()
	dbtest.Main(m)
}

const project = "prj_01kav5zsk3q8t2m4x7n9p6r0wd"

// installation is a database with a project, and the code of its apps. Hosts are its
// processes.
type installation struct {
	url  string
	pool *pgxpool.Pool
	mu   sync.Mutex
	code map[string]fs.FS
}

func newInstallation(t *testing.T) *installation {
	t.Helper()
	w := &installation{url: dbtest.URL(t), code: map[string]fs.FS{}}
	w.pool = w.connect(t)
	for _, sql := range []string{
		`INSERT INTO workspace (id, name, created_at) VALUES ('wsp_1', 'Team', now())`,
		`INSERT INTO project (id, workspace_id, name, idea, created_at, updated_at) VALUES ('` + project + `', 'wsp_1', 'Pawbook', 'x', now(), now())`,
	} {
		if _, err := w.pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	w.put("v1", "one")
	w.put("v2", "two")
	return w
}

// connect opens connections that end with the test.
func (w *installation) connect(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := db.Open(t.Context(), w.url, db.Options{Name: "test", MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// put makes a code whose only file says what it is.
func (w *installation) put(code, says string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.code[code] = fstest.MapFS{"main": {Data: []byte(says), Mode: 0o755}}
}

func (w *installation) fetch(_ context.Context, _, code string) (fs.FS, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	files, ok := w.code[code]
	if !ok {
		return nil, errors.New("no such code")
	}
	return files, nil
}

// process is one process of the installation.
type process struct {
	*hosting.Host
	pool  *pgxpool.Pool
	cages *cages
	stop  context.CancelFunc
	ran   chan struct{}
}

var names struct {
	sync.Mutex
	n int
}

// start makes a process that ends with the test.
func (w *installation) start(t *testing.T, change ...func(*hosting.Config)) *process {
	t.Helper()
	names.Lock()
	names.n++
	name := fmt.Sprintf("process-%d", names.n)
	names.Unlock()
	p := &process{pool: w.connect(t), cages: &cages{dir: t.TempDir()}, ran: make(chan struct{})}
	at, err := db.NewClock(t.Context(), p.pool, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := hosting.Config{
		DB: p.pool, Clock: at, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Driver: p.cages, Code: w.fetch,
		Name: name, Machine: "machine", Key: ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize))),
	}
	for _, c := range change {
		c(&cfg)
	}
	if p.Host, err = hosting.New(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	p.stop = stop
	go func() { defer close(p.ran); p.Run(ctx) }()
	t.Cleanup(func() {
		p.stop()
		<-p.ran
		if err := p.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		if n := p.cages.alive(); n > 0 {
			t.Errorf("%d cages are left", n)
		}
	})
	return p
}

// die ends a process as kill -9 would: nothing is saved, no lease given back, its cages
// are gone.
func (p *process) die() {
	p.stop()
	<-p.ran
	p.pool.Close()
	p.cages.kill()
}

// app puts the app of a test and returns its label.
func (p *process) app(t *testing.T, change ...func(*hosting.App)) string {
	t.Helper()
	a := hosting.App{Project: project, Slot: "current", Code: "v1", Command: []string{"serve"}, Data: "mine"}
	for _, c := range change {
		c(&a)
	}
	put, err := p.Put(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return put.Label
}

// wake wakes an app and expects how it stands.
func (p *process) wake(t *testing.T, label string, want hosting.State) hosting.Standing {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	got, err := p.Wake(ctx, label)
	if err != nil {
		t.Fatalf("wake: %v", err)
	}
	if got.State != want {
		t.Fatalf("the app is %s (%s), want %s", got.State, got.Reason, want)
	}
	return got
}

// get asks the app for something through Dial.
func (p *process) get(t *testing.T, label, path string) string {
	t.Helper()
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return p.Dial(ctx, label) }}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://app"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := tr.RoundTrip(r)
	if err != nil {
		t.Fatalf("get %s: %v", path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("get %s: %v", path, err)
	}
	return string(text)
}

// cages is a driver whose programs are functions of this test, run in this process,
// over a real folder. It holds what the interface promises of ends and files.
type cages struct {
	dir     string
	refuse  error
	mu      sync.Mutex
	living  map[string]*cage
	holding int // how often a cage was held still
	created int
}

func (*cages) Name() string { return "test" }

func (*cages) Probe(context.Context) (sandbox.Report, error) { return sandbox.Report{}, nil }

func (*cages) Sweep(context.Context) error { return nil }

func (c *cages) Create(_ context.Context, spec sandbox.Spec) (sandbox.Cage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse != nil {
		return nil, c.refuse
	}
	if c.living == nil {
		c.living = map[string]*cage{}
	}
	if c.living[spec.ID] != nil {
		return nil, fmt.Errorf("a cage %s lives already", spec.ID)
	}
	dir, err := os.MkdirTemp(c.dir, spec.ID)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	k := &cage{driver: c, id: spec.ID, root: root, files: sandbox.NewFiles(root, -1, -1), listener: listener, dead: make(chan struct{})}
	c.living[spec.ID] = k
	c.created++
	return k, nil
}

func (c *cages) alive() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.living)
}

// gone waits until no cage is left.
func (c *cages) gone(t *testing.T) {
	t.Helper()
	tick, deadline := time.NewTicker(10*time.Millisecond), time.After(30*time.Second)
	defer tick.Stop()
	for c.alive() > 0 {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("cages are left")
		}
	}
}

// kill ends all cages from outside.
func (c *cages) kill() {
	c.mu.Lock()
	living := c.living
	c.living = nil
	c.mu.Unlock()
	for _, k := range living {
		k.end()
	}
}

type cage struct {
	driver   *cages
	id       string
	root     *os.Root
	files    *sandbox.Files
	listener net.Listener
	dead     chan struct{}
	once     sync.Once
	programs sync.WaitGroup
}

func (k *cage) ID() string { return k.id }

func (k *cage) Files() *sandbox.Files { return k.files }

func (k *cage) Dial(ctx context.Context, _ int) (net.Conn, error) {
	select {
	case <-k.dead:
		return nil, sandbox.Errorf(sandbox.Died, "the cage is gone")
	default:
		return new(net.Dialer).DialContext(ctx, "tcp", k.listener.Addr().String())
	}
}

func (*cage) Listen(context.Context, int) (net.Listener, error) { return nil, errors.ErrUnsupported }

func (*cage) Stats(context.Context) (sandbox.Stats, error) {
	return sandbox.Stats{Memory: 42 << 20, Processes: 3, CPU: 1500 * time.Millisecond, Disk: 7 << 20}, nil
}

func (k *cage) end() {
	k.once.Do(func() {
		close(k.dead)
		_ = k.listener.Close() //nolint:errcheck // once
	})
	k.programs.Wait()
}

func (k *cage) Destroy(context.Context) error {
	k.end()
	k.driver.mu.Lock()
	defer k.driver.mu.Unlock()
	delete(k.driver.living, k.id)
	return k.root.Close()
}

// Exec runs one of the programs there are: serve, crash, silent, hungry, and the shell
// that holds a cage still.
func (k *cage) Exec(ctx context.Context, cmd sandbox.Command) (sandbox.Exit, error) {
	k.programs.Add(1)
	defer k.programs.Done()
	switch cmd.Args[0] {
	case "/bin/sh":
		if strings.Contains(cmd.Args[2], "STOP") {
			k.driver.mu.Lock()
			k.driver.holding++
			k.driver.mu.Unlock()
		}
		return sandbox.Exit{}, nil
	case "crash":
		say(cmd.Stderr, "panic: \x1b[31mno luck\x1b[0m\n")
		return sandbox.Exit{Code: 3}, nil
	case "hungry":
		return sandbox.Exit{Code: 137}, sandbox.Errorf(sandbox.OutOfMemory, "too much")
	case "silent":
		return k.until(ctx, nil)
	case "serve":
		return k.serve(ctx, cmd)
	}
	return sandbox.Exit{Code: 127}, nil
}

// until waits for the program's end from outside, or by itself.
func (k *cage) until(ctx context.Context, itself <-chan int) (sandbox.Exit, error) {
	select {
	case <-ctx.Done():
		return sandbox.Exit{Code: 143}, sandbox.Errorf(sandbox.Killed, "stopped")
	case <-k.dead:
		return sandbox.Exit{Code: 137}, sandbox.Errorf(sandbox.Died, "the cage is gone")
	case code := <-itself:
		return sandbox.Exit{Code: code}, nil
	}
}

// serve is an app: it says which code it is, keeps what it is told in its data folder,
// echoes, talks and ends when asked to.
func (k *cage) serve(ctx context.Context, cmd sandbox.Command) (sandbox.Exit, error) {
	exit := make(chan int, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		text, err := k.files.Read("main", 100)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
		say(w, string(text))
	})
	mux.HandleFunc("GET /keep/{name}/{text}", func(w http.ResponseWriter, r *http.Request) {
		if err := k.files.Write("data/"+r.PathValue("name"), []byte(r.PathValue("text")), 0o600); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /kept/{name}", func(w http.ResponseWriter, r *http.Request) {
		text, err := k.files.Read("data/"+r.PathValue("name"), 1<<20)
		if errors.Is(err, fs.ErrNotExist) {
			text = []byte("nothing")
		}
		say(w, string(text))
	})
	mux.HandleFunc("GET /say/{text}", func(_ http.ResponseWriter, r *http.Request) { say(cmd.Stdout, r.PathValue("text")+"\n") })
	mux.HandleFunc("GET /env", func(w http.ResponseWriter, _ *http.Request) { say(w, strings.Join(cmd.Env, " ")) })
	mux.HandleFunc("GET /exit", func(http.ResponseWriter, *http.Request) { exit <- 1 })
	mux.HandleFunc("GET /echo", func(w http.ResponseWriter, _ *http.Request) {
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // a test
		say(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(conn, buf) //nolint:errcheck // until somebody leaves
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(k.listener) }() //nolint:errcheck // it ends with the cage
	say(cmd.Stdout, "listening\n")
	e, err := k.until(ctx, exit)
	_ = server.Close() //nolint:errcheck // as above
	<-served
	return e, err
}

// say writes to somebody who may have left.
func say(w io.Writer, text string) {
	_, _ = io.WriteString(w, text) //nolint:errcheck // see above
}

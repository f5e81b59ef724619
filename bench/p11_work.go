package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"cofounder/internal/platform/sandbox"
)

// runs of each workload, of which the median counts.
const workRuns = 7

// workload is a program that is run with a cage and without.
type workload struct {
	name string
	args []string
	file string // in the folder it runs in
	text string
}

func workloads() []workload {
	return []workload{
		{"Node.js: hash, 500 files, 200 requests", []string{"node", "work.mjs"}, "work.mjs", nodeWork},
		{"Python: 2 million steps, 50 commits to SQLite", []string{"python3", "work.py"}, "work.py", pythonWork},
	}
}

const nodeWork = `
import { createHash } from "node:crypto"; import { mkdirSync, writeFileSync, readFileSync, rmSync } from "node:fs"; import http from "node:http";
const h = createHash("sha256"); for (let i = 0; i < 2000; i++) h.update(Buffer.alloc(10000, i));
mkdirSync("files", { recursive: true });
for (let i = 0; i < 500; i++) writeFileSync("files/" + i, "x".repeat(i)); for (let i = 0; i < 500; i++) readFileSync("files/" + i);
rmSync("files", { recursive: true });
const s = http.createServer((q, r) => r.end("ok")); await new Promise(r => s.listen(0, "127.0.0.1", r));
for (let i = 0; i < 200; i++) await (await fetch("http://127.0.0.1:" + s.address().port)).text();
s.close(); process.exit(0);
`

const pythonWork = `
import os, sqlite3
n = 0
for i in range(2_000_000): n += i & 3
db = sqlite3.connect("work.db"); db.execute("create table if not exists t (x)")
for i in range(50):
    db.execute("insert into t values (?)", (i,)); db.commit()
db.close(); os.remove("work.db")
`

// workloads times each without a cage and with one, by turns.
func (b *cageBench) workloads(ctx context.Context) error {
	for _, w := range workloads() {
		if _, err := exec.LookPath(w.args[0]); err != nil {
			b.say("%s: not here", w.name)
			continue
		}
		if err := b.workload(ctx, w); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return nil
}

func (b *cageBench) workload(ctx context.Context, w workload) error {
	dir := filepath.Join(b.dir, "native")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, w.file), []byte(w.text), 0o600); err != nil {
		return err
	}
	c, err := b.driver.Create(ctx, sandbox.Spec{ID: "work"})
	if err != nil {
		return err
	}
	if err := c.Files().Write(w.file, []byte(w.text), 0o644); err != nil {
		return errors.Join(err, c.Destroy(ctx))
	}
	native, caged, err := byTurns(workRuns,
		func() error { return outsideCage(ctx, dir, nil, w.args) },
		func() error { return insideCage(ctx, c, w.args) })
	if err == nil {
		b.say("%s: %s without a cage, %s with one: %.2f ×", w.name, ms(native), ms(caged), caged.Seconds()/native.Seconds())
	}
	return errors.Join(err, c.Destroy(ctx))
}

// byTurns returns the medians of two things done one after the other, after each was
// done once.
func byTurns(runs int, one, other func() error) (first, second time.Duration, err error) {
	var took [2][]time.Duration
	for i := range runs + 1 {
		for k, do := range []func() error{one, other} {
			began := time.Now()
			if err := do(); err != nil {
				return 0, 0, err
			}
			if i > 0 {
				took[k] = append(took[k], time.Since(began))
			}
		}
	}
	return quantileOf(took[0], .5), quantileOf(took[1], .5), nil
}

func outsideCage(ctx context.Context, dir string, env, args []string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // our own workload
	cmd.Dir = dir
	if env != nil {
		cmd.Env = append(os.Environ(), env...)
	}
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("without a cage: %w: %s", err, said)
	}
	return nil
}

func insideCage(ctx context.Context, c sandbox.Cage, args []string) error {
	said := sandbox.NewTranscript(4 << 10)
	exit, err := c.Exec(ctx, sandbox.Command{Args: args, Stdout: said, Stderr: said})
	if err == nil && exit.Code != 0 {
		err = fmt.Errorf("exit %d", exit.Code)
	}
	if err != nil {
		return fmt.Errorf("in a cage: %w: %s", err, said.Text())
	}
	return nil
}

// serverModule is a small module with a test that listens, by file.
func serverModule() map[string]string {
	return map[string]string{
		"go.mod": "module example\n\ngo 1.26\n",
		"main.go": `package main

import (
	"fmt"
	"net/http"
)

func hello(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "hello", r.URL.Query().Get("name")) }

func main() {
	http.HandleFunc("/", hello)
	fmt.Println(http.ListenAndServe("127.0.0.1:8080", nil))
}
`,
		"main_test.go": `package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHello(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(hello))
	defer s.Close()
	r, err := http.Get(s.URL + "?name=x")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if b, err := io.ReadAll(r.Body); err != nil || string(b) != "hello x\n" {
		t.Errorf("%q, %v", b, err)
	}
}
`,
	}
}

// goTest times `go test` of a module that was built before: in a cage over a warm
// cache, and natively with a cache of its own.
func (b *cageBench) goTest(ctx context.Context) error {
	if b.plan.skipGo {
		return nil
	}
	dir, cache := filepath.Join(b.dir, "module"), filepath.Join(b.dir, "go-build")
	if err := os.Mkdir(dir, 0o750); err != nil {
		return err
	}
	for name, text := range serverModule() {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	began := time.Now()
	if err := b.driver.Warm(ctx, sandbox.CompileGo(os.DirFS(dir))); err != nil {
		return err
	}
	b.say("Go's warm cache was made in %s", time.Since(began).Round(time.Second))
	c, err := b.driver.Create(ctx, sandbox.Spec{ID: "go-test", Caches: []string{sandbox.GoCache}})
	if err != nil {
		return err
	}
	if err := c.Files().Import(ctx, os.DirFS(dir)); err != nil {
		return errors.Join(err, c.Destroy(ctx))
	}
	began = time.Now()
	args := []string{"go", "test", "-count=1", "./..."}
	if err := insideCage(ctx, c, args); err != nil {
		return errors.Join(err, c.Destroy(ctx))
	}
	b.say("the first go test of a fresh cage took %s", time.Since(began).Round(time.Millisecond))
	env := []string{"GOCACHE=" + cache, "GOFLAGS=-buildvcs=false", "GOTOOLCHAIN=local", "CGO_ENABLED=0", "GOMAXPROCS=2"}
	native, caged, err := byTurns(workRuns,
		func() error { return outsideCage(ctx, dir, env, args) },
		func() error { return insideCage(ctx, c, args) })
	if err == nil {
		b.goTestRatio = caged.Seconds() / native.Seconds()
		b.say("warm go test: %s without a cage, %s with one: %.2f ×", ms(native), ms(caged), b.goTestRatio)
	}
	return errors.Join(err, c.Destroy(ctx))
}

// together has many cages at once and weighs them.
func (b *cageBench) together(ctx context.Context) (err error) {
	before := childrenPss()
	var all []sandbox.Cage
	defer func() {
		for _, c := range all {
			err = errors.Join(err, c.Destroy(context.WithoutCancel(ctx)))
		}
	}()
	ctx, end := context.WithCancel(ctx)
	defer end()
	began := time.Now()
	running, ended := make(chan struct{}), make(chan error)
	for i := range b.plan.together {
		c, err := b.driver.Create(ctx, sandbox.Spec{ID: fmt.Sprint("together-", i), Limits: sandbox.Serving()})
		if err != nil {
			return err
		}
		all = append(all, c)
		go func() {
			_, err := c.Exec(ctx, sandbox.Command{Args: []string{"sh", "-c", "echo running; sleep 1000"}, Stdout: teller{running}})
			select {
			case ended <- err: // before it was killed, which nobody expects
			case <-ctx.Done():
			}
		}()
	}
	for range all {
		select {
		case <-running:
		case err := <-ended:
			return errors.Join(errors.New("a program that was to go on ended"), err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	took := time.Since(began)
	var charged int64
	for _, c := range all {
		s, err := c.Stats(ctx)
		if err != nil {
			return err
		}
		charged += s.Memory
	}
	n := int64(len(all))
	b.say("%d cages at once, each with a shell and a program: after %s, %.1f MB each (proportional share of all its processes), %.1f MB each as limits count",
		n, took.Round(time.Millisecond), float64(childrenPss()-before)/float64(n)/(1<<20), float64(charged)/float64(n)/(1<<20))
	return nil
}

// teller tells a channel about each write.
type teller struct{ told chan<- struct{} }

func (o teller) Write(b []byte) (int, error) {
	o.told <- struct{}{}
	return len(b), nil
}

// childrenPss sums the proportional share of memory of the processes of cages. Without
// root theirs cannot be read; then it is what statm says of their own pages.
func childrenPss() int64 {
	var sum int64
	files, err := filepath.Glob("/proc/[0-9]*/smaps_rollup")
	if err != nil {
		return 0
	}
	for _, file := range files {
		name, err := os.ReadFile(filepath.Dir(file) + "/cmdline")
		if err != nil || !strings.HasPrefix(string(name), "cofounder-cage") && !strings.Contains(string(name), "sleep") {
			continue
		}
		text, err := os.ReadFile(file) //nolint:gosec // the kernel writes it
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) == 3 && fields[0] == "Pss:" {
				if kb, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
					sum += kb << 10
				}
			}
		}
	}
	return sum
}

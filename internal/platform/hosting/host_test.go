package hosting_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/hosting"
	"cofounder/internal/platform/sandbox"
)

func TestWakeStartsOnce(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	p := w.start(t)
	label := p.app(t)
	if st, err := p.Standing(t.Context(), label); err != nil || st.State != hosting.Stopped {
		t.Errorf("before anybody asked: %v, %v", st.State, err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if st, err := p.Wake(t.Context(), label); err != nil || st.State != hosting.Running {
				t.Errorf("wake: %v, %v", st, err)
			}
		})
	}
	all.Wait()
	if p.cages.created != 1 {
		t.Errorf("%d cages were made", p.cages.created)
	}
	if got := p.get(t, label, "/"); got != "one" {
		t.Errorf("it answers %q", got)
	}
	if got, want := p.get(t, label, "/env"), "PORT=8080 DATA_DIR=/workspace/data"; got != want {
		t.Errorf("it was told %q, want %q", got, want)
	}
	if _, err := p.Wake(t.Context(), "nobody"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown label: %v", err)
	}
}

// Whoever does not wait for the start is told that it starts; it goes on.
func TestWakeDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	p := w.start(t)
	label := p.app(t, func(a *hosting.App) { a.Command = []string{"silent"} })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	st, err := p.Wake(ctx, label)
	if err != nil || st.State != hosting.Starting || st.Left < time.Second {
		t.Errorf("wake: %+v, %v", st, err)
	}
	if err := p.Stop(t.Context(), label); err != nil {
		t.Error(err)
	}
	if st, err := p.Standing(t.Context(), label); err != nil || st.State != hosting.Stopped {
		t.Errorf("after a stop: %+v, %v", st, err)
	}
}

func TestCrash(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	p := w.start(t)
	for _, tt := range []struct{ command, want string }{
		{"crash", "The app ended by itself while it started (status 3)."},
		{"hungry", "The app needed more memory than it may have (512 MB) and was ended while it started."},
		{"nothing", "The app ended by itself while it started (status 127)."},
	} {
		label := p.app(t, func(a *hosting.App) {
			a.Slot, a.Data, a.Command = tt.command, tt.command, []string{tt.command}
		})
		st := p.wake(t, label, hosting.Crashed)
		if st.Reason != tt.want || !st.RetryAt.After(st.Since) {
			t.Errorf("%s: %+v, want %q", tt.command, st, tt.want)
		}
		made := p.cages.created
		p.wake(t, label, hosting.Crashed)
		if p.cages.created != made {
			t.Errorf("%s: started again before its pause was over", tt.command)
		}
	}
	label := p.app(t, func(a *hosting.App) { a.Code = "missing" })
	if st := p.wake(t, label, hosting.Crashed); !strings.Contains(st.Reason, "a fault on my side") {
		t.Errorf("code that is missing: %q", st.Reason)
	}
	// Something else in the slot starts at once.
	p.app(t)
	p.wake(t, label, hosting.Running)
}

// The pause after a crash doubles; its output is kept as plain text.
func TestCrashesPause(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	p := w.start(t)
	label := p.app(t, func(a *hosting.App) { a.Command = []string{"crash"} })
	for _, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
		st := p.wake(t, label, hosting.Crashed)
		if got := st.RetryAt.Sub(st.Since).Round(100 * time.Millisecond); got != want {
			t.Errorf("the pause is %s, want %s", got, want)
		}
		w.exec(t, `UPDATE hosted_app SET retry_at = now()`)
	}
	if got := output(t, p, label); got != "panic: no luck\n" {
		t.Errorf("its last words are %q", got)
	}
}

func (w *installation) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := w.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// output is what an app that does not run wrote last.
func output(t *testing.T, p *process, label string) string {
	t.Helper()
	var all strings.Builder
	if err := p.Output(t.Context(), label, func(text string) error {
		all.WriteString(text)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// An app that ends, or whose cage is killed, comes back with the next request and with
// its data.
func TestComesBackWithItsData(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	p := w.start(t)
	label := p.app(t)
	p.get(t, label, "/keep/note/hello")
	for name, end := range map[string]func(){
		"stopped": func() {
			if err := p.Stop(t.Context(), label); err != nil {
				t.Fatal(err)
			}
		},
		"ended": func() {
			p.get(t, label, "/say/x")
			conn, err := p.Dial(t.Context(), label)
			if err != nil {
				t.Fatal(err)
			}
			say(conn, "GET /exit HTTP/1.1\r\nHost: x\r\n\r\n")
			if _, err := io.Copy(io.Discard, conn); err != nil {
				t.Log(err)
			}
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		},
		"killed": func() {
			p.cages.kill()
		},
	} {
		p.wake(t, label, hosting.Running)
		end()
		w.await(t, `SELECT owner = '' FROM hosted_app`)
		w.exec(t, `UPDATE hosted_app SET retry_at = now()`)
		if got := p.get(t, label, "/kept/note"); got != "hello" {
			t.Errorf("%s: it kept %q", name, got)
		}
	}
}

// await waits until a query says true.
func (w *installation) await(t *testing.T, sql string, args ...any) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var yes bool
		if err := w.pool.QueryRow(t.Context(), sql, args...).Scan(&yes); err != nil {
			t.Fatal(err)
		}
		if yes {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", sql)
		}
	}
}

// A new version starts on the data, after the old one has stopped and saved them.
func TestPutReplaces(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	p, other := w.start(t), w.start(t)
	label := p.app(t)
	p.get(t, label, "/keep/note/old")
	// Put from the process that does not run it.
	if again := other.app(t, func(a *hosting.App) { a.Code = "v2" }); again != label {
		t.Errorf("the label changed from %s to %s", label, again)
	}
	for _, q := range []*process{p, other} {
		if got := q.get(t, label, "/") + " " + q.get(t, label, "/kept/note"); got != "two old" {
			t.Errorf("after the change it answers %q", got)
		}
	}
	// The same again changes nothing.
	made := p.cages.created + other.cages.created
	p.app(t, func(a *hosting.App) { a.Code = "v2" })
	p.wake(t, label, hosting.Running)
	if p.cages.created+other.cages.created != made {
		t.Error("putting the same again started it anew")
	}
	// Other data: a switch.
	p.app(t, func(a *hosting.App) { a.Code, a.Data = "v2", "sample" })
	if got := p.get(t, label, "/kept/note"); got != "nothing" {
		t.Errorf("on other data it kept %q", got)
	}
	p.app(t, func(a *hosting.App) { a.Code = "v2" })
	if got := p.get(t, label, "/kept/note"); got != "old" {
		t.Errorf("switched back it kept %q", got)
	}
	_, err := p.Put(t.Context(), hosting.App{Project: project, Slot: "early", Code: "v1", Command: []string{"serve"}, Data: "mine"})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("two apps on one data set: %v", err)
	}
}

func TestMost(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	p := w.start(t, func(c *hosting.Config) { c.Most = 2 })
	slot := func(name string) string {
		return p.app(t, func(a *hosting.App) { a.Slot, a.Data = name, name })
	}
	a, b, c := slot("a"), slot("b"), slot("c")
	p.wake(t, a, hosting.Running)
	p.wake(t, b, hosting.Running)
	p.wake(t, a, hosting.Running) // b was used least lately
	p.wake(t, c, hosting.Running)
	var running []string
	live, err := p.Live(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range live {
		running = append(running, l.Slot)
	}
	if len(running) != 2 || strings.Contains(fmt.Sprint(running), "b") {
		t.Errorf("running are %v", running)
	}
	// With all of them in use nobody is thrown out.
	for _, label := range []string{a, c} {
		conn, err := p.Dial(t.Context(), label)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close() //nolint:errcheck // a test
	}
	if st := p.wake(t, b, hosting.Refused); !strings.Contains(st.Reason, "As many apps run") {
		t.Errorf("the founder is told %q", st.Reason)
	}
}

func TestIdleStops(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	p := w.start(t, func(c *hosting.Config) { c.Idle = 50 * time.Millisecond })
	label := p.app(t)
	conn, err := p.Dial(t.Context(), label)
	if err != nil {
		t.Fatal(err)
	}
	// Used, however quiet: three beats pass.
	w.await(t, `SELECT lease_until - interval '7 seconds' > $1 FROM hosted_app`, time.Now().UTC())
	p.wake(t, label, hosting.Running)
	if p.cages.created != 1 {
		t.Error("an app in use was stopped")
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	w.await(t, `SELECT state = 'stopped' AND owner = '' FROM hosted_app`)
}

func TestRefused(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	none := w.start(t, func(c *hosting.Config) { c.Driver, c.Why = nil, "This computer cannot run apps." })
	label := none.app(t)
	if st := none.wake(t, label, hosting.Refused); st.Reason != "This computer cannot run apps." {
		t.Errorf("without a driver: %q", st.Reason)
	}
	p := w.start(t)
	p.cages.refuse = sandbox.Errorf(sandbox.Refused, "user namespaces are switched off").Because(errors.New("/host/path"))
	if st := p.wake(t, label, hosting.Refused); !strings.Contains(st.Reason, "user namespaces are switched off") || strings.Contains(st.Reason, "/host") {
		t.Errorf("a driver that refuses: %q", st.Reason)
	}
	p.cages.refuse = nil
	p.wake(t, label, hosting.Running)
	// A process that cannot run it itself leads to one that does.
	if got := none.get(t, label, "/"); got != "one" {
		t.Errorf("through a process without a driver: %q", got)
	}
}

func TestLiveAndRemove(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	p := w.start(t)
	label := p.app(t)
	p.wake(t, label, hosting.Running)
	w.await(t, `SELECT memory > 0 FROM hosted_app`)
	live, err := p.Live(t.Context())
	if err != nil || len(live) != 1 {
		t.Fatalf("live: %v, %v", live, err)
	}
	l := live[0]
	got := fmt.Sprintln(l.Label == label, l.Project == project, l.Machine, l.Standing.State, l.Memory, l.Disk, l.Processes, l.CPU)
	if want := "true true machine running 44040192 7340032 3 1.5s\n"; got != want {
		t.Errorf("live is %q, want %q", got, want)
	}
	if err := p.Remove(t.Context(), label); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Find(t.Context(), label); !fault.Is(err, fault.NotFound) {
		t.Errorf("after it was removed: %v", err)
	}
}

func TestOutputIsFollowed(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	p, other := w.start(t), w.start(t)
	label := p.app(t)
	p.wake(t, label, hosting.Running)
	for _, q := range []*process{p, other} {
		lines := make(chan string, 10)
		ended := make(chan error, 1)
		go func() {
			ended <- q.Output(t.Context(), label, func(text string) error {
				for line := range strings.Lines(text) {
					lines <- line
				}
				return nil
			})
		}()
		if got := <-lines; got != "listening\n" {
			t.Errorf("the first line is %q", got)
		}
		p.get(t, label, "/say/hello")
		if got := <-lines; got != "hello\n" {
			t.Errorf("the next line is %q", got)
		}
		if err := p.Stop(t.Context(), label); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Errorf("following ended with %v", err)
		}
		p.wake(t, label, hosting.Running)
	}
}

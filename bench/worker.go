package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"cofounder/bench/sample"
	"cofounder/internal/base/clock"
	"cofounder/internal/platform/flow"
)

// workName is the argument that makes this program one of the processes of p2, p8 and
// p12 that work on runs.
const workName = "work"

// duty is what such a process is told on its standard input, as one line of JSON. It
// says when it works, and does so until SIGTERM.
type duty struct {
	Address string // of the database
	Model   string // URL of a sample.Model; "" where nobody asks one
	Name    string // among the workers
	Slots   int
	Conns   int32         // to the database, at most
	Shift   time.Duration // how far its clock is off
	Newer   bool          // the sample graph as a later release has it
}

// shifted is a clock that is off.
type shifted time.Duration

// Now implements clock.Clock.
func (s shifted) Now() time.Time { return clock.System{}.Now().Add(time.Duration(s)) }

// workUntilTold is main of such a process. Ctrl-C reaches all of a terminal's processes; it
// is for the measurement, which then ends this one.
func workUntilTold(in io.Reader, out, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	signal.Ignore(os.Interrupt)
	return work(ctx, in, out, stderr)
}

func work(ctx context.Context, in io.Reader, out, stderr io.Writer) int {
	var d duty
	if err := json.NewDecoder(in).Decode(&d); err != nil {
		return fail(stderr, fmt.Errorf("work: nobody said how: %w", err))
	}
	w, err := sample.Open(ctx, sample.Config{
		DatabaseURL: d.Address, ModelURL: d.Model, Worker: d.Name, Slots: d.Slots, MaxConns: d.Conns,
		Clock: shifted(d.Shift), Newer: d.Newer,
		Log: slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return fail(stderr, err)
	}
	w.Engine.Register(chainKind, chainHandlers())
	w.Engine.Register(parkedKind, parkedHandlers())
	if err := w.Engine.Start(ctx); err != nil {
		return fail(stderr, errors.Join(err, w.Close(context.WithoutCancel(ctx))))
	}
	say(out, "ready")
	<-ctx.Done()
	if err := w.Close(context.WithoutCancel(ctx)); err != nil {
		return fail(stderr, err)
	}
	return 0
}

// Runs that ask no model. A chain does nothing, link after link; what is parked waits
// for an answer.
const (
	chainKind  flow.Kind = "chain"
	parkedKind flow.Kind = "parked"
	link                 = "link"
	arrive               = "arrive"
	depart               = "depart"
)

// chain is the input of such a run.
type chain struct {
	Links int
	Hold  time.Duration // of each
}

func chainHandlers() flow.Handlers {
	return flow.Handlers{link: func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
		var c chain
		var at int
		if err := errors.Join(n.RunInput(&c), n.Input(&at)); err != nil {
			return flow.Outcome{}, err
		}
		if c.Hold > 0 {
			pause(ctx, c.Hold)
		}
		if at+1 < c.Links {
			return flow.Go(flow.Next{Name: link, Input: at + 1}), nil
		}
		return flow.Done(at + 1), nil
	}}
}

// gate is the key of what a parked run waits for.
func gate(run flow.RunID) string { return "gate/" + string(run) }

func parkedHandlers() flow.Handlers {
	return flow.Handlers{
		arrive: func(_ context.Context, n *flow.Node) (flow.Outcome, error) {
			return flow.Await(flow.Wait{For: flow.ForDecision, Key: gate(n.Run)}, flow.Next{Name: depart}), nil
		},
		depart: func(context.Context, *flow.Node) (flow.Outcome, error) { return flow.Done(nil), nil },
	}
}

// worker is such a process, seen from outside.
type worker struct {
	duty
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has
	err   error         // of its end, once it has
	log   lastWords
}

// hire starts one and waits until it works, or until it is dead if it is to die early.
func hire(ctx context.Context, binary string, d duty, environ ...string) (*worker, error) {
	told, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	w := &worker{duty: d, cmd: exec.Command(binary, workName), ended: make(chan struct{})} //nolint:gosec,noctx // this program; it ends by signal
	w.cmd.Env, w.cmd.Stdin, w.cmd.Stderr = append(os.Environ(), environ...), strings.NewReader(string(told)), &w.log
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	if err := w.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	ready := make(chan struct{})
	go func() {
		defer close(w.ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if lines.Text() == "ready" {
				close(ready)
			}
		}
		w.err = w.cmd.Wait()
	}()
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case <-ready:
		return w, nil
	case <-w.ended:
		if w.killed() {
			return w, nil
		}
		return nil, fmt.Errorf("worker %s ended while starting: %w\n%s", d.Name, w.err, w.log.String())
	case <-limit.C:
		err = fmt.Errorf("worker %s did not start within %s\n%s", d.Name, startLimit, w.log.String())
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, errors.Join(err, w.kill())
}

// killed reports whether it has ended by SIGKILL. Ask once ended is closed.
func (w *worker) killed() bool {
	status, ok := w.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

func (w *worker) signal(s syscall.Signal) error {
	if err := w.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("send %s to worker %s: %w", s, w.Name, err)
	}
	return nil
}

// kill ends it whatever it does.
func (w *worker) kill() error {
	err := w.signal(syscall.SIGKILL)
	<-w.ended
	return err
}

// retire tells it to stop and waits for a good end.
func (w *worker) retire(ctx context.Context) error {
	if err := w.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-w.ended:
	case <-time.After(stopLimit + flowPatience):
		return errors.Join(fmt.Errorf("worker %s does not end", w.Name), w.kill())
	case <-ctx.Done():
		return errors.Join(ctx.Err(), w.kill())
	}
	if w.err != nil && !w.killed() {
		return fmt.Errorf("worker %s: %w\n%s", w.Name, w.err, w.log.String())
	}
	return nil
}

// flowPatience is how long a worker may finish what is paid for.
const flowPatience = time.Minute

// resident is the memory a process has in RAM, in bytes.
func (w *worker) resident() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("read memory of worker %s: %w", w.Name, err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kB, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kB << 10, err
		}
	}
	return 0, fmt.Errorf("worker %s has no VmRSS", w.Name)
}

// lastWords keeps the end of what a process logs.
type lastWords struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (l *lastWords) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	l.text = l.text[max(0, len(l.text)-4096):]
	return len(p), nil
}

func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/platform/config"
	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/egress"
	"cofounder/internal/platform/sandbox/ns"
	"cofounder/internal/product/option"

	"golang.org/x/net/http/httpproxy"
)

// openCages makes what runs generated code. Nothing is tried yet: lookAtCages does.
func (a *App) openCages() error {
	driver, err := ns.Open(ns.Config{Dir: filepath.Join(a.cfg.Data.Dir, cagesFolder), Clock: clock.System{}, Log: a.log})
	if err != nil {
		return fmt.Errorf("prepare cages: %w", err)
	}
	a.cages = driver
	toProxy := httpproxy.FromEnvironment().ProxyFunc()
	a.Packages, err = egress.New(egress.Config{
		Registries: egress.Discover, Hosts: a.cfg.Cages.PackageHosts, Private: a.cfg.Cages.PackageNetworks,
		Proxy: toProxy, Clock: clock.System{}, Log: a.log,
	})
	return err
}

// beginLooking finds out in the background what this machine can do. It may be called
// twice; closeApps ends it.
func (a *App) beginLooking(ctx context.Context) {
	a.look.begin.Do(func() {
		looking, end := context.WithCancel(ctx)
		a.look.end = end
		a.look.wait.Go(func() { a.lookAtCages(looking) })
	})
}

// looking is what finds out about cages, and then warms caches.
type looking struct {
	begin sync.Once
	end   context.CancelFunc
	wait  sync.WaitGroup
}

// stop ends it and waits. It may be called many times, and before it began.
func (l *looking) stop() {
	l.begin.Do(func() {})
	if l.end != nil {
		l.end()
	}
	l.wait.Wait()
}

// lookAtCages removes what cages of processes that were killed left, finds out what
// this machine can do, and then has ready what every build needs.
func (a *App) lookAtCages(ctx context.Context) {
	if a.cages == nil {
		a.machine.cages.set(sandbox.Report{}, sandbox.Errorf(sandbox.Refused, strangersCode))
		return
	}
	if err := a.cages.Sweep(ctx); err != nil {
		a.log.WarnContext(ctx, "something is left of old cages", "err", err)
	}
	report, err := a.cages.Probe(ctx)
	if ctx.Err() != nil {
		return
	}
	a.machine.cages.set(report, err)
	if err != nil {
		a.log.WarnContext(ctx, "code cannot be run here", "err", err)
		return
	}
	a.log.InfoContext(ctx, "code runs in cages", "driver", report.Driver, "weak", len(report.Weak()), "missing_tools", names(report.Lacking()))
	if a.cfg.Cages.Warm && a.cfg.Process.Has(config.Worker) {
		a.warmCaches(ctx, report)
	}
}

// warmCaches compiles ahead what cages would compile again each time. It may take
// minutes, in which builds work, only slower.
func (a *App) warmCaches(ctx context.Context, report sandbox.Report) {
	if !report.Has("go") {
		return
	}
	a.machine.cages.warm(warming)
	began := a.clock.Now()
	err := a.cages.Warm(ctx, sandbox.CompileGo(nil))
	switch {
	case ctx.Err() != nil:
	case err != nil:
		a.machine.cages.warm(cold)
		a.log.WarnContext(ctx, "caches could not be warmed; builds are slower for it", "err", err)
	default:
		a.machine.cages.warm(warm)
		a.log.InfoContext(ctx, "caches are warm", "took", a.clock.Now().Sub(began))
	}
}

// warmth is how far caches are.
type warmth uint8

const (
	cold warmth = iota
	warming
	warm
)

// living returns what lists cages; nil where nothing is run.
func (a *App) living() func(context.Context) []sandbox.Living {
	if a.cages == nil {
		return nil
	}
	return a.cages.Living
}

// cageState is what is known about cages so far.
type cageState struct {
	known chan struct{} // closed when report or err is set

	mu     sync.Mutex
	report sandbox.Report
	err    error
	caches warmth
}

func newCageState() *cageState { return &cageState{known: make(chan struct{})} }

// set says what came out. It is called once.
func (s *cageState) set(report sandbox.Report, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report, s.err = report, err
	close(s.known)
}

func (s *cageState) warm(w warmth) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.caches = w
}

// get returns an error that matches errTrying while nothing is known.
func (s *cageState) get() (report sandbox.Report, caches warmth, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.known:
		return s.report, s.caches, s.err
	default:
		return sandbox.Report{}, cold, errTrying
	}
}

var errTrying = errors.New("cages are being tried out")

// await returns when it is known, or time is up.
func (s *cageState) await(ctx context.Context, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	select {
	case <-s.known:
	case <-ctx.Done():
	}
}

// stacks tells what products can be made with here: all while it is not known, since what
// is built later finds out.
func (m *machine) stacks() []option.Stack {
	report, _, err := m.cages.get()
	if err != nil && len(report.Tools) == 0 {
		return option.Stacks()
	}
	return stacksWith(report.Tools)
}

// stacksWith are the stacks whose tools are there; pages alone need none.
func stacksWith(tools []sandbox.Tool) []option.Stack {
	return slices.DeleteFunc(option.Stacks(), func(s option.Stack) bool {
		return s != option.Static && !slices.ContainsFunc(tools, func(t sandbox.Tool) bool { return t.Name == string(s) && t.Path != "" })
	})
}

// names lists tools in a sentence.
func names(tools []sandbox.Tool) string {
	var all []string
	for _, t := range tools {
		all = append(all, t.Name)
	}
	return strings.Join(all, ", ")
}

// plain returns what an error of a cage says to people.
func plain(err error) string {
	if e, ok := errors.AsType[*sandbox.Error](err); ok {
		return e.Detail
	}
	return err.Error()
}

// cages builds one and says what holds it. It uses a folder of its own, since there
// may be no data folder yet, and leaves nothing.
func (d *doctor) cages(ctx context.Context) (all []finding) {
	dir, err := os.MkdirTemp("", "cofounder-doctor-")
	if err != nil {
		return []finding{{what: "cage", verdict: warning, says: err.Error()}}
	}
	driver, err := ns.Open(ns.Config{Dir: filepath.Join(dir, "cages"), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return []finding{{what: "cage", verdict: warning, says: err.Error()}}
	}
	report, err := driver.Probe(ctx)
	d.tried.set(report, err)
	if err != nil {
		all = append(all, finding{what: "cage", verdict: warning, says: plain(err)})
	} else {
		all = append(all, cageFindings(report)...)
	}
	all = append(all, toolFindings(report)...)
	if report.Has("go") {
		all = append(all, d.caches(ctx))
	}
	if err := errors.Join(driver.Close(context.WithoutCancel(ctx)), os.RemoveAll(dir)); err != nil {
		all = append(all, finding{what: "cage", verdict: warning, says: "something is left: " + err.Error()})
	}
	return all
}

// caches says whether what every build needs is compiled ahead.
func (d *doctor) caches(ctx context.Context) finding {
	f := finding{what: "caches", verdict: fine, says: "cold: builds compile Go's standard library again each time"}
	f.do = "cofounder serve warms them in the background"
	if !d.cfg.Cages.Warm {
		f.do = "set COFOUNDER_WARM=true to have it done ahead, once"
	}
	dir := filepath.Join(d.cfg.Data.Dir, cagesFolder)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return f
	}
	driver, err := ns.Open(ns.Config{Dir: dir, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		var made bool
		if made, err = driver.Warmed(ctx, sandbox.CompileGo(nil)); made {
			f.says, f.do = "warm: Go's standard library is compiled ahead", ""
		}
		err = errors.Join(err, driver.Close(ctx))
	}
	if err != nil {
		f.verdict, f.says, f.do = warning, err.Error(), ""
	}
	return f
}

// cagesFolder is where cages are, in the data folder.
const cagesFolder = "cages"

// cageFindings says what a cage holds here and what it does not.
func cageFindings(report sandbox.Report) []finding {
	all := []finding{{
		what: "cage", verdict: fine,
		says: fmt.Sprintf("driver %s builds cages here; a cage %s", report.Driver, report.Isolation),
		do:   "good for one owner's own projects; a hole in the kernel would be a hole in the cage, so keep the system up to date",
	}}
	for _, p := range report.Promises {
		f := finding{what: "cage", verdict: fine, says: p.Name + " " + p.Strength.String() + ": " + p.How, do: p.Do}
		if p.Strength != sandbox.Enforced {
			f.verdict = warning
		}
		all = append(all, f)
	}
	return all
}

// toolFindings says what can be built with here.
func toolFindings(report sandbox.Report) []finding {
	var all []finding
	for _, t := range report.Tools {
		f := finding{what: "tool " + t.Name, verdict: fine, says: t.Version + " (" + t.Path + ")"}
		if t.Path == "" {
			f.verdict, f.says, f.do = warning, "is not here", t.Do
		}
		all = append(all, f)
	}
	return all
}

// packages says what may be fetched from while an app is built.
func (d *doctor) packages(ctx context.Context) []finding {
	var all []finding
	for _, r := range egress.Discover(ctx) {
		f := finding{what: "packages " + r.Client, verdict: fine, says: "from " + strings.Join(r.Hosts, ", ")}
		if r.Note != "" {
			f.verdict, f.says, f.do = warning, r.Note, "configure "+r.Client+" with an https address, or name one in COFOUNDER_PACKAGE_HOSTS"
		}
		all = append(all, f)
	}
	if more := d.cfg.Cages.PackageHosts; len(more) > 0 {
		all = append(all, finding{what: "packages", verdict: fine, says: "also from " + strings.Join(more, ", ")})
	}
	return all
}

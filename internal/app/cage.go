package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"cofounder/internal/base/clock"
	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/egress"
	"cofounder/internal/platform/sandbox/ns"
	"cofounder/internal/product/option"

	"golang.org/x/net/http/httpproxy"
)

// openCages makes what runs generated code. Nothing is tried yet: lookAtCages does.
func (a *App) openCages() error {
	driver, err := ns.Open(ns.Config{Dir: filepath.Join(a.cfg.Data.Dir, "cages"), Clock: clock.System{}, Log: a.log})
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

// lookAtCages removes what cages of processes that were killed left, and finds out
// what this machine can do.
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
}

// cageState is what is known about cages so far.
type cageState struct {
	mu     sync.Mutex
	known  bool
	report sandbox.Report
	err    error
}

func (s *cageState) set(report sandbox.Report, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known, s.report, s.err = true, report, err
}

func (s *cageState) get() (report sandbox.Report, known bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.report, s.known, s.err
}

// stacks tells what products can be made with here: all while it is not known, since what
// is built later finds out.
func (m *machine) stacks() []option.Stack {
	report, known, err := m.cages.get()
	if !known || err != nil && len(report.Tools) == 0 {
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
	if err := errors.Join(driver.Close(context.WithoutCancel(ctx)), os.RemoveAll(dir)); err != nil {
		all = append(all, finding{what: "cage", verdict: warning, says: "something is left: " + err.Error()})
	}
	return all
}

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

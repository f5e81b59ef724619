package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// order is what happens first when a process is to be replaced. Which of them it
// is on a given platform is disputed, so all must be harmless.
type order string

const (
	termFirst  order = "term-first"  // the balancer finds out by probing
	together   order = "together"    // deregistered and told at once
	drainFirst order = "drain-first" // told when nothing comes any more
)

func orders() []order { return []order{termFirst, together, drainFirst} }

// plan is how much of p12 to run.
type plan struct {
	restarts int // of one process, in each order
	control  int // restarts of the naive server
	rate     int // short requests a second
	probing  probing
	lameDuck time.Duration // probes × threshold + their time limit + margin
	slowly   time.Duration // how long a slow request takes to arrive
}

// whole is what the proof asks for. The times are a balancer's, scaled down, with a
// margin for a machine that does other things too.
func whole() plan {
	return plan{
		restarts: 24, control: 4, rate: 200, lameDuck: 3500 * time.Millisecond, slowly: 2 * time.Second,
		probing: probing{
			interval: time.Second, timeout: 500 * time.Millisecond, threshold: 2,
			lag: time.Second, drain: 3 * time.Second,
		},
	}
}

// p12 measures what visitors and runs notice of rolling restarts.
func p12(ctx context.Context, args []string, out io.Writer) (verdict, error) {
	p := whole()
	flags := flag.NewFlagSet("p12", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.IntVar(&p.restarts, "restarts", p.restarts, "restarts in each order")
	flags.IntVar(&p.rate, "rate", p.rate, "short requests a second")
	part := flags.String("part", "", "only requests, or only runs")
	if err := flags.Parse(args); err != nil {
		return verdict{}, err
	}
	say(out, "p12: two processes of cofounder serve behind a balancer that probes /readyz every %s, %d in a row; lame duck %s;", p.probing.interval, p.probing.threshold, p.lameDuck)
	say(out, "p12: %d requests/s (half API reads, a fifth pages, a third writes), 4 slow writes of %s, 8 event streams; load average %s", p.rate, p.slowly, loadAverage())
	var verdicts []verdict
	if *part != "runs" {
		results, err := p.all(ctx, &journal{out: out})
		if err != nil {
			return verdict{}, err
		}
		verdicts = append(verdicts, p.judge(results))
	}
	if *part != "requests" {
		found, err := p.withRuns(ctx, wholeRunning(), &journal{out: out})
		if err != nil {
			return verdict{}, err
		}
		verdicts = append(verdicts, found.judge())
	}
	say(out, "p12: load average at the end %s", loadAverage())
	return both(verdicts), nil
}

// both makes one verdict of several.
func both(verdicts []verdict) verdict {
	all := verdicts[0]
	for _, v := range verdicts[1:] {
		all.figures, all.targets, all.short = all.figures+"; "+v.figures, all.targets+"; "+v.targets, all.short || v.short
	}
	return all
}

// judge sums up. The control must fail, or the harness could not see failures.
func (p plan) judge(results []result) verdict {
	v := verdict{targets: fmt.Sprintf("0 failed, 0 lost in ≥ %d restarts each, naive > 0", p.restarts)}
	var figures []string
	for _, r := range results {
		figures = append(figures, fmt.Sprintf("%s %d restarts %d requests %d failed %d lost", r.name, r.restarts, r.requests, r.failed, r.lost))
		if r.control {
			v.short = v.short || r.failed == 0
			continue
		}
		v.short = v.short || r.failed > 0 || r.lost > 0 || r.restarts < p.restarts
	}
	v.figures = strings.Join(figures, ", ")
	return v
}

// result is one series of restarts.
type result struct {
	name             string
	control          bool
	restarts, lost   int
	requests, failed int64
}

// ground is the product, installed behind a balancer.
type ground struct {
	*site
	*installation
}

func (p plan) prepare(ctx context.Context, j *journal) (ground, error) {
	site, err := newSite(p.probing, j)
	if err != nil {
		return ground{}, err
	}
	begun := time.Now()
	in, err := install(ctx, site.url, p.lameDuck, 10*time.Second)
	if err != nil {
		site.close()
		return ground{}, err
	}
	j.say("p12: built in %.1f s", time.Since(begun).Seconds())
	return ground{site, in}, nil
}

func (g ground) clear(ctx context.Context, j *journal) {
	g.close()
	if err := g.remove(context.WithoutCancel(ctx)); err != nil {
		j.say("p12: not everything was cleaned up: %v", err)
	}
}

// withRuns measures the second half: two processes that serve and two that work are
// restarted while runs are at work.
func (p plan) withRuns(ctx context.Context, r running, j *journal) (found interrupted, err error) {
	g, err := p.prepare(ctx, j)
	if err != nil {
		return found, err
	}
	defer g.clear(ctx, j)
	f := &fleet{command: []string{g.binary, "serve", "--roles", "web"}, environ: g.environ, notes: func(line string) { j.say("p12: log: %s", line) }}
	s := &series{plan: p, site: g.site, fleet: f, journal: j, order: together, restarts: 2 * r.restarts, name: "runs"}
	defer func() { err = errors.Join(err, s.closeAll(ctx)) }()
	if err := s.open(ctx); err != nil {
		return found, err
	}
	return r.under(ctx, s, g.installation)
}

func (p plan) all(ctx context.Context, j *journal) ([]result, error) {
	var results []result
	naive, err := p.naive(ctx, j)
	if err != nil {
		return nil, fmt.Errorf("naive: %w", err)
	}
	g, err := p.prepare(ctx, j)
	if err != nil {
		return nil, err
	}
	defer g.clear(ctx, j)
	in, site := g.installation, g.site
	f := &fleet{command: []string{in.binary, "serve"}, environ: in.environ, notes: func(line string) { j.say("p12: log: %s", line) }}
	for _, o := range orders() {
		s := series{plan: p, site: site, fleet: f, journal: j, order: o, restarts: p.restarts, name: string(o)}
		if err := s.open(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", o, err), s.closeAll(ctx))
		}
		who, err := in.signIn(ctx, site.url)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", o, err), s.closeAll(ctx))
		}
		r, err := s.run(ctx, who)
		if err = errors.Join(err, s.closeAll(ctx)); err != nil {
			return nil, fmt.Errorf("%s: %w", o, err)
		}
		results = append(results, r)
	}
	return append(results, naive), nil
}

// naive is the positive control: the same harness, a server that knows nothing of
// signals, in the order that forgives least.
func (p plan) naive(ctx context.Context, j *journal) (result, error) {
	self, err := os.Executable()
	if err != nil {
		return result{}, fmt.Errorf("find this program: %w", err)
	}
	site, err := newSite(p.probing, &journal{out: io.Discard})
	if err != nil {
		return result{}, err
	}
	defer site.close()
	f := &fleet{command: []string{self, naiveName}, notes: func(line string) { j.say("p12: log: %s", line) }}
	s := series{plan: p, site: site, fleet: f, journal: j, order: termFirst, restarts: p.control, name: "naive", control: true}
	if err := s.open(ctx); err != nil {
		return result{}, errors.Join(err, s.closeAll(ctx))
	}
	r, err := s.run(ctx, visitor{})
	return r, errors.Join(err, s.closeAll(ctx))
}

// site is a balancer at an address.
type site struct {
	url      string
	balancer *balancer
	server   *http.Server
}

func newSite(cfg probing, j *journal) (*site, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed by close
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	b := &balancer{cfg: cfg, report: func(f failure) { j.say("p12: %s", f) }}
	s := &site{url: "http://localhost:" + port, balancer: b}
	s.server = &http.Server{Handler: b, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.server.Serve(l) }() //nolint:errcheck // it ends with close
	return s, nil
}

func (s *site) close() { _ = s.server.Close() } //nolint:errcheck // nobody is connected any more

// loadAverage is how busy the machine is, or nothing where it does not say.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// The targets of P17. The weight is what a page may weigh; scripts, styles and
// fonts are held to theirs by the tests of package web.
const (
	renderTarget = 20 * time.Millisecond
	pageBudget   = 10 << 10 // gzip
)

// p17 measures how long the server takes for a page under load. It is measured
// from outside, from sending the request to the last byte of the answer, so it is
// an upper bound of the rendering.
func p17(ctx context.Context, args []string, out io.Writer) (verdict, error) {
	rate, lasting := 50, 30*time.Second
	flags := flag.NewFlagSet("p17", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.IntVar(&rate, "rate", rate, "pages a second")
	flags.DurationVar(&lasting, "for", lasting, "how long")
	if err := flags.Parse(args); err != nil {
		return verdict{}, err
	}
	say(out, "p17: one process of cofounder serve, its pages in turn at %d/s for %s; load average %s", rate, lasting, loadAverage())
	w, err := openWing(ctx, &journal{out: out})
	if err != nil {
		return verdict{}, err
	}
	pages, err := w.pages(ctx)
	if err == nil {
		err = w.read(ctx, pages, rate, lasting)
	}
	var slowest arrival
	if err == nil {
		slowest, err = w.slowest(ctx, pages[:3], out)
	}
	if err = errors.Join(err, w.close(ctx)); err != nil {
		return verdict{}, err
	}
	say(out, "p17: load average at the end %s", loadAverage())
	return sumUp(pages, slowest, rate, out), nil
}

// slowest loads pages in a browser on the slow profile and returns the worst
// medians.
func (w *wing) slowest(ctx context.Context, pages []*page, out io.Writer) (arrival, error) {
	var worst arrival
	for _, p := range pages {
		a, err := slowly(ctx, w.url+p.path, w.who.cookie)
		if err != nil {
			return arrival{}, err
		}
		say(out, "p17: %-22s slow profile (1.6 Mbit/s, 150 ms, processor ÷ 4), median of %d: first paint %s, interactive %s", p.name, slowLoads, a.paint, a.interactive)
		worst = arrival{max(worst.paint, a.paint), max(worst.interactive, a.interactive)}
	}
	return worst, nil
}

// sumUp prints each page and judges them together.
func sumUp(pages []*page, slowest arrival, rate int, out io.Writer) verdict {
	var all []time.Duration
	heaviest, failed := 0, 0
	for _, p := range pages {
		say(out, "p17: %-22s p50 %-7s p95 %-7s %5.1f KB gzip, %d requests, %d failed",
			p.name, quantileOf(p.took, .5), quantileOf(p.took, .95), float64(p.weight)/1024, len(p.took), p.failed)
		all = append(all, p.took...)
		heaviest, failed = max(heaviest, p.weight), failed+p.failed
	}
	p95 := quantileOf(all, .95)
	return verdict{
		figures: fmt.Sprintf("p95 %s of %d pages at %d/s, %d failed, heaviest %.1f KB gzip, slow profile first paint %s interactive %s",
			p95, len(all), rate, failed, float64(heaviest)/1024, slowest.paint, slowest.interactive),
		targets: fmt.Sprintf("p95 < %s, 0 failed, ≤ %d KB, first paint < %s, interactive < %s", renderTarget, pageBudget>>10, paintBudget, interactBudget),
		short: p95 >= renderTarget || failed > 0 || heaviest > pageBudget || len(all) == 0 ||
			slowest.paint >= paintBudget || slowest.interactive >= interactBudget,
	}
}

// quantileOf sorts its argument.
func quantileOf(took []time.Duration, q float64) time.Duration {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[int(q*float64(len(took)-1))].Round(100 * time.Microsecond)
}

// page is one page and what became of reading it.
type page struct {
	name, path string

	mu     sync.Mutex
	took   []time.Duration
	weight int // gzip, of the heaviest answer
	failed int
}

// wing is one server with a signed-in visitor.
type wing struct {
	*load
	in      *installation
	fleet   *fleet
	process *process
}

func openWing(ctx context.Context, j *journal) (*wing, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // only to find a free port
	if err != nil {
		return nil, fmt.Errorf("find a port: %w", err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err = errors.Join(err, l.Close()); err != nil {
		return nil, fmt.Errorf("find a port: %w", err)
	}
	url := "http://localhost:" + port
	in, err := install(ctx, url, 0, 5*time.Second)
	if err != nil {
		return nil, err
	}
	in.environ = append(in.environ, "COFOUNDER_ADDR=localhost:"+port)
	f := &fleet{command: []string{in.binary, "serve"}, environ: in.environ, notes: func(line string) { j.say("log: %s", line) }}
	w := &wing{in: in, fleet: f, load: &load{url: url, transport: &http.Transport{MaxIdleConnsPerHost: openAtMost, DisableCompression: true}}}
	if w.process, err = f.start(ctx); err == nil {
		w.who, err = in.signIn(ctx, url)
	}
	if err != nil {
		return nil, errors.Join(err, w.close(ctx))
	}
	return w, nil
}

func (w *wing) close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	var err error
	if w.process != nil {
		err = w.process.term(ctx)
	}
	return errors.Join(err, w.in.remove(ctx))
}

// pages makes a few projects, so that lists are not empty, and names the pages.
func (w *wing) pages(ctx context.Context) ([]*page, error) {
	for i := range 20 {
		if err := w.write(ctx, strings.NewReader(fmt.Sprintf(`{"idea":"A place where dog owners find a walker nearby, number %d"}`, i))); err != nil {
			return nil, err
		}
	}
	return []*page{
		{name: "projects", path: "/"},
		{name: "new idea", path: "/new"},
		{name: "project", path: "/p/" + w.made[0] + "/"},
		{name: "account", path: "/account"},
		{name: "team", path: "/team"},
		{name: "delete project", path: "/p/" + w.made[1] + "/delete"},
	}, nil
}

// visit asks for a page and reads it.
func (w *wing) visit(ctx context.Context, p *page) {
	begun := time.Now()
	text, err := w.do(ctx, http.MethodGet, p.path, nil, http.StatusOK)
	took := time.Since(begun)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.failed++
		return
	}
	p.took = append(p.took, took)
	p.weight = max(p.weight, weigh(text))
}

// read asks for the pages in turn, at the rate, without waiting for answers.
func (w *wing) read(ctx context.Context, pages []*page, rate int, lasting time.Duration) error {
	for _, p := range pages { // warm, and not counted
		w.visit(ctx, p)
		p.took = nil
	}
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	for n := range int(lasting.Seconds() * float64(rate)) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		wg.Go(func() { w.visit(ctx, pages[n%len(pages)]) })
	}
	return nil
}

// weigh returns the bytes of text as gzip.
func weigh(text []byte) int {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		panic(err) // a buffer takes everything
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Len()
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// probing is how a balancer watches its targets. The real one this stands for is
// an AWS Application Load Balancer.
type probing struct {
	interval  time.Duration
	timeout   time.Duration
	threshold int           // probes in a row that change a target's health
	lag       time.Duration // from a command to the balancer until it is heeded
	drain     time.Duration // deregistration delay: then open requests are cut
}

// health is a target's state as the balancer sees it.
type health int32

const (
	initial health = iota // not probed often enough yet
	healthy
	unhealthy
	draining // deregistered: no new requests
)

func (h health) String() string { return [...]string{"initial", "healthy", "unhealthy", "draining"}[h] }

// balancer spreads requests over its targets in turn. It never tries a request
// twice. With no healthy target it uses all there are (fail-open).
type balancer struct {
	cfg    probing
	report func(failure)

	mu      sync.Mutex
	targets []*target
	turn    int
}

// target is one process behind the balancer.
type target struct {
	addr    string
	health  atomic.Int32
	term    atomic.Int64 // when it got SIGTERM, in Unix nanoseconds; 0 before
	ready   chan struct{}
	proxy   *httputil.ReverseProxy
	pool    *http.Transport
	over    chan struct{} // closed by cut: what is still open ends
	cut     func()
	probing sync.WaitGroup
}

// failure is what is known of a request that went wrong, for the log.
type failure struct {
	what, target, state string
	sinceTerm           time.Duration // negative: no SIGTERM yet
	reused              bool          // the connection had been used before
	idle                time.Duration // how long it had been idle
	err                 error
}

func (f failure) String() string {
	since := "before any SIGTERM"
	if f.sinceTerm >= 0 {
		since = fmt.Sprintf("%.2f s after SIGTERM", f.sinceTerm.Seconds())
	}
	conn := "new connection"
	if f.reused {
		conn = fmt.Sprintf("connection reused after %s", f.idle.Round(time.Millisecond))
	}
	return fmt.Sprintf("failed: %s: %v; target %s %s, %s, %s", f.what, f.err, f.target, f.state, since, conn)
}

// register adds a target and begins to probe it. Its channel ready is closed the
// first time it is healthy.
func (b *balancer) register(ctx context.Context, addr string) *target {
	t := &target{addr: addr, ready: make(chan struct{}), over: make(chan struct{})}
	t.cut = sync.OnceFunc(func() { close(t.over) })
	t.pool = &http.Transport{MaxIdleConnsPerHost: 128, IdleConnTimeout: time.Minute, DisableCompression: true}
	to := &url.URL{Scheme: "http", Host: addr}
	t.proxy = &httputil.ReverseProxy{
		Transport:     &once{t.pool, b, t},
		FlushInterval: -1,
		ErrorLog:      slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.SetXForwarded()
			r.Out.Host = r.In.Host
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	b.mu.Lock()
	b.targets = append(b.targets, t)
	b.mu.Unlock()
	t.probing.Go(func() { b.probe(ctx, t) })
	return t
}

// remove forgets a target whose process is gone.
func (b *balancer) remove(t *target) {
	b.mu.Lock()
	for i, have := range b.targets {
		if have == t {
			b.targets = append(b.targets[:i], b.targets[i+1:]...)
			break
		}
	}
	b.mu.Unlock()
	t.cut()
	t.probing.Wait()
	t.pool.CloseIdleConnections()
}

// deregister is the command of that name: heeded after the lag, and after the
// delay what is still open is cut. It returns then.
func (b *balancer) deregister(ctx context.Context, t *target) {
	pause(ctx, b.cfg.lag)
	t.health.Store(int32(draining))
	pause(ctx, b.cfg.drain)
	t.cut()
}

// notice waits until probing has found out that a target is no longer healthy.
func (b *balancer) notice(ctx context.Context, t *target) {
	for health(t.health.Load()) == healthy && ctx.Err() == nil {
		pause(ctx, b.cfg.interval/10)
	}
}

// pause waits, but no longer than ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// probe asks for /readyz until the target is cut.
func (b *balancer) probe(ctx context.Context, t *target) {
	tick := time.NewTicker(b.cfg.interval)
	defer tick.Stop()
	client := http.Client{Timeout: b.cfg.timeout, Transport: &http.Transport{DisableKeepAlives: true}}
	passes, failures := 0, 0
	for {
		if t.answersReady(ctx, &client) {
			passes, failures = passes+1, 0
		} else {
			passes, failures = 0, failures+1
		}
		state := health(t.health.Load())
		switch {
		case state == draining:
			return
		case passes >= b.cfg.threshold && state != healthy:
			if t.health.CompareAndSwap(int32(state), int32(healthy)) && state == initial {
				close(t.ready)
			}
		case failures >= b.cfg.threshold && state == healthy:
			t.health.CompareAndSwap(int32(state), int32(unhealthy))
		}
		select {
		case <-tick.C:
		case <-t.over:
			return
		}
	}
}

func (t *target) answersReady(ctx context.Context, client *http.Client) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+t.addr+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	return res.Body.Close() == nil && res.StatusCode == http.StatusOK
}

// pick returns the next target, or nil when there is none.
func (b *balancer) pick() *target {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, wanted := range []func(health) bool{
		func(h health) bool { return h == healthy },
		func(h health) bool { return h != draining },
	} {
		for range b.targets {
			b.turn++
			if t := b.targets[b.turn%len(b.targets)]; wanted(health(t.health.Load())) {
				return t
			}
		}
	}
	return nil
}

// ServeHTTP implements http.Handler.
func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t := b.pick()
	if t == nil {
		b.report(failure{what: r.Method + " " + r.URL.Path, target: "none", state: "gone", sinceTerm: -1, err: errors.New("no target")})
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() {
		select {
		case <-t.over:
			cancel()
		case <-ctx.Done():
		}
	}()
	t.proxy.ServeHTTP(w, r.WithContext(ctx))
}

// once sends a request exactly once and reports what goes wrong. The standard
// library would try again on its own when a kept connection turns out closed and
// the request can be repeated; a body it cannot rewind stops it.
type once struct {
	pool *http.Transport
	b    *balancer
	t    *target
}

type unrepeatable struct{ io.Reader }

func (unrepeatable) Close() error { return nil }

func (o *once) RoundTrip(r *http.Request) (*http.Response, error) {
	f := failure{what: r.Method + " " + r.URL.Path, target: o.t.addr}
	trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { f.reused, f.idle = c.Reused, c.IdleTime }}
	ctx := httptrace.WithClientTrace(r.Context(), trace)
	r = r.WithContext(ctx)
	if r.Body == nil {
		r.Body = unrepeatable{http.NoBody}
	}
	r.GetBody = nil
	failed := func(err error) {
		if ctx.Err() != nil {
			return // the client left, or the delay of a deregistration is over
		}
		f.state, f.sinceTerm, f.err = health(o.t.health.Load()).String(), -1, err
		if term := o.t.term.Load(); term > 0 {
			f.sinceTerm = time.Since(time.Unix(0, term))
		}
		o.b.report(f)
	}
	res, err := o.pool.RoundTrip(r)
	if err != nil {
		failed(err)
		return nil, err
	}
	if res.StatusCode >= http.StatusInternalServerError {
		failed(errors.New(res.Status))
	}
	res.Body = watched{res.Body, failed}
	return res, nil
}

// watched reports an answer that breaks off.
type watched struct {
	io.ReadCloser
	failed func(error)
}

func (w watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.failed(err)
	}
	return n, err
}

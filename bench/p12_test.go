package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	// The program under test is built by the test; this makes the test cache know
	// what it is made of.
	_ "cofounder/internal/app"
	"cofounder/internal/platform/db/dbtest"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == naiveName {
		os.Exit(naive(os.Stderr))
	}
	if len(os.Args) > 1 && os.Args[1] == spenderName {
		os.Exit(spend(context.Background(), os.Stdin, os.Stdout, os.Stderr))
	}
	if len(os.Args) > 1 && os.Args[1] == workName {
		os.Exit(workUntilTold(os.Stdin, os.Stdout, os.Stderr))
	}
	dbtest.Main(m)
}

// TestRollingRestart is p12 in small: one restart in each order with probes four
// times as fast.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	p := plan{
		restarts: 1, control: 2, rate: 50, lameDuck: 1500 * time.Millisecond, slowly: 500 * time.Millisecond,
		probing: probing{
			interval: 250 * time.Millisecond, timeout: 500 * time.Millisecond, threshold: 2,
			lag: 250 * time.Millisecond, drain: time.Second,
		},
	}
	results, err := p.all(t.Context(), &journal{out: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	if v := p.judge(results); v.short {
		t.Error(v)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	good := func() []result {
		return []result{
			{name: "term-first", restarts: 24, requests: 1000},
			{name: "drain-first", restarts: 24, requests: 1000},
			{name: "naive", control: true, restarts: 4, requests: 100, failed: 7},
		}
	}
	for _, c := range []struct {
		name   string
		change func([]result)
		want   bool
	}{
		{"all well", func([]result) {}, false},
		{"one failed", func(r []result) { r[1].failed = 1 }, true},
		{"one lost", func(r []result) { r[0].lost = 1 }, true},
		{"too few", func(r []result) { r[0].restarts = 23 }, true},
		{"a control that shows nothing", func(r []result) { r[2].failed = 0 }, true},
	} {
		results := good()
		c.change(results)
		v := plan{restarts: 24}.judge(results)
		if v.short != c.want || strings.HasSuffix(v.String(), " short") != c.want {
			t.Errorf("%s: %s, want short %t", c.name, v, c.want)
		}
	}
}

// TestBalancerDoesNotRepeat proves that a kept connection that turns out closed
// is a failure and not a second try: the fault that restarts make.
func TestBalancerDoesNotRepeat(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	go answerOnce(l)
	reports := make(chan failure, 10)
	b := &balancer{cfg: probing{interval: time.Hour, timeout: time.Second, threshold: 1}, report: func(f failure) { reports <- f }}
	target := b.register(t.Context(), l.Addr().String())
	defer b.remove(target)
	<-target.ready
	front := httptest.NewServer(b)
	t.Cleanup(front.Close)
	get := func() int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, front.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode
	}
	if got := get(); got != http.StatusOK {
		t.Fatalf("first request = %d, want 200", got)
	}
	if got := get(); got != http.StatusBadGateway {
		t.Errorf("request on a connection that was closed = %d, want 502", got)
	}
	f := <-reports
	if !f.reused || f.state != "healthy" || f.sinceTerm >= 0 {
		t.Errorf("report = %s, want a reused connection to a healthy target before any SIGTERM", f)
	}
}

// answerOnce answers the first request of each connection, promises to keep it,
// and closes it upon the second.
func answerOnce(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close() //nolint:errcheck // closing is the point
			r := bufio.NewReader(conn)
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
				return
			}
			if _, err := r.ReadByte(); err != nil {
				return // nobody came back
			}
		}()
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, args string
		want       int
		rest       string
	}{
		{"all", "", len(measurements()), ""},
		{"all with a flag", "-rate 5", len(measurements()), "-rate 5"},
		{"one", "p12", 1, ""},
		{"one with flags", "p12 -rate 5", 1, "-rate 5"},
		{"none of ours", "p99", 0, ""},
	} {
		got, rest := choose(strings.Fields(c.args))
		if len(got) != c.want || strings.Join(rest, " ") != c.rest {
			t.Errorf("%s: %d and %q, want %d and %q", c.name, len(got), rest, c.want, c.rest)
		}
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out strings.Builder
	if code := run(ctx, []string{"p12"}, &out); code == 0 || strings.HasSuffix(out.String(), " ok\n") {
		t.Errorf("an interrupted measurement says %q, exit code %d", out.String(), code)
	}
}

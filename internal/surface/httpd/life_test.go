package httpd_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cofounder/internal/surface/httpd"
)

// waiting is a handler that says when it was entered and waits to be let go.
type waiting struct {
	entered chan context.Context
	release chan struct{}
}

func newWaiting() *waiting {
	return &waiting{entered: make(chan context.Context, 1), release: make(chan struct{})}
}

func (h *waiting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	httpd.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		h.entered <- r.Context()
		select {
		case <-h.release:
			return ok(w, r)
		case <-r.Context().Done():
			return r.Context().Err()
		}
	}).ServeHTTP(w, r)
}

// result of a request made in the background.
type result struct {
	answer
	err error
}

// start sends a GET in the background.
func (p *piped) start(ctx context.Context, path string) <-chan result {
	done := make(chan result, 1)
	go func() {
		transport := http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return p.listener.dial(ctx) }}
		defer transport.CloseIdleConnections()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+path, nil)
		if err != nil {
			done <- result{err: err}
			return
		}
		res, err := transport.RoundTrip(req)
		if err != nil {
			done <- result{err: err}
			return
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		done <- result{answer{res, string(text)}, err}
	}()
	return done
}

// TestStopSequence walks through a shutdown on a clock that stands still between
// the steps.
func TestStopSequence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := newWaiting()
		mux := echo()
		mux.Handle("GET /slow", slow)
		p := prepared(t, mux, func(cfg *httpd.Config) { cfg.LameDuck, cfg.Drain = 20*time.Second, 85*time.Second }).pipe(t)

		if got := p.get(t, "/readyz"); got.StatusCode != http.StatusOK {
			t.Fatalf("/readyz = %d before the signal, want 200", got.StatusCode)
		}
		inFlight := p.start(t.Context(), "/slow")
		ctx := <-slow.entered
		begun := time.Now()
		p.stop()
		synctest.Wait()

		if got := p.get(t, "/readyz"); got.StatusCode != http.StatusServiceUnavailable || !strings.Contains(got.text, "draining") {
			t.Errorf("/readyz = %d %s after the signal, want 503 draining", got.StatusCode, got.text)
		}
		if got := p.get(t, "/livez"); got.StatusCode != http.StatusOK {
			t.Errorf("/livez = %d after the signal, want 200", got.StatusCode)
		}
		<-time.After(19 * time.Second)
		if got := p.get(t, "/"); got.StatusCode != http.StatusOK || !got.Close {
			t.Errorf("answer in the lame duck = %d, Connection: close %t; want 200 and true", got.StatusCode, got.Close)
		}
		select {
		case <-httpd.Draining(ctx):
			t.Error("streams are told to end before the lame duck is over")
		default:
		}
		if ctx.Err() != nil {
			t.Error("the request in flight was cancelled by the signal")
		}
		<-time.After(2 * time.Second)
		select {
		case <-httpd.Draining(ctx):
		default:
			t.Error("streams are not told to end after the lame duck")
		}
		if res := <-p.start(t.Context(), "/"); res.err == nil {
			t.Errorf("a new connection is answered with %d while draining", res.StatusCode)
		}
		close(slow.release)
		if res := <-inFlight; res.err != nil || res.text != "ok" || !res.Close {
			t.Errorf("the request in flight got %q, %v; want its answer and Connection: close", res.text, res.err)
		}
		if err := <-p.done; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		if took := time.Since(begun); took < 20*time.Second || took > 24*time.Second {
			t.Errorf("the stop took %s, want the lame duck and little more", took)
		}
	})
}

func TestDrainLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := newWaiting()
		p := prepared(t, slow, func(cfg *httpd.Config) { cfg.Drain = 5 * time.Second }).pipe(t)
		inFlight := p.start(t.Context(), "/")
		ctx := <-slow.entered
		begun := time.Now()
		p.stop()
		err := <-p.done
		if err == nil || !strings.Contains(err.Error(), "did not finish") {
			t.Errorf("Run = %v, want a word about the request that was cut", err)
		}
		if took := time.Since(begun); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("the stop took %s, want the drain limit", took)
		}
		if ctx.Err() == nil {
			t.Error("the request still runs after Run returned")
		}
		if res := <-inFlight; res.err == nil {
			t.Errorf("the request in flight got %q", res.text)
		}
	})
}

func TestAbort(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		signal bool
		after  time.Duration
	}{
		{"without a signal", false, 0},
		{"in the lame duck", true, time.Second},
		{"while draining", true, 25 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				slow := newWaiting()
				p := prepared(t, slow, func(cfg *httpd.Config) { cfg.LameDuck, cfg.Drain = 20*time.Second, 85*time.Second }).pipe(t)
				inFlight := p.start(t.Context(), "/")
				ctx := <-slow.entered
				if c.signal {
					p.stop()
				}
				<-time.After(c.after)
				begun := time.Now()
				p.Abort()
				p.Abort()
				if err := <-p.done; err == nil || !strings.Contains(err.Error(), "at once") {
					t.Errorf("Run = %v, want a word about stopping at once", err)
				}
				if took := time.Since(begun); took > 100*time.Millisecond {
					t.Errorf("stopping at once took %s", took)
				}
				if ctx.Err() == nil {
					t.Error("the request still runs after Run returned")
				}
				<-inFlight
			})
		})
	}
}

func TestRequestTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := newWaiting()
		p := prepared(t, slow, nil).pipe(t)
		begun := time.Now()
		res := <-p.start(t.Context(), "/")
		if res.err != nil || res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(res.text, "took_too_long") || res.Header.Get("Retry-After") == "" {
			t.Errorf("answer = %+v %v, want 503 took_too_long", res.text, res.err)
		}
		if took := time.Since(begun); took != 30*time.Second {
			t.Errorf("the request was ended after %s, want 30 s", took)
		}
		if len(p.log.lines("ERROR request failed", "code=took_too_long")) != 1 {
			t.Errorf("no line about it:\n%s", p.log)
		}
	})
}

func TestClientGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := newWaiting()
		p := prepared(t, slow, nil).pipe(t)
		ctx, leave := context.WithCancel(t.Context())
		gone := p.start(ctx, "/")
		seen := <-slow.entered
		leave()
		<-gone
		<-seen.Done()
		synctest.Wait()
		if len(p.log.lines("INFO  client went away")) != 1 || len(p.log.lines("ERROR")) != 0 {
			t.Errorf("want one calm line:\n%s", p.log)
		}
	})
}

// TestSlowClients proves that a header or body that trickles in ends.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		change     func(*httpd.Config)
		want       string // begins the answer
		after      time.Duration
	}{
		{"header, exposed", "GET / HTTP/1.1\r\nHost: loc", nil, "", 10 * time.Second},
		{"header, behind a proxy", "GET / HTTP/1.1\r\nHost: loc", trusting, "", 120 * time.Second},
		{"nothing at all", "", nil, "", 10 * time.Second},
		{"body", "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc", nil, "HTTP/1.1 503 ", 31 * time.Second},
		{"idle after a request", "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", nil, "HTTP/1.1 200 ", 120 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := prepared(t, echo(), c.change).pipe(t)
				conn, err := p.listener.dial(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				begun := time.Now()
				go func() { _, _ = io.WriteString(conn, c.text) }() //nolint:errcheck // the server may stop reading
				got, err := io.ReadAll(conn)
				if err != nil {
					t.Fatal(err)
				}
				if !strings.HasPrefix(string(got), c.want) || (c.want == "" && len(got) > 0) {
					t.Errorf("answer = %q, want it to begin %q", got, c.want)
				}
				if took := time.Since(begun).Round(time.Second); took != c.after {
					t.Errorf("the connection was closed after %s, want %s", took, c.after)
				}
			})
		})
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	both := prepared(t, echo(), nil).run(t)
	_, port, err := net.SplitHostPort(both.addr)
	if err != nil || !strings.HasPrefix(both.addr, "localhost:") {
		t.Fatalf("Listen = %q (%v), want localhost and a port", both.addr, err)
	}
	for _, host := range []string{"127.0.0.1", "::1"} {
		if host == "::1" && !hasIPv6(t) {
			continue
		}
		w := *both
		w.addr = net.JoinHostPort(host, port)
		if got := w.do(t, "GET", "/", ""); got.StatusCode != http.StatusOK {
			t.Errorf("%s answers %d, want 200", w.addr, got.StatusCode)
		}
	}
	var lc net.ListenConfig
	other, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAll(t, other) })
	go func() { // a program that is not us
		for {
			conn, err := other.Accept()
			if err != nil {
				return
			}
			if _, err := io.WriteString(conn, "220 smtp ready\r\n"); err != nil {
				t.Error(err)
			}
			closeAll(t, conn)
		}
	}()
	for _, c := range []struct{ name, addr, want string }{
		{"taken by us", both.addr, "in use by another cofounder: stop it, or choose another port with COFOUNDER_ADDR (for example localhost:" + next(t, port)},
		{"taken by another", other.Addr().String(), "in use by another program: stop it"},
		{"not ours", "192.0.2.1:0", "192.0.2.1:0 is not an address of this computer: correct COFOUNDER_ADDR"},
		{"no port", "localhost", "read address localhost"},
	} {
		s := prepared(t, echo(), func(cfg *httpd.Config) { cfg.Addr = c.addr })
		if _, err := s.Listen(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Listen(%s) = %v, want %q", c.name, c.addr, err, c.want)
		}
	}
}

func next(t *testing.T, port string) string {
	t.Helper()
	var n int
	if _, err := fmt.Sscan(port, &n); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(n + 1)
}

func hasIPv6(t *testing.T) bool {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "[::1]:0")
	if err != nil {
		return false
	}
	return l.Close() == nil
}

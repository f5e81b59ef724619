package httpd_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/telemetry"
	"cofounder/internal/surface/httpd"
)

// logged is a log that can be read while it is written.
type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// lines returns the lines that hold all of these.
func (l *logged) lines(words ...string) []string {
	var found []string
	for line := range strings.Lines(l.String()) {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			found = append(found, line)
		}
	}
	return found
}

// world is a server on free loopback ports.
type world struct {
	*httpd.Server
	addr string
	log  *logged
	stop context.CancelFunc // the signal
	done chan error         // Run's result
}

// settings are a Config for tests; change may be nil.
func settings(log *logged, change func(*httpd.Config)) httpd.Config {
	cfg := httpd.Config{
		Addr:      "localhost:0",
		PublicURL: &url.URL{Scheme: "http", Host: "localhost:8080"},
		Drain:     10 * time.Second,
		IDs:       id.NewSource(clock.System{}.Now),
		Log:       telemetry.NewLogger(log, telemetry.Readable, slog.LevelDebug),
	}
	if change != nil {
		change(&cfg)
	}
	return cfg
}

// prepared makes a server that does not run yet.
func prepared(t *testing.T, app http.Handler, change func(*httpd.Config)) *world {
	t.Helper()
	log := &logged{}
	s, err := httpd.New(settings(log, change), app)
	if err != nil {
		t.Fatal(err)
	}
	return &world{Server: s, log: log, done: make(chan error, 1)}
}

// run starts the server and ends it with the test.
func (w *world) run(t *testing.T) *world {
	t.Helper()
	addr, err := w.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.addr = addr
	ctx, stop := context.WithCancel(t.Context())
	w.stop = stop
	go func() {
		err := w.Run(ctx)
		w.done <- err
		close(w.done)
	}()
	t.Cleanup(func() {
		w.Abort()
		for range w.done { // until it is closed
		}
	})
	return w
}

// stopped sends the signal and waits for a good end.
func (w *world) stopped(t *testing.T) {
	t.Helper()
	w.stop()
	if err := <-w.done; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

// trusting believes anyone on this computer.
func trusting(cfg *httpd.Config) {
	cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// answer is a response read to its end.
type answer struct {
	*http.Response
	text string
}

// do sends one request on a connection of its own. Header pairs follow; Host
// among them sets the request's host.
func (w *world) do(t *testing.T, method, path, body string, pairs ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+w.addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == "Host" {
			req.Host = pairs[i+1]
		}
		req.Header.Add(pairs[i], pairs[i+1])
	}
	client := http.Transport{DisableKeepAlives: true}
	res, err := client.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res, string(text)}
}

// raw sends bytes as they are and reads the first answer.
func (w *world) raw(t *testing.T, text string) answer {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAll(t, conn) })
	// The server may answer and close before it has read everything.
	go func() { _, _ = io.WriteString(conn, text) }() //nolint:errcheck // that is what is tested
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res, string(body)}
}

// ok answers with "ok".
func ok(w http.ResponseWriter, _ *http.Request) error { return say(w, "ok") }

// say answers with text.
func say(w http.ResponseWriter, text string) error {
	_, err := io.WriteString(w, text)
	return err
}

// pipes is a listener without a network, so that synctest's clock rules.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// piped is a world inside a synctest bubble.
type piped struct {
	*world
	listener *pipes
}

// pipe is run without a network.
func (w *world) pipe(t *testing.T) *piped {
	t.Helper()
	p := &piped{w, newPipes()}
	w.UseListener(p.listener)
	w.run(t)
	return p
}

// get sends one request on a connection of its own.
func (p *piped) get(t *testing.T, path string) answer {
	t.Helper()
	transport := http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return p.listener.dial(ctx) },
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res, string(text)}
}

// recorded is what h answers to a plain GET.
func recorded(t *testing.T, h http.Handler) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	return w.Body.String()
}

// closeAll closes what a test opened.
func closeAll(t *testing.T, closers ...io.Closer) {
	t.Helper()
	for _, c := range closers {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

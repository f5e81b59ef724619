package preview_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/hosting"
	"cofounder/internal/platform/seal"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/preview"
)

// world is a server with one product and one preview site at the same address, over
// apps that are real HTTP servers.
type world struct {
	site  *preview.Site
	apps  *apps
	clock *clock.Manual
	addr  string // of the server
	port  string
}

// apps are servers by label, and how they stand.
type apps struct {
	mu       sync.Mutex
	addr     map[string]string
	standing map[string]hosting.Standing
	waked    map[string]int
	denied   map[string]error // by label and viewer
	asked    int
}

func (a *apps) Wake(ctx context.Context, label string) (hosting.Standing, error) {
	a.mu.Lock()
	a.waked[label]++
	st, ok := a.standing[label]
	a.mu.Unlock()
	if !ok {
		return hosting.Standing{}, fault.New(fault.NotFound, "", "no app")
	}
	if st.State == hosting.Starting {
		<-ctx.Done()
	}
	return st, nil
}

func (a *apps) Dial(ctx context.Context, label string) (net.Conn, error) {
	a.mu.Lock()
	addr := a.addr[label]
	a.mu.Unlock()
	return new(net.Dialer).DialContext(ctx, "tcp", addr)
}

func (a *apps) set(label string, st hosting.Standing) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.standing[label] = st
}

// admit is the product's word: anna may see everything there is, others what the
// test says.
func (a *apps) admit(_ context.Context, label, viewer string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	if _, ok := a.standing[label]; !ok {
		return fault.New(fault.NotFound, "", "There is no app at this address.")
	}
	if err, ok := a.denied[label+" "+viewer]; ok {
		return err
	}
	if viewer == "" {
		return fault.New(fault.Unauthenticated, "", "Please sign in.")
	}
	return nil
}

func (a *apps) deny(label, viewer string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.denied[label+" "+viewer] = err
}

// say answers; whoever left needs no answer.
func say(w io.Writer, text string) {
	_, _ = io.WriteString(w, text) //nolint:errcheck // see above
}

const product = "the product"

func newWorld(t *testing.T) *world {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		clock: clock.NewManual(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)), addr: l.Addr().String(), port: port,
		apps: &apps{addr: map[string]string{}, standing: map[string]hosting.Standing{}, waked: map[string]int{}, denied: map[string]error{}},
	}
	box, err := seal.New(strings.Repeat("s", seal.MinSecret))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	home := &url.URL{Scheme: "http", Host: "localhost:" + port}
	w.site, err = preview.New(preview.Config{
		Apps: w.apps, Admit: w.apps.admit, Box: box, Clock: w.clock, Log: log,
		URL: &url.URL{Scheme: "http", Host: "preview.localhost:" + port}, Frames: []string{home.String()}, Home: home,
	})
	if err != nil {
		t.Fatal(err)
	}
	server, err := httpd.New(httpd.Config{
		Addr: w.addr, PublicURL: home, IDs: id.NewSource(w.clock.Now), Log: log,
		Sites: []httpd.Site{{Owns: w.site.Owns, Handler: w.site}},
	}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { say(w, product) }))
	if err != nil {
		t.Fatal(err)
	}
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: server.Handler()}}
	srv.Start()
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close(); w.site.Close() })
	return w
}

// app serves h under a label.
func (w *world) app(t *testing.T, label string, h http.Handler) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	w.apps.mu.Lock()
	defer w.apps.mu.Unlock()
	w.apps.addr[label] = srv.Listener.Addr().String()
	w.apps.standing[label] = hosting.Standing{State: hosting.Running}
}

// raw serves what answer writes, whatever that is, to one request a connection.
func (w *world) raw(t *testing.T, label, answer string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				say(c, answer)
			}
			if err := c.Close(); err != nil {
				t.Log(err)
			}
		}
	}()
	w.apps.mu.Lock()
	defer w.apps.mu.Unlock()
	w.apps.addr[label] = l.Addr().String()
	w.apps.standing[label] = hosting.Standing{State: hosting.Running}
}

// browser is a client with cookies that finds every host at the server, as browsers
// find names below localhost. It follows no redirect.
func (w *world) browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", w.addr)
	}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{
		Transport: tr, Jar: loopbackJar{jar},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// loopbackJar sends Secure cookies over plain http, as browsers do to this computer.
type loopbackJar struct{ http.CookieJar }

func (j loopbackJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	https := *u
	https.Scheme = "https"
	j.CookieJar.SetCookies(&https, cookies)
}

func (j loopbackJar) Cookies(u *url.URL) []*http.Cookie {
	https := *u
	https.Scheme = "https"
	return j.CookieJar.Cookies(&https)
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request with headers given as name, value and so on.
func do(t *testing.T, c *http.Client, method, address string, body io.Reader, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else {
			r.Header.Add(headers[i], headers[i+1])
		}
	}
	res, err := c.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, address, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, address, err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

// get opens an address as a page.
func get(t *testing.T, c *http.Client, address string, headers ...string) answer {
	t.Helper()
	return do(t, c, http.MethodGet, address, nil, append([]string{"Accept", "text/html"}, headers...)...)
}

// enter returns a browser that followed a link of viewer's.
func (w *world) enter(t *testing.T, label, viewer string, as preview.Showing) *http.Client {
	t.Helper()
	c := w.browser(t)
	if got := get(t, c, w.site.Link(label, viewer, as, "/")); got.status != http.StatusSeeOther {
		t.Fatalf("the link answered %d: %s", got.status, got.body)
	}
	return c
}

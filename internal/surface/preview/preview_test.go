package preview_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/hosting"
	"cofounder/internal/surface/preview"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/websocket"
)

func hello(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { say(w, text) })
}

func TestLinkLetsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app(t, "one", hello("app one"))
	w.app(t, "two", hello("app two"))
	for _, as := range []preview.Showing{preview.InTab, preview.InFrame} {
		c := w.browser(t)
		got := get(t, c, w.site.Link("one", "anna", as, "/list?q=1"))
		if got.status != http.StatusSeeOther || got.header.Get("Location") != "/list?q=1" {
			t.Fatalf("the link answered %d to %q: %s", got.status, got.header.Get("Location"), got.body)
		}
		if got := get(t, c, w.site.Origin("one")+"/list?q=1"); got.status != http.StatusOK || got.body != "app one" {
			t.Errorf("%s: the app answered %d %q", as, got.status, got.body)
		}
		if got := get(t, c, w.site.Origin("two")); got.status != http.StatusUnauthorized || strings.Contains(got.body, "app two") {
			t.Errorf("%s: another app answered %d %q", as, got.status, got.body)
		}
	}
	if got := get(t, w.browser(t), "http://localhost:"+w.port); got.body != product {
		t.Errorf("the product answered %q", got.body)
	}
}

// A frame's cookie is the only kind that survives on another site; a tab's keeps out
// of requests that other sites make.
func TestPassCookie(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app(t, "one", hello("app"))
	for as, want := range map[preview.Showing]string{
		preview.InFrame: "__Host-cofounder-frame Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=None; Partitioned",
		preview.InTab:   "__Host-cofounder-tab Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax",
	} {
		got := get(t, w.browser(t), w.site.Link("one", "anna", as, "/"))
		pair, rest, _ := strings.Cut(got.header.Get("Set-Cookie"), "; ")
		name, _, _ := strings.Cut(pair, "=")
		if diff := cmp.Diff(want, name+" "+rest); diff != "" {
			t.Errorf("%s (-want +got):\n%s", as, diff)
		}
	}
}

func TestLinkAndPassEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app(t, "one", hello("app"))
	link := w.site.Link("one", "anna", preview.InTab, "/")
	c := w.browser(t)
	get(t, c, link)
	w.clock.Advance(121 * time.Second)
	// Over for who comes with it now, and says how to get another.
	got := get(t, w.browser(t), link)
	if got.status != http.StatusUnauthorized || !strings.Contains(got.body, "two minutes") ||
		!strings.Contains(got.body, `href="http://localhost:`+w.port+`/apps/one"`) {
		t.Errorf("an old link answered %d: %s", got.status, got.body)
	}
	if got := get(t, w.browser(t), link, "Sec-Fetch-Dest", "iframe"); !strings.Contains(got.body, "Reload the page around this one") {
		t.Errorf("in a frame an old link says %s", got.body)
	}
	// Who has a pass goes on.
	if got := get(t, c, link); got.status != http.StatusSeeOther {
		t.Errorf("an old link with a pass answered %d", got.status)
	}
	w.clock.Advance(7 * time.Hour)
	if got := get(t, c, w.site.Origin("one")); got.status != http.StatusOK || got.header.Get("Set-Cookie") == "" {
		t.Errorf("after 7 h: %d, renewed %q", got.status, got.header.Get("Set-Cookie"))
	}
	w.clock.Advance(11 * time.Hour)
	if got := get(t, c, w.site.Origin("one")); got.status != http.StatusOK {
		t.Errorf("a renewed pass answered %d", got.status)
	}
	w.clock.Advance(13 * time.Hour)
	if got := get(t, c, w.site.Origin("one")+"/a?b=c"); got.status != http.StatusUnauthorized || !strings.Contains(got.body, "/apps/one?to=%2Fa%3Fb%3Dc") {
		t.Errorf("an unused pass answered %d: %s", got.status, got.body)
	}
}

// The product's word counts for each request; it may change at any time.
func TestProductDecides(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app(t, "one", hello("app"))
	c := w.enter(t, "one", "ben", preview.InTab)
	for _, tt := range []struct {
		name string
		err  error
		want int
	}{
		{"may not any more", fault.New(fault.Forbidden, "", "Only the team may see this."), http.StatusForbidden},
		{"signed out", fault.New(fault.Unauthenticated, "", "Please sign in."), http.StatusUnauthorized},
		{"the project is gone", fault.New(fault.NotFound, "", "No."), http.StatusNotFound},
		{"the share is over", fault.New(fault.Gone, "", "It ended on Monday."), http.StatusGone},
		{"nobody knows", io.ErrUnexpectedEOF, http.StatusInternalServerError},
	} {
		w.clock.Advance(6 * time.Second)
		w.apps.deny("one", "ben", tt.err)
		if got := get(t, c, w.site.Origin("one")); got.status != tt.want || strings.Contains(got.body, "unexpected EOF") {
			t.Errorf("%s: answered %d: %s", tt.name, got.status, got.body)
		}
	}
	w.apps.deny("one", "ben", nil)
	if got := get(t, c, w.site.Origin("one")); got.status != http.StatusOK {
		t.Errorf("a failure to decide was remembered: %d", got.status)
	}
	before := w.apps.asked
	for range 20 {
		get(t, c, w.site.Origin("one"))
	}
	if asked := w.apps.asked - before; asked > 0 {
		t.Errorf("the product was asked %d times within five seconds", asked)
	}
	w.apps.deny("one", "", nil) // an app for everybody
	if got := get(t, w.browser(t), w.site.Origin("one")); got.body != "app" {
		t.Errorf("an app that is open to all answered %d", got.status)
	}
}

func TestStandings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct {
		name     string
		standing hosting.Standing
		says     []string
		not      string
		after    string
	}{
		{"starting", hosting.Standing{State: hosting.Starting, Left: 7500 * time.Millisecond}, []string{"about 8 s", `http-equiv="refresh" content="2"`}, "", "2"},
		{"crashed", hosting.Standing{State: hosting.Crashed, Reason: "It ended by itself <b>", RetryAt: w.clock.Now().Add(9 * time.Second)}, []string{"It ended by itself &lt;b&gt;", `content="9"`, "/apps/crashed"}, "<b>", "9"},
		{"refused", hosting.Standing{State: hosting.Refused, Reason: "This computer cannot."}, []string{"This computer cannot."}, "refresh", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w.app(t, tt.name, hello("app"))
			c := w.enter(t, tt.name, "anna", preview.InTab)
			w.apps.set(tt.name, tt.standing)
			got := get(t, c, w.site.Origin(tt.name))
			if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") != tt.after {
				t.Errorf("answered %d, Retry-After %q", got.status, got.header.Get("Retry-After"))
			}
			for _, s := range tt.says {
				if !strings.Contains(got.body, s) {
					t.Errorf("it lacks %q:\n%s", s, got.body)
				}
			}
			if tt.not != "" && strings.Contains(got.body, tt.not) {
				t.Errorf("it holds %q:\n%s", tt.not, got.body)
			}
			if strings.Contains(got.body, "<script") || !strings.Contains(got.header.Get("Content-Security-Policy"), "frame-ancestors 'self' http://localhost:"+w.port) {
				t.Errorf("header %v", got.header)
			}
		})
	}
}

// A form that was sent while the app was down is not sent again by a reload.
func TestWhileItIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app(t, "one", hello("app"))
	c := w.enter(t, "one", "anna", preview.InTab)
	w.apps.set("one", hosting.Standing{State: hosting.Crashed, Reason: "It stopped."})
	if got := do(t, c, http.MethodPost, w.site.Origin("one"), strings.NewReader("a=b"), "Accept", "text/html"); strings.Contains(got.body, "refresh") || !strings.Contains(got.body, "did not reach") {
		t.Errorf("a form was answered with %s", got.body)
	}
	// What is no page gets words, no page.
	if got := do(t, c, http.MethodGet, w.site.Origin("one")+"/data.json", nil); got.status != http.StatusServiceUnavailable || got.body != "It stopped.\n" {
		t.Errorf("a part was answered with %d %q", got.status, got.body)
	}
	if got := get(t, c, "http://nobody.preview.localhost:"+w.port); got.status != http.StatusNotFound {
		t.Errorf("an unknown label answered %d", got.status)
	}
}

func TestWebSocketAndStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	next := make(chan string)
	mux := http.NewServeMux()
	mux.Handle("/echo", websocket.Handler(func(c *websocket.Conn) {
		var text string
		for websocket.Message.Receive(c, &text) == nil {
			if websocket.Message.Send(c, text) != nil {
				return
			}
		}
	}))
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			select {
			case text := <-next:
				say(w, "data: "+text+"\n\n")
				if http.NewResponseController(w).Flush() != nil {
					return
				}
			case <-r.Context().Done():
				close(next)
				return
			}
		}
	})
	w.app(t, "one", mux)
	c := w.enter(t, "one", "anna", preview.InFrame)

	cfg, err := websocket.NewConfig("ws://one.preview.localhost:"+w.port+"/echo", w.site.Origin("one"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.site.Origin("one"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range c.Jar.Cookies(page.URL) {
		cfg.Header.Add("Cookie", k.String())
	}
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	ws, err := websocket.NewClient(cfg, conn)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"hello", strings.Repeat("x", 1<<20)} {
		var back string
		if err := websocket.Message.Send(ws, text); err != nil {
			t.Fatal(err)
		}
		if err := websocket.Message.Receive(ws, &back); err != nil || back != text {
			t.Fatalf("echo of %d bytes: %d bytes, %v", len(text), len(back), err)
		}
	}
	if err := ws.Close(); err != nil {
		t.Error(err)
	}

	page.URL.Path = "/events"
	page.Header.Set("Accept", "text/event-stream")
	go func() { next <- "first" }()
	res, err := c.Do(page)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(res.Body)
	for _, want := range []string{"first", "second"} {
		line, err := lines.ReadString('\n')
		if err != nil || line != "data: "+want+"\n" {
			t.Fatalf("event %q, %v", line, err)
		}
		if _, err := lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		if want == "first" {
			next <- "second"
		}
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	<-next // the app learns that the reader left
}

// In a frame an app's own cookies must become such as browsers keep there.
func TestAppCookies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	set := []string{
		"sid=1; Path=/; HttpOnly",
		"a=b; Domain=preview.localhost; SameSite=Lax; Max-Age=60",
		"c=d=\"e\"; domain = .preview.localhost ;secure;samesite=strict",
		"__Host-cofounder-tab=forged; Path=/; Secure",
		" __host-Cofounder-frame=forged",
	}
	w.app(t, "one", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header()["Set-Cookie"] = set }))
	for as, want := range map[preview.Showing][]string{
		preview.InTab: {"sid=1; Path=/; HttpOnly", "a=b; SameSite=Lax; Max-Age=60", "c=d=\"e\";secure;samesite=strict"},
		preview.InFrame: {
			"sid=1; Path=/; HttpOnly; SameSite=None; Secure; Partitioned",
			"a=b; Max-Age=60; SameSite=None; Secure; Partitioned",
			"c=d=\"e\"; SameSite=None; Secure; Partitioned",
		},
	} {
		got := get(t, w.enter(t, "one", "anna", as), w.site.Origin("one"))
		if diff := cmp.Diff(want, got.header.Values("Set-Cookie")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", as, diff)
		}
	}
}

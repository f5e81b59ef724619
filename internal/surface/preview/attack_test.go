package preview_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"cofounder/internal/surface/preview"
)

// canary must not reach an app, nor leave one where it may not.
const canary = "CANARY"

// spy is an app that writes down what it gets.
type spy struct {
	mu   sync.Mutex
	seen strings.Builder
}

func (s *spy) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = fmt.Fprintf(&s.seen, "%s %s host=%s\n", r.Method, r.RequestURI, r.Host)
	if err := r.Header.Write(&s.seen); err != nil {
		panic(err)
	}
	if _, err := io.Copy(&s.seen, r.Body); err != nil {
		s.seen.WriteString("a body that broke off: " + err.Error())
	}
}

func (s *spy) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.seen.Reset()
	return s.seen.String()
}

// Nothing of ours or of the viewer reaches an app.
func TestAppSeesNothingOfOurs(t *testing.T) {
	t.Parallel()
	w, s := newWorld(t), &spy{}
	w.app(t, "one", s)
	c := w.enter(t, "one", "anna", preview.InTab)
	got := do(t, c, http.MethodGet, w.site.Origin("one")+"/x", nil,
		"Cookie", "mine=1; __Host-cofounder="+canary+"; __host-COFOUNDER-tab="+canary+";__Host-cofounder-x="+canary+"; =__Host-cofounder-tab="+canary+"; last=2",
		"Cookie", "__Host-cofounder-frame="+canary,
		"Authorization", "Bearer cof_"+canary, "X-Api-Key", "cof_"+canary,
		"X-Forwarded-For", canary, "X-Forwarded-User", canary, "Forwarded", "for="+canary, "X-Real-IP", canary,
		"Cf-Access-Jwt-Assertion", canary, "X-Amzn-Oidc-Data", canary, "X-Goog-Iap-Jwt-Assertion", canary,
		"Tailscale-User-Login", canary, "Remote-User", canary, "X_Forwarded_User", canary, "Remote_User", canary,
		"Proxy-Authorization", canary, "X-Auth-Request-Email", canary, "Traceparent", canary, "X-Request-Id", canary+canary,
		"Connection", "X-Smuggled", "X-Smuggled", canary, "Te", "trailers",
		"X-Own", "kept")
	seen := s.take()
	if got.status != http.StatusOK || strings.Contains(seen, canary) || strings.Contains(strings.ToLower(seen), "cofounder") {
		t.Errorf("status %d; the app saw:\n%s", got.status, seen)
	}
	for _, want := range []string{"mine=1", "last=2", "X-Own: kept", "host=one.preview.localhost:" + w.port, "X-Forwarded-Proto: http"} {
		if !strings.Contains(seen, want) {
			t.Errorf("the app did not see %q:\n%s", want, seen)
		}
	}
	do(t, c, http.MethodGet, w.site.Origin("one"), nil, "Authorization", "Bearer of-the-app")
	if seen := s.take(); !strings.Contains(seen, "Bearer of-the-app") {
		t.Errorf("an app's own key was taken away:\n%s", seen)
	}
}

// A pass of one app, a link as a pass, a pass as a link, a made-up one: none opens.
func TestStolenPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app(t, "one", hello("app one"))
	w.app(t, "two", hello(canary))
	link := w.site.Link("one", "anna", preview.InTab, "/")
	_, token, _ := strings.Cut(link, "pass=")
	token, _, _ = strings.Cut(token, "&")
	pass := strings.TrimPrefix(strings.Split(get(t, w.browser(t), link).header.Get("Set-Cookie"), ";")[0], "__Host-cofounder-tab=")
	two := w.site.Origin("two")
	for name, got := range map[string]answer{
		"pass elsewhere":     get(t, w.browser(t), two, "Cookie", "__Host-cofounder-tab="+pass),
		"link elsewhere":     get(t, w.browser(t), two+"/.cofounder/open?pass="+token),
		"link as a pass":     get(t, w.browser(t), w.site.Origin("one"), "Cookie", "__Host-cofounder-tab="+token),
		"pass as a link":     get(t, w.browser(t), w.site.Origin("one")+"/.cofounder/open?pass="+pass),
		"tab as frame":       get(t, w.browser(t), w.site.Origin("one"), "Cookie", "__Host-cofounder-frame="+pass),
		"altered":            get(t, w.browser(t), w.site.Origin("one"), "Cookie", "__Host-cofounder-tab="+pass[:len(pass)-4]+"AAAA"),
		"huge":               get(t, w.browser(t), w.site.Origin("one"), "Cookie", "__Host-cofounder-tab="+strings.Repeat("A", 20_000)),
		"none":               get(t, w.browser(t), w.site.Origin("one")),
		"own path, not open": get(t, w.browser(t), w.site.Origin("one")+"/.cofounder/x"),
		"own path, escaped":  get(t, w.browser(t), w.site.Origin("one")+"/%2ecofounder/open?pass=x"),
	} {
		if got.status != http.StatusUnauthorized && got.status != http.StatusNotFound || strings.Contains(got.body, canary) || strings.Contains(got.body, "app one") {
			t.Errorf("%s: answered %d %q", name, got.status, got.body)
		}
	}
	// Beside a forged cookie of the same name the true one still counts.
	if got := get(t, w.browser(t), w.site.Origin("one"), "Cookie", "__Host-cofounder-tab=forged; __Host-cofounder-tab="+pass); got.body != "app one" {
		t.Errorf("a forged cookie locked the viewer out: %d", got.status)
	}
}

// A link leads within the app, whatever it was asked to do.
func TestLinkLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app(t, "one", hello("app"))
	for _, to := range []string{"https://evil.example", "//evil.example", `/\evil.example`, "javascript:alert(1)", "/\r\nX: y", ""} {
		if got := get(t, w.browser(t), w.site.Link("one", "anna", preview.InTab, to)); got.header.Get("Location") != "/" {
			t.Errorf("%q leads to %q", to, got.header.Get("Location"))
		}
		own := w.site.Link("one", "anna", preview.InTab, "/")
		got := get(t, w.browser(t), strings.Replace(own, "to=%2F", "to="+url.QueryEscape(to), 1))
		if got.header.Get("Location") != "/" {
			t.Errorf("%q in the address leads to %q", to, got.header.Get("Location"))
		}
	}
}

// Host decides what answers; none of its spellings leads to something else.
func TestHostTricks(t *testing.T) {
	t.Parallel()
	w, s := newWorld(t), &spy{}
	w.app(t, "one", s)
	w.app(t, "two", hello(canary))
	c := w.enter(t, "one", "anna", preview.InTab)
	base := w.site.Origin("one")
	for host, want := range map[string]int{
		"one.preview.localhost":                        http.StatusOK, // a proxy may leave the port out
		"ONE.Preview.LOCALHOST.:" + w.port:             http.StatusOK,
		"one.preview.localhost:1":                      http.StatusOK,
		"two.preview.localhost":                        http.StatusUnauthorized,
		"one.two.preview.localhost":                    http.StatusNotFound,
		"-one.preview.localhost":                       http.StatusNotFound,
		"o_ne.preview.localhost":                       http.StatusNotFound,
		"preview.localhost":                            http.StatusNotFound,
		".preview.localhost":                           http.StatusNotFound,
		"onepreview.localhost":                         http.StatusMisdirectedRequest,
		"one.preview.localhost.evil.example":           http.StatusMisdirectedRequest,
		"one.preview.localhost@two.example":            http.StatusMisdirectedRequest,
		"evil.example":                                 http.StatusMisdirectedRequest,
		"localhost":                                    http.StatusOK, // the product, which is not the app
		strings.Repeat("a", 64) + ".preview.localhost": http.StatusNotFound,
	} {
		got := do(t, c, http.MethodGet, base, nil, "Host", host, "X-Forwarded-Host", "two.preview.localhost")
		seen := s.take()
		if got.status != want || strings.Contains(got.body, canary) {
			t.Errorf("Host %s: answered %d %q, want %d", host, got.status, got.body, want)
		}
		if reached := seen != ""; reached != (want == http.StatusOK && host != "localhost") {
			t.Errorf("Host %s: the app saw %q", host, seen)
		}
		if seen != "" && (!strings.Contains(seen, "host=one.preview.localhost:"+w.port+"\n") || strings.Contains(seen, "two.preview")) {
			t.Errorf("Host %s: the app was told %q", host, seen)
		}
	}
}

// send writes a request as it is, and one that makes the server close the connection,
// and waits for that.
func (w *world) send(t *testing.T, request string) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // the server closes it
	if _, err := io.WriteString(conn, request+"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, conn) //nolint:errcheck // a reset is an end too
}

// Requests that two servers could read differently reach the app as one, or not.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	w, s := newWorld(t), &spy{}
	w.app(t, "one", s)
	pass, _, _ := strings.Cut(get(t, w.browser(t), w.site.Link("one", "anna", preview.InTab, "/")).header.Get("Set-Cookie"), ";")
	head := "Host: one.preview.localhost\r\nCookie: " + pass + "\r\n"
	second := "GET /" + canary + " HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, request := range map[string]string{
		"length and chunks":    "POST / HTTP/1.1\r\n" + head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n" + second,
		"two lengths":          "POST / HTTP/1.1\r\n" + head + "Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + second,
		"odd coding":           "POST / HTTP/1.1\r\n" + head + "Transfer-Encoding: xchunked\r\nContent-Length: 1\r\n\r\n" + second,
		"folded header":        "POST / HTTP/1.1\r\n" + head + "X: a\r\n b: c\r\nTransfer-Encoding:\r\n chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
		"space before colon":   "POST / HTTP/1.1\r\n" + head + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + second,
		"absolute, other host": "GET http://two.preview.localhost/" + canary + " HTTP/1.1\r\n" + head + "Connection: close\r\n\r\n",
		"connect":              "CONNECT 127.0.0.1:80 HTTP/1.1\r\n" + head + "\r\n",
		"star":                 "OPTIONS * HTTP/1.1\r\n" + head + "Connection: close\r\n\r\n",
		"upgrade to h2c":       "GET / HTTP/1.1\r\n" + head + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
	} {
		w.send(t, request)
		seen := s.take()
		if strings.Contains(seen, canary) || strings.Count(seen, " host=") > 1 {
			t.Errorf("%s: the app saw:\n%s", name, seen)
		}
	}
	for path, want := range map[string]string{
		"/a/../b": "/a/../b", "/a%2f..%2fb": "/a%2f..%2fb", "//evil.example/x": "//evil.example/x", "/a;b?c;d=%00": "/a;b?c;d=%00",
	} {
		w.send(t, "GET "+path+" HTTP/1.1\r\n"+head+"\r\n")
		if seen := s.take(); !strings.HasPrefix(seen, "GET "+want+" host=") {
			t.Errorf("%s reached the app as %q", path, seen)
		}
	}
}

// Apps share a site, so that only we keep their pages from using each other in a
// viewer's name.
func TestOtherOrigins(t *testing.T) {
	t.Parallel()
	w, s := newWorld(t), &spy{}
	w.app(t, "one", s)
	c := w.enter(t, "one", "anna", preview.InTab)
	for _, tt := range []struct {
		name    string
		method  string
		headers []string
		reached bool
	}{
		{"its own script", http.MethodPost, []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors"}, true},
		{"typed", http.MethodGet, []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}, true},
		{"our frame", http.MethodGet, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, true},
		{"a link of another app", http.MethodGet, []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate"}, true},
		{"a script of another app", http.MethodGet, []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors", "Origin", w.site.Origin("two")}, false},
		{"a form of another app", http.MethodPost, []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate"}, false},
		{"a WebSocket of another app", http.MethodGet, []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "websocket", "Upgrade", "websocket", "Connection", "Upgrade"}, false},
		{"a picture elsewhere", http.MethodGet, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, false},
		{"an old browser's WebSocket", http.MethodGet, []string{"Origin", "http://two.preview.localhost:" + w.port, "Upgrade", "websocket", "Connection", "Upgrade"}, false},
		{"an opaque origin", http.MethodPost, []string{"Origin", "null"}, false},
		{"a program", http.MethodPost, nil, true},
		{"a service worker", http.MethodGet, []string{"Sec-Fetch-Site", "same-origin", "Service-Worker", "script"}, false},
	} {
		got := do(t, c, tt.method, w.site.Origin("one"), nil, tt.headers...)
		if seen := s.take(); (seen != "") != tt.reached || !tt.reached && got.status != http.StatusForbidden {
			t.Errorf("%s: answered %d, reached the app %v", tt.name, got.status, seen != "")
		}
	}
}

// What an app says of its origin, its framing and its workers does not leave.
func TestAppCannotReachBeyondItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app(t, "one", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		for _, name := range []string{
			"Service-Worker-Allowed", "X-Frame-Options", "Clear-Site-Data", "Strict-Transport-Security", "Alt-Svc", "NEL",
			"Report-To", "Reporting-Endpoints", "Set-Cookie2",
		} {
			h.Set(name, canary)
		}
		h.Add("Content-Security-Policy", "default-src 'self';\tFrame-Ancestors https://evil.example; report-uri https://"+canary)
		h.Add("Content-Security-Policy", "img-src *, frame-ancestors 'none', script-src 'self'")
		h.Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		h.Set("X-Own", "kept")
		say(w, "app")
	}))
	got := get(t, w.enter(t, "one", "anna", preview.InFrame), w.site.Origin("one"))
	text := fmt.Sprint(got.header)
	if strings.Contains(text, canary) || strings.Contains(text, "evil.example") || got.header.Get("X-Own") != "kept" || got.body != "app" {
		t.Errorf("answered %s %q", text, got.body)
	}
	policies := strings.Join(got.header.Values("Content-Security-Policy"), " | ")
	if want := "default-src 'self' | img-src *, script-src 'self' | frame-ancestors 'self' http://localhost:" + w.port; policies != want {
		t.Errorf("policies %q, want %q", policies, want)
	}
}

// Answers that are none, endless headers and lies about length end, and say so.
func TestBadAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, answer := range map[string]string{
		"nothing": "", "no-http": "hello there\r\n\r\n", "huge-header": "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 100<<10) + "\r\n\r\nx",
		"two-lengths": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 5\r\n\r\nhello",
		"huge-length": "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nhello",
		"switch":      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
	} {
		w.raw(t, name, answer)
		got := get(t, w.enter(t, name, "anna", preview.InTab), w.site.Origin(name))
		if got.status != http.StatusServiceUnavailable && got.status != http.StatusRequestEntityTooLarge || strings.Contains(got.body, "aaaa") {
			t.Errorf("%s: answered %d %q", name, got.status, got.body)
		}
	}
}

// Whatever is written, our cookie does not pass, no Domain leaves, and a cookie of a
// frame is one that browsers keep there.
func FuzzHeaders(f *testing.F) {
	for _, seed := range []string{
		"a=b; Domain=x", "__Host-cofounder-tab=1", "a=b;;; domain", ";", "a=\"; __Host-cofounder-tab=x; \"", "\t__HOST-cofounder-tab=2",
		"default-src 'none'; frame-ancestors *", "frame-ancestors,frame-ancestors", "a;\fframe-ancestors x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kept := range preview.WithoutOurs([]string{text, text}) {
			for pair := range strings.SplitSeq(kept, ";") {
				if strings.HasPrefix(strings.ToLower(strings.TrimSpace(pair)), "__host-cofounder") {
					t.Errorf("%q became %q", text, kept)
				}
			}
		}
		for _, as := range []preview.Showing{preview.InTab, preview.InFrame} {
			got := preview.AppCookie(text, as)
			for i, attribute := range strings.Split(got, ";") {
				name, _, _ := strings.Cut(attribute, "=")
				if i > 0 && strings.EqualFold(strings.TrimSpace(name), "domain") {
					t.Errorf("%q became %q", text, got)
				}
			}
			if as == preview.InFrame && got != "" && !strings.HasSuffix(got, "; SameSite=None; Secure; Partitioned") {
				t.Errorf("%q became %q in a frame", text, got)
			}
		}
		for part := range strings.FieldsFuncSeq(preview.WithoutAncestors(text), func(r rune) bool { return r == ';' || r == ',' }) {
			if words := strings.Fields(part); len(words) > 0 && strings.EqualFold(words[0], "frame-ancestors") {
				t.Errorf("%q became %q", text, preview.WithoutAncestors(text))
			}
		}
	})
}

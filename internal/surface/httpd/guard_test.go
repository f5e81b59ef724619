package httpd_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"cofounder/internal/surface/httpd"

	"github.com/google/go-cmp/cmp"
)

// echo answers with what it could read of the request.
func echo() httpd.Mux {
	mux := httpd.NewMux()
	mux.Handle("POST /form", httpd.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		form, err := httpd.Form(r)
		if err != nil {
			return err
		}
		return say(w, form.Encode())
	}))
	body := httpd.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			return fmt.Errorf("read body: %w", err)
		}
		return say(w, strconv.FormatInt(n, 10))
	})
	mux.Handle("POST /body", body)
	mux.Handle("POST /large", httpd.BodyLimit(2<<20, body))
	mux.Handle("POST /small", httpd.BodyLimit(10, body))
	mux.Handle("GET /next", httpd.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		http.Redirect(w, r, httpd.LocalTarget(r.URL.Query().Get("next"), "/home"), http.StatusSeeOther)
		return nil
	}))
	mux.Handle("GET /client", httpd.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		return say(w, httpd.ClientAddr(r))
	}))
	mux.Handle("GET /unsafe", httpd.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("X-Echo", r.URL.Query().Get("v"))
		return ok(w, r)
	}))
	mux.Handle("/", httpd.HandlerFunc(ok))
	return mux
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	w := prepared(t, echo(), nil).run(t)
	const form = "application/x-www-form-urlencoded"
	long := strings.Repeat("a", 1<<20)
	for _, c := range []struct {
		name, method, path, body, kind string
		want                           int
		code                           string
	}{
		{"good form", "POST", "/form", "a=1&b=%E2%82%AC", form, 200, ""},
		{"form that is JSON", "POST", "/form", "{}", "application/json", 415, "unsupported_media_type"},
		{"form without a type", "POST", "/form", "a=1", "", 415, "unsupported_media_type"},
		{"form with a broken type", "POST", "/form", "a=1", "a/b/c;", 415, "unsupported_media_type"},
		{"form with a bad escape", "POST", "/form", "a=%zz", form, 400, "malformed"},
		{"form with a semicolon", "POST", "/form", "a=1;b=2", form, 400, "malformed"},
		{"form that is not UTF-8", "POST", "/form", "a=%ff", form, 400, "malformed"},
		{"form with NUL", "POST", "/form", "a=%00", form, 400, "malformed"},
		{"form with a name that is not UTF-8", "POST", "/form", "%ff=a", form, 400, "malformed"},
		{"form too large", "POST", "/form", "a=" + long, form, 413, "too_large"},
		{"body at the limit", "POST", "/body", long, "", 200, ""},
		{"body over the limit", "POST", "/body", long + "a", "", 413, "too_large"},
		{"body ten times over", "POST", "/body", strings.Repeat(long, 10), "", 413, "too_large"},
		{"body over the limit of others", "POST", "/large", long + "a", "", 200, ""},
		{"body over a raised limit", "POST", "/large", long + long + "a", "", 413, "too_large"},
		{"body over a lowered limit", "POST", "/small", "12345678901", "", 413, "too_large"},
		{"path that is not UTF-8", "GET", "/a%ff", "", "", 400, "bad_address"},
		{"path with NUL", "GET", "/a%00b", "", "", 400, "bad_address"},
		{"path with a line end", "GET", "/a%0d%0aSet-Cookie:x", "", "", 400, "bad_address"},
		{"path with an escape character", "GET", "/a%1b[31m", "", "", 400, "bad_address"},
		{"query that is not UTF-8", "GET", "/?q=%ff", "", "", 400, "bad_address"},
		{"query with NUL", "GET", "/?q=%00", "", "", 400, "bad_address"},
		{"query with a bad escape", "GET", "/?q=%zz", "", "", 400, "bad_address"},
		{"query in another script", "GET", "/?q=%E3%81%82", "", "", 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var kind []string
			if c.kind != "" {
				kind = []string{"Content-Type", c.kind}
			}
			got := w.do(t, c.method, c.path, c.body, kind...)
			var p httpd.Problem
			if got.StatusCode >= 400 {
				if err := json.Unmarshal([]byte(got.text), &p); err != nil {
					t.Fatalf("%v in %q", err, got.text)
				}
			}
			if got.StatusCode != c.want || p.Code != c.code {
				t.Errorf("answer = %d %s, want %d %s", got.StatusCode, p.Code, c.want, c.code)
			}
			if got.Header.Get("X-Request-Id") == "" || (p.Code != "" && p.DebugID == "") {
				t.Error("the answer has no request id or no debug id")
			}
		})
	}
}

// TestBadBytes sends what no client library would.
func TestBadBytes(t *testing.T) {
	t.Parallel()
	w := prepared(t, echo(), nil).run(t)
	for _, c := range []struct {
		name, text string
		want       int
	}{
		{"not HTTP", "hello\r\n\r\n", 400},
		{"no host", "GET / HTTP/1.1\r\n\r\n", 400},
		{"two hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n", 400},
		{"host that is none", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
		{"empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 421},
		{"header too large", "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", 431},
		{"header large", "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("a", 16<<10) + "\r\nConnection: close\r\n\r\n", 200},
		{"header with NUL", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n", 400},
		{"length and chunks", "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
		{"two lengths", "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", 400},
		{"broken chunk", "POST /body HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := w.raw(t, c.text); got.StatusCode != c.want {
				t.Errorf("answer = %d %q, want %d", got.StatusCode, got.text, c.want)
			}
		})
	}
}

// TestHeaderInjection tries to write headers of its own through values that end
// up in ours.
func TestHeaderInjection(t *testing.T) {
	t.Parallel()
	w := prepared(t, echo(), nil).run(t)
	for _, path := range []string{
		"/next?next=/a%0d%0aSet-Cookie:%20x=1", "/unsafe?v=a%0d%0aSet-Cookie:%20x=1", "/unsafe?v=a%0aSet-Cookie:%20x=1",
	} {
		got := w.do(t, "GET", path, "")
		if got.Header.Get("Set-Cookie") != "" || strings.ContainsAny(got.Header.Get("Location")+got.Header.Get("X-Echo"), "\r\n") {
			t.Errorf("%s wrote headers: %v", path, got.Header)
		}
	}
}

func TestLocalTarget(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, target, want string }{
		{"path", "/p/prj_1/", "/p/prj_1/"},
		{"path with query and fragment", "/a?b=c&d=%2F#e", "/a?b=c&d=%2F#e"},
		{"escaped path", "/a%20b", "/a%20b"},
		{"root", "/", "/"},
		{"empty", "", "/home"},
		{"relative", "evil.com", "/home"},
		{"other site", "https://evil.com", "/home"},
		{"without scheme", "//evil.com", "/home"},
		{"only slashes", "//", "/home"},
		{"three slashes", "///evil.com", "/home"},
		{"backslash", `/\evil.com`, "/home"},
		{"backslashes", `\\evil.com`, "/home"},
		{"tab between", "/\t/evil.com", "/home"},
		{"line end", "/a\r\nSet-Cookie: x", "/home"},
		{"script", "javascript:alert(1)", "/home"},
		{"data", "data:text/html,x", "/home"},
		{"space first", " //evil.com", "/home"},
		{"escaped slash", "/%2fevil.com%20", "/home"},
		{"escaped slash that loses its escape", "/%2fevil.com ", "/home"},
		{"escaped backslash", "/%5cevil.com ", "/home"},
		{"user", "/@evil.com", "/@evil.com"},
		{"not UTF-8", "/\xff", "/home"},
		{"bad escape", "/%zz", "/home"},
		{"endless", "/" + strings.Repeat("a", 3000), "/home"},
	} {
		if got := httpd.LocalTarget(c.target, "/home"); got != c.want {
			t.Errorf("%s: LocalTarget(%q) = %q, want %q", c.name, c.target, got, c.want)
		}
	}
}

func FuzzLocalTarget(f *testing.F) {
	for _, s := range []string{"/a", "//x", `/\x`, "/%2f/x", "/./..//x", "/a?//x#//y", "/\u2028/x", "/;//x"} {
		f.Add(s)
	}
	base, err := url.Parse("https://cofounder.example.com/sign-in")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, target string) {
		got := httpd.LocalTarget(target, "/home")
		to, err := base.Parse(got)
		if err != nil || to.Host != base.Host || to.Scheme != base.Scheme || to.User != nil {
			t.Errorf("LocalTarget(%q) = %q leads to %v (%v)", target, got, to, err)
		}
		if strings.HasPrefix(got, "//") || strings.HasPrefix(got, `/\`) || strings.ContainsAny(got, "\r\n\t") {
			t.Errorf("LocalTarget(%q) = %q, which a browser may read as another site", target, got)
		}
	})
}

func TestHost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, addr, public, host string
		want                     int
	}{
		{"own name", "localhost:0", "http://localhost:8080", "localhost:8080", 200},
		{"another port", "localhost:0", "http://localhost:8080", "localhost", 200},
		{"loopback by number", "localhost:0", "http://localhost:8080", "127.0.0.1:8080", 200},
		{"loopback by IPv6", "localhost:0", "http://localhost:8080", "[::1]:8080", 200},
		{"capitals and a dot", "localhost:0", "https://app.example.com", "APP.example.com.", 200},
		{"loopback behind a proxy", "127.0.0.1:0", "https://app.example.com", "localhost:1", 200},
		{"loopback when published only", "0.0.0.0:0", "https://app.example.com", "localhost:1", 421},
		{"address of the network", "0.0.0.0:0", "http://localhost:8080", "192.168.1.5:8080", 421},
		{"rebound name", "localhost:0", "http://localhost:8080", "evil.example.com:8080", 421},
		{"name that ends like ours", "localhost:0", "https://app.example.com", "xapp.example.com", 421},
		{"name below ours", "localhost:0", "https://app.example.com", "a.app.example.com", 421},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			public, err := url.Parse(c.public)
			if err != nil {
				t.Fatal(err)
			}
			s, err := httpd.New(settings(&logged{}, func(cfg *httpd.Config) { cfg.Addr, cfg.PublicURL = c.addr, public }), echo())
			if err != nil {
				t.Fatal(err)
			}
			for path, want := range map[string]int{"/": c.want, "/livez": 200, "/readyz": 200} {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
				r.Host = c.host
				w := httptest.NewRecorder()
				s.Handler().ServeHTTP(w, r)
				if w.Code != want {
					t.Errorf("%s = %d %s, want %d", path, w.Code, w.Body, want)
				}
				if w.Code == 421 && (!strings.Contains(w.Body.String(), c.public) || !strings.Contains(w.Body.String(), "COFOUNDER_URL")) {
					t.Errorf("the refusal does not say where to go: %s", w.Body)
				}
			}
		})
	}
}

func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	s, err := httpd.New(settings(&logged{}, func(cfg *httpd.Config) {
		cfg.PublicURL = &url.URL{Scheme: "https", Host: "app.example.com"}
	}), echo())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, method string
		header       map[string]string
		want         int
	}{
		{"own form", "POST", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "https://app.example.com"}, 200},
		{"typed address", "GET", map[string]string{"Sec-Fetch-Site": "none"}, 200},
		{"link from elsewhere", "GET", map[string]string{"Sec-Fetch-Site": "cross-site"}, 200},
		{"form from elsewhere", "POST", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.com"}, 403},
		{"form from a neighbour", "POST", map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "https://preview.example.com"}, 403},
		{"old browser from elsewhere", "POST", map[string]string{"Origin": "https://evil.com"}, 403},
		{"sandboxed frame", "POST", map[string]string{"Origin": "null"}, 403},
		{"delete from elsewhere", "DELETE", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.com"}, 403},
		{"program", "POST", nil, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), c.method, "/", nil)
			r.Host = "app.example.com"
			for k, v := range c.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("answer = %d %s, want %d", w.Code, w.Body, c.want)
			}
		})
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		change  func(*httpd.Config)
		policy  string
		hsts    string
		request string
	}{
		{"plain", nil, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'", "", "/"},
		{"on errors", nil, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'", "", "/form"},
		{"published", func(cfg *httpd.Config) {
			cfg.PublicURL = &url.URL{Scheme: "https", Host: "localhost"}
			cfg.FrameSources = []string{"https://*.preview.example.net"}
			cfg.TrustedTypes = []string{"htmx", "cofounder"}
		}, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src https://*.preview.example.net; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types htmx cofounder", "max-age=31536000", "/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := prepared(t, echo(), c.change).run(t).do(t, "GET", c.request, "").Header
			want := map[string]string{
				"Content-Security-Policy": c.policy, "Strict-Transport-Security": c.hsts,
				"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
				"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
			}
			for name, value := range want {
				if diff := cmp.Diff(value, got.Get(name)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
			if got.Get("Permissions-Policy") == "" {
				t.Error("no Permissions-Policy")
			}
		})
	}
}

func TestClientAddr(t *testing.T) {
	t.Parallel()
	direct := prepared(t, echo(), nil).run(t)
	proxied := prepared(t, echo(), trusting).run(t)
	loopback := direct.do(t, "GET", "/client", "").text
	if loopback != "127.0.0.1" && loopback != "::1" {
		t.Errorf("client = %q, want loopback", loopback)
	}
	for _, c := range []struct {
		name      string
		w         *world
		forwarded []string
		want      string
	}{
		{"nobody is trusted", direct, []string{"1.2.3.4"}, loopback},
		{"a proxy says", proxied, []string{"1.2.3.4"}, "1.2.3.4"},
		{"nothing said", proxied, nil, loopback},
		{"the client made up the left part", proxied, []string{"9.9.9.9, 1.2.3.4"}, "1.2.3.4"},
		{"two proxies", proxied, []string{"9.9.9.9, 1.2.3.4, 127.0.0.7"}, "1.2.3.4"},
		{"two headers", proxied, []string{"9.9.9.9", "1.2.3.4"}, "1.2.3.4"},
		{"with a port", proxied, []string{"1.2.3.4:5678"}, "1.2.3.4"},
		{"IPv6", proxied, []string{"2001:db8::1"}, "2001:db8::1"},
		{"IPv6 with a port", proxied, []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"IPv4 in IPv6", proxied, []string{"::ffff:1.2.3.4"}, "1.2.3.4"},
		{"nonsense", proxied, []string{"unknown"}, loopback},
		{"nonsense before a proxy", proxied, []string{"<script>, 127.0.0.7"}, "127.0.0.7"},
	} {
		var pairs []string
		for _, f := range c.forwarded {
			pairs = append(pairs, "X-Forwarded-For", f)
		}
		if got := c.w.do(t, "GET", "/client", "", pairs...).text; got != c.want {
			t.Errorf("%s: client = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	direct := prepared(t, echo(), nil).run(t)
	proxied := prepared(t, echo(), trusting).run(t)
	for _, c := range []struct {
		name, given string
		w           *world
		kept        bool
	}{
		{"from a proxy", "Root=1-67891233-abcdef012345678912345678", proxied, true},
		{"from anyone", "Root=1-67891233-abcdef012345678912345678", direct, false},
		{"too short", "abc", proxied, false},
		{"too long", strings.Repeat("a", 129), proxied, false},
		{"with a space", "abcdefgh ERROR", proxied, false},
		{"with a quote", `abcdefgh"`, proxied, false},
	} {
		got := c.w.do(t, "GET", "/", "", "X-Request-Id", c.given).Header.Get("X-Request-Id")
		if (got == c.given) != c.kept || (!c.kept && !strings.HasPrefix(got, "req_")) {
			t.Errorf("%s: request id = %q of %q", c.name, got, c.given)
		}
	}
}

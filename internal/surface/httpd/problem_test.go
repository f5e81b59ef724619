package httpd_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/surface/httpd"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"
)

var update = flag.Bool("update", false, "write golden files anew")

// TestProblemOf holds every kind, and the errors that are no fault, to what is
// shown of them.
func TestProblemOf(t *testing.T) {
	t.Parallel()
	var errs []error
	for k := fault.Internal; k <= fault.Unavailable; k++ {
		errs = append(errs, fault.New(k, "", "Words for "+k.String()+".").Because(errors.New("secret cause")))
	}
	if k := fault.Unavailable + 1; k.String() != "internal" {
		t.Errorf("there is a kind %s after the last this test knows", k)
	}
	errs = append(errs,
		fmt.Errorf("rename: %w", fault.New(fault.Conflict, "name_taken", "This name is taken.").Because(errors.New("secret cause"))),
		fault.OnField("name", "Give it a name.").WithField("email", "This is not an address."),
		fault.New(fault.TooMany, "slow_down", "Wait a little.").WithRetry(1200*time.Millisecond),
		errors.New("secret cause"),
		fmt.Errorf("read: %w", &http.MaxBytesError{Limit: 1 << 20}),
		&http.MaxBytesError{Limit: 1000},
		fmt.Errorf("list: %w", &pgconn.PgError{Code: "57P01", Message: "secret cause"}),
		fault.New(fault.Conflict, "in_progress", "Ask again.").WithRetry(time.Second),
	)
	var got strings.Builder
	for _, err := range errs {
		p := httpd.ProblemOf(err, "aaaa-bbbb-cccc")
		b, encodeErr := json.Marshal(p)
		if encodeErr != nil {
			t.Fatal(encodeErr)
		}
		fmt.Fprintf(&got, "%d retry=%s %s\n", p.Status, p.RetryAfter, b)
	}
	if strings.Contains(got.String(), "secret cause") {
		t.Error("a cause is shown to who asked")
	}
	const golden = "testdata/problems.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// TestErrorIsFoundByItsReference follows an unknown error to the log: fixed text
// outside, one line inside, the same debug id and request id.
func TestErrorIsFoundByItsReference(t *testing.T) {
	t.Parallel()
	mux := httpd.NewMux()
	mux.Handle("GET /break/{what}", httpd.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		return errors.New("pq: password of hunter2 refused")
	}))
	w := prepared(t, mux, nil).run(t)
	got := w.do(t, "GET", "/break/it", "")
	var p httpd.Problem
	if err := json.Unmarshal([]byte(got.text), &p); err != nil {
		t.Fatal(err)
	}
	if got.StatusCode != http.StatusInternalServerError || got.Header.Get("Content-Type") != "application/problem+json" || p.Code != "internal" || strings.Contains(got.text, "hunter2") {
		t.Errorf("answer = %d %s", got.StatusCode, got.text)
	}
	request := got.Header.Get("X-Request-Id")
	if lines := w.log.lines("request failed", p.DebugID, request, "hunter2"); len(lines) != 1 {
		t.Errorf("%d lines with debug id, request id and cause, want 1:\n%s", len(lines), w.log)
	}
	w.stopped(t) // the access line is written after the answer
	if lines := w.log.lines("INFO  request method=GET route=/break/{what} status=500", p.DebugID, request); len(lines) != 1 {
		t.Errorf("%d access lines, want 1:\n%s", len(lines), w.log)
	}
	if strings.Contains(w.log.String(), "/break/it") {
		t.Error("the path itself is in the log")
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	mux := httpd.NewMux()
	mux.Handle("/before", httpd.HandlerFunc(func(http.ResponseWriter, *http.Request) error { panic("oh no") }))
	mux.Handle("/after", httpd.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if err := ok(w, r); err != nil {
			return err
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return err
		}
		panic("oh no")
	}))
	mux.Handle("/abort", httpd.HandlerFunc(func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) }))
	w := prepared(t, mux, nil).run(t)

	got := w.do(t, "GET", "/before", "")
	var p httpd.Problem
	if err := json.Unmarshal([]byte(got.text), &p); err != nil {
		t.Fatal(err)
	}
	if got.StatusCode != http.StatusInternalServerError || strings.Contains(got.text, "oh no") {
		t.Errorf("answer = %d %s", got.StatusCode, got.text)
	}
	if lines := w.log.lines("request failed", p.DebugID, "panic: oh no", "problem_test.go"); len(lines) != 1 {
		t.Errorf("%d lines with debug id and stack, want 1:\n%s", len(lines), w.log)
	}
	for _, path := range []string{"/after", "/abort"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		transport := http.Transport{}
		res, err := transport.RoundTrip(req)
		if err == nil {
			_, err = io.Copy(io.Discard, res.Body)
			if err := res.Body.Close(); err != nil {
				t.Error(err)
			}
		}
		if err == nil {
			t.Errorf("%s: a whole answer arrived, want a connection cut", path)
		}
	}
	if w.do(t, "GET", "/livez", "").StatusCode != http.StatusOK {
		t.Error("the server is gone")
	}
	if lines := w.log.lines("panic: abort"); len(lines) > 0 {
		t.Errorf("a cut on purpose is logged as a panic: %q", lines)
	}
}

// TestErrorPages proves who gets a page and who gets JSON.
func TestErrorPages(t *testing.T) {
	t.Parallel()
	mux := httpd.NewMux()
	fail := httpd.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Etag", `"x"`)
		w.Header().Set("Content-Encoding", "gzip")
		return fault.New(fault.Unavailable, "", "Not now.").WithRetry(1500 * time.Millisecond)
	})
	mux.Handle("/page", fail)
	mux.Handle("/api/v1/thing", fail)
	s, err := httpd.New(settings(&logged{}, func(cfg *httpd.Config) {
		cfg.Pages = func(w http.ResponseWriter, _ *http.Request, p httpd.Problem) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(p.Status)
			if err := say(w, "<h1>"+p.Detail+"</h1>"); err != nil {
				t.Error(err)
			}
		}
	}), mux)
	if err != nil {
		t.Fatal(err)
	}
	const browser = "text/html,application/xhtml+xml,*/*;q=0.8"
	for _, c := range []struct {
		name, path, header, value string
		wantType                  string
	}{
		{"browser", "/page", "Accept", browser, "text/html; charset=utf-8"},
		{"htmx", "/page", "Hx-Request", "true", "text/html; charset=utf-8"},
		{"program", "/page", "Accept", "*/*", "application/problem+json"},
		{"nothing said", "/page", "X-None", "", "application/problem+json"},
		{"api from a browser", "/api/v1/thing", "Accept", browser, "application/problem+json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, c.path, nil)
			r.Host = "localhost"
			r.Header.Set(c.header, c.value)
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			h := w.Header()
			if w.Code != 503 || h.Get("Content-Type") != c.wantType || h.Get("Retry-After") != "2" || h.Get("Cache-Control") != "no-store" {
				t.Errorf("answer = %d %v", w.Code, h)
			}
			if h.Get("Etag") != "" || h.Get("Content-Encoding") != "" {
				t.Errorf("the error keeps what was said of another answer: %v", h)
			}
		})
	}
}

func TestMuxAnswers(t *testing.T) {
	t.Parallel()
	inner := httpd.NewMux()
	inner.Handle("POST /api/v1/things/{id}", httpd.HandlerFunc(ok))
	mux := httpd.NewMux()
	mux.Handle("/api/v1/", inner)
	mux.Handle("GET /{$}", httpd.HandlerFunc(ok))
	w := prepared(t, mux, nil).run(t)
	for _, c := range []struct {
		name, method, path string
		want               int
		code, allow        string
	}{
		{"match", "POST", "/api/v1/things/1", 200, "", ""},
		{"no path", "GET", "/nothing", 404, "not_found", ""},
		{"no inner path", "GET", "/api/v1/nothing", 404, "not_found", ""},
		{"method", "DELETE", "/api/v1/things/1", 405, "method_not_allowed", "POST"},
		{"outer method", "POST", "/", 405, "method_not_allowed", "GET, HEAD"},
		{"invented method", "FROB", "/", 405, "method_not_allowed", "GET, HEAD"},
	} {
		got := w.do(t, c.method, c.path, "")
		var p httpd.Problem
		if got.StatusCode >= 400 {
			if err := json.Unmarshal([]byte(got.text), &p); err != nil {
				t.Errorf("%s: %v in %q", c.name, err, got.text)
			}
		}
		if got.StatusCode != c.want || p.Code != c.code || got.Header.Get("Allow") != c.allow {
			t.Errorf("%s: %d %s Allow=%q, want %d %s %q", c.name, got.StatusCode, p.Code, got.Header.Get("Allow"), c.want, c.code, c.allow)
		}
	}
	if got := w.do(t, "HEAD", "/nothing", ""); got.StatusCode != http.StatusNotFound || got.text != "" {
		t.Errorf("HEAD = %d %q", got.StatusCode, got.text)
	}
	w.stopped(t)
	for _, want := range []string{"route=/api/v1/things/{id} status=200", "route=unmatched status=404", "method=other"} {
		if len(w.log.lines(want)) == 0 {
			t.Errorf("no access line with %q:\n%s", want, w.log)
		}
	}
}

// What a client sent may be quoted by a cause; it does not fill the log.
func TestLoggedErrorIsCut(t *testing.T) {
	t.Parallel()
	mux := httpd.NewMux()
	mux.Handle("GET /long", httpd.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		return fault.New(fault.Malformed, "", "No.").Because(errors.New(strings.Repeat("é", 1<<20)))
	}))
	w := prepared(t, mux, nil).run(t)
	w.do(t, "GET", "/long", "")
	lines := w.log.lines("request refused")
	if len(lines) != 1 {
		t.Fatalf("%d lines, want 1", len(lines))
	}
	if n := strings.Count(lines[0], "é"); n < 200 || n > 250 || len(lines[0]) > 1000 {
		t.Errorf("a line of %d bytes holds %d characters of the cause, want under 251", len(lines[0]), n)
	}
}

package httpd_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cofounder/internal/platform/telemetry"
	"cofounder/internal/surface/httpd"
)

func TestReady(t *testing.T) {
	t.Parallel()
	never := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	for _, c := range []struct {
		name   string
		checks []httpd.Check
		want   string
	}{
		{"nothing to check", nil, `200 {"service":"cofounder","status":"ok"}`},
		{"all well", []httpd.Check{{"database", time.Second, func(context.Context) error { return nil }}}, `200 {"service":"cofounder","status":"ok"}`},
		{
			"one broken, one hanging",
			[]httpd.Check{
				{"database", time.Second, func(context.Context) error { return errors.New("dial postgres://me:hunter2@db") }},
				{"fine", time.Second, func(context.Context) error { return nil }},
				{"disk", 10 * time.Millisecond, never},
			},
			`503 {"service":"cofounder","status":"failing","failed":["database","disk"]}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := prepared(t, echo(), func(cfg *httpd.Config) { cfg.Checks = c.checks }).run(t)
			got := w.do(t, "GET", "/readyz", "")
			if line := got.Status[:3] + " " + strings.TrimSpace(got.text); line != c.want {
				t.Errorf("/readyz = %s, want %s", line, c.want)
			}
			if got := w.do(t, "GET", "/livez", ""); got.StatusCode != http.StatusOK {
				t.Errorf("/livez = %d, want 200 whatever the checks say", got.StatusCode)
			}
			if got := w.do(t, "POST", "/readyz", ""); got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("POST /readyz = %d %v", got.StatusCode, got.Header)
			}
		})
	}
}

// TestReadyIsShared proves that probes cost one round of checks a second and that
// a failure is seen, and forgotten, within one.
func TestReadyIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var rounds atomic.Int32
		var broken atomic.Bool
		w := prepared(t, echo(), func(cfg *httpd.Config) {
			cfg.Checks = []httpd.Check{{"database", time.Second, func(context.Context) error {
				rounds.Add(1)
				if broken.Load() {
					return errors.New("gone")
				}
				return nil
			}}}
		}).pipe(t)
		status := func() int { return w.get(t, "/readyz").StatusCode }
		for range 20 {
			if got := status(); got != 200 {
				t.Fatalf("/readyz = %d, want 200", got)
			}
		}
		if n := rounds.Load(); n != 1 {
			t.Errorf("%d rounds for 20 probes at once, want 1", n)
		}
		broken.Store(true)
		<-time.After(time.Second)
		if got := status(); got != 503 {
			t.Errorf("/readyz = %d a second after the failure, want 503", got)
		}
		broken.Store(false)
		<-time.After(time.Second)
		if got := status(); got != 200 {
			t.Errorf("/readyz = %d a second after the recovery, want 200", got)
		}
	})
}

func TestMetricsAreClosed(t *testing.T) {
	t.Parallel()
	page := httpd.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error { return say(w, "# EOF\n") })
	const token = "0123456789abcdef"
	for _, c := range []struct {
		name, public, token string
		trusted             bool
		header              []string
		want                int
	}{
		{"same computer", "http://localhost:8080", "", false, nil, 200},
		{"same computer, token set", "http://localhost:8080", token, false, nil, 403},
		{"same computer with the token", "http://localhost:8080", token, false, []string{"Authorization", "Bearer " + token}, 200},
		{"same computer under a foreign name", "http://localhost:8080", "", false, []string{"Host", "evil.example"}, 403},
		{"published", "https://app.example.com", "", false, nil, 403},
		{"published with the token", "https://app.example.com", token, false, []string{"Authorization", "Bearer " + token}, 200},
		{"published with another token", "https://app.example.com", token, false, []string{"Authorization", "Bearer x"}, 403},
		{"published with an empty token", "https://app.example.com", "", false, []string{"Authorization", "Bearer "}, 403},
		{"through a proxy we do not know", "http://localhost:8080", "", false, []string{"X-Forwarded-For", "127.0.0.1"}, 403},
		{"through a proxy we know, from elsewhere", "http://localhost:8080", "", true, []string{"X-Forwarded-For", "1.2.3.4"}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := prepared(t, echo(), func(cfg *httpd.Config) {
				public, err := url.Parse(c.public)
				if err != nil {
					t.Fatal(err)
				}
				if cfg.PublicURL, cfg.MetricsToken, cfg.Metrics = public, c.token, page; c.trusted {
					trusting(cfg)
				}
			}).run(t)
			if got := w.do(t, "GET", "/metrics", "", c.header...); got.StatusCode != c.want {
				t.Errorf("/metrics = %d %s, want %d", got.StatusCode, got.text, c.want)
			}
		})
	}
}

// TestMeasures scrapes what a few requests left.
func TestMeasures(t *testing.T) {
	t.Parallel()
	tel, err := telemetry.Open(t.Context(), telemetry.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	mux := echo()
	mux.Handle("GET /break/{x}", httpd.HandlerFunc(func(http.ResponseWriter, *http.Request) error { panic("x") }))
	w := prepared(t, mux, func(cfg *httpd.Config) { cfg.Meter, cfg.Metrics = tel.Meter("httpd"), tel.MetricsPage() }).run(t)
	before := w.do(t, "GET", "/metrics", "").text
	for _, want := range []string{`http_server_failures_total{code="internal"} 0`, `http_server_failures_total{code="unavailable"} 0`, "http_server_panics_total 0"} {
		if !strings.Contains(before, want) {
			t.Errorf("no %q before anything happened, so that an alert would miss the first", want)
		}
	}
	w.do(t, "GET", "/break/1", "")
	w.do(t, "GET", "/break/2", "")
	w.do(t, "POST", "/form", "")
	w.stop()
	if err := <-w.done; err != nil {
		t.Error(err)
	}
	rec := recorded(t, tel.MetricsPage())
	for _, want := range []string{
		`http_server_failures_total{code="internal"} 2`, "http_server_panics_total 2",
		`http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_class="5xx",http_route="/break/{x}"} 2`,
		`http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_class="4xx",http_route="/form"} 1`,
		`http_server_request_duration_seconds_bucket{http_request_method="POST",http_response_status_class="4xx",http_route="/form",le="60"} 1`,
		"http_server_active_requests 0",
	} {
		if !strings.Contains(rec, want) {
			t.Errorf("no %q in\n%s", want, rec)
		}
	}
}

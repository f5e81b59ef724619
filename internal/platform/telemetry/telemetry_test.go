package telemetry_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"cofounder/internal/platform/telemetry"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

func TestMetricsPage(t *testing.T) {
	t.Parallel()
	tel, err := telemetry.Open(t.Context(), telemetry.Config{Version: "v1.2.3", Instance: "a", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	failures, err := tel.Meter("test").Int64Counter("mail.failures", metric.WithDescription("Mails not sent."))
	if err != nil {
		t.Fatal(err)
	}
	failures.Add(t.Context(), 0, metric.WithAttributes(attribute.String("kind", "smtp")))
	size, err := tel.Meter("test").Float64Histogram("page.time", metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(1, 60))
	if err != nil {
		t.Fatal(err)
	}
	size.Record(t.Context(), 30)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	w := httptest.NewRecorder()
	tel.MetricsPage().ServeHTTP(w, r)
	if got := w.Header().Get("Content-Type"); w.Code != http.StatusOK || !strings.HasPrefix(got, "application/openmetrics-text") {
		t.Errorf("scrape = %d, %s; want 200 in OpenMetrics", w.Code, got)
	}
	page := w.Body.String()
	for _, want := range []string{
		"# TYPE mail_failures counter\n", `mail_failures_total{kind="smtp"} 0`,
		`page_time_seconds_bucket{le="60.0"} 1`, `page_time_seconds_bucket{le="1.0"} 0`,
		"go_goroutines ", "process_resident_memory_bytes ", `service_version="v1.2.3"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in the scrape", want)
		}
	}
	if !strings.HasSuffix(page, "# EOF\n") {
		t.Error("the scrape does not end as OpenMetrics does")
	}
	if t.Failed() {
		t.Log(page)
	}
	for range 2 {
		if err := tel.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown = %v, want nil each time", err)
		}
	}
}

// collector is an OTLP endpoint that counts what it was sent, by path.
type collector struct {
	mu   sync.Mutex
	got  map[string]int
	code int
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got[r.URL.Path] += int(n)
	w.WriteHeader(c.code)
}

func TestExport(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		code int
		want string // in the log
	}{
		{"accepted", http.StatusOK, ""},
		{"refused", http.StatusBadRequest, "were not sent to the collector"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake := &collector{got: map[string]int{}, code: c.code}
			server := httptest.NewServer(fake)
			defer server.Close()
			var log strings.Builder
			tel, err := telemetry.Open(t.Context(), telemetry.Config{Endpoint: server.URL, Log: telemetry.NewLogger(&log, telemetry.Readable, slog.LevelInfo)})
			if err != nil {
				t.Fatal(err)
			}
			ctx, span := tel.Tracer("test").Start(t.Context(), "work")
			if !span.SpanContext().IsValid() {
				t.Error("no span is recorded although there is an endpoint")
			}
			counter, err := tel.Meter("test").Int64Counter("n")
			if err != nil {
				t.Fatal(err)
			}
			counter.Add(ctx, 1)
			span.End()
			if err := tel.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			if fake.got["/v1/traces"] == 0 || fake.got["/v1/metrics"] == 0 {
				t.Errorf("collector got %v, want traces and metrics", fake.got)
			}
			if c.want == "" && log.Len() > 0 || !strings.Contains(log.String(), c.want) {
				t.Errorf("log = %q, want %q", log.String(), c.want)
			}
		})
	}
}

func TestNoEndpointNoSpan(t *testing.T) {
	t.Parallel()
	tel, err := telemetry.Open(t.Context(), telemetry.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if _, span := tel.Tracer("test").Start(t.Context(), "work"); span.SpanContext().IsValid() {
		t.Error("a span is recorded although nobody will see it")
	}
}

// TestShutdownDeadline proves that a collector that hangs does not hold us up.
func TestShutdownDeadline(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(release)
	tel, err := telemetry.Open(t.Context(), telemetry.Config{Endpoint: server.URL, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	_, span := tel.Tracer("test").Start(t.Context(), "work")
	span.End()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begun := time.Now()
	t.Logf("shutdown says %v", tel.Shutdown(ctx)) // depends on where it was cut
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("Shutdown took %s, want about 0.2 s", took)
	}
}

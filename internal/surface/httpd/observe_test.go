package httpd_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"cofounder/internal/surface/httpd"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// TestSpans proves that a request is one span, that only a trusted proxy's trace
// is continued, and that log lines carry the trace.
func TestSpans(t *testing.T) {
	t.Parallel()
	const parent = "4bf92f3577b34da6a3ce929d0e0e4736"
	for _, c := range []struct {
		name    string
		trusted bool
	}{
		{"from a proxy", true},
		{"from anyone", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			spans := tracetest.NewInMemoryExporter()
			provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
			mux := httpd.NewMux()
			mux.Handle("GET /p/{project}", httpd.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return errors.New("oh no") }))
			w := prepared(t, mux, func(cfg *httpd.Config) {
				if cfg.Tracer = provider.Tracer("test"); c.trusted {
					trusting(cfg)
				}
			}).run(t)
			w.do(t, "GET", "/p/prj_1", "", "Traceparent", "00-"+parent+"-00f067aa0ba902b7-01")
			w.stopped(t)
			got := spans.GetSpans()
			if len(got) != 1 || got[0].Name != "GET /p/{project}" || got[0].Status.Code != codes.Error {
				t.Fatalf("spans = %+v, want one, named and failed", got)
			}
			trace := got[0].SpanContext.TraceID().String()
			if (trace == parent) != c.trusted {
				t.Errorf("trace = %s, sent %s", trace, parent)
			}
			if lines := w.log.lines("request failed", "trace_id="+trace, "span_id="+got[0].SpanContext.SpanID().String()); len(lines) != 1 {
				t.Errorf("%d lines carry the trace, want 1:\n%s", len(lines), w.log)
			}
			if strings.Contains(w.log.String(), "prj_1") {
				t.Error("the path itself is in the log")
			}
		})
	}
}

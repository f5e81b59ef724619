package httpd

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"cofounder/internal/base/fault"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// measures are the edge's own metrics. Names and attributes are those of
// OpenTelemetry's HTTP conventions where they have one.
type measures struct {
	duration metric.Float64Histogram
	active   metric.Int64UpDownCounter
	panics   metric.Int64Counter
	failures metric.Int64Counter
}

func newMeasures(m metric.Meter) (measures, error) {
	duration, err := m.Float64Histogram("http.server.request.duration", metric.WithUnit("s"),
		metric.WithDescription("Time to answer a request, streams left out."),
		metric.WithExplicitBucketBoundaries(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60))
	if err != nil {
		return measures{}, fmt.Errorf("measure requests: %w", err)
	}
	active, err := m.Int64UpDownCounter("http.server.active_requests",
		metric.WithDescription("Requests being answered now, streams included."))
	if err != nil {
		return measures{}, fmt.Errorf("measure requests: %w", err)
	}
	panics, err := m.Int64Counter("http.server.panics",
		metric.WithDescription("Handlers that panicked."))
	if err != nil {
		return measures{}, fmt.Errorf("measure requests: %w", err)
	}
	failures, err := m.Int64Counter("http.server.failures",
		metric.WithDescription("Requests answered with 500 (internal) or 503 (unavailable)."))
	if err != nil {
		return measures{}, fmt.Errorf("measure requests: %w", err)
	}
	return measures{duration, active, panics, failures}, nil
}

// start makes the counters exist at 0.
func (m measures) start(ctx context.Context) {
	m.panics.Add(ctx, 0)
	for _, class := range []fault.Kind{fault.Internal, fault.Unavailable} {
		m.failures.Add(ctx, 0, metric.WithAttributes(attribute.String("code", class.String())))
	}
}

// observe writes one log line, one span and one measurement per request.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := now()
		ctx := r.Context()
		if _, viaProxy := s.clientOf(r); viaProxy { // it may continue its trace
			ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
		}
		ctx, span := s.cfg.Tracer.Start(ctx, methodOf(r), trace.WithSpanKind(trace.SpanKindServer))
		s.measures.active.Add(ctx, 1)
		r = r.WithContext(ctx)
		defer func() {
			s.measures.active.Add(ctx, -1)
			s.observed(ctx, r, recorderOf(w), max(now().Sub(begun), 0))
			span.End()
		}()
		next.ServeHTTP(w, r)
	})
}

// observed writes down a request that is over.
func (s *Server) observed(ctx context.Context, r *http.Request, rec *recorder, took time.Duration) {
	x := exchangeOf(ctx)
	method, route := methodOf(r), routeOf(x)
	attrs := []attribute.KeyValue{
		attribute.String("http.request.method", method),
		attribute.String("http.route", route),
		attribute.String("http.response.status_class", strconv.Itoa(rec.status/100)+"xx"),
	}
	if !x.stream {
		s.measures.duration.Record(ctx, took.Seconds(), metric.WithAttributes(attrs...))
	}
	span := trace.SpanFromContext(ctx)
	span.SetName(method + " " + route)
	span.SetAttributes(attrs...)
	if rec.status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
	line := []slog.Attr{
		slog.String("method", method), slog.String("route", route),
		slog.Int("status", rec.status), slog.Int64("bytes", rec.bytes),
		slog.Duration("took", took), slog.String("client", addrText(x.client)),
	}
	if x.debugID != "" {
		line = append(line, slog.String("debug_id", x.debugID))
	}
	s.cfg.Log.LogAttrs(ctx, s.accessLevel(x), "request", line...)
}

// accessLevel keeps probes out of sight.
func (s *Server) accessLevel(x *exchange) slog.Level {
	switch x.route {
	case livez, readyz, metricsPath:
		return slog.LevelDebug
	}
	return s.cfg.RoutineLevel
}

// routeOf is the pattern that matched, never the path: a path may hold a start
// link's code or a founder's words, and would make a series of each project.
func routeOf(x *exchange) string {
	if x.route == "" {
		return "unmatched"
	}
	if _, path, ok := strings.Cut(x.route, " "); ok {
		return path
	}
	return x.route
}

// methodOf folds methods nobody defined, which a client may invent at will.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// rescue turns a panic into a 500 whose debug id finds the log line with its
// stack. http.ErrAbortHandler is how handlers cut a connection on purpose and
// passes through.
func (s *Server) rescue(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler: // compared as net/http does
				panic(v)
			default:
				s.panicked(w, r, v)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func (s *Server) panicked(w http.ResponseWriter, r *http.Request, v any) {
	s.measures.panics.Add(r.Context(), 1)
	answer(w, r, report(r.Context(), fmt.Errorf("panic: %v", v), slog.String("stack", string(debug.Stack()))))
}

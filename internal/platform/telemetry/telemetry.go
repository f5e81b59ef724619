// Package telemetry makes what happens visible: logs, metrics and traces.
//
// Terms. A request id names one HTTP request and is on its response. A run id
// names one durable run. A debug id (on screen: Reference) names one error and
// finds its log line.
//
// Log lines written with a context carry request_id, run_id, trace_id and
// span_id. Metrics are recorded through OpenTelemetry and served at /metrics in
// the OpenMetrics format from a registry of our own. With an OTLP endpoint,
// metrics and traces are sent there as well; without one, no span is recorded
// and nothing leaves the process. Package-level state of OpenTelemetry is never
// set: whoever measures takes a Meter or Tracer.
//
// Counters that an alert watches must be added to with 0 when they are made: a
// series that is born at 1 has no increase to see.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/otlptranslator"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	promexport "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// exportEvery is how often metrics go to the OTLP endpoint; the convention's own
// default of 60 s is too coarse to watch a deployment by.
const exportEvery = 15 * time.Second

// Config says what telemetry belongs to and where it goes.
type Config struct {
	Version  string // of the program
	Instance string // tells processes of one installation apart; may be empty
	// Endpoint is the base URL of an OTLP collector (http or https); empty
	// sends nothing. The exporter's other OTEL_EXPORTER_OTLP_* variables
	// (headers, time limit, certificate) keep their customary meaning.
	Endpoint string
	Log      *slog.Logger
}

// Telemetry holds the providers of meters and tracers. Safe for concurrent use.
type Telemetry struct {
	registry *prometheus.Registry
	metrics  *sdkmetric.MeterProvider
	traces   *sdktrace.TracerProvider // nil without an endpoint
	log      *slog.Logger
}

// Open starts telemetry. It does not connect anywhere: an endpoint that cannot
// be reached is a warning in the log each time something should have been sent.
func Open(ctx context.Context, cfg Config) (*Telemetry, error) {
	t := &Telemetry{registry: prometheus.NewRegistry(), log: cfg.Log}
	t.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	reader, err := promexport.New(
		promexport.WithRegisterer(t.registry),
		promexport.WithTranslationStrategy(otlptranslator.UnderscoreEscapingWithSuffixes),
		promexport.WithoutScopeInfo(),
	)
	if err != nil {
		return nil, fmt.Errorf("open metrics: %w", err)
	}
	res := resource.NewSchemaless(
		attribute.String("service.name", "cofounder"),
		attribute.String("service.version", cfg.Version),
		attribute.String("service.instance.id", cfg.Instance),
	)
	options := []sdkmetric.Option{sdkmetric.WithReader(reader), sdkmetric.WithResource(res)}
	if cfg.Endpoint != "" {
		metrics, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(cfg.Endpoint+"/v1/metrics"))
		if err != nil {
			return nil, fmt.Errorf("open metrics export to %s: %w", cfg.Endpoint, err)
		}
		spans, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(cfg.Endpoint+"/v1/traces"))
		if err != nil {
			return nil, fmt.Errorf("open trace export to %s: %w", cfg.Endpoint, err)
		}
		options = append(options, sdkmetric.WithReader(sdkmetric.NewPeriodicReader(
			loudMetrics{metrics, cfg.Log}, sdkmetric.WithInterval(exportEvery))))
		t.traces = sdktrace.NewTracerProvider(
			sdktrace.WithBatcher(loudSpans{spans, cfg.Log}), sdktrace.WithResource(res))
	}
	t.metrics = sdkmetric.NewMeterProvider(options...)
	return t, nil
}

// Meter returns the meter of a package, named by its import path below internal.
func (t *Telemetry) Meter(name string) metric.Meter { return t.metrics.Meter(name) }

// Tracer returns the tracer of a package; it records nothing without an endpoint.
func (t *Telemetry) Tracer(name string) trace.Tracer {
	if t.traces == nil {
		return noop.NewTracerProvider().Tracer(name)
	}
	return t.traces.Tracer(name)
}

// MetricsPage answers a scrape in the OpenMetrics format, or Prometheus's older
// text when the scraper asks for that. It does not ask who is there: whoever
// mounts it does.
func (t *Telemetry) MetricsPage() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true,
		ErrorLog:          slog.NewLogLogger(t.log.Handler(), slog.LevelError),
		ErrorHandling:     promhttp.HTTPErrorOnError,
		CoalesceGather:    true,
	})
}

// Shutdown sends what is still waiting and stops, at the latest when ctx ends.
// It is safe to call twice; the second call does nothing.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	err := t.metrics.Shutdown(ctx)
	if errors.Is(err, sdkmetric.ErrReaderShutdown) {
		err = nil
	}
	if t.traces != nil {
		err = errors.Join(err, t.traces.Shutdown(ctx))
	}
	if err != nil {
		return fmt.Errorf("stop telemetry: %w", err)
	}
	return nil
}

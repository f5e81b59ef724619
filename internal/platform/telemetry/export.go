package telemetry

import (
	"context"
	"log/slog"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// The two exporters below tell our log about a failed export and then report
// success to the SDK, which would otherwise print to standard error in a format
// of its own. Nothing retries above them: the exporters inside do.

type loudMetrics struct {
	sdkmetric.Exporter
	log *slog.Logger
}

func (e loudMetrics) Export(ctx context.Context, m *metricdata.ResourceMetrics) error {
	if err := e.Exporter.Export(ctx, m); err != nil {
		e.log.WarnContext(ctx, "metrics were not sent to the collector", "err", err)
	}
	return nil
}

type loudSpans struct {
	sdktrace.SpanExporter
	log *slog.Logger
}

func (e loudSpans) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := e.SpanExporter.ExportSpans(ctx, spans); err != nil {
		e.log.WarnContext(ctx, "spans were not sent to the collector", "err", err, "spans", len(spans))
	}
	return nil
}

package client

import (
	"context"
	"fmt"

	"cofounder/internal/platform/llm"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// counters are what an operator watches. Endpoints and models are founders' words
// and would make series without end; the ledger has them.
type counters struct {
	attempts metric.Int64Counter
	answers  metric.Int64Counter
}

func newCounters(m metric.Meter) (counters, error) {
	attempts, err := m.Int64Counter("llm.attempts", metric.WithDescription("requests to models, by what became of them"))
	if err != nil {
		return counters{}, fmt.Errorf("count attempts: %w", err)
	}
	answers, err := m.Int64Counter("llm.answers", metric.WithDescription("answers of a form, by how they were found"))
	if err != nil {
		return counters{}, fmt.Errorf("count answers: %w", err)
	}
	return counters{attempts, answers}, nil
}

func (c counters) attempted(ctx context.Context, o llm.Outcome) {
	became := "answered"
	if o.Err != "" {
		became = string(o.Err)
	}
	c.attempts.Add(ctx, 1, metric.WithAttributes(attribute.String("outcome", became), attribute.String("reason", string(o.Reason))))
}

func (c counters) answered(ctx context.Context, l llm.Label) {
	c.answers.Add(ctx, 1, metric.WithAttributes(attribute.String("label", string(l))))
}

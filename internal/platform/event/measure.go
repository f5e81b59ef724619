package event

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/metric"
)

// counts are what a hub did, for measurements. Under Hub.mu.
type counts struct {
	looks int64 // for new events, in the database
	cut   int64 // readers that were too slow
}

// Measure lets m observe the hub.
func (h *Hub) Measure(m metric.Meter) error {
	streams, err := m.Int64ObservableGauge("event.streams", metric.WithDescription("Streams that somebody follows in this process."))
	if err != nil {
		return fmt.Errorf("measure events: %w", err)
	}
	readers, err := m.Int64ObservableGauge("event.readers", metric.WithDescription("Readers that follow streams in this process."))
	if err != nil {
		return fmt.Errorf("measure events: %w", err)
	}
	deaf, err := m.Int64ObservableGauge("event.deaf", metric.WithDescription("1 while notifications of other processes are not heard, and events come by polling only."))
	if err != nil {
		return fmt.Errorf("measure events: %w", err)
	}
	looks, err := m.Int64ObservableCounter("event.looks", metric.WithDescription("Looks for new events in the database."))
	if err != nil {
		return fmt.Errorf("measure events: %w", err)
	}
	cut, err := m.Int64ObservableCounter("event.readers.cut", metric.WithDescription("Readers sent away because they fell too far behind."))
	if err != nil {
		return fmt.Errorf("measure events: %w", err)
	}
	_, err = m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s := h.snapshot()
		o.ObserveInt64(streams, s.streams)
		o.ObserveInt64(readers, s.readers)
		o.ObserveInt64(deaf, s.deaf)
		o.ObserveInt64(looks, s.looks)
		o.ObserveInt64(cut, s.cut)
		return nil
	}, streams, readers, deaf, looks, cut)
	if err != nil {
		return fmt.Errorf("measure events: %w", err)
	}
	return nil
}

// snapshot is a hub at one instant.
type snapshot struct {
	counts

	streams, readers, deaf int64
}

func (h *Hub) snapshot() snapshot {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := snapshot{counts: h.counts, streams: int64(len(h.topics))}
	for _, t := range h.topics {
		s.readers += int64(len(t.subs))
	}
	if h.state == hubRuns && !h.hears {
		s.deaf = 1
	}
	return s
}

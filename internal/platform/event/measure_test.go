package event_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/event"
	"cofounder/internal/platform/telemetry"
)

// What a hub does can be read at /metrics.
func TestMeasure(t *testing.T) {
	t.Parallel()
	pool := dbtest.New(t)
	h := hub(t, pool)
	tel, err := telemetry.Open(t.Context(), telemetry.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tel.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if err := h.Measure(tel.Meter("platform/event")); err != nil {
		t.Fatal(err)
	}
	says := func(lines ...string) {
		t.Helper()
		rec := httptest.NewRecorder()
		tel.MetricsPage().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
		page, err := io.ReadAll(rec.Result().Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			if !strings.Contains("\n"+string(page), "\n"+line+"\n") {
				t.Errorf("the page lacks %q:\n%s", line, page)
			}
		}
	}
	says("event_streams 0", "event_readers 0", "event_readers_cut_total 0", "event_deaf 0")
	add(t, pool, "one", noon(), nil)
	stuck, quick := follow(t, h, "one", 0), follow(t, h, "one", 0)
	other := follow(t, h, "two", 0)
	for _, s := range []*event.Subscription{stuck, quick} {
		sees(t, s, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if _, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v; want nothing yet", err)
		}
		cancel()
	}
	says("event_streams 2", "event_readers 3")
	for round := range int64(11) {
		add(t, pool, "one", noon(), make([]any, 100)...)
		h.Wake("one")
		sees(t, quick, 1+100*(round+1))
	}
	if _, err := stuck.Next(t.Context()); !errors.Is(err, event.ErrBehind) {
		t.Fatalf("who is 1100 behind: %v, want ErrBehind", err)
	}
	stuck.Close()
	other.Close()
	says("event_streams 1", "event_readers 1", "event_readers_cut_total 1")
}

package telemetry_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"cofounder/internal/platform/telemetry"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"
)

var clockTime = regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d\.\d{3} `)

func TestReadable(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	log := telemetry.NewLogger(&out, telemetry.Readable, slog.LevelInfo)
	ctx := telemetry.WithRun(telemetry.WithRequest(t.Context(), "req_1"), "run_1")
	log.InfoContext(ctx, "request", "status", 200, "took", 1500*time.Microsecond)
	log.Debug("not shown")
	log.Warn("odd", "empty", "", "spaces", "a b", "forged", "x\n12:00:00 ERROR fake", "colour", "\x1b[31mred", "equals", "a=b")
	log.Error("broken\n", "err", errors.New(`say "hello"`), "at", time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("", 3600)))
	log.With("part", "db").WithGroup("pool").WithGroup("wait").Info("grouped", "count", 1, "inner", slog.GroupValue(slog.Int("n", 2)))
	want := `INFO  request status=200 took=1.5ms request_id=req_1 run_id=run_1
WARN  odd empty="" spaces="a b" forged="x\n12:00:00 ERROR fake" colour="\x1b[31mred" equals="a=b"
ERROR broken  err="say \"hello\"" at=2026-11-23T11:00:00Z
INFO  grouped part=db pool.wait.count=1 pool.wait.inner.n=2
`
	if n := len(clockTime.FindAllString(out.String(), -1)); n != 4 {
		t.Errorf("%d lines begin with a time, want 4:\n%s", n, out.String())
	}
	if diff := cmp.Diff(want, clockTime.ReplaceAllString(out.String(), "")); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	log := telemetry.NewLogger(&out, telemetry.JSON, slog.LevelInfo).With("part", "db")
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	ctx := trace.ContextWithSpanContext(telemetry.WithRequest(t.Context(), "req_1"), span)
	log.InfoContext(ctx, "hello")
	var got map[string]any
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "time")
	want := map[string]any{
		"level": "INFO", "msg": "hello", "part": "db", "request_id": "req_1",
		"trace_id": span.TraceID().String(), "span_id": span.SpanID().String(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

func TestFormatOn(t *testing.T) {
	t.Parallel()
	file, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, c := range []struct {
		name string
		give telemetry.Format
		want telemetry.Format
	}{
		{"auto in a file", telemetry.Auto, telemetry.JSON},
		{"unset in a file", "", telemetry.JSON},
		{"readable in a file", telemetry.Readable, telemetry.Readable},
		{"json in a file", telemetry.JSON, telemetry.JSON},
	} {
		if got := c.give.On(file); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	if telemetry.RequestID(ctx) != "" || telemetry.RunID(ctx) != "" {
		t.Error("a context without ids has some")
	}
	ctx = telemetry.WithRun(telemetry.WithRequest(ctx, "a"), "b")
	if telemetry.RequestID(ctx) != "a" || telemetry.RunID(ctx) != "b" {
		t.Errorf("ids = %q, %q; want a, b", telemetry.RequestID(ctx), telemetry.RunID(ctx))
	}
	shape := regexp.MustCompile(`^[0-9a-hjkmnp-tv-z]{4}-[0-9a-hjkmnp-tv-z]{4}-[0-9a-hjkmnp-tv-z]{4}$`)
	seen := map[string]bool{}
	for range 10_000 {
		id := telemetry.NewDebugID()
		if !shape.MatchString(id) || seen[id] {
			t.Fatalf("debug id %q is misshapen or came twice", id)
		}
		seen[id] = true
	}
}

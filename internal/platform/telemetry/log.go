package telemetry

import (
	"context"
	"io"
	"log/slog"
	"os"

	"go.opentelemetry.io/otel/trace"
)

// Format is how log lines are written.
type Format string

// The formats. Auto is Readable on a terminal and JSON elsewhere.
const (
	Auto     Format = "auto"
	Readable Format = "readable"
	JSON     Format = "json"
)

// On returns the format to use for w: itself, or what Auto means there.
func (f Format) On(w io.Writer) Format {
	if f != Auto && f != "" {
		return f
	}
	if isTerminal(w) {
		return Readable
	}
	return JSON
}

// NewLogger returns a logger that writes to w, one line per record, from level
// up. Lines written with a context carry its request_id, run_id, trace_id and
// span_id. Colours appear only in Readable and only on a terminal.
func NewLogger(w io.Writer, format Format, level slog.Leveler) *slog.Logger {
	var inner slog.Handler
	if format.On(w) == Readable {
		inner = newReadable(w, level, isTerminal(w))
	} else {
		inner = slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})
	}
	return slog.New(contextual{inner})
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	stat, err := f.Stat()
	return err == nil && stat.Mode()&os.ModeCharDevice != 0
}

// contextual adds what a context knows to each record.
type contextual struct{ slog.Handler }

func (h contextual) Handle(ctx context.Context, r slog.Record) error {
	if id := RequestID(ctx); id != "" {
		r.AddAttrs(slog.String("request_id", id))
	}
	if id := RunID(ctx); id != "" {
		r.AddAttrs(slog.String("run_id", id))
	}
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		r.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h contextual) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextual{h.Handler.WithAttrs(attrs)}
}

func (h contextual) WithGroup(name string) slog.Handler {
	return contextual{h.Handler.WithGroup(name)}
}

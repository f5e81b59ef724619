package app

import (
	"context"
	"io"
	"log/slog"
	"os"

	"cofounder/internal/platform/config"
	"cofounder/internal/platform/telemetry"
)

// Streams are where a command writes: Out for people and pipes, Err for the log.
type Streams struct{ Out, Err io.Writer }

// logger is the log every command writes to.
func logger(cfg config.Config, s Streams) *slog.Logger {
	return telemetry.NewLogger(s.Err, telemetry.Format(cfg.Log.Format), cfg.Log.Level)
}

// routineLevel is the level of lines that say all is well. A person at a
// terminal has the lines made for people, where there are any; for them these are
// for debugging.
func routineLevel(cfg config.Config) slog.Level {
	spoken := !cfg.Data.DatabaseURL.IsSet() && cfg.Process.Has(config.Web)
	if spoken && telemetry.Format(cfg.Log.Format).On(os.Stderr) == telemetry.Readable {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// routine writes what was logged at info at its level instead. Everything else
// passes.
type routine struct {
	slog.Handler
	level slog.Level
}

// Enabled implements slog.Handler.
func (r routine) Enabled(ctx context.Context, l slog.Level) bool {
	if l == slog.LevelInfo {
		l = r.level
	}
	return r.Handler.Enabled(ctx, l)
}

// Handle implements slog.Handler.
func (r routine) Handle(ctx context.Context, record slog.Record) error {
	if record.Level == slog.LevelInfo {
		record.Level = r.level
	}
	return r.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (r routine) WithAttrs(attrs []slog.Attr) slog.Handler {
	return routine{r.Handler.WithAttrs(attrs), r.level}
}

// WithGroup implements slog.Handler.
func (r routine) WithGroup(name string) slog.Handler {
	return routine{r.Handler.WithGroup(name), r.level}
}

package flow_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/flow"

	"github.com/jackc/pgx/v5/pgxpool"
)

// world is a database and the engines on it.
type world struct {
	tb   testing.TB
	pool *pgxpool.Pool
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	return &world{tb: tb, pool: dbtest.New(tb)}
}

func (w *world) config() flow.Config {
	return flow.Config{DB: w.pool, Clock: clock.System{}, IDs: id.NewSource(clock.System{}.Now), Log: slog.New(slog.NewTextHandler(w.tb.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))}
}

// engine returns one that is not started.
func (w *world) engine(change ...func(*flow.Config)) *flow.Engine {
	w.tb.Helper()
	cfg := w.config()
	for _, c := range change {
		c(&cfg)
	}
	e, err := flow.New(cfg)
	if err != nil {
		w.tb.Fatal(err)
	}
	return e
}

// start starts e until the end of the test.
func (w *world) start(e *flow.Engine) *flow.Engine {
	w.tb.Helper()
	if err := e.Start(w.tb.Context()); err != nil {
		w.tb.Fatal(err)
	}
	w.tb.Cleanup(func() {
		if err := e.Stop(context.WithoutCancel(w.tb.Context())); err != nil {
			w.tb.Errorf("stop: %v", err)
		}
	})
	return e
}

const team = "wsp_one"

// run starts a run of kind test.
func (w *world) run(e *flow.Engine, r flow.NewRun) flow.RunID {
	w.tb.Helper()
	if r.Kind == "" {
		r.Kind = "test"
	}
	if r.Workspace == "" {
		r.Workspace = team
	}
	r.Starter = "usr_one"
	if r.First.Name == "" {
		r.First.Name = "first"
	}
	run, err := e.StartRun(w.tb.Context(), r)
	if err != nil {
		w.tb.Fatal(err)
	}
	return run
}

// await waits until the run is in one of these states and returns it.
func (w *world) await(e *flow.Engine, run flow.RunID, states ...flow.State) flow.Run {
	w.tb.Helper()
	var r flow.Run
	w.until(func() bool {
		var err error
		if r, err = e.Run(w.tb.Context(), team, run); err != nil {
			w.tb.Fatal(err)
		}
		return slices.Contains(states, r.State)
	}, func() string { return "run " + string(run) + " is " + string(r.State) + " " + r.Detail })
	return r
}

// until asks again and again.
func (w *world) until(ok func() bool, what func() string) {
	w.tb.Helper()
	deadline := time.After(60 * time.Second)
	for look := time.NewTicker(10 * time.Millisecond); !ok(); {
		select {
		case <-look.C:
		case <-deadline:
			w.tb.Fatalf("waited for a minute: %s", what())
		case <-w.tb.Context().Done():
			w.tb.Fatal(what())
		}
	}
}

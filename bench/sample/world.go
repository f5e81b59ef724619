package sample

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/config"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/event"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/client"
	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/metric/noop"
)

// Config is what a World needs.
type Config struct {
	DatabaseURL string // migrated
	ModelURL    string // of a Model; several worlds may share one
	Worker      string // name of this process; "" for a fresh one
	Slots       int    // default 8
	MaxConns    int32  // default 10
	MaxWaiting  int    // of the engine
	Clock       clock.Clock
	Newer       bool         // the graph as a later release has it: one more step, and another order
	Log         *slog.Logger // nil discards
}

// World is everything one process needs to start and work on sample runs. Open one,
// Start its Engine in processes that work, Close it.
type World struct {
	DB     *pgxpool.Pool
	Engine *flow.Engine
	Meter  *meter.Meter
	Model  *meter.Model
	Actor  account.Actor // starts the runs; its team has no limits of money

	newer bool
	clock clock.Clock
	done  context.CancelFunc
	ended chan struct{}
}

// Open connects to a migrated database and registers the sample graph. It starts to fold
// the meter's books, not to work.
func Open(ctx context.Context, cfg Config) (*World, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.System{}
	}
	pool, err := db.Open(ctx, cfg.DatabaseURL, db.Options{Name: "sample", MaxConns: cfg.MaxConns})
	if err != nil {
		return nil, err
	}
	w := &World{DB: pool, newer: cfg.Newer, ended: make(chan struct{})}
	if err := w.open(ctx, cfg); err != nil {
		pool.Close()
		return nil, err
	}
	folding, done := context.WithCancel(context.WithoutCancel(ctx))
	w.done = done
	go func() {
		defer close(w.ended)
		w.Meter.Run(folding)
	}()
	return w, nil
}

func (w *World) open(ctx context.Context, cfg Config) error {
	now, err := db.NewClock(ctx, w.DB, cfg.Clock)
	if err != nil {
		return err
	}
	w.clock = now
	ids := id.NewSource(now.Now)
	w.Meter = meter.New(meter.Config{
		DB: w.DB, Clock: now, IDs: ids, Log: cfg.Log,
		Fresh: func(context.Context, account.Actor) error { return nil }, // nobody else is about
	})
	wire, err := client.New(client.Config{Clock: clock.System{}, Policy: client.DefaultPolicy(), Log: cfg.Log, Meter: noop.Meter{}})
	if err != nil {
		return fmt.Errorf("prepare for the model: %w", err)
	}
	conn := meter.Connection{Payer: meter.OwnKey, Endpoint: llm.Endpoint{
		Name: "sample", BaseURL: cfg.ModelURL, Auth: llm.KeyHeader, Key: config.NewSecret("sk-sample"),
		RateCard: meter.AnthropicCard, Models: meter.DefaultModels(),
	}}
	w.Model = meter.NewModel(meter.ModelConfig{
		Meter: w.Meter, Client: wire, Cards: map[string]*meter.Card{meter.AnthropicCard: meter.PublishedCard()},
		Connect: func(context.Context, meter.Charge) (meter.Connection, error) { return conn, nil },
	})
	// The same people in every process, so that all see the same books.
	w.Actor = account.Actor{User: "usr_sample", Workspace: "wsp_sample", Role: account.Owner, Scope: account.ScopeWrite}
	err = w.Meter.SetLimits(ctx, w.Actor, meter.Limits{Month: meter.NoLimit, Day: meter.NoLimit, Run: meter.NoLimit})
	if err != nil {
		return err
	}
	w.Engine, err = flow.New(flow.Config{
		DB: w.DB, Clock: cfg.Clock, IDs: ids, Log: cfg.Log, Worker: cfg.Worker, Slots: cfg.Slots, MaxWaiting: cfg.MaxWaiting,
	})
	if err != nil {
		return err
	}
	w.Engine.Register(Kind, w.handlers())
	return nil
}

// Close stops the engine, if it works, and gives back what Open took.
func (w *World) Close(ctx context.Context) error {
	err := w.Engine.Stop(ctx)
	w.done()
	<-w.ended
	w.DB.Close()
	return err
}

// Start puts a sample run in line.
func (w *World) Start(ctx context.Context, p Plan, change ...func(*flow.NewRun)) (flow.RunID, error) {
	r := flow.NewRun{
		Kind: Kind, Workspace: string(w.Actor.Workspace), Starter: string(w.Actor.User), First: flow.Next{Name: think}, Input: p,
	}
	for _, c := range change {
		c(&r)
	}
	return w.Engine.StartRun(ctx, r)
}

// Answer answers what a run asks.
func (w *World) Answer(ctx context.Context, run flow.RunID, answer string) error {
	n, err := w.Engine.Answer(ctx, string(w.Actor.Workspace), question(run), answer)
	if err == nil && n == 0 {
		err = fmt.Errorf("%s asks nothing now", run)
	}
	return err
}

// Stream is where a run tells what it does.
func Stream(run flow.RunID) event.Stream { return event.Stream(run) }

// Model is a local server that plays the model. Its answers depend on what was asked
// only, so that a run comes to the same end however often it was interrupted.
type Model struct {
	URL    string
	server *http.Server
	script *llmtest.Server
	ended  chan struct{}
}

// ServeModel starts a Model on a free local port. Pause is how long it takes for each
// piece of its answers; the first calls, as many as stumbles, find it overloaded; seen, if
// not nil, is told of each call.
func ServeModel(ctx context.Context, pause time.Duration, stumbles int, seen func(llmtest.Call)) (*Model, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve the model: %w", err)
	}
	m := &Model{URL: "http://" + l.Addr().String(), ended: make(chan struct{})}
	script := ""
	if stumbles > 0 {
		script = fmt.Sprintf("turn\ntimes %d\nfail overloaded\n", stumbles)
	}
	if pause > 0 {
		script += "turn\ntimes 0\ndrip " + pause.String() + "\n"
	}
	cfg := llmtest.Config{Seen: seen}
	if cfg.Script, err = llmtest.Parse(script); err != nil {
		return nil, errors.Join(fmt.Errorf("serve the model: %w", err), l.Close())
	}
	m.script = llmtest.New(cfg)
	m.server = &http.Server{Handler: m.script, ReadHeaderTimeout: time.Minute}
	go func() {
		defer close(m.ended)
		if err := m.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			panic("sample: the model's server ended: " + err.Error())
		}
	}()
	return m, nil
}

// Close ends the server and every answer under way.
func (m *Model) Close() error {
	m.script.Close()
	err := m.server.Close()
	<-m.ended
	return err
}

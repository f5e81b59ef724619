package admin_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/admin"
	"cofounder/internal/product/meter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// world is an installation with one team, whose runs ask a model once, use a tool once
// and fail until they are mended.
type world struct {
	*admin.Desk

	t      *testing.T
	db     *pgxpool.Pool
	flow   *flow.Engine
	meter  *meter.Meter
	boss   account.Actor // runs the installation
	owner  account.Actor // of the team
	mended atomic.Bool
	tools  atomic.Int32
}

// secret is what the founder and the model say.
const secret = "a secret idea"

const (
	bossUser  account.UserID      = "usr_01kav5zsk3q8t2m4x7n9p6r0wa"
	ownerUser account.UserID      = "usr_01kav5zsk3q8t2m4x7n9p6r0wb"
	team      account.WorkspaceID = "wsp_01kav5zsk3q8t2m4x7n9p6r0wc"
)

func newWorld(t *testing.T) *world {
	t.Helper()
	ids, log := id.NewSource(clock.System{}.Now), slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	w := &world{t: t, db: dbtest.New(t)}
	w.exec(`INSERT INTO app_user (id, name, operator, created_at) VALUES ($1, 'Olga', true, now()), ($2, 'Mara', false, now())`, bossUser, ownerUser)
	w.exec(`INSERT INTO workspace (id, name, created_at) VALUES ($1, 'Dogs', now())`, team)
	w.boss = account.Actor{User: bossUser, Scope: account.ScopeWrite, Operator: true, Session: "ses_1"}
	w.owner = account.Actor{User: ownerUser, Workspace: team, Role: account.Owner, Scope: account.ScopeWrite, Session: "ses_2"}
	w.meter = meter.New(meter.Config{
		DB: w.db, Clock: clock.System{}, IDs: ids, Log: log, Fresh: func(context.Context, account.Actor) error { return nil },
	})
	if err := w.meter.SetLimits(t.Context(), w.owner, meter.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.flow, err = flow.New(flow.Config{DB: w.db, Clock: clock.System{}, IDs: ids, Log: log}); err != nil {
		t.Fatal(err)
	}
	w.flow.Register("test", flow.Handlers{"begin": w.begin, "end": func(context.Context, *flow.Node) (flow.Outcome, error) {
		return flow.Done(secret), nil
	}})
	if err := w.flow.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.flow.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	w.Desk = admin.New(admin.Config{
		DB: w.db, Clock: clock.System{}, IDs: ids, Flow: w.flow, Meter: w.meter,
		Connections: meter.NewConnections(meter.ConnectionsConfig{
			DB: w.db, Clock: clock.System{}, Fresh: func(context.Context, account.Actor) error { return nil },
		}),
		Model: meter.NewModel(meter.ModelConfig{Meter: w.meter, Cards: map[string]*meter.Card{meter.AnthropicCard: meter.PublishedCard()}}),
	})
	return w
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.db.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) count(sql string, args ...any) int {
	w.t.Helper()
	var n int
	if err := w.db.QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// begin asks a model for 1 000 000 tokens in and 1 000 out, and uses a tool.
func (w *world) begin(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
	var receipt meter.Receipt
	_, err := flow.Paid(ctx, n, "turn/1", func(ctx context.Context) (string, error) {
		price, err := meter.PublishedCard().Price("claude-sonnet-5-5", time.Now())
		if err != nil {
			return "", err
		}
		charge := meter.Charge{Actor: w.owner, Run: string(n.Run), Node: string(n.ID), Epoch: n.Epoch, Step: "turn/1", Role: meter.Coder}
		r, err := w.meter.Reserve(ctx, charge, meter.Call{Payer: meter.OwnKey, Endpoint: "test", Price: price, InputUpper: 100_000, MaxTokens: 5_000})
		if err != nil {
			return "", err
		}
		receipt = r.Answered(llm.Outcome{State: llm.Settled, Model: "claude-sonnet-5-5", Usage: llm.Usage{Input: 100_000, Output: 1_000, Known: true}})
		return secret, nil
	}, func(c *flow.Commit, _ string) error {
		c.Tx(func(ctx context.Context, tx pgx.Tx) error { return receipt.SettleTx(ctx, tx) })
		return nil
	})
	if err != nil {
		return flow.Outcome{}, err
	}
	if _, err := flow.Step(ctx, n, "tool/1", func(context.Context) (int32, error) { return w.tools.Add(1), nil }, nil); err != nil {
		return flow.Outcome{}, err
	}
	if !w.mended.Load() {
		return flow.Fail("broken", "It broke."), nil
	}
	return flow.Go(flow.Next{Name: "end"}), nil
}

// start starts a run and waits until it is in this state.
func (w *world) start(state flow.State, change ...func(*flow.NewRun)) flow.RunID {
	w.t.Helper()
	r := flow.NewRun{Kind: "test", Workspace: string(team), Starter: string(ownerUser), First: flow.Next{Name: "begin", Input: secret}, Input: secret}
	for _, c := range change {
		c(&r)
	}
	run, err := w.flow.StartRun(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.await(run, state)
	return run
}

func (w *world) await(run flow.RunID, state flow.State) {
	w.t.Helper()
	deadline := time.After(60 * time.Second)
	for look := time.NewTicker(10 * time.Millisecond); ; {
		s, err := w.flow.StoryOfAny(w.t.Context(), run)
		if err != nil {
			w.t.Fatal(err)
		}
		if s.Run.State == state {
			return
		}
		select {
		case <-look.C:
		case <-deadline:
			w.t.Fatalf("after a minute the run is %s, want %s", s.Run.State, state)
		}
	}
}

// later is a run that waits for an hour.
func later(r *flow.NewRun) { r.NotBefore = time.Now().Add(time.Hour) }

package meter_test

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5/pgxpool"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const (
	sonnet = "claude-sonnet-5-5"
	opus   = "claude-opus-5-5"
	haiku  = "claude-haiku-5-5"
)

// world is one installation with its own database and clock.
type world struct {
	*meter.Meter
	db    *pgxpool.Pool
	clock *clock.Manual
	ids   *id.Source
	card  *meter.Card
	steps atomic.Int64
}

func newWorld(t *testing.T, change ...func(*meter.Config)) *world {
	t.Helper()
	return worldOn(dbtest.New(t), change...)
}

func worldOn(db *pgxpool.Pool, change ...func(*meter.Config)) *world {
	at := clock.NewManual(time.Date(2026, 12, 3, 9, 0, 0, 0, time.UTC))
	cfg := meter.Config{DB: db, Clock: at, IDs: id.NewSource(at.Now), Log: quiet(), Fresh: anyone}
	for _, c := range change {
		c(&cfg)
	}
	return &world{Meter: meter.New(cfg), db: cfg.DB, clock: at, ids: cfg.IDs, card: meter.PublishedCard()}
}

// owner is the owner of a team that nobody else is in.
func (w *world) owner() account.Actor {
	return account.Actor{
		User: id.Mint[account.UserID](w.ids), Workspace: id.Mint[account.WorkspaceID](w.ids),
		Role: account.Owner, Scope: account.ScopeWrite,
	}
}

// confirmed is the owner of a team with limits.
func (w *world) confirmed(t *testing.T, l meter.Limits) account.Actor {
	t.Helper()
	a := w.owner()
	if err := w.SetLimits(t.Context(), a, l); err != nil {
		t.Fatal(err)
	}
	return a
}

// paidFor gives a team a plan and its owner a trial, both with plenty.
func (w *world) paidFor(t *testing.T, a account.Actor) account.Actor {
	t.Helper()
	if err := errors.Join(w.SetPlan(t.Context(), a.Workspace, account.Plan{ID: "test", DayShare: 1e12}, w.clock.Now()),
		w.SetTrial(t.Context(), a.User, 1000*meter.Dollar)); err != nil {
		t.Fatal(err)
	}
	return a
}

// charge is the next step of a run of a project.
func (w *world) charge(actor account.Actor, run string) meter.Charge {
	return meter.Charge{
		Actor: actor, Project: project.ID("prj_" + string(actor.Workspace) + run), Run: run, Node: "coder",
		Epoch: 1, Step: "turn/" + strconv.FormatInt(w.steps.Add(1), 10), Role: meter.Coder,
	}
}

// call asks a model with a prompt of 10 000 tokens for up to 20 000. With sonnet its
// worst case is 10 000 × $4 + 20 000 × $10 a million: $0.24, 120 000 weighed.
func (w *world) call(t *testing.T, model string) meter.Call {
	t.Helper()
	price, err := w.card.Price(model, w.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return meter.Call{Payer: meter.OwnKey, Endpoint: "test", Price: price, InputUpper: 10_000, MaxTokens: 20_000}
}

// worst is the worst case of call with sonnet.
const (
	worst        = 240_000_000
	worstWeighed = 120_000
)

func (w *world) reserve(t *testing.T, c meter.Charge, call meter.Call) meter.Reservation {
	t.Helper()
	r, err := w.Reserve(t.Context(), c, call)
	if err != nil {
		t.Fatalf("Reserve: %v", err)
	}
	return r
}

// answered is an answer that used so many tokens.
func answered(input, output llm.Tokens) llm.Outcome {
	return llm.Outcome{State: llm.Settled, Model: sonnet, RequestID: "req_1", Usage: llm.Usage{Input: input, Output: output, Known: true}}
}

// counters are the figures of one budget in the database.
type counters struct {
	DaySpent, DayReserved, PeriodSpent, PeriodReserved                             meter.NanoUSD
	DaySpentWeighed, DayReservedWeighed, PeriodSpentWeighed, PeriodReservedWeighed meter.Weighed
}

func (w *world) counters(t *testing.T, b meter.BudgetID) counters {
	t.Helper()
	var c counters
	err := w.db.QueryRow(t.Context(), `
		SELECT day_spent, day_reserved, period_spent, period_reserved,
			day_spent_weighed, day_reserved_weighed, period_spent_weighed, period_reserved_weighed
		FROM budget WHERE id = $1`, b).Scan(&c.DaySpent, &c.DayReserved, &c.PeriodSpent, &c.PeriodReserved,
		&c.DaySpentWeighed, &c.DayReservedWeighed, &c.PeriodSpentWeighed, &c.PeriodReservedWeighed)
	if err != nil {
		t.Fatalf("counters of %s: %v", b, err)
	}
	return c
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// checkBooks fails the test for everything that is wrong in the books.
func checkBooks(t *testing.T, m *meter.Meter, now time.Time) {
	t.Helper()
	books, err := m.Books(t.Context(), now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range meter.Reconcile(books) {
		t.Errorf("books: %+v", d)
	}
}

// anyone is Fresh where no test is about sessions.
func anyone(context.Context, account.Actor) error { return nil }

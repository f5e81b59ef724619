package meter_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/product/meter"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// entries returns the ledger of an actor's team.
func (w *world) entries(t *testing.T, c meter.Charge) []meter.Entry {
	t.Helper()
	var list []meter.Entry
	if err := w.Entries(t.Context(), c.Actor, meter.Filter{}, func(e meter.Entry) error { list = append(list, e); return nil }); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestLedgerRowSaysAllOfACall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.confirmed(t, meter.DefaultLimits())
	c := w.charge(a, "run1")
	c.Node, c.Epoch, c.Step = "step/3", 7, "turn/3"
	r := w.reserve(t, c, w.call(t, opus))
	w.clock.Advance(20 * time.Second)
	receipt := r.Answered(llm.Outcome{
		State: llm.Settled, Model: "claude-opus-5-5-20261101", RequestID: "req_7",
		Usage: llm.Usage{Input: 10, CacheWrite5m: 20, CacheWrite1h: 30, CacheRead: 40, Output: 50, Thinking: 45, Known: true},
	})
	if err := db.InTx(t.Context(), w.db, func(tx pgx.Tx) error { return receipt.SettleTx(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
	nano := meter.NanoUSD(10*4000 + 20*5000 + 30*8000 + 40*200 + 50*20_000)
	want := []meter.Entry{{
		ID: r.ID, Kind: meter.ACall, At: w.clock.Now(), ReservedAt: w.clock.Now().Add(-20 * time.Second),
		Day: time.Date(2026, 12, 3, 0, 0, 0, 0, time.UTC), Workspace: a.Workspace, Project: c.Project, Starter: a.User,
		Run: "run1", Node: "step/3", Epoch: 7, Step: "turn/3", Attempt: 1, Role: meter.Coder, Payer: meter.OwnKey, Endpoint: "test",
		Model: opus, AnsweredBy: "claude-opus-5-5-20261101", RequestID: "req_7", State: llm.Settled,
		Input: 10, Write5m: 20, Write1h: 30, Read: 40, Output: 50, Thinking: 45,
		RatesFrom: day, InputRate: 4_000_000, Write5mRate: 5_000_000, Write1hRate: 8_000_000, ReadRate: 200_000, OutputRate: 20_000_000,
		Reserved: 10_000*8000 + 20_000*20_000, Nano: nano, Weighed: meter.Weighed(nano / 2000),
	}}
	if diff := cmp.Diff(want, w.entries(t, c)); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
	if receipt.ID() != r.ID || receipt.Cost().Nano != nano {
		t.Errorf("receipt of %s over %s, want %s over %s", receipt.ID(), receipt.Cost().Nano, r.ID, nano)
	}
}

// TestQueued: a settlement that goes with a batch says what one in a transaction says,
// and a second one changes nothing.
func TestQueued(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.confirmed(t, meter.DefaultLimits())
	c := w.charge(a, "run1")
	answered := llm.Outcome{State: llm.Settled, Model: opus, Usage: llm.Usage{Input: 10, Output: 50, Known: true}}
	var receipts []meter.Receipt
	for range 2 {
		receipts = append(receipts, w.reserve(t, c, w.call(t, opus)).Answered(answered))
	}
	if err := db.InTx(t.Context(), w.db, func(tx pgx.Tx) error { return receipts[0].SettleTx(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var b pgx.Batch
		receipts[1].QueueTx(t.Context(), &b)
		if err := w.db.SendBatch(t.Context(), &b).Close(); err != nil {
			t.Fatal(err)
		}
	}
	list := w.entries(t, c)
	if len(list) != 2 {
		t.Fatalf("%d rows, want 2", len(list))
	}
	list[1].ID, list[1].Attempt = list[0].ID, list[0].Attempt
	if diff := cmp.Diff(list[0], list[1]); diff != "" {
		t.Errorf("in a transaction and in a batch (-tx +batch):\n%s", diff)
	}
	var b pgx.Batch
	w.reserve(t, c, w.call(t, opus)).Answered(answered).QueueTx(t.Context(), &b)
	b.Queue("DELETE FROM no_such_table")
	if err := w.db.SendBatch(t.Context(), &b).Close(); err == nil || len(w.entries(t, c)) != 2 {
		t.Errorf("a batch that fails: %v, %d rows, want none of it", err, len(w.entries(t, c)))
	}
}

// TestWhatNobodyKnowsIsNotFree: usage that is missing or cannot be true costs the
// whole reservation.
func TestWhatNobodyKnowsIsNotFree(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		state llm.State
		use   llm.Usage
		want  meter.NanoUSD
	}{
		{"all of it", llm.Settled, llm.Usage{Input: 10_000, Output: 1000, Known: true}, 30_000_000},
		{"settled, but not known", llm.Settled, llm.Usage{}, worst},
		{"negative", llm.Settled, llm.Usage{Input: -5, Output: 10, Known: true}, worst},
		{"more than there can be", llm.Settled, llm.Usage{Input: 1 << 60, Known: true}, worst},
		{"an estimate", llm.Estimated, llm.Usage{Input: 10_000, Output: 1000}, 30_000_000},
		{"an estimate beyond its worst case", llm.Estimated, llm.Usage{Input: 10_000, Output: 90_000}, worst},
		{"nothing was billed", llm.Void, llm.Usage{Input: 10_000, Output: 1000}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c := w.charge(w.confirmed(t, meter.DefaultLimits()), "run1")
			r := w.reserve(t, c, w.call(t, sonnet))
			if err := r.Failed(t.Context(), llm.Outcome{State: tt.state, Err: llm.Refused, Usage: tt.use}); err != nil {
				t.Fatal(err)
			}
			if got := w.entries(t, c); len(got) != 1 || got[0].Nano != tt.want {
				t.Errorf("ledger %+v, want one row over %s", got, tt.want)
			}
			checkBooks(t, w.Meter, w.clock.Now())
		})
	}
}

// TestBeyondTheWorstCase: a provider that bills more than it was allowed to has taken
// the money; hiding it would let it take more.
func TestBeyondTheWorstCase(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w := newWorld(t, func(cfg *meter.Config) { cfg.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	a := w.confirmed(t, meter.Limits{Month: worst, Day: meter.NoLimit, Run: meter.NoLimit})
	c := w.charge(a, "run1")
	r := w.reserve(t, c, w.call(t, sonnet))
	if err := r.Answered(answered(10_000, 30_000)).Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.entries(t, c); len(got) != 1 || got[0].Nano != 320_000_000 {
		t.Errorf("ledger %+v, want $0.32", got)
	}
	if !strings.Contains(log.String(), "cost more than its worst case") {
		t.Errorf("log: %s", log.String())
	}
	books, err := w.Books(t.Context(), w.clock.Now(), w.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	want := []meter.Discrepancy{{Rule: meter.RuleWorst, Subject: string(r.ID), Want: worst, Got: 320_000_000}}
	if diff := cmp.Diff(want, meter.Reconcile(books)); diff != "" {
		t.Errorf("before folding (-want +got):\n%s", diff)
	}
	_, err = w.Reserve(t.Context(), w.charge(a, "run1"), w.call(t, sonnet))
	if got := refused(t, err); got.Left != 0 {
		t.Errorf("after it: %+v, want nothing left", got)
	}
}

func TestSettleAloneIsSuperseded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.charge(w.confirmed(t, meter.DefaultLimits()), "run1")
	receipt := w.reserve(t, c, w.call(t, sonnet)).Answered(answered(10_000, 1000))
	fenced := errors.New("fenced")
	err := db.InTx(t.Context(), w.db, func(tx pgx.Tx) error { return errors.Join(receipt.SettleTx(t.Context(), tx), fenced) })
	if !errors.Is(err, fenced) || len(w.entries(t, c)) != 0 {
		t.Fatalf("%v, ledger %+v; want nothing settled", err, w.entries(t, c))
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 {
		if err := receipt.Settle(stopped); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.entries(t, c); len(got) != 1 || !got[0].Superseded || got[0].Nano != 30_000_000 {
		t.Errorf("ledger %+v, want one superseded row", got)
	}
	if err := (meter.Receipt{}).Settle(t.Context()); err != nil {
		t.Errorf("the receipt of no call: %v", err)
	}
}

// TestNobodyComesBack: an attempt whose cost is unknown, and one whose process died,
// keep their reservation for a quarter of an hour and are then written off by their
// prompt; both are our mistake, unless somebody stopped the call.
func TestNobodyComesBack(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		lose func(context.Context, meter.Reservation) error
		want string
	}{
		{"the process died", func(context.Context, meter.Reservation) error { return nil }, "unknown abandoned $0.02 → our_fault $0.00"},
		{"the connection was lost", func(ctx context.Context, r meter.Reservation) error {
			return r.Failed(ctx, llm.Outcome{State: llm.Unknown, Err: llm.Unavailable, Reason: llm.NoFirstByte})
		}, "unknown unavailable $0.02 → overload $0.00"},
		{"somebody stopped it", func(ctx context.Context, r meter.Reservation) error {
			return r.Failed(ctx, llm.Outcome{State: llm.Unknown, Err: llm.Cancelled})
		}, "unknown cancelled $0.02"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a := w.confirmed(t, meter.Limits{Month: worst, Day: meter.NoLimit, Run: meter.NoLimit})
			c := w.charge(a, "run1")
			r := w.reserve(t, c, w.call(t, sonnet))
			if err := tt.lose(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			w.clock.Advance(15*time.Minute - time.Microsecond)
			if n, err := w.Sweep(t.Context()); n != 0 || err != nil {
				t.Fatalf("Sweep = %d, %v; want none yet", n, err)
			}
			_, err := w.Reserve(t.Context(), w.charge(a, "run1"), w.call(t, sonnet))
			refused(t, err)
			w.clock.Advance(time.Microsecond)
			if n, err := w.Sweep(t.Context()); n != 1 || err != nil {
				t.Fatalf("Sweep = %d, %v; want 1", n, err)
			}
			if got := w.books(t, c); got != tt.want {
				t.Errorf("ledger %s; want %s", got, tt.want)
			}
			w.reserve(t, w.charge(a, "run1"), w.call(t, sonnet)) // shortened: $0.02 is gone
			checkBooks(t, w.Meter, w.clock.Now())
		})
	}
}

// TestLateSettlement: a process that slept through its own burial. The room was given
// to others, so what it brings counts against nobody, and is noted.
func TestLateSettlement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.confirmed(t, meter.Limits{Month: worst, Day: meter.NoLimit, Run: meter.NoLimit})
	c := w.charge(a, "run1")
	receipt := w.reserve(t, c, w.call(t, sonnet)).Answered(answered(10_000, 20_000))
	w.clock.Advance(time.Hour)
	if _, err := w.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := w.charge(a, "run2")
	w.reserve(t, second, w.call(t, sonnet))
	for range 2 {
		if err := receipt.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var late []meter.Entry
	for _, e := range w.entries(t, c) {
		if e.Kind == meter.ALate {
			late = append(late, e)
		}
	}
	// It cost $0.22, of which the $0.02 of its prompt were written off.
	if len(late) != 1 || late[0].Uncounted != 200_000_000 || late[0].Nano != 0 || late[0].Output != 20_000 {
		t.Errorf("late rows %+v, want one over $0.20 that counts nothing", late)
	}
	books, err := w.Books(t.Context(), w.clock.Now(), w.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	want := []meter.Discrepancy{{Rule: meter.RuleLate, Subject: string(receipt.ID()) + "/late", Got: 200_000_000}}
	if diff := cmp.Diff(want, meter.Reconcile(books)); diff != "" {
		t.Errorf("books (-want +got):\n%s", diff)
	}
}

func TestSettleWhatWasNeverReserved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.reserve(t, w.charge(w.confirmed(t, meter.DefaultLimits()), "run1"), w.call(t, sonnet))
	if _, err := w.db.Exec(t.Context(), "DELETE FROM reservation"); err != nil {
		t.Fatal(err)
	}
	if err := r.Answered(answered(1, 1)).Settle(t.Context()); err == nil {
		t.Error("a call without a reservation was settled")
	}
}

func TestLedgerIsAppendOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.charge(w.confirmed(t, meter.DefaultLimits()), "run1")
	if err := w.reserve(t, c, w.call(t, sonnet)).Answered(answered(10, 10)).Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"UPDATE ledger SET nano = 0", "DELETE FROM ledger", "TRUNCATE ledger", "TRUNCATE ledger CASCADE"} {
		_, err := w.db.Exec(t.Context(), sql)
		if refused := (*pgconn.PgError)(nil); !errors.As(err, &refused) || refused.Code != "23001" {
			t.Errorf("%s: %v, want it refused", sql, err)
		}
	}
	if got := w.entries(t, c); len(got) != 1 || got[0].Nano == 0 {
		t.Errorf("ledger %+v", got)
	}
}

// TestRunKeepsItsOwnCallsAlive: a call may last longer than a reservation, and a
// computer may sleep in the middle of one.
func TestRunKeepsItsOwnCallsAlive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.confirmed(t, meter.DefaultLimits())
	going, asleep := make(chan struct{}), make(chan struct{})
	server := llmtest.Start(t, "turn\nsay hello there\nusage input=1000 output=100\n")
	model := w.newModel(t, meter.Connection{Endpoint: server.Endpoint(), Payer: meter.OwnKey})
	c := w.charge(a, "run1")
	answer := make(chan error, 1)
	go func() {
		var once bool
		_, receipt, err := model.Call(t.Context(), c, ask("Say hello."), func(llm.Event) error {
			if !once {
				once = true
				close(going)
				<-asleep
			}
			return nil
		})
		answer <- errors.Join(err, receipt.Settle(t.Context()))
	}()
	<-going
	w.clock.Advance(8 * time.Hour)
	running, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Run(running)
	}()
	w.await(t, "a call that was kept alive", "SELECT count(*) FROM reservation WHERE expires_at > $1", w.clock.Now())
	if n, err := w.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("Sweep = %d, %v; want the call left alone", n, err)
	}
	close(asleep)
	if err := <-answer; err != nil {
		t.Fatal(err)
	}
	w.await(t, "what was folded", "SELECT count(*) FROM budget WHERE id = $1 AND period_spent = 3000000 AND period_reserved = 0", a.Workspace)
	stop()
	<-ended
	checkBooks(t, w.Meter, w.clock.Now())
}

// await looks until a count is one.
func (w *world) await(t *testing.T, what, sql string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for look := time.NewTicker(10 * time.Millisecond); ; {
		var n int
		if err := w.db.QueryRow(ctx, sql, args...).Scan(&n); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if n == 1 {
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("%s never came", what)
		}
	}
}

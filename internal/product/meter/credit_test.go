package meter_test

import (
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// spend makes one call over $0.03, 15 000 weighed, and settles it.
func (w *world) spend(t *testing.T, c meter.Charge, p meter.Payer) meter.EntryID {
	t.Helper()
	call := w.call(t, sonnet)
	call.Payer = p
	r := w.reserve(t, c, call)
	if err := r.Answered(answered(10_000, 1000)).Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r.ID
}

func (w *world) credit(t *testing.T, why meter.Mistake, which meter.Calls) (meter.Given, error) {
	t.Helper()
	var given meter.Given
	err := db.InTx(t.Context(), w.db, func(tx pgx.Tx) error {
		var err error
		given, err = w.CreditTx(t.Context(), tx, why, which)
		return err
	})
	return given, err
}

func TestCreditByPayer(t *testing.T) {
	t.Parallel()
	one := meter.Amount{Nano: 30_000_000, Weighed: 15_000}
	for _, tt := range []struct {
		payer meter.Payer
		back  meter.Amount
	}{
		{meter.OnPlan, one},
		{meter.OnTrial, one},
		{meter.OwnKey, meter.Amount{}}, // the provider was paid
	} {
		t.Run(string(tt.payer), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a := w.paidFor(t, w.confirmed(t, meter.DefaultLimits()))
			c := w.charge(a, "run1")
			ours := w.spend(t, c, tt.payer)
			w.spend(t, w.charge(a, "run1"), tt.payer)
			want := meter.Given{Calls: 1, Listed: one.Nano, Back: tt.back}
			for i, want := range []meter.Given{want, {}} { // a second time changes nothing
				given, err := w.credit(t, meter.LoopStop, meter.Calls{Entries: []meter.EntryID{ours}})
				if err != nil || given != want {
					t.Errorf("credit %d = %+v, %v; want %+v", i, given, err, want)
				}
			}
			if _, err := w.Fold(t.Context()); err != nil {
				t.Fatal(err)
			}
			left := plus(plus(meter.Amount{}, 2, one), -1, tt.back)
			for _, b := range []meter.BudgetID{meter.WorkspaceBudget(a.Workspace), meter.UserBudget(a.User), meter.ProjectBudget(c.Project)} {
				if got := w.counters(t, b); got.PeriodSpent != left.Nano || got.PeriodSpentWeighed != left.Weighed || got.DaySpent != left.Nano {
					t.Errorf("%s: %+v, want %+v spent", b, got, left)
				}
			}
			// The run itself gets nothing back: mistakes are inside its ceiling.
			if got := w.counters(t, meter.RunBudget(a.Workspace, "run1")); got.PeriodSpent != 2*one.Nano {
				t.Errorf("the run: %+v, want both calls spent", got)
			}
			s, err := w.Statement(t.Context(), a, meter.Filter{}, meter.ByRun)
			if err != nil {
				t.Fatal(err)
			}
			if s.Total.Calls != 2 || s.Total.Cost != left.Nano || s.Total.Mistakes != one.Nano || s.Total.GivenBack != tt.back.Nano {
				t.Errorf("statement %+v", s.Total)
			}
			checkBooks(t, w.Meter, w.clock.Now())
		})
	}
}

func TestCreditChoosesCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.paidFor(t, w.confirmed(t, meter.Limits{Month: meter.NoLimit, Day: meter.NoLimit, Run: meter.NoLimit}))
	other := w.paidFor(t, w.confirmed(t, meter.DefaultLimits()))
	step := func(actor account.Actor, run, name string) meter.EntryID {
		c := w.charge(actor, run)
		c.Step = name
		w.clock.Advance(time.Minute)
		return w.spend(t, c, meter.OnPlan)
	}
	step(a, "run1", "turn/1")
	step(a, "run1", "turn/2")
	green := w.clock.Now()
	step(a, "run1", "turn/3")
	step(a, "run1", "turn/4")
	single := step(a, "run2", "turn/1")
	step(other, "run1", "turn/1")
	for _, tt := range []struct {
		name  string
		which meter.Calls
		want  int
	}{
		{"nothing", meter.Calls{}, 0},
		{"steps of a run", meter.Calls{Workspace: a.Workspace, Run: "run1", Steps: []string{"turn/2", "turn/9"}}, 1},
		{"from the last green step on", meter.Calls{Workspace: a.Workspace, Run: "run1", Since: green.Add(time.Second)}, 2},
		{"one call", meter.Calls{Entries: []meter.EntryID{single}}, 1},
		{"the rest of the run", meter.Calls{Workspace: a.Workspace, Run: "run1"}, 1},
		{"a run of another team", meter.Calls{Workspace: a.Workspace, Run: "run9"}, 0},
	} {
		given, err := w.credit(t, meter.NoVersion, tt.which)
		if err != nil || given.Calls != tt.want {
			t.Errorf("%s: %+v, %v; want %d calls", tt.name, given, err, tt.want)
		}
	}
	if got, err := w.Statement(t.Context(), other, meter.Filter{}, meter.ByRun); err != nil || got.Total.GivenBack != 0 {
		t.Errorf("another team: %+v, %v", got.Total, err)
	}
	if _, err := w.credit(t, "bad_luck", meter.Calls{}); !fault.Is(err, fault.Internal) {
		t.Errorf("a reason nobody knows: %v", err)
	}
}

// TestCreditIsThereAtOnce: also for a call of last month, and before any fold.
func TestCreditIsThereAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.owner()
	// A month holds one call with the worst end.
	if err := w.SetPlan(t.Context(), a.Workspace, account.Plan{DayShare: worstWeighed / 30}, time.Date(2026, 10, 10, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	if err := w.AcceptQuote(t.Context(), a, "build", 100*worst); err != nil {
		t.Fatal(err)
	}
	full := w.call(t, sonnet)
	full.Payer = meter.OnPlan
	spend := func() meter.EntryID {
		r := w.reserve(t, w.charge(a, "build"), full)
		if r.MaxTokens() != full.MaxTokens {
			t.Fatalf("granted %d tokens", r.MaxTokens())
		}
		o := answered(0, full.MaxTokens)
		o.Usage.CacheWrite1h = full.InputUpper
		if err := r.Answered(o).Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		return r.ID
	}
	november := spend()
	w.clock.Advance(8 * 24 * time.Hour) // the 11th: another month of the plan
	december := spend()
	_, err := w.Reserve(t.Context(), w.charge(a, "build"), full)
	if got := refused(t, err); got.Code != "month_limit" {
		t.Fatalf("%+v", got)
	}
	for _, id := range []meter.EntryID{november, december} {
		if _, err := w.credit(t, meter.DoesNotWork, meter.Calls{Entries: []meter.EntryID{id}}); err != nil {
			t.Fatal(err)
		}
		spend()
	}
	if _, err := w.Fold(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkBooks(t, w.Meter, w.clock.Now())
	got, err := w.Standing(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	want := meter.Amount{Nano: worst, Weighed: worstWeighed}
	if diff := cmp.Diff(want, got.Period.Spent); diff != "" {
		t.Errorf("the month (-want +got):\n%s", diff)
	}
}

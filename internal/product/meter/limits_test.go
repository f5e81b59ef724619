package meter_test

import (
	"testing"
	"time"

	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"
)

// TestPlanAndLimitsLeaveEachOtherAlone: whoever sets limits in money keeps the allowance
// of the plan, and a plan that begins keeps the limits.
func TestPlanAndLimitsLeaveEachOtherAlone(t *testing.T) {
	t.Parallel()
	own := meter.Limits{Month: meter.NoLimit, Day: meter.NoLimit, Run: worst}
	plan := account.Plan{ID: "test", DayShare: 3 * worstWeighed}
	for _, tt := range []struct {
		name  string
		order []string
	}{
		{"limits first", []string{"limits", "plan"}},
		{"plan first", []string{"plan", "limits"}},
		{"limits twice", []string{"limits", "plan", "limits"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a := w.owner()
			for _, what := range tt.order {
				err := error(nil)
				if what == "plan" {
					err = w.SetPlan(t.Context(), a.Workspace, plan, time.Date(2026, 10, 17, 0, 0, 0, 0, time.UTC))
				} else {
					err = w.SetLimits(t.Context(), a, own)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			s, err := w.Standing(t.Context(), a)
			if err != nil || !s.Paced || s.Day.LimitWeighed == nil || *s.Day.LimitWeighed != 3*worstWeighed || s.Run == nil || *s.Run != worst {
				t.Errorf("standing %+v, %v; want the plan's share of a day and the owner's limit of a run", s, err)
			}
			call := w.call(t, sonnet)
			call.Payer = meter.OnPlan
			w.reserve(t, w.charge(a, "run1"), call)
			_, err = w.Reserve(t.Context(), w.charge(a, "run1"), call)
			if got := refused(t, err); got.Code != "run_limit" {
				t.Errorf("a second call of the run: %+v, want the owner's limit", got)
			}
			w.reserve(t, w.charge(a, "run2"), call)
			w.reserve(t, w.charge(a, "run3"), call)
			_, err = w.Reserve(t.Context(), w.charge(a, "run4"), call)
			if got := refused(t, err); got.Code != "day_limit" {
				t.Errorf("a fourth call of the day: %+v, want the plan's share", got)
			}
		})
	}
}

// TestFreeCallsAreNotRefused: money that is used up stops nothing that costs none.
func TestFreeCallsAreNotRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.confirmed(t, meter.DefaultLimits())
	w.spend(t, w.charge(a, "run1"), meter.OwnKey)
	if err := w.SetLimits(t.Context(), a, meter.Limits{Month: 1, Day: 1, Run: 1}); err != nil {
		t.Fatal(err)
	}
	_, err := w.Reserve(t.Context(), w.charge(a, "run1"), w.call(t, sonnet))
	refused(t, err)
	free := meter.Call{Payer: meter.Nobody, Endpoint: "demo", Price: price(t, meter.FreeCard("demo"), "demo", w.clock.Now()), InputUpper: 10_000, MaxTokens: 20_000}
	r := w.reserve(t, w.charge(a, "run1"), free)
	if r.MaxTokens() != 20_000 {
		t.Errorf("granted %d tokens, want all 20 000", r.MaxTokens())
	}
	if err := r.Answered(answered(10_000, 1_000)).Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkBooks(t, w.Meter, w.clock.Now()) // a limit set below what was spent is lawful
	w.clock.Advance(48 * time.Hour)
	if err := w.SetLimits(t.Context(), a, meter.Limits{Month: meter.NoLimit, Day: 1, Run: 1}); err != nil {
		t.Fatal(err)
	}
	checkBooks(t, w.Meter, w.clock.Now()) // also of a day that is over
}

// TestConnectionsCanBeTestedForEver: tests are all of one run, which has no budget.
func TestConnectionsCanBeTestedForEver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.confirmed(t, meter.Limits{Month: meter.NoLimit, Day: meter.NoLimit, Run: worst})
	for range 5 {
		w.reserve(t, w.charge(a, "probe"), w.call(t, sonnet))
	}
}

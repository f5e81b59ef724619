package meter_test

import (
	"errors"
	"testing"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/meter"

	"github.com/google/go-cmp/cmp"
)

func TestReserveTakesTheWorstCaseOffEveryBudget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner()
	if err := w.SetLimits(t.Context(), owner, meter.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	c := w.charge(owner, "run1")
	r := w.reserve(t, c, w.call(t, sonnet))
	if diff := cmp.Diff(meter.Amount{Nano: worst, Weighed: worstWeighed}, r.Reserved); diff != "" {
		t.Errorf("reserved (-want +got):\n%s", diff)
	}
	held := counters{
		DayReserved: worst, PeriodReserved: worst,
		DayReservedWeighed: worstWeighed, PeriodReservedWeighed: worstWeighed,
	}
	budgets := []meter.BudgetID{
		meter.RunBudget(owner.Workspace, "run1"), meter.ProjectBudget(c.Project),
		meter.UserBudget(owner.User), meter.WorkspaceBudget(owner.Workspace),
	}
	for _, b := range budgets {
		if diff := cmp.Diff(held, w.counters(t, b)); diff != "" {
			t.Errorf("%s after reserving (-want +got):\n%s", b, diff)
		}
	}
	// 10 000 × $2 + 1 000 × $10 a million: $0.03.
	if err := r.Answered(answered(10_000, 1_000)).Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, b := range budgets {
		if diff := cmp.Diff(held, w.counters(t, b)); diff != "" {
			t.Errorf("%s before folding (-want +got):\n%s", b, diff)
		}
	}
	if n, err := w.Fold(t.Context()); n != 1 || err != nil {
		t.Fatalf("Fold = %d, %v; want 1", n, err)
	}
	spent := counters{DaySpent: 30_000_000, PeriodSpent: 30_000_000, DaySpentWeighed: 15_000, PeriodSpentWeighed: 15_000}
	for _, b := range budgets {
		if diff := cmp.Diff(spent, w.counters(t, b)); diff != "" {
			t.Errorf("%s after folding (-want +got):\n%s", b, diff)
		}
	}
}

func TestReserveRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.Reserve(t.Context(), w.charge(w.owner(), "run1"), w.call(t, sonnet))
	var refusal *meter.LimitError
	if !errors.As(err, &refusal) || !fault.Is(err, fault.PaymentRequired) || fault.Of(err).Code != "no_limits" {
		t.Errorf("without limits: %v", err)
	}
	_ = llm.Tokens(0)
}

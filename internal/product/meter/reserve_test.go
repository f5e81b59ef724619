package meter_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/google/go-cmp/cmp"
)

func TestReserveTakesTheWorstCaseOffEveryBudget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.confirmed(t, meter.DefaultLimits())
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
	w.checkCounters(t, "after reserving", held, budgets)
	// 10 000 × $2 + 1 000 × $10 a million: $0.03.
	if err := r.Answered(answered(10_000, 1_000)).Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.checkCounters(t, "before folding", held, budgets)
	if n, err := w.Fold(t.Context()); n != 1 || err != nil {
		t.Fatalf("Fold = %d, %v; want 1", n, err)
	}
	w.checkCounters(t, "after folding", counters{
		DaySpent: 30_000_000, PeriodSpent: 30_000_000, DaySpentWeighed: 15_000, PeriodSpentWeighed: 15_000,
	}, budgets)
}

func (w *world) checkCounters(t *testing.T, when string, want counters, budgets []meter.BudgetID) {
	t.Helper()
	for _, b := range budgets {
		if diff := cmp.Diff(want, w.counters(t, b)); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", b, when, diff)
		}
	}
}

// refusal is the part of a LimitError that does not depend on ids.
type refusal struct {
	Kind     fault.Kind
	Code     string
	Scope    meter.Scope
	Window   meter.Window
	Left     meter.NanoUSD
	ResetsAt string
	Wait     time.Duration
}

func refused(t *testing.T, err error) refusal {
	t.Helper()
	e, ok := errors.AsType[*meter.LimitError](err)
	if !ok {
		t.Fatalf("error %v, want a refusal", err)
	}
	f := fault.Of(err)
	r := refusal{Kind: f.Kind, Code: f.Code, Scope: e.Scope, Window: e.Window, Left: e.Left.Nano, Wait: f.RetryAfter}
	if e.ResetsAt != nil {
		r.ResetsAt = e.ResetsAt.Format(time.RFC3339)
	}
	return r
}

// TestRefusals: the clock stands at 09:00 on the 3rd of December.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const almost = worst - 1
	operator := account.Actor{User: "usr_op", Operator: true}
	far := meter.Ceiling(1000 * meter.Dollar)
	tests := []struct {
		name string
		set  func(context.Context, *world, account.Actor) error
		call func(*meter.Call)
		want refusal
	}{
		{
			"nobody has set limits", func(context.Context, *world, account.Actor) error { return nil }, nil,
			refusal{Kind: fault.PaymentRequired, Code: "no_limits", Scope: meter.ScopeWorkspace, Window: meter.Period},
		},
		{
			"the team's day", func(ctx context.Context, w *world, a account.Actor) error {
				return w.SetLimits(ctx, a, meter.Limits{Month: far, Day: almost, Run: far})
			}, nil,
			refusal{fault.TooMany, "day_limit", meter.ScopeWorkspace, meter.Day, almost, "2026-12-04T00:00:00Z", 15 * time.Hour},
		},
		{
			"the team's month", func(ctx context.Context, w *world, a account.Actor) error {
				return w.SetLimits(ctx, a, meter.Limits{Month: almost, Day: almost, Run: far})
			}, nil,
			refusal{fault.PaymentRequired, "month_limit", meter.ScopeWorkspace, meter.Period, almost, "2027-01-01T00:00:00Z", 0},
		},
		{
			"each run's limit", func(ctx context.Context, w *world, a account.Actor) error {
				return w.SetLimits(ctx, a, meter.Limits{Month: almost, Day: almost, Run: almost})
			}, nil,
			refusal{fault.PaymentRequired, "run_limit", meter.ScopeRun, meter.Period, almost, "", 0},
		},
		{
			"the run's own ceiling", func(ctx context.Context, w *world, a account.Actor) error {
				return errors.Join(w.SetLimits(ctx, a, meter.Limits{Month: far, Day: far, Run: far}),
					w.AcceptQuote(ctx, a, "run1", almost))
			}, nil,
			refusal{fault.PaymentRequired, "run_limit", meter.ScopeRun, meter.Period, almost, "", 0},
		},
		{
			"the person's month", func(ctx context.Context, w *world, a account.Actor) error {
				return errors.Join(w.SetLimits(ctx, a, meter.Limits{Month: far, Day: far, Run: far}),
					w.SetUserLimits(ctx, operator, a.User, meter.Limits{Month: almost, Day: meter.NoLimit}))
			}, nil,
			refusal{fault.PaymentRequired, "month_limit", meter.ScopeUser, meter.Period, almost, "2027-01-01T00:00:00Z", 0},
		},
		{
			"a trial", func(ctx context.Context, w *world, a account.Actor) error {
				return w.SetTrial(ctx, a.User, almost)
			}, func(c *meter.Call) { c.Payer = meter.OnTrial },
			refusal{fault.PaymentRequired, "trial_used", meter.ScopePayer, meter.Period, almost, "", 0},
		},
		{
			"a trial nobody gave, though the team has limits for its own key", func(ctx context.Context, w *world, a account.Actor) error {
				return w.SetLimits(ctx, a, meter.Limits{Month: far, Day: far, Run: far})
			}, func(c *meter.Call) { c.Payer = meter.OnTrial },
			refusal{Kind: fault.PaymentRequired, Code: "no_limits", Scope: meter.ScopeWorkspace, Window: meter.Period},
		},
		{
			"a plan there is not, though the team has limits for its own key", func(ctx context.Context, w *world, a account.Actor) error {
				return w.SetLimits(ctx, a, meter.Limits{Month: far, Day: far, Run: far})
			}, func(c *meter.Call) { c.Payer = meter.OnPlan },
			refusal{Kind: fault.PaymentRequired, Code: "no_limits", Scope: meter.ScopeWorkspace, Window: meter.Period},
		},
		{
			"an own key without limits, though the team has a plan", func(ctx context.Context, w *world, a account.Actor) error {
				return w.SetPlan(ctx, a.Workspace, account.Plan{DayShare: 10 * worstWeighed}, w.clock.Now())
			}, nil,
			refusal{Kind: fault.PaymentRequired, Code: "no_limits", Scope: meter.ScopeWorkspace, Window: meter.Period},
		},
		{
			"a plan's day", func(ctx context.Context, w *world, a account.Actor) error {
				return w.SetPlan(ctx, a.Workspace, account.Plan{DayShare: worstWeighed - 1}, w.clock.Now())
			}, func(c *meter.Call) { c.Payer = meter.OnPlan },
			refusal{fault.TooMany, "day_limit", meter.ScopeWorkspace, meter.Day, 0, "2026-12-04T00:00:00Z", 15 * time.Hour},
		},
		{
			"a plan's month, which began on the 17th", func(ctx context.Context, w *world, a account.Actor) error {
				return errors.Join(w.SetPlan(ctx, a.Workspace, account.Plan{DayShare: worstWeighed/30 - 1}, time.Date(2026, 10, 17, 0, 0, 0, 0, time.UTC)),
					w.AcceptQuote(ctx, a, "run1", meter.NanoUSD(far)))
			}, func(c *meter.Call) { c.Payer = meter.OnPlan },
			refusal{fault.PaymentRequired, "month_limit", meter.ScopeWorkspace, meter.Period, 0, "2026-12-17T00:00:00Z", 0},
		},
		{
			"a budget of the payer's that nobody has set", func(ctx context.Context, w *world, a account.Actor) error {
				return w.SetLimits(ctx, a, meter.Limits{Month: far, Day: far, Run: far})
			}, func(c *meter.Call) { c.Also = []meter.BudgetID{"operator"} },
			refusal{Kind: fault.PaymentRequired, Code: "no_limits", Scope: meter.ScopeWorkspace, Window: meter.Period},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a := w.owner()
			a.User = "usr_1"
			if err := tt.set(t.Context(), w, a); err != nil {
				t.Fatal(err)
			}
			call := w.call(t, sonnet)
			call.MaxTokens = 4000 // never shortened
			call.InputUpper = 50_000
			if tt.call != nil {
				tt.call(&call)
			}
			_, err := w.Reserve(t.Context(), w.charge(a, "run1"), call)
			if diff := cmp.Diff(tt.want, refused(t, err)); diff != "" {
				t.Errorf("refusal (-want +got):\n%s", diff)
			}
			checkBooks(t, w.Meter, w.clock.Now())
		})
	}
}

func TestAnswerIsShortenedToWhatIsLeft(t *testing.T) {
	t.Parallel()
	const prompt = 10_000 * 4000 // nano-dollars, of 10 000 tokens at $4 a million
	for _, tt := range []struct {
		name  string
		limit meter.NanoUSD
		most  llm.Tokens
		want  llm.Tokens // 0: refused
	}{
		{"all of it fits", prompt + 20_000*10_000, 20_000, 20_000},
		{"one nano-dollar too little", prompt + 20_000*10_000 - 1, 20_000, 19_999},
		{"half", prompt + 10_000*10_000, 20_000, 10_000},
		{"the least", prompt + 4096*10_000, 20_000, 4096},
		{"less than the least", prompt + 4096*10_000 - 1, 20_000, 0},
		{"a short answer is not shortened", prompt + 1000*10_000 - 1, 1000, 0},
		{"a short answer fits", prompt + 1000*10_000, 1000, 1000},
		{"the prompt does not fit", prompt - 1, 20_000, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a := w.confirmed(t, meter.Limits{Month: meter.Ceiling(tt.limit), Day: meter.NoLimit, Run: meter.NoLimit})
			call := w.call(t, sonnet)
			call.MaxTokens = tt.most
			r, err := w.Reserve(t.Context(), w.charge(a, "run1"), call)
			if tt.want == 0 {
				refused(t, err)
				return
			}
			if err != nil || r.MaxTokens() != tt.want {
				t.Errorf("Reserve = %d tokens, %v; want %d", r.MaxTokens(), err, tt.want)
			}
		})
	}
}

func TestReserveKnowsWhatWasGivenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.confirmed(t, meter.Limits{Month: worst, Day: meter.NoLimit, Run: meter.NoLimit})
	first := w.reserve(t, w.charge(a, "run1"), w.call(t, sonnet))
	_, err := w.Reserve(t.Context(), w.charge(a, "run1"), w.call(t, sonnet))
	refused(t, err)
	if err := first.Failed(t.Context(), llm.Outcome{State: llm.Void, Err: llm.Overloaded}); err != nil {
		t.Fatal(err)
	}
	// Nobody has folded: reserving does, before it refuses or shortens.
	if second := w.reserve(t, w.charge(a, "run1"), w.call(t, sonnet)); second.MaxTokens() != 20_000 {
		t.Errorf("granted %d tokens, want all 20 000", second.MaxTokens())
	}
}

func TestDaysAndMonthsBeginAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.confirmed(t, meter.Limits{Month: 3 * worst, Day: worst, Run: meter.NoLimit})
	tries := func(when string, want bool) {
		t.Helper()
		_, err := w.Reserve(t.Context(), w.charge(a, "run1"), w.call(t, sonnet))
		if (err == nil) != want {
			t.Errorf("%s: %v, want admitted %t", when, err, want)
		}
	}
	tries("3rd, first", true)
	tries("3rd, second", false)
	w.clock.Advance(15*time.Hour - time.Microsecond)
	tries("3rd, last instant", false)
	w.clock.Advance(time.Microsecond)
	tries("4th, midnight", true)
	w.clock.Advance(24 * time.Hour)
	tries("5th", true)
	w.clock.Advance(24 * time.Hour)
	tries("6th, the month is used up", false)
	w.clock.Advance(26 * 24 * time.Hour)
	tries("1st of January", true)
	w.clock.Advance(-24 * time.Hour) // a process whose clock is behind
	tries("a day that is over does not come back", false)
}

func TestAcceptedQuoteBorrowsAhead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.owner()
	// A day holds two calls, so a month sixty.
	if err := w.SetPlan(t.Context(), a.Workspace, account.Plan{DayShare: 2 * worstWeighed}, w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	if err := w.AcceptQuote(t.Context(), a, "build", 50*worst); err != nil {
		t.Fatal(err)
	}
	call := w.call(t, sonnet)
	call.Payer = meter.OnPlan
	for range 50 {
		w.reserve(t, w.charge(a, "build"), call)
	}
	_, err := w.Reserve(t.Context(), w.charge(a, "build"), call)
	if got := refused(t, err); got.Code != "run_limit" {
		t.Errorf("the fifty-first call of the build: %+v, want its ceiling", got)
	}
	_, err = w.Reserve(t.Context(), w.charge(a, "questions"), call)
	if got := refused(t, err); got.Code != "day_limit" {
		t.Errorf("a call of no build: %+v, want the share of the day", got)
	}
	w.clock.Advance(24 * time.Hour)
	w.reserve(t, w.charge(a, "questions"), call)
	if err := w.AcceptQuote(t.Context(), a, "build", 100*worst); err != nil {
		t.Fatal(err)
	}
	for range 9 {
		w.reserve(t, w.charge(a, "build"), call)
	}
	_, err = w.Reserve(t.Context(), w.charge(a, "build"), call)
	if got := refused(t, err); got.Code != "month_limit" {
		t.Errorf("the sixty-first call of the month: %+v, want the month", got)
	}
}

// TestFreeCallsNeedNoLimits: the demo model costs nothing, and calling it confirms
// nothing.
func TestFreeCallsNeedNoLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.owner()
	free := meter.Call{Payer: meter.Nobody, Endpoint: "demo", Price: price(t, meter.FreeCard("demo"), "demo", w.clock.Now()), InputUpper: 10_000, MaxTokens: 20_000}
	r := w.reserve(t, w.charge(a, "run1"), free)
	if err := r.Answered(answered(10_000, 1_000)).Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.Reserved != (meter.Amount{}) {
		t.Errorf("a free call reserved %+v", r.Reserved)
	}
	_, err := w.Reserve(t.Context(), w.charge(a, "run1"), w.call(t, sonnet))
	if got := refused(t, err); got.Code != "no_limits" {
		t.Errorf("a paid call after a free one: %+v", got)
	}
	// The run began without limits; the one that is set now is its too.
	if err := w.SetLimits(t.Context(), a, meter.Limits{Month: meter.NoLimit, Day: meter.NoLimit, Run: worst}); err != nil {
		t.Fatal(err)
	}
	w.reserve(t, w.charge(a, "run1"), w.call(t, sonnet))
	_, err = w.Reserve(t.Context(), w.charge(a, "run1"), w.call(t, sonnet))
	if got := refused(t, err); got.Code != "run_limit" {
		t.Errorf("a second call of the run: %+v", got)
	}
	checkBooks(t, w.Meter, w.clock.Now())
}

func TestChargeMustBeWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.confirmed(t, meter.DefaultLimits())
	for _, tt := range []struct {
		name   string
		change func(*meter.Charge, *meter.Call)
		want   func(error) bool
	}{
		{"nobody", func(c *meter.Charge, _ *meter.Call) { c.Actor = account.Actor{} }, func(err error) bool { return fault.Is(err, fault.Forbidden) }},
		{"a viewer", func(c *meter.Charge, _ *meter.Call) { c.Actor.Role = account.Viewer }, func(err error) bool { return fault.Is(err, fault.Forbidden) }},
		{"a token that may only read", func(c *meter.Charge, _ *meter.Call) { c.Actor.Scope = account.ScopeRead }, func(err error) bool { return fault.Is(err, fault.Forbidden) }},
		{"no run", func(c *meter.Charge, _ *meter.Call) { c.Run = "" }, func(err error) bool { return fault.Is(err, fault.Internal) }},
		{"no step", func(c *meter.Charge, _ *meter.Call) { c.Step = "" }, func(err error) bool { return fault.Is(err, fault.Internal) }},
		{"a prompt without a bound", func(_ *meter.Charge, c *meter.Call) { c.InputUpper = 0 }, func(err error) bool { return fault.Is(err, fault.Internal) }},
		{"an answer without a bound", func(_ *meter.Charge, c *meter.Call) { c.MaxTokens = 0 }, func(err error) bool { return fault.Is(err, fault.Internal) }},
		{"a prompt beyond all bounds", func(_ *meter.Charge, c *meter.Call) { c.InputUpper = 1 << 62 }, func(err error) bool { return fault.Is(err, fault.Internal) }},
	} {
		c, call := w.charge(a, "run1"), w.call(t, sonnet)
		tt.change(&c, &call)
		if _, err := w.Reserve(t.Context(), c, call); !tt.want(err) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	var rows int
	if err := w.db.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM reservation) + (SELECT count(*) FROM ledger)").Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d rows, %v; want none", rows, err)
	}
}

func TestAttemptsOfAStepAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.confirmed(t, meter.DefaultLimits())
	c := w.charge(a, "run1")
	for want := 1; want <= 3; want++ {
		r := w.reserve(t, c, w.call(t, sonnet))
		if r.Attempt != want {
			t.Errorf("attempt %d, want %d", r.Attempt, want)
		}
		if want == 2 {
			continue // this one is still under way
		}
		if err := r.Failed(t.Context(), llm.Outcome{State: llm.Void, Err: llm.Overloaded}); err != nil {
			t.Fatal(err)
		}
	}
	c.Epoch++
	if r := w.reserve(t, c, w.call(t, sonnet)); r.Attempt != 1 {
		t.Errorf("first attempt of another epoch is number %d", r.Attempt)
	}
}

// Whoever is suspended or gone spends nothing more, also in a run that goes on.
func TestReserveRefusesTheSuspended(t *testing.T) {
	t.Parallel()
	for _, column := range []string{"suspended_at", "deleted_at"} {
		t.Run(column, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a := w.confirmed(t, meter.DefaultLimits())
			const insert = `INSERT INTO app_user (id, name, created_at) VALUES ($1, '', $2)`
			if _, err := w.db.Exec(t.Context(), insert, a.User, w.clock.Now()); err != nil {
				t.Fatal(err)
			}
			r := w.reserve(t, w.charge(a, "run1"), w.call(t, sonnet))
			if _, err := w.db.Exec(t.Context(), `UPDATE app_user SET `+column+` = created_at`); err != nil {
				t.Fatal(err)
			}
			_, err := w.Reserve(t.Context(), w.charge(a, "run1"), w.call(t, sonnet))
			if !fault.Is(err, fault.Forbidden) || fault.Of(err).Code != "suspended" {
				t.Errorf("Reserve of somebody suspended: %v", err)
			}
			if err := r.Answered(answered(1000, 100)).Settle(t.Context()); err != nil {
				t.Errorf("what was asked before is settled all the same: %v", err)
			}
			if _, err := w.Fold(t.Context()); err != nil {
				t.Fatal(err)
			}
			checkBooks(t, w.Meter, w.clock.Now())
		})
	}
}

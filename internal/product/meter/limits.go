package meter

import (
	"context"
	"fmt"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/product/account/form"

	"github.com/jackc/pgx/v5"
)

// Ceiling is a limit that somebody chose: an amount above zero, or NoLimit. The zero
// value is neither, so that no limit is never there by omission.
type Ceiling NanoUSD

// NoLimit is the choice of none.
const NoLimit Ceiling = -1

func (c Ceiling) check(f *form.Form, field string) {
	if c != NoLimit && (c <= 0 || NanoUSD(c) > maxMoney) {
		f.Refuse(field, "Choose an amount above $0, or choose no limit.")
	}
}

// column is the limit as it is stored: NULL for none.
func (c Ceiling) column() *NanoUSD {
	if c == NoLimit {
		return nil
	}
	n := NanoUSD(c)
	return &n
}

// Limits are what a team sets for its own key. Days and months are those of UTC.
type Limits struct {
	Month Ceiling
	Day   Ceiling
	Run   Ceiling // for each build, and whatever else runs, that has none of its own
}

// DefaultLimits are what the page offers: $30 a month, $10 a build.
func DefaultLimits() Limits {
	return Limits{Month: Ceiling(30 * Dollar), Day: NoLimit, Run: Ceiling(10 * Dollar)}
}

func (l Limits) check() error {
	var f form.Form
	l.Month.check(&f, "month_limit")
	l.Day.check(&f, "day_limit")
	l.Run.check(&f, "run_limit")
	return f.Err()
}

// SetLimits confirms the limits of the actor's team; owners only. Until then nothing
// that costs money can start. fault.Invalid on month_limit, day_limit, run_limit. What
// was spent stays spent: a limit below it stops the next call. Setting the first limits,
// or raising one, is refused as Config.Fresh says; lowering them never is.
func (m *Meter) SetLimits(ctx context.Context, actor account.Actor, l Limits) error {
	if err := actor.Need(account.MayOwn); err != nil {
		return err
	}
	if err := l.check(); err != nil {
		return err
	}
	b := moneyLimits{
		id: WorkspaceBudget(actor.Workspace), renews: monthly,
		day: l.Day.column(), period: l.Month.column(), run: l.Run.column(),
	}
	refused := m.fresh(ctx, actor)
	if refused == nil {
		return m.limit(ctx, b)
	}
	if fault.Of(refused) == nil {
		return refused // it could not be found out
	}
	lowered, err := m.lower(ctx, b)
	if err != nil || lowered {
		return err
	}
	return refused
}

// SetUserLimits limits what a person may spend, in all teams together; operators only.
// Run of the limits is not used.
func (m *Meter) SetUserLimits(ctx context.Context, actor account.Actor, u account.UserID, l Limits) error {
	if !actor.Operator {
		return fault.New(fault.Forbidden, "operator_only", "Only whoever runs this installation can do that.")
	}
	l.Run = NoLimit
	if err := l.check(); err != nil {
		return err
	}
	return m.limit(ctx, moneyLimits{id: UserBudget(u), renews: monthly, day: l.Day.column(), period: l.Month.column()})
}

// SetPlan gives a team the allowance of a plan from an instant on: a share for each
// day, which is pacing, and thirty shares for each month, which is the limit. Months
// begin on the day of the month on which the plan did, at latest on the 28th. The limits
// in money that its owner has set stay, and SetLimits leaves the allowance alone.
func (m *Meter) SetPlan(ctx context.Context, w account.WorkspaceID, p account.Plan, from time.Time) error {
	share, month := Weighed(p.DayShare), Weighed(p.MonthShare())
	if share <= 0 {
		return fault.Newf(fault.Internal, "plan_without_allowance", "The plan %q has no allowance.", p.ID)
	}
	now := m.clock.Now()
	if _, err := m.db.Exec(ctx, setAllowance, pgx.StrictNamedArgs{
		"id": WorkspaceBudget(w), "anchor": min(from.UTC().Day(), 28), "today": now, "day": share, "period": month,
	}); err != nil {
		return fmt.Errorf("set the allowance of a plan: %w", err)
	}
	return nil
}

// SetTrial gives somebody without a plan what the operator lets people try, once, in
// all teams they make.
func (m *Meter) SetTrial(ctx context.Context, u account.UserID, ceiling NanoUSD) error {
	return m.limit(ctx, moneyLimits{id: TrialBudget(u), renews: never, period: &ceiling})
}

// AcceptQuote sets the ceiling of a run whose quote was accepted, or raises it. Such a
// run may borrow ahead: on a plan it is not stopped by the share of a day, only by the
// month. fault.Invalid on ceiling.
func (m *Meter) AcceptQuote(ctx context.Context, actor account.Actor, run string, ceiling NanoUSD) error {
	if err := actor.Need(account.MayWrite); err != nil {
		return err
	}
	if ceiling <= 0 || ceiling > maxMoney {
		return fault.OnField("ceiling", "Choose an amount above $0.")
	}
	return m.limit(ctx, accepted(actor, run, ceiling))
}

// AcceptQuoteTx is AcceptQuote as a part of the transaction that starts the run: its
// budget is new, so nobody else can wait for it. A ceiling of 0 is that of a build that
// costs nothing: nothing can be paid in it. fault.Invalid on ceiling.
func (m *Meter) AcceptQuoteTx(ctx context.Context, tx pgx.Tx, actor account.Actor, run string, ceiling NanoUSD) error {
	if err := actor.Need(account.MayWrite); err != nil {
		return err
	}
	if ceiling < 0 || ceiling > maxMoney {
		return fault.OnField("ceiling", "Choose an amount of $0 or more.")
	}
	if _, err := tx.Exec(ctx, setMoney, accepted(actor, run, ceiling).args(m.clock.Now())); err != nil {
		return fmt.Errorf("accept quote: %w", err)
	}
	return nil
}

// accepted is the budget of a run whose quote was accepted.
func accepted(actor account.Actor, run string, ceiling NanoUSD) moneyLimits {
	return moneyLimits{id: RunBudget(actor.Workspace, run), renews: never, borrows: true, period: &ceiling}
}

// When a budget starts anew.
const (
	never   = "never"
	monthly = "monthly"
)

// moneyLimits is what is chosen in money about one budget; nil is no limit.
type moneyLimits struct {
	id               BudgetID
	renews           string // of a budget that is not there yet
	borrows          bool
	day, period, run *NanoUSD
}

// before notes what is spent and reserved when a limit of h is set: it may be set below
// that, and the nightly check must not call the books broken for it.
const before = `held_day = h.day, held_since = h.since,
    day_before = h.day_spent + h.day_reserved, day_before_weighed = h.day_spent_weighed + h.day_reserved_weighed,
    period_before = h.period_spent + h.period_reserved, period_before_weighed = h.period_spent_weighed + h.period_reserved_weighed`

// setMoney and setAllowance are statements that commit by themselves, so that nobody
// waits for the row. Each leaves alone what the other sets. Counters stay; a period that
// begins on another day from now on begins with the next one.
const (
	setMoney = `
INSERT INTO budget AS h (id, renews, borrows, confirmed_at, run_limit, day_limit, period_limit, day, since)
SELECT @id, @renews, @borrows, @at::timestamptz, @run, @day, @period, t.day, ` + sinceOf + `
FROM (SELECT @at::date AS day) t, (SELECT @renews::text AS renews, 1 AS anchor, 'epoch'::date AS since) h
ON CONFLICT (id) DO UPDATE SET borrows = h.borrows OR excluded.borrows, confirmed_at = excluded.confirmed_at,
    run_limit = excluded.run_limit, day_limit = excluded.day_limit, period_limit = excluded.period_limit, ` + before

	setAllowance = `
INSERT INTO budget AS h (id, renews, anchor, paced, day_limit_weighed, period_limit_weighed, day, since)
SELECT @id, 'monthly', @anchor, true, @day, @period, t.day, ` + sinceOf + `
FROM (SELECT @today::date AS day) t, (SELECT 'monthly' AS renews, @anchor::integer AS anchor, 'epoch'::date AS since) h
ON CONFLICT (id) DO UPDATE SET renews = excluded.renews, anchor = excluded.anchor, paced = true,
    day_limit_weighed = excluded.day_limit_weighed, period_limit_weighed = excluded.period_limit_weighed, ` + before
)

func (m *Meter) limit(ctx context.Context, b moneyLimits) error {
	if _, err := m.db.Exec(ctx, setMoney, b.args(m.clock.Now())); err != nil {
		return fmt.Errorf("set limits: %w", err)
	}
	return nil
}

func (b moneyLimits) args(now time.Time) pgx.StrictNamedArgs {
	return pgx.StrictNamedArgs{"id": b.id, "renews": b.renews, "borrows": b.borrows, "at": now, "run": b.run, "day": b.day, "period": b.period}
}

// The comparison is made where the row is locked, so that what somebody lowers
// meanwhile is not raised again. NULL is no limit, above all others.
const lowerLimits = `
UPDATE budget h SET run_limit = @run, day_limit = @day, period_limit = @period, confirmed_at = @at, ` + before + `
WHERE id = @id AND confirmed_at IS NOT NULL
  AND (run_limit IS NULL OR @run::bigint <= run_limit) AND (day_limit IS NULL OR @day::bigint <= day_limit)
  AND (period_limit IS NULL OR @period::bigint <= period_limit)`

// lower sets limits in money of which none is above the present one, and reports
// whether that was so.
func (m *Meter) lower(ctx context.Context, b moneyLimits) (bool, error) {
	tag, err := m.db.Exec(ctx, lowerLimits, pgx.StrictNamedArgs{
		"id": b.id, "at": m.clock.Now(), "run": b.run, "day": b.day, "period": b.period,
	})
	if err != nil {
		return false, fmt.Errorf("lower limits: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

package meter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"

	"github.com/jackc/pgx/v5"
)

// Used is how far one window of a budget is used. A nil limit is none.
type Used struct {
	Limit        *NanoUSD
	LimitWeighed *Weighed
	Spent        Amount
	Reserved     Amount     // what calls under way may still cost
	ResetsAt     *time.Time // nil: never
}

// Standing is how a budget stands at an instant, with everything settled by then.
type Standing struct {
	// Set is false while nobody has chosen limits and there is no plan: nothing paid can start.
	Set bool
	// Partial is what somebody sees who was invited to single projects: what those
	// cost today and this month, no limits and nothing of the rest of the team.
	Partial bool
	// Paced is true when the day's limit is a share of a month and may be passed by a
	// build whose quote was accepted.
	Paced  bool
	Run    *NanoUSD // what each run may spend that has no ceiling of its own
	Day    Used
	Period Used
}

// standingRow is a budget's row; what is settled and not yet folded is in it.
type standingRow struct {
	Renews                                                                         string
	Anchor                                                                         int
	Paced                                                                          bool
	ConfirmedAt                                                                    *time.Time
	RunLimit, DayLimit, PeriodLimit                                                *NanoUSD
	DayLimitWeighed, PeriodLimitWeighed                                            *Weighed
	Today, Since, Begins                                                           time.Time
	DaySpent, DayReserved, PeriodSpent, PeriodReserved                             NanoUSD
	DaySpentWeighed, DayReservedWeighed, PeriodSpentWeighed, PeriodReservedWeighed Weighed
}

const standing = `
SELECT h.renews, h.anchor, h.paced, h.confirmed_at, h.run_limit, h.day_limit, h.day_limit_weighed, h.period_limit, h.period_limit_weighed,
    t.day AS today, h.since, w.since AS begins,
    (CASE WHEN h.day = t.day THEN h.day_spent ELSE 0 END + coalesce(c.day_spent, 0))::bigint AS day_spent,
    (CASE WHEN h.day = t.day THEN h.day_spent_weighed ELSE 0 END + coalesce(c.day_spent_weighed, 0))::bigint AS day_spent_weighed,
    (CASE WHEN h.day = t.day THEN h.day_reserved ELSE 0 END - coalesce(c.day_released, 0))::bigint AS day_reserved,
    (CASE WHEN h.day = t.day THEN h.day_reserved_weighed ELSE 0 END - coalesce(c.day_released_weighed, 0))::bigint AS day_reserved_weighed,
    (CASE WHEN h.since = w.since THEN h.period_spent ELSE 0 END + coalesce(c.period_spent, 0))::bigint AS period_spent,
    (CASE WHEN h.since = w.since THEN h.period_spent_weighed ELSE 0 END + coalesce(c.period_spent_weighed, 0))::bigint AS period_spent_weighed,
    (CASE WHEN h.since = w.since THEN h.period_reserved ELSE 0 END - coalesce(c.period_released, 0))::bigint AS period_reserved,
    (CASE WHEN h.since = w.since THEN h.period_reserved_weighed ELSE 0 END - coalesce(c.period_released_weighed, 0))::bigint AS period_reserved_weighed
FROM budget h CROSS JOIN LATERAL (SELECT greatest(h.day, $2::date) AS day) t CROSS JOIN LATERAL (SELECT ` + sinceOf + ` AS since) w
LEFT JOIN LATERAL (
    SELECT sum(spent) FILTER (WHERE g.day = t.day) AS day_spent, sum(spent_weighed) FILTER (WHERE g.day = t.day) AS day_spent_weighed,
        sum(released) FILTER (WHERE g.day = t.day) AS day_released, sum(released_weighed) FILTER (WHERE g.day = t.day) AS day_released_weighed,
        sum(spent) FILTER (WHERE u.since = w.since) AS period_spent, sum(spent_weighed) FILTER (WHERE u.since = w.since) AS period_spent_weighed,
        sum(released) FILTER (WHERE u.since = w.since) AS period_released, sum(released_weighed) FILTER (WHERE u.since = w.since) AS period_released_weighed
    FROM budget_change g CROSS JOIN LATERAL unnest(g.budgets, g.sinces) AS u (budget, since)
    WHERE u.budget = h.id) c ON true
WHERE h.id = $1`

// Standing tells how the actor's team stands, as far as the actor may see it. Before the
// first call it is the zero Standing.
func (m *Meter) Standing(ctx context.Context, actor account.Actor) (Standing, error) {
	if err := actor.Need(account.MayRead); err != nil {
		return Standing{}, err
	}
	s, err := m.standing(ctx, WorkspaceBudget(actor.Workspace))
	if err != nil || !actor.Restricted {
		return s, err
	}
	return m.partial(ctx, actor, s)
}

// TeamStanding is Standing without regard to what the actor may see: for deciding what
// can be afforded, never for showing.
func (m *Meter) TeamStanding(ctx context.Context, actor account.Actor) (Standing, error) {
	if err := actor.Need(account.MayRead); err != nil {
		return Standing{}, err
	}
	return m.standing(ctx, WorkspaceBudget(actor.Workspace))
}

// partial is what of a standing somebody restricted sees.
func (m *Meter) partial(ctx context.Context, actor account.Actor, s Standing) (Standing, error) {
	now := m.clock.Now().UTC()
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	seen := Standing{Set: s.Set, Partial: true, Day: Used{ResetsAt: s.Day.ResetsAt}, Period: Used{ResetsAt: s.Period.ResetsAt}}
	for _, window := range []struct {
		from time.Time
		used *Used
	}{{today, &seen.Day}, {today.AddDate(0, 0, 1-today.Day()), &seen.Period}} {
		of, err := m.statement(ctx, actor, Filter{From: window.from}, ByProject)
		if err != nil {
			return Standing{}, err
		}
		window.used.Spent = Amount{Nano: of.Total.Cost, Weighed: of.Total.Weighed}
	}
	return seen, nil
}

// RunStanding tells how one run of the actor's team stands. A run that has asked no
// model yet, and one there never was, is the zero Standing.
func (m *Meter) RunStanding(ctx context.Context, actor account.Actor, run string) (Standing, error) {
	if err := actor.Need(account.MayRead); err != nil {
		return Standing{}, err
	}
	s, err := m.standing(ctx, RunBudget(actor.Workspace, run))
	if err != nil || s.Set {
		return s, err
	}
	team, err := m.standing(ctx, WorkspaceBudget(actor.Workspace))
	s.Period.Limit, s.Set = team.Run, team.Set
	return s, err
}

// TrialStanding tells how much of what can be tried without a plan the actor has used.
func (m *Meter) TrialStanding(ctx context.Context, actor account.Actor) (Standing, error) {
	if actor.User == "" {
		return Standing{}, fault.New(fault.Unauthenticated, "", "Please sign in.")
	}
	return m.standing(ctx, TrialBudget(actor.User))
}

func (m *Meter) standing(ctx context.Context, b BudgetID) (Standing, error) {
	rows, err := m.db.Query(ctx, standing, b, m.clock.Now())
	if err != nil {
		return Standing{}, fmt.Errorf("read budget: %w", err)
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[standingRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return Standing{}, nil
	}
	if err != nil {
		return Standing{}, fmt.Errorf("read budget: %w", err)
	}
	return row.standing(), nil
}

func (r standingRow) standing() Standing {
	tomorrow := r.Today.AddDate(0, 0, 1)
	s := Standing{
		Set: r.ConfirmedAt != nil || r.PeriodLimitWeighed != nil, Paced: r.Paced, Run: r.RunLimit,
		Day: Used{
			Limit: r.DayLimit, LimitWeighed: r.DayLimitWeighed, ResetsAt: &tomorrow,
			Spent: Amount{r.DaySpent, r.DaySpentWeighed}, Reserved: Amount{r.DayReserved, r.DayReservedWeighed},
		},
		Period: Used{
			Limit: r.PeriodLimit, LimitWeighed: r.PeriodLimitWeighed,
			Spent: Amount{r.PeriodSpent, r.PeriodSpentWeighed}, Reserved: Amount{r.PeriodReserved, r.PeriodReservedWeighed},
		},
	}
	if r.Renews == monthly {
		next := r.Begins.AddDate(0, 1, 0)
		s.Period.ResetsAt = &next
	}
	return s
}

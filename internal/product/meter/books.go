package meter

import (
	"context"
	"fmt"
	"time"

	"cofounder/internal/product/account"

	"github.com/jackc/pgx/v5"
)

// Books is what Reconcile compares, all of one instant.
type Books struct {
	First, Last time.Time // the days reconciled, both included
	Accounts    []Account
	Entries     []Entry // of the days reconciled, with the calls their credits and late bills are about
	Expired     []EntryID
	// Stated is what the statements of all teams say together, a line a day; nil when
	// they were not read.
	Stated []Line
	// Invoiced is the provider's own report of those days; nil when there is none.
	Invoiced []Invoiced
}

// Unit is what a figure is counted in. The texts are those of discrepancies.
type Unit string

// The units.
const (
	InNanoUSD Unit = "nano_usd"
	InWeighed Unit = "weighed"
)

// Account is one window of one budget in one unit: by its counters, and as it follows
// from the ledger, the reservations and what is not yet folded.
type Account struct {
	Budget         BudgetID
	Window         Window
	Unit           Unit
	Limit          *int64 // or what was spent already when it was set lower
	Spent          int64
	Reserved       int64
	BookedSpent    int64
	BookedReserved int64
	// Elastic is true where the limit may be passed: by what borrows ahead of a day's
	// share.
	Elastic bool
}

// Invoiced is what the provider billed for one model on one day.
type Invoiced struct {
	Day   time.Time
	Model string
	Nano  NanoUSD
}

// A run without a limit of its own has that of its team, which may have been lowered since;
// it is not looked at here.
const accounts = `
WITH booked AS (
    SELECT u.budget, b.day = l.day AS today, b.since = u.since AS now, l.nano, l.weighed, 0::bigint AS nano_held, 0::bigint AS weighed_held
    FROM ledger l CROSS JOIN LATERAL unnest(l.budgets, l.sinces) AS u (budget, since) JOIN budget b ON b.id = u.budget
    UNION ALL
    SELECT u.budget, b.day = r.day, b.since = u.since, 0, 0, r.nano, r.weighed
    FROM reservation r CROSS JOIN LATERAL unnest(r.budgets, r.sinces) AS u (budget, since) JOIN budget b ON b.id = u.budget
    UNION ALL
    SELECT u.budget, b.day = c.day, b.since = u.since, -c.spent, -c.spent_weighed, c.released, c.released_weighed
    FROM budget_change c CROSS JOIN LATERAL unnest(c.budgets, c.sinces) AS u (budget, since) JOIN budget b ON b.id = u.budget
), sums AS (
    SELECT budget,
        sum(nano) FILTER (WHERE today) AS day_nano, sum(nano_held) FILTER (WHERE today) AS day_nano_held,
        sum(weighed) FILTER (WHERE today) AS day_weighed, sum(weighed_held) FILTER (WHERE today) AS day_weighed_held,
        sum(nano) FILTER (WHERE now) AS period_nano, sum(nano_held) FILTER (WHERE now) AS period_nano_held,
        sum(weighed) FILTER (WHERE now) AS period_weighed, sum(weighed_held) FILTER (WHERE now) AS period_weighed_held
    FROM booked GROUP BY budget
)
SELECT b.id AS budget, f.*
FROM budget b LEFT JOIN sums s ON s.budget = b.id CROSS JOIN LATERAL (
    SELECT CASE WHEN b.held_day = b.day THEN b.day_before END AS day_before, CASE WHEN b.held_day = b.day THEN b.day_before_weighed END AS day_before_weighed,
        CASE WHEN b.held_since = b.since THEN b.period_before END AS period_before, CASE WHEN b.held_since = b.since THEN b.period_before_weighed END AS period_before_weighed
) h CROSS JOIN LATERAL (VALUES
    ('day', 'nano_usd', CASE WHEN b.day_limit IS NOT NULL THEN greatest(b.day_limit, h.day_before) END, b.day_spent, b.day_reserved, coalesce(s.day_nano, 0)::bigint, coalesce(s.day_nano_held, 0)::bigint, b.paced),
    ('day', 'weighed', CASE WHEN b.day_limit_weighed IS NOT NULL THEN greatest(b.day_limit_weighed, h.day_before_weighed) END, b.day_spent_weighed, b.day_reserved_weighed, coalesce(s.day_weighed, 0)::bigint, coalesce(s.day_weighed_held, 0)::bigint, b.paced),
    ('period', 'nano_usd', CASE WHEN b.period_limit IS NOT NULL THEN greatest(b.period_limit, h.period_before) END, b.period_spent, b.period_reserved, coalesce(s.period_nano, 0)::bigint, coalesce(s.period_nano_held, 0)::bigint, false),
    ('period', 'weighed', CASE WHEN b.period_limit_weighed IS NOT NULL THEN greatest(b.period_limit_weighed, h.period_before_weighed) END, b.period_spent_weighed, b.period_reserved_weighed, coalesce(s.period_weighed, 0)::bigint, coalesce(s.period_weighed_held, 0)::bigint, false)
) AS f ("window", unit, "limit", spent, reserved, booked_spent, booked_reserved, elastic)
ORDER BY b.id, 2, 3`

// Rows are by day; the call of a credit may be of an earlier one.
const entriesOf = `
SELECT ` + entryColumns + ` FROM ledger l WHERE l.day BETWEEN $1 AND $2
   OR l.id IN (SELECT c.of FROM ledger c WHERE c.day BETWEEN $1 AND $2 AND c.of IS NOT NULL)
ORDER BY l.day, l.id`

const expired = `SELECT id FROM reservation WHERE expires_at < $1 ORDER BY id`

// Books reads what Reconcile compares, of the days between two, both
// included, all of one instant. It reads the ledger once from end to end: meant for the night.
func (m *Meter) Books(ctx context.Context, first, last time.Time) (Books, error) {
	tx, err := m.db.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return Books{}, fmt.Errorf("read books: %w", err)
	}
	defer tx.Rollback(ctx)
	f := Filter{From: dayOf(first), To: dayOf(last)}
	b := Books{First: f.From, Last: f.To}
	if b.Accounts, err = collect[Account](ctx, tx, accounts); err != nil {
		return Books{}, err
	}
	if b.Entries, err = collect[Entry](ctx, tx, entriesOf, f.From, f.To); err != nil {
		return Books{}, err
	}
	day, _ := ByDay.column()
	if b.Stated, err = collect[Line](ctx, tx, statementHead+day+statementTail, f.args(account.Actor{})); err != nil {
		return Books{}, err
	}
	rows, err := tx.Query(ctx, expired, m.clock.Now().Add(-lifetime))
	if err != nil {
		return Books{}, fmt.Errorf("read books: %w", err)
	}
	if b.Expired, err = pgx.CollectRows(rows, pgx.RowTo[EntryID]); err != nil {
		return Books{}, fmt.Errorf("read books: %w", err)
	}
	return b, nil
}

// dayOf is the day of an instant in UTC.
func dayOf(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

func collect[T any](ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read books: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
	if err != nil {
		return nil, fmt.Errorf("read books: %w", err)
	}
	return list, nil
}

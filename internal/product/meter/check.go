package meter

import (
	"context"
	"fmt"
	"time"

	"cofounder/internal/product/account"

	"github.com/jackc/pgx/v5"
)

const (
	checkedDays = 7   // before today, looked at each night: bills come late
	keptChecks  = 90  // nights
	keptFlaws   = 100 // of a night; more of them say nothing new
)

// BookCheck is what one night's look into the books found.
type BookCheck struct {
	At       time.Time
	FirstDay time.Time // of the days looked at, both included
	LastDay  time.Time
	Entries  int           // rows of the ledger looked at
	Count    int           // of what is not as it must be
	Found    []Discrepancy // the first hundred of it
}

const (
	saveCheck = `
INSERT INTO book_check (day, at, first_day, last_day, entries, count, found) VALUES ($1, $2, $3, $1, $4, $5, $6)
ON CONFLICT (day) DO UPDATE SET at = excluded.at, first_day = excluded.first_day, last_day = excluded.last_day,
    entries = excluded.entries, count = excluded.count, found = excluded.found`
	forgetChecks = `DELETE FROM book_check WHERE day < $1`
	listChecks   = `SELECT at, first_day, last_day, entries, count, found FROM book_check ORDER BY day DESC LIMIT $1`
)

// CheckBooks reconciles the books of the last days, logs as an error each figure that is
// not as it must be, and keeps what it found for BookChecks. It returns how many there
// are. It changes nothing in the books: what is wrong there is for people to look at.
func (m *Meter) CheckBooks(ctx context.Context) (int, error) {
	now := m.clock.Now().UTC()
	today := dayOf(now)
	first := today.AddDate(0, 0, -checkedDays)
	books, err := m.Books(ctx, first, today)
	if err != nil {
		return 0, err
	}
	found := Reconcile(books)
	for _, d := range found[:min(len(found), keptFlaws)] {
		m.log.ErrorContext(ctx, "the books do not agree", "rule", d.Rule, "subject", d.Subject, "want", d.Want, "got", d.Got)
	}
	if n := len(found) - keptFlaws; n > 0 {
		m.log.ErrorContext(ctx, "the books do not agree in more places", "count", n)
	}
	kept := append([]Discrepancy{}, found[:min(len(found), keptFlaws)]...) // [] in JSON, not null
	if _, err := m.db.Exec(ctx, saveCheck, today, now, first, len(books.Entries), len(found), kept); err != nil {
		return 0, fmt.Errorf("keep what the books' check found: %w", err)
	}
	if _, err := m.db.Exec(ctx, forgetChecks, today.AddDate(0, 0, -keptChecks)); err != nil {
		return 0, fmt.Errorf("forget old checks of the books: %w", err)
	}
	return len(found), nil
}

// BookChecks lists what the last nights' checks found, the newest first; operators only.
func (m *Meter) BookChecks(ctx context.Context, actor account.Actor, most int) ([]BookCheck, error) {
	if _, err := everyone(actor); err != nil {
		return nil, err
	}
	rows, err := m.db.Query(ctx, listChecks, most)
	if err != nil {
		return nil, fmt.Errorf("list checks of the books: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[BookCheck])
	if err != nil {
		return nil, fmt.Errorf("list checks of the books: %w", err)
	}
	return list, nil
}

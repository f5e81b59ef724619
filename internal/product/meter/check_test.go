package meter_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/google/go-cmp/cmp"
)

// TestCheckBooks looks into books that are in order, and again after somebody has
// changed a counter behind them.
func TestCheckBooks(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w := newWorld(t, func(c *meter.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	operator := account.Actor{Operator: true}
	a := w.confirmed(t, meter.DefaultLimits())
	r := w.reserve(t, w.charge(a, "run1"), w.call(t, sonnet))
	if err := r.Answered(answered(1000, 100)).Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.reserve(t, w.charge(a, "run1"), w.call(t, sonnet)) // still under way
	check := func(want []meter.Discrepancy) {
		t.Helper()
		if n, err := w.CheckBooks(t.Context()); n != len(want) || err != nil {
			t.Errorf("CheckBooks = %d, %v; want %d", n, err, len(want))
		}
		list, err := w.BookChecks(t.Context(), operator, 1)
		if err != nil || len(list) != 1 {
			t.Fatalf("BookChecks = %+v, %v", list, err)
		}
		today := w.clock.Now().Truncate(24 * time.Hour)
		good := meter.BookCheck{At: w.clock.Now(), FirstDay: today.AddDate(0, 0, -7), LastDay: today, Entries: 1, Count: len(want), Found: want}
		if diff := cmp.Diff(good, list[0]); diff != "" {
			t.Errorf("kept (-want +got):\n%s", diff)
		}
	}
	check([]meter.Discrepancy{})
	if log.Len() > 0 {
		t.Errorf("books in order were logged: %s", log.String())
	}
	// Same day, later: it replaces what was kept.
	w.clock.Advance(time.Minute)
	if _, err := w.db.Exec(t.Context(), `UPDATE budget SET period_spent = period_spent + 7 WHERE id = $1`, a.Workspace); err != nil {
		t.Fatal(err)
	}
	subject := string(a.Workspace) + " period nano_usd"
	check([]meter.Discrepancy{{Rule: meter.RuleSpent, Subject: subject, Want: 0, Got: 7}})
	if s := log.String(); !strings.Contains(s, "level=ERROR") || !strings.Contains(s, subject) || !strings.Contains(s, string(meter.RuleSpent)) {
		t.Errorf("log %q, want an error with rule and budget", s)
	}
	if list, err := w.BookChecks(t.Context(), operator, 9); err != nil || len(list) != 1 {
		t.Errorf("%d checks kept of one day, %v", len(list), err)
	}
	if _, err := w.BookChecks(t.Context(), a, 1); !fault.Is(err, fault.Forbidden) {
		t.Errorf("an owner sees the checks: %v", err)
	}
}

package app

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/repo"
	"cofounder/internal/product/account"
)

// announcements passes on the messages of a log.
type announcements struct {
	slog.Handler
	messages chan string
}

func (a announcements) Handle(_ context.Context, r slog.Record) error {
	a.messages <- r.Message
	return nil
}

func (announcements) Enabled(context.Context, slog.Level) bool { return true }

// TestBooksAreCheckedAtNight: a process that begins to work looks into the books if
// nobody did today, without being asked.
func TestBooksAreCheckedAtNight(t *testing.T) {
	t.Parallel()
	a, _ := openModels(t)
	said := announcements{slog.DiscardHandler, make(chan string, 8)}
	a.log = slog.New(said)
	var err error
	a.Flow, err = flow.New(flow.Config{
		DB: a.database.pool, Clock: clock.System{}, IDs: id.NewSource(clock.System{}.Now), Log: slog.New(slog.DiscardHandler), Slots: 1, MaxWaiting: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	if a.Repo, err = repo.New(a.database.pool, repo.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	a.addNightly()
	if err := a.Flow.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Flow.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	select {
	case m := <-said.messages:
		if m != "books checked" {
			t.Fatalf("log says %q", m)
		}
	case <-t.Context().Done():
		t.Fatal("the books were not checked")
	}
	// So are the repositories and the runs, without a word where there was nothing.
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for done := 0; done < 3; <-look.C {
		if done, err = nightlyDone(t, a); err != nil {
			t.Fatal(err)
		}
	}
	list, err := a.Meter.BookChecks(t.Context(), account.Actor{Operator: true}, 1)
	if err != nil || len(list) != 1 || list[0].Count != 0 {
		t.Errorf("BookChecks = %+v, %v; want one without a difference", list, err)
	}
}

// nightlyDone counts what was done at night.
func nightlyDone(t *testing.T, a *App) (n int, err error) {
	t.Helper()
	err = a.database.pool.QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE state = 'completed'
		AND kind IN ('meter.check_books', 'flow.trim', 'repo.sweep')`).Scan(&n)
	return n, err
}

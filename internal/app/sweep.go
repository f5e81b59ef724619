package app

import (
	"context"
	"fmt"
	"time"

	"cofounder/internal/platform/event"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/repo"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// sweepEvery is how often what has expired is removed. Nothing depends on it:
// what has expired is refused before it is gone.
const sweepEvery = 5 * time.Minute

// keptEvents of each stream stay; a page shows the newest few, and who was away for
// longer begins anew.
const keptEvents = 10_000

// keptRun is how much of runs stays: of one that is over all of its story for a month,
// then its nodes without steps and claims; of a node that is done the newest steps.
var keptRun = flow.Keep{Whole: 30 * 24 * time.Hour, Steps: 1000} //nolint:gochecknoglobals // a constant

// addSweeps registers what removes what has expired: periodic work, done by one of all
// processes.
func (a *App) addSweeps() {
	for name, chore := range map[string]func(context.Context) (int, error){
		"account.sweep":     a.Accounts.Sweep,
		"project.purge":     a.purge,
		"idempotency.sweep": a.memory.Sweep,
		"event.trim": func(ctx context.Context) (int, error) {
			return event.Trim(ctx, a.database.pool, event.Keep{Events: keptEvents})
		},
		"hosting.sweep": a.Apps.Sweep,
	} {
		a.addChore(name, sweepEvery, chore)
	}
}

// addChore registers what removes rows and says how many.
func (a *App) addChore(name string, every time.Duration, chore func(context.Context) (int, error)) {
	a.Flow.AddPeriodic(flow.Periodic{Name: name, Every: every, Do: func(ctx context.Context) error {
		n, err := chore(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if n > 0 {
			a.log.InfoContext(ctx, "swept", "what", name, "rows", n)
		}
		return nil
	}})
}

// addNightly registers what looks whether all is well, and what takes long, at midnight
// in UTC.
func (a *App) addNightly() {
	const night = 24 * time.Hour
	a.addChore("flow.trim", night, func(ctx context.Context) (int, error) { return a.Flow.Trim(ctx, keptRun) })
	a.addChore("repo.sweep", night, func(ctx context.Context) (int, error) { return a.Repo.SweepAll(ctx, repo.Grace) })
	a.Flow.AddPeriodic(flow.Periodic{Name: "meter.check_books", Every: night, Do: func(ctx context.Context) error {
		n, err := a.Meter.CheckBooks(ctx)
		if err != nil {
			return fmt.Errorf("check the books: %w", err)
		}
		a.log.InfoContext(ctx, "books checked", "differences", n)
		return nil
	}})
}

// purge removes deleted projects with what hangs from them under opaque ids.
func (a *App) purge(ctx context.Context) (int, error) {
	return a.Projects.Purge(ctx, func(ctx context.Context, tx pgx.Tx, p project.ID) error {
		return a.Flow.ForgetTx(ctx, tx, string(p))
	})
}

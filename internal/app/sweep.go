package app

import (
	"context"
	"time"
)

// sweepEvery is how often what has expired is removed. Nothing depends on it:
// what has expired is refused before it is gone.
const sweepEvery = 5 * time.Minute

// sweep removes what has expired until ctx ends. Every process with the worker
// role does it; batches skip what another has locked.
func (a *App) sweep(ctx context.Context) {
	chores := map[string]func(context.Context) (int, error){
		"accounts":    a.Accounts.Sweep,
		"projects":    func(ctx context.Context) (int, error) { return a.Projects.Purge(ctx) },
		"idempotency": a.memory.Sweep,
	}
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		for name, chore := range chores {
			n, err := chore(ctx)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				a.log.ErrorContext(ctx, "sweep failed", "what", name, "err", err)
			case n > 0:
				a.log.InfoContext(ctx, "swept", "what", name, "rows", n)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

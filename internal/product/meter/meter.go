package meter

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"

	"github.com/jackc/pgx/v5/pgxpool"
)

// EntryID identifies a reservation and, later, its row of the ledger.
type EntryID string

// Prefix implements id.Kind.
func (EntryID) Prefix() string { return "ent" }

// Config is what a Meter needs.
type Config struct {
	DB *pgxpool.Pool
	// Clock decides about days, months and expiry. All processes must agree on it:
	// give them the time of the database (db.Clock).
	Clock clock.Clock
	IDs   *id.Source
	Log   *slog.Logger
	// Fresh tells whether an actor may raise limits now (account.Accounts.NeedFresh): an
	// access key, or a session that was stolen, may only lower them.
	Fresh func(ctx context.Context, actor account.Actor) error
}

// Meter counts what models cost and keeps it inside limits. It is safe for concurrent
// use, by any number of processes on one database.
type Meter struct {
	db    *pgxpool.Pool
	clock clock.Clock
	ids   *id.Source
	log   *slog.Logger
	fresh func(ctx context.Context, actor account.Actor) error

	mu    sync.Mutex
	calls map[EntryID]struct{} // under way in this process
}

// New returns a Meter over cfg.
func New(cfg Config) *Meter {
	return &Meter{db: cfg.DB, clock: cfg.Clock, ids: cfg.IDs, log: cfg.Log, fresh: cfg.Fresh, calls: map[EntryID]struct{}{}}
}

const (
	foldEvery  = 250 * time.Millisecond
	aliveEvery = lifetime / 5
)

// Run folds, keeps the calls of this process alive and writes off those nobody came
// back to, until ctx ends. Every process runs it; what fails is logged and tried again.
func (m *Meter) Run(ctx context.Context) {
	folding, living := time.NewTicker(foldEvery), time.NewTicker(aliveEvery)
	defer folding.Stop()
	defer living.Stop()
	m.tend(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-folding.C:
			if _, err := m.Fold(ctx); err != nil && ctx.Err() == nil {
				m.log.ErrorContext(ctx, "folding failed", "error", err)
			}
		case <-living.C:
			m.tend(ctx)
		}
	}
}

// tend keeps our own calls alive before it looks for dead ones, so that a computer
// that slept does not bury its own.
func (m *Meter) tend(ctx context.Context) {
	if err := m.keepAlive(ctx); err != nil {
		if ctx.Err() == nil {
			m.log.ErrorContext(ctx, "keeping calls alive failed", "error", err)
		}
		return
	}
	if _, err := m.Sweep(ctx); err != nil && ctx.Err() == nil {
		m.log.ErrorContext(ctx, "sweeping reservations failed", "error", err)
	}
}

func (m *Meter) begun(e EntryID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[e] = struct{}{}
}

func (m *Meter) done(e EntryID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.calls, e)
}

func (m *Meter) underWay() []EntryID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Keys(m.calls))
}

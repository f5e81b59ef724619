package meter_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// storm is three processes' worth of meters on one database, of which connections are
// ended at random.
type storm struct {
	t *testing.T
	*world
	seed   uint64
	meters []*world
	owner  account.Actor
	run    string

	admitted, refused, doubtful, broken atomic.Int64
}

const (
	stormWorkers = 12
	stormCalls   = 40
)

// TestAStormBreaksNoBudget lets calls, folders, sweepers and a hand that ends
// connections run at once, while somebody looks at every budget all the time.
func TestAStormBreaksNoBudget(t *testing.T) {
	t.Parallel()
	s := newStorm(t)
	t.Logf("seed %d", s.seed)
	var workers, others sync.WaitGroup
	over, stop := context.WithCancel(t.Context())
	for _, w := range s.meters {
		others.Go(func() {
			s.repeat(over, 5*time.Millisecond, func(ctx context.Context) error { _, err := w.Fold(ctx); return err })
		})
		others.Go(func() {
			s.repeat(over, 20*time.Millisecond, func(ctx context.Context) error { _, err := w.Sweep(ctx); return err })
		})
	}
	others.Go(func() { s.repeat(over, time.Millisecond, s.look) })
	others.Go(func() { s.repeat(over, 60*time.Millisecond, s.endSomeConnection) })
	for i := range stormWorkers {
		rng := rand.New(rand.NewPCG(s.seed, uint64(i)))
		workers.Go(func() {
			for range stormCalls {
				s.call(s.meters[i%len(s.meters)], rng)
			}
		})
	}
	workers.Wait()
	stop()
	others.Wait()
	s.clock.Advance(16 * time.Minute)
	s.settleDown(t)
	t.Logf("%d admitted, %d refused, %d of which nobody knows, %d connections lost", s.admitted.Load(), s.refused.Load(), s.doubtful.Load(), s.broken.Load())
	if s.admitted.Load() == 0 || s.refused.Load() == 0 || s.broken.Load() == 0 {
		t.Error("this was no storm")
	}
}

func newStorm(t *testing.T) *storm {
	t.Helper()
	address := dbtest.URL(t)
	s := &storm{t: t, seed: rand.Uint64(), run: "run1"}
	for range 3 {
		pool, err := db.Open(t.Context(), address, db.Options{Name: "storm", MaxConns: 8})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		w := worldOn(pool)
		if s.world != nil {
			w.clock = s.clock
			w.Meter = meter.New(meter.Config{DB: pool, Clock: s.clock, IDs: id.NewSource(s.clock.Now), Log: quiet(), Fresh: anyone})
		}
		s.meters = append(s.meters, w)
		s.world = s.meters[0]
	}
	s.owner = s.world.owner()
	limits := meter.Limits{Month: 60 * worst, Day: 40 * worst, Run: 30 * worst}
	if err := s.SetLimits(t.Context(), s.owner, limits); err != nil {
		t.Fatal(err)
	}
	return s
}

// lost reports whether an error is one of a connection that was ended or a context
// that was. A deadlock is neither.
func (s *storm) lost(err error) bool {
	refused := (*pgconn.PgError)(nil)
	if errors.As(err, &refused) && refused.Code != "57P01" { // admin_shutdown
		s.t.Errorf("the database refused: %v", err)
	}
	if err != nil {
		s.broken.Add(1)
	}
	return err != nil
}

func (s *storm) repeat(ctx context.Context, every time.Duration, do func(context.Context) error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.lost(do(s.t.Context()))
		}
	}
}

// look fails the test when any budget is over any limit at any instant.
func (s *storm) look(ctx context.Context) error {
	ids := []meter.BudgetID{
		meter.WorkspaceBudget(s.owner.Workspace), meter.RunBudget(s.owner.Workspace, "run1"), meter.RunBudget(s.owner.Workspace, "run2"),
	}
	var over int
	err := s.db.QueryRow(ctx, overLimit, ids).Scan(&over)
	if over > 0 {
		s.t.Errorf("%d budgets over a limit", over)
	}
	return err
}

func (s *storm) endSomeConnection(ctx context.Context) error {
	_, err := s.db.Exec(ctx, `
		SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'storm' ORDER BY random() LIMIT 1`)
	return err
}

// call makes one call and lets any of the things happen to it that can.
func (s *storm) call(w *world, rng *rand.Rand) {
	t := s.t
	price, err := w.card.Price(sonnet, s.clock.Now())
	if err != nil {
		t.Error(err)
		return
	}
	ctx := t.Context()
	if rng.IntN(10) == 0 { // whoever asked goes away in the middle of it
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(rng.IntN(3000))*time.Microsecond)
		defer cancel()
	}
	run := []string{"run1", "run2"}[rng.IntN(2)]
	r, err := w.Reserve(ctx, s.charge(s.owner, run), meter.Call{
		Payer: meter.OwnKey, Endpoint: "test", Price: price, InputUpper: 10_000, MaxTokens: 20_000,
	})
	if over := (*meter.LimitError)(nil); errors.As(err, &over) {
		s.refused.Add(1)
		return
	}
	if s.lost(err) {
		s.doubtful.Add(1)
		return
	}
	s.admitted.Add(1)
	receipt := r.Answered(answered(10_000, llm.Tokens(rng.IntN(int(r.Output)))))
	switch rng.IntN(6) {
	case 0: // the process dies
	case 1:
		s.insist(func() error { return r.Failed(t.Context(), llm.Outcome{State: llm.Void, Err: llm.Overloaded}) })
	case 2:
		s.insist(func() error { return r.Failed(t.Context(), llm.Outcome{State: llm.Unknown, Err: llm.Unavailable}) })
	case 3:
		s.insist(func() error { return receipt.Settle(t.Context()) })
	default:
		err := db.InTx(t.Context(), w.db, func(tx pgx.Tx) error { return receipt.SettleTx(t.Context(), tx) })
		if s.lost(err) {
			s.insist(func() error { return receipt.Settle(t.Context()) })
		}
	}
}

// insist repeats what may or may not have happened until it has.
func (s *storm) insist(do func() error) {
	for range 50 {
		if !s.lost(do()) {
			return
		}
	}
	s.t.Error("fifty tries were not enough")
}

// settleDown waits for nothing: after a sweep and a fold all books agree and nothing
// is reserved any more.
func (s *storm) settleDown(t *testing.T) {
	t.Helper()
	pool, err := db.Open(t.Context(), s.db.Config().ConnString(), db.Options{MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	m := meter.New(meter.Config{DB: pool, Clock: s.clock, IDs: s.ids, Log: quiet(), Fresh: anyone})
	if _, err := m.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Fold(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkBooks(t, m, s.clock.Now())
	var left, reserved int64
	if err := pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM reservation) + (SELECT count(*) FROM budget_change),
		(SELECT coalesce(sum(day_reserved + period_reserved), 0)::bigint FROM budget)`).Scan(&left, &reserved); err != nil {
		t.Fatal(err)
	}
	if left != 0 || reserved != 0 {
		t.Errorf("%d rows and %d nano-dollars left over", left, reserved)
	}
	s.countCalls(t, pool)
}

// countCalls compares the ledger with what was admitted: what nobody knows may or may
// not have been.
func (s *storm) countCalls(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	var calls int64
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM ledger WHERE kind = 'call'").Scan(&calls); err != nil {
		t.Fatal(err)
	}
	if calls < s.admitted.Load() || calls > s.admitted.Load()+s.doubtful.Load() {
		t.Errorf("%d calls in the ledger, %d admitted and %d of which nobody knows", calls, s.admitted.Load(), s.doubtful.Load())
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5/pgxpool"
)

// pace is how the speed of reserving and settling is measured: blocks of bare commits
// and of calls in turn, at the same rate, so that both see the same machine.
type pace struct {
	users  int
	rate   int // a second
	block  time.Duration
	blocks int // of each kind
}

// speed is what came of it.
type speed struct {
	bare, call  offered
	shared      float64 // calls a second against one budget
	rate, users int
}

// offered is what became of calls made at a rate.
type offered struct {
	took []time.Duration
	shed int64 // not begun, since too many were under way
}

// quantile counts what was shed as slower than anything that was measured; where the
// quantile falls there, it is not known.
func (o offered) quantile(q float64) (time.Duration, bool) {
	at := int(q * float64(len(o.took)+int(o.shed)-1))
	if at >= len(o.took) {
		return 0, len(o.took) == 0 && o.shed == 0
	}
	slices.Sort(o.took)
	return o.took[at].Round(100 * time.Microsecond), true
}

func (o offered) String() string {
	text := func(q float64) string {
		if took, known := o.quantile(q); known {
			return took.String()
		}
		return "beyond measure"
	}
	return fmt.Sprintf("p50 %s p99 %s (%d of %d shed)", text(.5), text(.99), o.shed, len(o.took)+int(o.shed))
}

// ratio compares what takes 99 of 100 calls with what takes 99 of 100 bare commits; false
// where either is beyond measure.
func (s speed) ratio() (float64, bool) {
	bare, known := s.bare.quantile(.99)
	call, knownToo := s.call.quantile(.99)
	if bare == 0 {
		return 0, known && knownToo
	}
	return float64(call) / float64(bare), known && knownToo
}

// judge says how the ratio is, and whether it is good enough. Where the machine shed bare
// commits it could not have taken calls either, and nothing can be said of them.
func (s speed) judge() (says string, short bool, skipped string) {
	if s.bare.shed > 0 {
		return "not compared", false, fmt.Sprintf("the speed: %d of %d bare commits were shed, so %d/s is more than this machine takes now", s.bare.shed, len(s.bare.took)+int(s.bare.shed), s.rate)
	}
	if len(s.bare.took) == 0 || len(s.call.took)+int(s.call.shed) == 0 {
		return "not compared", false, "the speed: nothing was measured"
	}
	ratio, known := s.ratio()
	if !known {
		return "more than can be measured", true, ""
	}
	return fmt.Sprintf("%.1f ×", ratio), ratio > ratioTarget, ""
}

const (
	bareTable  = `CREATE TABLE IF NOT EXISTS bare_commit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL)`
	bareCommit = `INSERT INTO bare_commit (body) VALUES ($1)`
)

func (p pace) measure(ctx context.Context, pool *pgxpool.Pool, out io.Writer) (speed, error) {
	if _, err := pool.Exec(ctx, bareTable); err != nil {
		return speed{}, fmt.Errorf("make a table: %w", err)
	}
	m := meter.New(meter.Config{DB: pool, Clock: clock.System{}, IDs: id.NewSource(time.Now), Log: slog.New(slog.DiscardHandler), Fresh: ourselves})
	folding, stop := context.WithCancel(ctx)
	var folder sync.WaitGroup
	folder.Go(func() { m.Run(folding) })
	defer folder.Wait()
	defer stop()
	actors, err := p.actors(ctx, m)
	if err != nil {
		return speed{}, err
	}
	// What autovacuum does within its first minute; until then plans are those of empty
	// tables.
	if _, err := pool.Exec(ctx, "ANALYZE"); err != nil {
		return speed{}, fmt.Errorf("analyze: %w", err)
	}
	s := speed{rate: p.rate, users: p.users}
	body := strings.Repeat("x", 700) // what a reservation's row has
	var n atomic.Int64
	calls := caller{meter: m}
	if calls.price, err = meter.PublishedCard().Price(callModel, time.Now()); err != nil {
		return speed{}, err
	}
	for range p.blocks {
		if err := p.offer(ctx, &s.bare, func() error { _, err := pool.Exec(ctx, bareCommit, body); return err }); err != nil {
			return speed{}, err
		}
		if err := p.offer(ctx, &s.call, func() error { i := n.Add(1); return calls.call(ctx, actors[int(i)%len(actors)], i) }); err != nil {
			return speed{}, err
		}
	}
	say(out, "p1: %d/s over the budgets of %d users, each call against four of them: reserve + settle %s, bare commit %s", p.rate, p.users, s.call, s.bare)
	s.shared, err = p.crowd(ctx, calls, actors[0], &n)
	say(out, "p1: sixteen callers without a pause against the same four budgets: %.0f calls/s", s.shared)
	return s, err
}

// actors are users with a team each, whose limits are far away.
func (p pace) actors(ctx context.Context, m *meter.Meter) ([]account.Actor, error) {
	ids := id.NewSource(time.Now)
	var all []account.Actor
	for range p.users {
		a := account.Actor{User: id.Mint[account.UserID](ids), Workspace: id.Mint[account.WorkspaceID](ids), Role: account.Owner, Scope: account.ScopeWrite}
		if err := m.SetLimits(ctx, a, meter.Limits{Month: meter.Ceiling(1_000_000 * meter.Dollar), Day: meter.NoLimit, Run: meter.Ceiling(1_000_000 * meter.Dollar)}); err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// caller reserves and settles.
type caller struct {
	meter *meter.Meter
	price meter.Price
}

func (c caller) call(ctx context.Context, a account.Actor, n int64) error {
	charge := meter.Charge{Actor: a, Project: project.ID("prj_" + string(a.User)), Run: "run", Epoch: 1, Step: strconv.FormatInt(n, 10), Role: meter.Coder}
	r, err := c.meter.Reserve(ctx, charge, meter.Call{Payer: meter.OwnKey, Endpoint: "bench", Price: c.price, InputUpper: callInput, MaxTokens: callOutput})
	if err != nil {
		return err
	}
	return r.Answered(worstAnswer()).Settle(ctx)
}

// offer calls do at the rate for a block, without waiting for answers, and adds to o how
// long each took from the instant it was due.
func (p pace) offer(ctx context.Context, o *offered, do func() error) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	open := make(chan struct{}, openAtMost)
	begun := time.Now()
	for n := range int(p.block.Seconds() * float64(p.rate)) {
		due := begun.Add(time.Duration(n) * time.Second / time.Duration(p.rate))
		pause(ctx, time.Until(due))
		select {
		case open <- struct{}{}:
		default:
			o.shed++
			continue
		}
		wg.Go(func() {
			err := do()
			done := time.Since(due)
			<-open
			mu.Lock()
			defer mu.Unlock()
			o.took = append(o.took, done)
			if err != nil {
				failed = err
			}
		})
	}
	wg.Wait()
	return failed
}

// crowd is sixteen callers that share one user's budgets, for one block.
func (p pace) crowd(ctx context.Context, c caller, a account.Actor, n *atomic.Int64) (float64, error) {
	var wg sync.WaitGroup
	var calls atomic.Int64
	errs := make(chan error, 16)
	begun := time.Now()
	for range 16 {
		wg.Go(func() {
			for time.Since(begun) < p.block {
				if err := c.call(ctx, a, n.Add(1)); err != nil {
					errs <- err
					return
				}
				calls.Add(1)
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return 0, err
	default:
	}
	return float64(calls.Load()) / time.Since(begun).Seconds(), nil
}

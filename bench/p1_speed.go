package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
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
	bare, call  []time.Duration
	shed        int64
	shared      float64 // calls a second against one budget
	rate, users int
}

func (s speed) p99(took []time.Duration) time.Duration { return quantileOf(took, .99) }

func (s speed) ratio() float64 {
	bare := s.p99(s.bare)
	if bare == 0 {
		return 0
	}
	return float64(s.p99(s.call)) / float64(bare)
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
		bare, shed, err := p.offer(ctx, func() error { _, err := pool.Exec(ctx, bareCommit, body); return err })
		if err != nil {
			return speed{}, err
		}
		s.bare, s.shed = append(s.bare, bare...), s.shed+shed
		call, shed, err := p.offer(ctx, func() error { i := n.Add(1); return calls.call(ctx, actors[int(i)%len(actors)], i) })
		if err != nil {
			return speed{}, err
		}
		s.call, s.shed = append(s.call, call...), s.shed+shed
	}
	say(out, "p1: %d/s over the budgets of %d users, each call against four of them: reserve + settle p50 %s p99 %s, bare commit p50 %s p99 %s, %d shed",
		p.rate, p.users, quantileOf(s.call, .5), s.p99(s.call), quantileOf(s.bare, .5), s.p99(s.bare), s.shed)
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

// offer calls do at the rate for a block, without waiting for answers, and returns
// how long each took from the instant it was due.
func (p pace) offer(ctx context.Context, do func() error) ([]time.Duration, int64, error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	var shed atomic.Int64
	open := make(chan struct{}, openAtMost)
	begun := time.Now()
	for n := range int(p.block.Seconds() * float64(p.rate)) {
		due := begun.Add(time.Duration(n) * time.Second / time.Duration(p.rate))
		pause(ctx, time.Until(due))
		select {
		case open <- struct{}{}:
		default:
			shed.Add(1)
			continue
		}
		wg.Go(func() {
			err := do()
			done := time.Since(due)
			<-open
			mu.Lock()
			defer mu.Unlock()
			took = append(took, done)
			if err != nil {
				failed = err
			}
		})
	}
	wg.Wait()
	return took, shed.Load(), failed
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

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// sums are the same money counted in four ways.
type sums struct {
	ledger, budgets, statement, expected meter.NanoUSD
	flaws                                int
	what                                 string
}

func (s sums) agree() bool {
	return s.ledger == s.budgets && s.ledger == s.statement && s.ledger == s.expected && s.flaws == 0 && s.ledger > 0
}

// book is a play of random operations on the budgets of a few teams.
type book struct {
	*meter.Meter
	pool     *pgxpool.Pool
	rng      *rand.Rand
	clock    *clock.Manual
	teams    []account.Actor
	prices   []meter.Price
	payers   []meter.Payer
	expected meter.NanoUSD
	steps    int
	written  map[string]meter.NanoUSD // what rows say that were credited: nothing twice
	counts   map[string]int
}

// playBooks makes operations from a seed and adds up.
func playBooks(ctx context.Context, pool *pgxpool.Pool, seed uint64, operations int) (sums, error) {
	at := clock.NewManual(time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC))
	b := &book{
		pool: pool, rng: rand.New(rand.NewPCG(seed, 5)), clock: at, written: map[string]meter.NanoUSD{}, counts: map[string]int{}, //nolint:gosec // no secret
		Meter:  meter.New(meter.Config{DB: pool, Clock: at, IDs: id.NewSource(time.Now), Log: slog.New(slog.DiscardHandler), Fresh: ourselves}),
		payers: []meter.Payer{meter.OnPlan, meter.OwnKey},
	}
	if err := b.open(ctx); err != nil {
		return sums{}, err
	}
	for range operations {
		if err := b.step(ctx); err != nil {
			return sums{}, err
		}
	}
	return b.addUp(ctx)
}

func (b *book) open(ctx context.Context) error {
	for _, model := range []string{"claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"} {
		price, err := meter.PublishedCard().Price(model, b.clock.Now())
		if err != nil {
			return err
		}
		b.prices = append(b.prices, price)
	}
	ids := id.NewSource(time.Now)
	for range 4 {
		a := account.Actor{User: id.Mint[account.UserID](ids), Workspace: id.Mint[account.WorkspaceID](ids), Role: account.Owner, Scope: account.ScopeWrite}
		if err := errors.Join(b.SetLimits(ctx, a, meter.Limits{Month: meter.NoLimit, Day: meter.NoLimit, Run: meter.NoLimit}),
			b.SetPlan(ctx, a.Workspace, ample(), b.clock.Now())); err != nil {
			return err
		}
		b.teams = append(b.teams, a)
	}
	return nil
}

// step is one operation: a call with one of the ends a call can have, a credit, a
// fold, a sweep, or time going by.
func (b *book) step(ctx context.Context) error {
	var err error
	what := "call"
	switch b.rng.IntN(40) {
	case 0:
		what = "credit"
		err = b.credit(ctx)
	case 1:
		what = "fold"
		_, err = b.Fold(ctx)
	case 2:
		what = "sweep"
		b.clock.Advance(time.Duration(b.rng.IntN(30)) * time.Minute)
		_, err = b.Sweep(ctx)
	default:
		err = b.call(ctx)
	}
	b.counts[what]++
	return err
}

func (b *book) call(ctx context.Context) error {
	i := b.rng.IntN(len(b.teams))
	a, price := b.teams[i], b.prices[b.rng.IntN(len(b.prices))]
	b.steps++
	c := meter.Charge{
		Actor: a, Project: project.ID("prj_" + string(a.Workspace)), Run: "run" + strconv.Itoa(b.rng.IntN(5)),
		Epoch: 1, Step: strconv.Itoa(b.steps), Role: []meter.Role{meter.Coder, meter.Reviewer, meter.Names}[b.rng.IntN(3)],
	}
	upper := llm.Tokens(1 + b.rng.IntN(150_000))
	r, err := b.Reserve(ctx, c, meter.Call{Payer: b.payers[i%2], Endpoint: "bench", Price: price, InputUpper: upper, MaxTokens: 8000})
	if err != nil {
		return err
	}
	o := llm.Outcome{State: llm.Settled, Usage: b.usage(upper)}
	cost := price.Cost(o.Usage).Nano
	switch b.rng.IntN(12) {
	case 0:
		o.State, o.Err = llm.Void, llm.Overloaded
		return r.Failed(ctx, o)
	case 1:
		o.State, o.Err = llm.Estimated, llm.Cancelled
		b.expected += cost
		return r.Failed(ctx, o)
	case 2: // our mistake: given back on a plan
		o.State, o.Err = llm.Settled, llm.Unreadable
		if b.payers[i%2] == meter.OwnKey {
			b.expected += cost
		}
		return r.Failed(ctx, o)
	case 3:
		b.expected += cost
		return r.Answered(o).Settle(ctx)
	case 4: // the process dies; it is written off by its prompt, as our mistake
		if b.payers[i%2] == meter.OwnKey {
			b.expected += price.Cost(llm.Usage{Input: upper}).Nano
		}
		return nil
	}
	b.expected += cost
	return db.InTx(ctx, b.pool, func(tx pgx.Tx) error { return r.Answered(o).SettleTx(ctx, tx) })
}

// usage divides a prompt at random over the classes.
func (b *book) usage(upper llm.Tokens) llm.Usage {
	left := int64(upper)
	part := func() llm.Tokens {
		n := b.rng.Int64N(left + 1)
		left -= n
		return llm.Tokens(n)
	}
	return llm.Usage{CacheRead: part(), CacheWrite5m: part(), CacheWrite1h: part(), Input: part(), Output: llm.Tokens(b.rng.IntN(8000)), Known: true}
}

// credit takes the calls of one run of one team upon us, whatever they were.
func (b *book) credit(ctx context.Context) error {
	i := b.rng.IntN(len(b.teams))
	return db.InTx(ctx, b.pool, func(tx pgx.Tx) error {
		given, err := b.CreditTx(ctx, tx, meter.LoopStop, meter.Calls{Workspace: b.teams[i].Workspace, Run: "run" + strconv.Itoa(b.rng.IntN(5))})
		if err == nil && b.payers[i%2] == meter.OnPlan {
			b.expected -= given.Listed
		}
		return err
	})
}

const (
	ledgerSum = `SELECT coalesce(sum(nano), 0)::bigint FROM ledger WHERE workspace_id = ANY($1)`
	budgetSum = `SELECT coalesce(sum(period_spent), 0)::bigint FROM budget WHERE id = ANY($1)`
)

// addUp writes off what is left, folds, and counts in every way there is.
func (b *book) addUp(ctx context.Context) (sums, error) {
	b.clock.Advance(20 * time.Minute)
	if _, err := b.Sweep(ctx); err != nil {
		return sums{}, err
	}
	if _, err := b.Fold(ctx); err != nil {
		return sums{}, err
	}
	s := sums{expected: b.expected, what: fmt.Sprint(b.counts)}
	var teams []account.WorkspaceID
	for _, a := range b.teams {
		teams = append(teams, a.Workspace)
		for _, by := range []meter.By{meter.ByDay, meter.ByModel, meter.ByRole, meter.ByRun} {
			st, err := b.Statement(ctx, a, meter.Filter{}, by)
			if err != nil {
				return sums{}, err
			}
			if by == meter.ByDay {
				s.statement += st.Total.Cost
			} else if err := b.sameTotal(ctx, a, st); err != nil {
				return sums{}, err
			}
		}
	}
	if err := b.pool.QueryRow(ctx, ledgerSum, teams).Scan(&s.ledger); err != nil {
		return sums{}, fmt.Errorf("add up the ledger: %w", err)
	}
	if err := b.pool.QueryRow(ctx, budgetSum, teams).Scan(&s.budgets); err != nil {
		return sums{}, fmt.Errorf("add up the budgets: %w", err)
	}
	books, err := b.Books(ctx, b.clock.Now().AddDate(-1, 0, 0), b.clock.Now())
	s.flaws = len(meter.Reconcile(books))
	return s, err
}

// sameTotal makes sure that every grouping has the same total.
func (b *book) sameTotal(ctx context.Context, a account.Actor, st meter.Statement) error {
	byDay, err := b.Statement(ctx, a, meter.Filter{}, meter.ByDay)
	if err == nil && byDay.Total != st.Total {
		err = fmt.Errorf("one statement says %+v, another %+v", byDay.Total, st.Total)
	}
	return err
}

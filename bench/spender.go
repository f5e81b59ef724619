package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/jackc/pgx/v5/pgxpool"
)

// spenderName is the argument that makes this program one of the processes of p1 that
// spend from one budget.
const spenderName = "spend"

// spender is what such a process is told on its standard input, as one line of JSON; a
// second line starts it.
type spender struct {
	Address string // of the database
	Actor   account.Actor
	At      time.Time // its clock stands still
	Callers int       // goroutines, one call each
	Hold    time.Duration
	// Naively checks first and records afterwards, as everybody does once: the
	// positive control.
	Naively bool
	Number  int // tells the processes apart
	// Tell makes it say a line each time a call was admitted, so that it can be killed
	// in the middle of one.
	Tell bool
	out  io.Writer
}

// spent is what it says at the end, if it lives to see it.
type spent struct {
	Admitted, Refused int64
	Errors            []string
}

// A call of p1 has a prompt of 10 000 tokens and an answer of 4 096, the shortest that
// is never shortened; it always uses all of it, so that nothing is given back.
const (
	callInput  llm.Tokens = 10_000
	callOutput llm.Tokens = 4_096
	callModel             = "claude-sonnet-5-5"
)

// callWorst is its worst case: 10 000 × $4 + 4 096 × $10 a million.
const callWorst = 80_960_000 * meter.NanoUSD(1)

func spend(ctx context.Context, in io.Reader, out, stderr io.Writer) int {
	lines := bufio.NewScanner(in)
	var s spender
	if !lines.Scan() {
		return fail(stderr, errors.New("spend: nobody said how"))
	}
	if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
		return fail(stderr, err)
	}
	pool, err := db.Open(ctx, s.Address, db.Options{Name: spenderName, MaxConns: 16})
	if err != nil {
		return fail(stderr, err)
	}
	defer pool.Close()
	s.out = out
	say(out, "ready")
	lines.Scan() // the starting shot
	if err := json.NewEncoder(out).Encode(s.run(ctx, pool)); err != nil {
		return fail(stderr, err)
	}
	return 0
}

// fixedMeter is a meter whose clock stands still.
func fixedMeter(pool *pgxpool.Pool, at time.Time) *meter.Meter {
	return clockedMeter(pool, clock.NewManual(at))
}

func clockedMeter(pool *pgxpool.Pool, c clock.Clock) *meter.Meter {
	return meter.New(meter.Config{DB: pool, Clock: c, IDs: id.NewSource(c.Now), Log: slog.New(slog.DiscardHandler), Fresh: ourselves})
}

// ourselves is meter.Config.Fresh here: nobody else is about.
func ourselves(context.Context, account.Actor) error { return nil }

func (s spender) run(ctx context.Context, pool *pgxpool.Pool) spent {
	m := fixedMeter(pool, s.At)
	price, err := meter.PublishedCard().Price(callModel, s.At)
	if err != nil {
		return spent{Errors: []string{err.Error()}}
	}
	var wg sync.WaitGroup
	var admitted, refused atomic.Int64
	var mu sync.Mutex
	var troubles []string
	for i := range s.Callers {
		wg.Go(func() {
			once := s.once
			if s.Naively {
				once = s.naively
			}
			ok, err := once(ctx, pool, m, price, i)
			switch {
			case err != nil:
				mu.Lock()
				troubles = append(troubles, err.Error())
				mu.Unlock()
			case ok:
				admitted.Add(1)
			default:
				refused.Add(1)
			}
		})
	}
	wg.Wait()
	return spent{Admitted: admitted.Load(), Refused: refused.Load(), Errors: troubles}
}

// once makes one call: reserve, wait as if for the model, settle.
func (s spender) once(ctx context.Context, _ *pgxpool.Pool, m *meter.Meter, price meter.Price, i int) (bool, error) {
	c := meter.Charge{Actor: s.Actor, Run: "run", Node: fmt.Sprint(s.Number), Epoch: 1, Step: fmt.Sprint(i), Role: meter.Coder}
	r, err := m.Reserve(ctx, c, meter.Call{Payer: meter.OwnKey, Endpoint: "bench", Price: price, InputUpper: callInput, MaxTokens: callOutput})
	if over := (*meter.LimitError)(nil); errors.As(err, &over) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if s.Tell {
		say(s.out, "admitted")
	}
	s.hold(ctx)
	return true, r.Answered(worstAnswer()).Settle(ctx)
}

// worstAnswer used all that was reserved: the whole prompt was written to the cache
// for an hour.
func worstAnswer() llm.Outcome {
	return llm.Outcome{
		State: llm.Settled, Model: callModel,
		Usage: llm.Usage{CacheWrite1h: callInput, Output: callOutput, Known: true},
	}
}

// hold waits up to twice Hold.
func (s spender) hold(ctx context.Context) {
	if s.Hold > 0 {
		pause(ctx, rand.N(2*s.Hold)) //nolint:gosec // no secret
	}
}

// The control's budget, in a table of its own.
const (
	naiveTable  = `CREATE TABLE IF NOT EXISTS naive_budget (id text PRIMARY KEY, spent bigint NOT NULL, most bigint NOT NULL)`
	naiveBudget = `INSERT INTO naive_budget VALUES ($1, 0, $2)`
	naiveCheck  = `SELECT spent + $2 <= most FROM naive_budget WHERE id = $1`
	naiveRecord = `UPDATE naive_budget SET spent = spent + $2 WHERE id = $1`
	overNaively = `SELECT spent - most FROM naive_budget WHERE id = $1`
)

func (s spender) naively(ctx context.Context, pool *pgxpool.Pool, _ *meter.Meter, _ meter.Price, _ int) (bool, error) {
	var fits bool
	if err := pool.QueryRow(ctx, naiveCheck, s.Actor.Workspace, callWorst).Scan(&fits); err != nil || !fits {
		return false, err
	}
	s.hold(ctx)
	_, err := pool.Exec(ctx, naiveRecord, s.Actor.Workspace, callWorst)
	return true, err
}

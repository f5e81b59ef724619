package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/jackc/pgx/v5/pgxpool"
)

// p5 measures whether the ledger says what a provider bills, to the nano-dollar, and
// whether everything that is shown is a sum of it.
func p5(ctx context.Context, args []string, out io.Writer) (verdict, error) {
	seed, operations := rand.Uint64(), 10_000 //nolint:gosec // no secret
	flags := flag.NewFlagSet("p5", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Uint64Var(&seed, "seed", seed, "of the operations")
	flags.IntVar(&operations, "operations", operations, "how many")
	if err := flags.Parse(args); err != nil {
		return verdict{}, err
	}
	in, pool, err := openStore(ctx)
	if err != nil {
		return verdict{}, err
	}
	v, err := prove5(ctx, pool, seed, operations, out)
	pool.Close()
	return v, errors.Join(err, in.remove(context.WithoutCancel(ctx)))
}

func prove5(ctx context.Context, pool *pgxpool.Pool, seed uint64, operations int, out io.Writer) (verdict, error) {
	goldens, err := compareGoldens(ctx, pool, out)
	if err != nil {
		return verdict{}, err
	}
	say(out, "p5: seed %d", seed)
	sums, err := playBooks(ctx, pool, seed, operations)
	if err != nil {
		return verdict{}, err
	}
	say(out, "p5: after %d operations (%s): ledger %s, budgets %s, statement %s, expected %s, %d flaws in the books",
		operations, sums.what, sums.ledger, sums.budgets, sums.statement, sums.expected, sums.flaws)
	return verdict{
		figures: fmt.Sprintf("%d payloads, error %d nano-dollars; %d operations from seed %d: ledger − budgets %d, ledger − statement %d, ledger − expected %d nano-dollars, %d flaws",
			goldens.payloads, goldens.off, operations, seed, sums.ledger-sums.budgets, sums.ledger-sums.statement, sums.ledger-sums.expected, sums.flaws),
		targets: "error 0, all differences 0",
		short:   goldens.off != 0 || goldens.payloads == 0 || !sums.agree(),
	}, nil
}

// tally is how the golden payloads came out.
type tally struct {
	payloads int
	off      meter.NanoUSD // sum of all differences, without their signs
}

// ledgerCost is what the calls of one step came to.
const ledgerCost = `SELECT coalesce(sum(nano), 0)::bigint, coalesce(string_agg(state, ', ' ORDER BY attempt), 'no row') FROM ledger WHERE workspace_id = $1 AND step = $2 AND kind = 'call'`

// compareGoldens sends each payload through the real client into the ledger.
func compareGoldens(ctx context.Context, pool *pgxpool.Pool, out io.Writer) (tally, error) {
	cases := goldens()
	url, stop, err := serve(newReplay(cases))
	if err != nil {
		return tally{}, err
	}
	defer stop()
	at := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	ids := id.NewSource(time.Now)
	a := account.Actor{User: id.Mint[account.UserID](ids), Workspace: id.Mint[account.WorkspaceID](ids), Role: account.Owner, Scope: account.ScopeWrite}
	m := fixedMeter(pool, at)
	if err := m.SetLimits(ctx, a, meter.Limits{Month: meter.NoLimit, Day: meter.NoLimit, Run: meter.NoLimit}); err != nil {
		return tally{}, err
	}
	model, err := modelAt(m, clock.NewManual(at), url, meter.OwnKey)
	if err != nil {
		return tally{}, err
	}
	var t tally
	for _, g := range cases {
		c := meter.Charge{Actor: a, Run: "golden", Epoch: 1, Step: g.name, Role: meter.Writer}
		r := llm.Request{Model: g.model, Turns: []llm.Turn{llm.User(llm.Text(g.prompt()))}, MaxTokens: g.maxTokens}
		_, receipt, err := model.Call(ctx, c, r, nil)
		if err == nil {
			err = receipt.Settle(ctx)
		}
		if failed := (*llm.Error)(nil); errors.As(err, &failed) && g.breaks {
			err = nil
		}
		if err != nil {
			return t, fmt.Errorf("%s: %w", g.name, err)
		}
		var got meter.NanoUSD
		var states string
		if err := pool.QueryRow(ctx, ledgerCost, a.Workspace, g.name).Scan(&got, &states); err != nil {
			return t, fmt.Errorf("%s: read ledger: %w", g.name, err)
		}
		say(out, "p5: %-34s %-18s ledger %-14s bill %-14s %s", g.name, g.model, got, g.bill, states)
		t.payloads++
		t.off += max(got-g.bill, g.bill-got)
	}
	return t, nil
}

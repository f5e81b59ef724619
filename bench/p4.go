package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/jackc/pgx/v5/pgxpool"
)

// p4 measures who pays for our mistakes: on a plan nobody but us, with a key of one's
// own it is said.
func p4(ctx context.Context, args []string, out io.Writer) (verdict, error) {
	flags := flag.NewFlagSet("p4", flag.ContinueOnError)
	flags.SetOutput(out)
	if err := flags.Parse(args); err != nil {
		return verdict{}, err
	}
	in, pool, err := openStore(ctx)
	if err != nil {
		return verdict{}, err
	}
	v, err := prove4(ctx, pool, out)
	pool.Close()
	return v, errors.Join(err, in.remove(context.WithoutCancel(ctx)))
}

// bill is how one mishap came out for one payer.
type bill struct {
	mishap string
	payer  meter.Payer
	wanted []meter.Mistake // the reason of each item
	items  []meter.Mistake
	// listed is what the mistakes had cost, given what went back, counted what is left
	// of all calls on the budget; useful is what the calls cost that were no mistake.
	listed, given, counted, useful meter.NanoUSD
	calls                          int
	flaws                          int
}

// fair reports whether nobody but us paid on a plan, and whether the line is there,
// with every item, either way.
func (b bill) fair() bool {
	if b.flaws > 0 || len(b.items) != len(b.wanted) || b.calls == 0 {
		return false
	}
	for i := range b.items {
		if b.items[i] != b.wanted[i] {
			return false
		}
	}
	if len(b.wanted) > 0 && b.listed == 0 {
		return false
	}
	if b.payer == meter.OwnKey {
		return b.given == 0 && b.counted == b.useful+b.listed
	}
	return b.given == b.listed && b.counted == b.useful
}

func (b bill) String() string {
	return fmt.Sprintf("%-28s %-8s %d calls, mistakes %s in %d items %v, given back %s, counted %s, of it useful %s, %d flaws in the books",
		b.mishap, b.payer, b.calls, b.listed, len(b.items), b.items, b.given, b.counted, b.useful, b.flaws)
}

// ample is a plan whose allowance nothing here uses up.
func ample() account.Plan { return account.Plan{ID: "bench", DayShare: 1e12} }

func prove4(ctx context.Context, pool *pgxpool.Pool, out io.Writer) (verdict, error) {
	var bills []bill
	for _, payer := range []meter.Payer{meter.OnPlan, meter.OwnKey} {
		for _, m := range mishaps() {
			b, err := suffer(ctx, pool, m, payer)
			if err != nil {
				return verdict{}, fmt.Errorf("%s, %s: %w", m.name, payer, err)
			}
			say(out, "p4: %s", b)
			bills = append(bills, b)
		}
	}
	return fairness(bills), nil
}

// fairness adds up the bills.
func fairness(bills []bill) verdict {
	var plan, own bill
	ok := len(bills) > 0
	for _, b := range bills {
		sum := &plan
		if b.payer == meter.OwnKey {
			sum = &own
		}
		sum.listed += b.listed
		sum.given += b.given
		sum.counted += b.counted
		sum.useful += b.useful
		sum.flaws += b.flaws
		sum.items = append(sum.items, b.items...)
		ok = ok && b.fair()
	}
	return verdict{
		figures: fmt.Sprintf("on a plan mistakes of %s in %d items, given back %s, billed %s; with an own key %s listed in %d items and counted, counted − calls %d nano-dollars; %d flaws",
			plan.listed, len(plan.items), plan.given, plan.counted-plan.useful, own.listed, len(own.items), own.counted-own.useful-own.listed, plan.flaws+own.flaws),
		targets: "billed 0 on a plan, every item there, ledger exact",
		short:   !ok,
	}
}

// suffer plays one mishap in a team of its own and reads the bill.
func suffer(ctx context.Context, pool *pgxpool.Pool, what mishap, payer meter.Payer) (bill, error) {
	turns, err := llmtest.Parse(what.script)
	if err != nil {
		return bill{}, fmt.Errorf("script: %w", err)
	}
	server := llmtest.New(llmtest.Config{Script: turns})
	defer server.Close()
	url, stop, err := serve(server)
	if err != nil {
		return bill{}, err
	}
	defer stop()
	at := clock.NewManual(time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC))
	ids := id.NewSource(time.Now)
	v := victim{
		pool: pool, clock: at, payer: payer, meter: clockedMeter(pool, at),
		actor: account.Actor{User: id.Mint[account.UserID](ids), Workspace: id.Mint[account.WorkspaceID](ids), Role: account.Owner, Scope: account.ScopeWrite},
	}
	if err := errors.Join(v.meter.SetLimits(ctx, v.actor, meter.Limits{Month: meter.NoLimit, Day: meter.NoLimit, Run: meter.NoLimit}),
		v.meter.SetPlan(ctx, v.actor.Workspace, ample(), at.Now())); err != nil {
		return bill{}, err
	}
	if v.model, err = modelAt(v.meter, at, url, payer); err != nil {
		return bill{}, err
	}
	if err := what.happens(ctx, &v); err != nil {
		return bill{}, err
	}
	if n := server.Left() + server.Unwanted(); n > 0 {
		return bill{}, fmt.Errorf("%d requests too few or too many", n)
	}
	b := bill{mishap: what.name, payer: payer, wanted: what.reasons}
	err = v.read(ctx, &b)
	return b, err
}

const spentNow = `SELECT period_spent FROM budget WHERE id = $1`

// read reads the bill off the ledger and off the budget.
func (v *victim) read(ctx context.Context, b *bill) error {
	if _, err := v.meter.Fold(ctx); err != nil {
		return err
	}
	credited := map[meter.EntryID]bool{}
	err := v.meter.Entries(ctx, v.actor, meter.Filter{}, func(e meter.Entry) error {
		if e.Kind == meter.ACredit {
			credited[*e.Of] = true
			b.items = append(b.items, e.Mistake)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = v.meter.Entries(ctx, v.actor, meter.Filter{}, func(e meter.Entry) error {
		if e.Kind == meter.ACall && !credited[e.ID] {
			b.useful += e.Nano
		}
		return nil
	})
	if err != nil {
		return err
	}
	s, err := v.meter.Statement(ctx, v.actor, meter.Filter{}, meter.ByRun)
	if err != nil {
		return err
	}
	b.listed, b.given, b.calls = s.Total.Mistakes, s.Total.GivenBack, s.Total.Calls
	if err := v.pool.QueryRow(ctx, spentNow, v.actor.Workspace).Scan(&b.counted); err != nil {
		return fmt.Errorf("read budget: %w", err)
	}
	if b.counted != s.Total.Cost {
		b.flaws++
	}
	books, err := v.meter.Books(ctx, v.clock.Now(), v.clock.Now())
	b.flaws += len(meter.Reconcile(books))
	return err
}

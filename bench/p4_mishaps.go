package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// mishap is something that goes wrong for a founder. reasons are what the statement
// must say, an item each.
type mishap struct {
	name    string
	script  string
	happens func(ctx context.Context, v *victim) error
	reasons []meter.Mistake
}

// victim is the founder to whom it happens.
type victim struct {
	pool  *pgxpool.Pool
	clock *clock.Manual
	actor account.Actor
	payer meter.Payer
	meter *meter.Meter
	model *meter.Model
	steps int
}

// mishaps are those of SPEC 8. Where it takes a build to know the reason (a loop, our
// bug, "it does not work"), it is given here as the build will give it.
func mishaps() []mishap {
	const answer = "turn\nsay fine\nusage input=1000 output=100\n"
	const many = "turn\ntimes 0\nsay fine\nusage input=1000 output=100\n"
	twice := func(m meter.Mistake) []meter.Mistake { return []meter.Mistake{m, m} }
	return []mishap{
		{
			name: "overloaded before it began", script: "turn\nfail overloaded\n" + answer,
			happens: func(ctx context.Context, v *victim) error { return v.ask(ctx, nil) },
		},
		{
			name: "overloaded after we began", script: "turn\nsay half an ans\nfail error_later\n",
			happens: func(ctx context.Context, v *victim) error { return failing(v.ask(ctx, nil)) },
			reasons: []meter.Mistake{meter.Overload},
		},
		{
			name:    "unreadable, then repaired",
			script:  "turn\nsay x\nfail prose\nusage input=1000 output=100\nturn\nsay {\"colour\":\"red\"}\nusage input=1100 output=20\n",
			happens: func(ctx context.Context, v *victim) error { return v.ask(ctx, colour()) },
			reasons: []meter.Mistake{meter.Unreadable},
		},
		{
			name: "unreadable for good", script: "turn\ntimes 2\nsay x\nfail prose\nusage input=1000 output=100\n",
			happens: func(ctx context.Context, v *victim) error { return failing(v.ask(ctx, colour())) },
			reasons: twice(meter.Unreadable),
		},
		{
			name: "cut off, discarded", script: "turn\nsay a long story\nfail length\nusage input=1000 output=4096\n",
			happens: func(ctx context.Context, v *victim) error { return failing(v.ask(ctx, nil)) },
			reasons: []meter.Mistake{meter.Unreadable},
		},
		{
			name: "going round in circles", script: many,
			happens: func(ctx context.Context, v *victim) error {
				err := errors.Join(v.ask(ctx, nil), v.ask(ctx, nil), v.ask(ctx, nil))
				return errors.Join(err, v.credit(ctx, meter.LoopStop, meter.Calls{Run: "build", Steps: []string{"2", "3"}}))
			},
			reasons: twice(meter.LoopStop),
		},
		{
			name: "our bug", script: many,
			happens: func(ctx context.Context, v *victim) error {
				err := errors.Join(v.ask(ctx, nil), v.ask(ctx, nil))
				return errors.Join(err, v.credit(ctx, meter.OurFault, meter.Calls{Run: "build", Steps: []string{"1"}}))
			},
			reasons: []meter.Mistake{meter.OurFault},
		},
		{
			name: "it does not work: mending", script: many,
			happens: func(ctx context.Context, v *victim) error {
				err := v.ask(ctx, nil)
				for range 2 {
					err = errors.Join(err, v.ask(ctx, nil), v.credit(ctx, meter.DoesNotWork, meter.Calls{Run: "build", Steps: []string{strconv.Itoa(v.steps)}}))
				}
				return err
			},
			reasons: twice(meter.DoesNotWork),
		},
		{
			name: "ended without a version", script: many,
			happens: func(ctx context.Context, v *victim) error {
				err := v.ask(ctx, nil)
				v.clock.Advance(time.Minute)
				green := v.clock.Now() // the last green step was done by then
				return errors.Join(err, v.ask(ctx, nil), v.ask(ctx, nil), v.credit(ctx, meter.NoVersion, meter.Calls{Run: "build", Since: green}))
			},
			reasons: twice(meter.NoVersion),
		},
		{
			name: "our process died", script: many,
			happens: func(ctx context.Context, v *victim) error { return errors.Join(v.ask(ctx, nil), v.die(ctx)) },
			reasons: []meter.Mistake{meter.OurFault},
		},
	}
}

// ask makes the next call of the build and settles its answer with the step.
func (v *victim) ask(ctx context.Context, form *llm.Schema) error {
	v.steps++
	r := llm.Request{Turns: []llm.Turn{llm.User(llm.Text("What next?"))}, MaxTokens: usual, Schema: form}
	_, receipt, err := v.model.Call(ctx, v.charge(), r, nil)
	if err != nil {
		return err
	}
	return db.InTx(ctx, v.pool, func(tx pgx.Tx) error { return receipt.SettleTx(ctx, tx) })
}

func (v *victim) charge() meter.Charge {
	return meter.Charge{Actor: v.actor, Run: "build", Node: "coder", Epoch: 1, Step: strconv.Itoa(v.steps), Role: meter.Coder}
}

// credit says whose fault it was, as a build does.
func (v *victim) credit(ctx context.Context, why meter.Mistake, which meter.Calls) error {
	which.Workspace = v.actor.Workspace
	return db.InTx(ctx, v.pool, func(tx pgx.Tx) error {
		_, err := v.meter.CreditTx(ctx, tx, why, which)
		return err
	})
}

// die reserves a call and never comes back to it.
func (v *victim) die(ctx context.Context) error {
	v.steps++
	price, err := meter.PublishedCard().Price(callModel, v.clock.Now())
	if err != nil {
		return err
	}
	call := meter.Call{Payer: v.payer, Endpoint: "bench", Price: price, InputUpper: callInput, MaxTokens: callOutput}
	if _, err := v.meter.Reserve(ctx, v.charge(), call); err != nil {
		return err
	}
	v.clock.Advance(16 * time.Minute)
	_, err = v.meter.Sweep(ctx)
	return err
}

// failing turns the failure a mishap is about into none.
func failing(err error) error {
	if failed := (*llm.Error)(nil); errors.As(err, &failed) {
		return nil
	}
	if err == nil {
		return errors.New("nothing went wrong")
	}
	return err
}

// colour asks for an object with a colour.
func colour() *llm.Schema {
	return &llm.Schema{
		Title: "colour",
		JSON:  []byte(`{"title":"colour","type":"object","additionalProperties":false,"required":["colour"],"properties":{"colour":{"type":"string"}}}`),
	}
}

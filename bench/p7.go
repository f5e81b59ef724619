package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/event"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The targets of P7, each a ratio of medians but the last: how much more or less bytes
// a step keeps after a thousand than after ten.
const (
	stepTarget     = 1.4
	reserveTarget  = 2.5
	langgraphShare = 0.3
	bytesTarget    = 0.05
)

// ledgerBytes are about what a row of the ledger has, for the bare commit of the same
// bytes.
const ledgerBytes = 700

// p7 measures what durability costs: a step with its row of the ledger against a bare
// commit of the same bytes, and against a step of LangGraph.js with its PostgreSQL
// checkpointer, all in turn on one database with fsync.
func p7(ctx context.Context, args []string, out io.Writer) (v verdict, err error) {
	p := stepping{rounds: 8, steps: 60, bytes: 20_000, long: 1000}
	flags := flag.NewFlagSet("p7", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.IntVar(&p.rounds, "rounds", p.rounds, "rounds of both programs in turn")
	flags.IntVar(&p.steps, "steps", p.steps, "steps in each round")
	flags.IntVar(&p.bytes, "bytes", p.bytes, "of a step's result")
	if err := flags.Parse(args); err != nil {
		return verdict{}, err
	}
	in, pool, err := openStore(ctx)
	if err != nil {
		return verdict{}, err
	}
	defer func() { err = errors.Join(err, in.remove(context.WithoutCancel(ctx))) }()
	defer pool.Close()
	say(out, "p7: PostgreSQL with fsync on the same machine, results of %d bytes, medians of %d steps of each kind in turn; load average %s", p.bytes, p.rounds*p.steps, loadAverage())
	rival, why, err := openRival(ctx, pool.Config().ConnConfig, p.bytes, &journal{out: out})
	if err != nil {
		return verdict{}, err
	}
	if rival != nil {
		defer func() { err = errors.Join(err, rival.close()) }()
	}
	found, err := p.measure(ctx, pool, rival)
	if err != nil {
		return verdict{}, err
	}
	found.skipped = why
	found.print(out)
	say(out, "p7: load average at the end %s", loadAverage())
	return found.judge(), nil
}

// stepping is what p7 does.
type stepping struct {
	rounds, steps, bytes int
	long                 int // steps of one node whose kept bytes are compared
}

// strides are how long each kind of step took.
type strides struct {
	bare     []time.Duration // INSERT and COMMIT of the same bytes
	step     []time.Duration // recorded step with its settlement, in one exchange
	told     []time.Duration // the same with an event
	apart    []time.Duration // settlement and event each in an exchange of their own
	reserved []time.Duration // reservation and step
	rival    []time.Duration // of LangGraph.js
	early    int64           // bytes kept by a hundred steps from the tenth on
	late     int64           // by the last hundred
	skipped  string          // why there is no rival
}

func (s strides) print(out io.Writer) {
	for _, one := range []struct {
		name string
		took []time.Duration
	}{
		{"bare INSERT and COMMIT", s.bare},
		{"step with its ledger row", s.step},
		{"the same and an event", s.told},
		{"the same, written apart", s.apart},
		{"reservation and step", s.reserved},
		{"LangGraph.js step", s.rival},
	} {
		if len(one.took) > 0 {
			say(out, "p7: %-25s p50 %-7s p95 %-7s %.2f × bare", one.name, quantileOf(one.took, .5), quantileOf(one.took, .95), over(one.took, s.bare))
		}
	}
	say(out, "p7: bytes kept by a step: %d from the 10th on, %d up to the last of the node", s.early/100, s.late/100)
}

// over is the ratio of two medians.
func over(took, base []time.Duration) float64 {
	if len(base) == 0 || len(took) == 0 {
		return 0
	}
	return float64(quantileOf(took, .5)) / float64(quantileOf(base, .5))
}

func (s strides) growth() float64 {
	if s.early == 0 {
		return 1
	}
	return float64(s.late)/float64(s.early) - 1
}

func (s strides) judge() verdict {
	step, reserved, rival := over(s.step, s.bare), over(s.reserved, s.bare), over(s.step, s.rival)
	v := verdict{
		figures: fmt.Sprintf("step with its ledger row %.2f × bare, with reservation %.2f × bare; %.2f × LangGraph.js (with reservation %.2f ×); bytes a step %+.1f %% from the 10th to the 1000th",
			step, reserved, rival, over(s.reserved, s.rival), 100*s.growth()),
		targets: fmt.Sprintf("≤ %.1f, ≤ %.1f, ≤ %.1f, ± %.0f %%", stepTarget, reserveTarget, langgraphShare, 100*bytesTarget),
		short: step == 0 || reserved == 0 || step > stepTarget || reserved > reserveTarget || rival > langgraphShare ||
			s.growth() > bytesTarget || s.growth() < -bytesTarget,
	}
	if len(s.rival) == 0 {
		v.skipped = "LangGraph.js: " + s.skipped
	}
	return v
}

// walker takes steps inside a node, as a build does.
type walker struct {
	stepping
	pool  *pgxpool.Pool
	meter *meter.Meter
	price meter.Price
	actor account.Actor
	rival *rival
	texts []string
	n     int

	found strides
	done  chan error
}

func (p stepping) measure(ctx context.Context, pool *pgxpool.Pool, rival *rival) (strides, error) {
	ids, now := id.NewSource(time.Now), clock.System{}
	w := &walker{
		stepping: p, pool: pool, rival: rival, done: make(chan error, 2),
		meter: meter.New(meter.Config{DB: pool, Clock: now, IDs: ids, Log: slog.New(slog.DiscardHandler), Fresh: ourselves}),
	}
	var err error
	if w.price, err = meter.PublishedCard().Price(callModel, time.Now()); err != nil {
		return strides{}, err
	}
	for range 64 { // nothing a server could compress
		w.texts = append(w.texts, noise(p.bytes))
	}
	if err := w.prepare(ctx, ids); err != nil {
		return strides{}, err
	}
	folding, stop := context.WithCancel(ctx)
	folded := make(chan struct{})
	go func() {
		w.meter.Run(folding)
		close(folded)
	}()
	defer func() {
		stop()
		<-folded
	}()
	engine, err := flow.New(flow.Config{DB: pool, Clock: now, IDs: ids, Log: slog.New(slog.DiscardHandler), Slots: 1})
	if err != nil {
		return strides{}, err
	}
	engine.Register("p7", flow.Handlers{"compare": w.handle(w.compare), "long": w.handle(w.walk)})
	if err := engine.Start(ctx); err != nil {
		return strides{}, err
	}
	defer func() { err = errors.Join(err, engine.Stop(context.WithoutCancel(ctx))) }()
	for _, node := range []string{"compare", "long"} {
		run := flow.NewRun{Kind: "p7", Workspace: string(w.actor.Workspace), Starter: string(w.actor.User), First: flow.Next{Name: node}}
		if _, err := engine.StartRun(ctx, run); err != nil {
			return strides{}, err
		}
		select {
		case err = <-w.done:
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil {
			return strides{}, fmt.Errorf("%s: %w", node, err)
		}
	}
	return w.found, err
}

func (w *walker) prepare(ctx context.Context, ids *id.Source) error {
	if _, err := w.pool.Exec(ctx, bareTable); err != nil {
		return fmt.Errorf("make a table: %w", err)
	}
	w.actor = account.Actor{User: id.Mint[account.UserID](ids), Workspace: id.Mint[account.WorkspaceID](ids), Role: account.Owner, Scope: account.ScopeWrite}
	return w.meter.SetLimits(ctx, w.actor, meter.Limits{Month: meter.NoLimit, Day: meter.NoLimit, Run: meter.NoLimit})
}

// handle makes a handler that reports how it went and does not try again.
func (w *walker) handle(do func(context.Context, *flow.Node) error) flow.Handler {
	return func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
		w.done <- do(ctx, n)
		return flow.Done(nil), nil
	}
}

// compare takes a step of each kind in turn, and rounds with the rival in between.
func (w *walker) compare(ctx context.Context, n *flow.Node) error {
	// What autovacuum does within its first minute; until then plans are those of
	// empty tables. The first round warms up and does not count.
	for round := range w.rounds + 1 {
		for range w.steps {
			if err := w.each(ctx, n); err != nil {
				return err
			}
		}
		if w.rival != nil {
			took, err := w.rival.run(ctx, w.steps)
			if err != nil {
				return err
			}
			w.found.rival = append(w.found.rival, took...)
		}
		if round == 0 {
			w.found = strides{}
			if _, err := w.pool.Exec(ctx, "ANALYZE"); err != nil {
				return fmt.Errorf("analyze: %w", err)
			}
		}
	}
	return nil
}

func (w *walker) each(ctx context.Context, n *flow.Node) error {
	body := w.texts[w.n%len(w.texts)] + noise(ledgerBytes)
	begun := time.Now()
	if _, err := w.pool.Exec(ctx, bareCommit, body); err != nil {
		return fmt.Errorf("bare: %w", err)
	}
	w.found.bare = append(w.found.bare, time.Since(begun))
	kinds := []struct {
		took *[]time.Duration
		add  adding
	}{{&w.found.step, settled}, {&w.found.told, told}, {&w.found.apart, apart}}
	for _, k := range kinds {
		reserving, stepped, err := w.step(ctx, n, k.add)
		if err != nil {
			return err
		}
		*k.took = append(*k.took, stepped)
		if k.took == &w.found.step {
			w.found.reserved = append(w.found.reserved, reserving+stepped)
		}
	}
	return nil
}

// noise is text that hardly can be compressed.
func noise(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return base64.StdEncoding.EncodeToString(b)[:n]
}

// adding fills the commit of a step.
type adding func(ctx context.Context, c *flow.Commit, n *flow.Node, r meter.Receipt) error

// step reserves, then records a step with what add adds, and returns how long each
// took.
func (w *walker) step(ctx context.Context, n *flow.Node, add adding) (reserving, stepped time.Duration, err error) {
	w.n++
	key := "turn/" + strconv.Itoa(w.n)
	begun := time.Now()
	charge := meter.Charge{Actor: w.actor, Run: string(n.Run), Node: string(n.ID), Epoch: n.Epoch, Step: key, Role: meter.Coder}
	r, err := w.meter.Reserve(ctx, charge, meter.Call{Payer: meter.OwnKey, Endpoint: "bench", Price: w.price, InputUpper: callInput, MaxTokens: callOutput})
	if err != nil {
		return 0, 0, err
	}
	reserving = time.Since(begun)
	receipt := r.Answered(worstAnswer())
	begun = time.Now()
	_, err = flow.Step(ctx, n, key, func(context.Context) (string, error) { return w.texts[w.n%len(w.texts)], nil },
		func(c *flow.Commit, _ string) error { return add(ctx, c, n, receipt) })
	return reserving, time.Since(begun), err
}

func settled(ctx context.Context, c *flow.Commit, _ *flow.Node, r meter.Receipt) error {
	r.QueueTx(ctx, &c.Batch)
	return nil
}

func told(ctx context.Context, c *flow.Commit, n *flow.Node, r meter.Receipt) error {
	r.QueueTx(ctx, &c.Batch)
	_, err := event.QueueTx(&c.Batch, event.Stream(n.Run), time.Now(), turnTaken(n))
	return err
}

func apart(_ context.Context, c *flow.Commit, n *flow.Node, r meter.Receipt) error {
	c.Tx(r.SettleTx)
	c.Tx(func(ctx context.Context, tx pgx.Tx) error {
		return event.AppendTx(ctx, tx, event.Stream(n.Run), time.Now(), turnTaken(n))
	})
	return nil
}

func turnTaken(n *flow.Node) event.Draft {
	return event.Draft{Kind: "turn.taken", Data: map[string]any{"node": n.Name}}
}

// kept is what the tables that a step writes to take on the disk, with indexes.
const kept = `
SELECT sum(pg_total_relation_size(t::regclass))::bigint FROM unnest(ARRAY['step', 'ledger', 'event', 'event_stream', 'budget_change', 'reservation']) t`

// walk takes many steps in one node and compares what they keep.
func (w *walker) walk(ctx context.Context, n *flow.Node) error {
	sizes := map[int]int64{}
	for i := range w.long + 1 {
		if i == 10 || i == 110 || i == w.long-100 || i == w.long {
			var size int64
			if err := w.pool.QueryRow(ctx, kept).Scan(&size); err != nil {
				return fmt.Errorf("read sizes: %w", err)
			}
			sizes[i] = size
		}
		if _, _, err := w.step(ctx, n, told); err != nil {
			return err
		}
	}
	w.found.early, w.found.late = sizes[110]-sizes[10], sizes[w.long]-sizes[w.long-100]
	return nil
}

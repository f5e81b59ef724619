package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"cofounder/bench/sample"
	"cofounder/internal/platform/flow"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// multitude is how much of p8 to run.
type multitude struct {
	chains, links int // of the measurement of throughput
	hops          int // of the one chain that has everything to itself
	builds        int // that stand in line
	waiting       int // runs that wait for an answer
	answers       int // of them that get one
}

const (
	rateTarget      = 700                    // empty nodes a second
	hopTarget       = 10 * time.Millisecond  // node to node, p95
	growthTarget    = 50 << 20               // bytes, of either process
	answeredTarget  = 300 * time.Millisecond // answer to next node, p95
	nobody          = "http://127.0.0.1:1"   // a model that is never asked
	crowdSlots      = 16
	buildLinks      = 10
	buildHold       = 10 * time.Millisecond
	startersAtATime = 8
)

// p8 measures many runs at once: throughput, order and limits of a line, and how little
// it costs to wait.
func p8(ctx context.Context, args []string, out io.Writer) (v verdict, err error) {
	c := multitude{chains: 200, links: 10, hops: 300, builds: 200, waiting: 10_000, answers: 200}
	flags := flag.NewFlagSet("p8", flag.ContinueOnError)
	flags.SetOutput(out)
	quick := flags.Bool("quick", false, "a tenth of everything, without a verdict about time")
	if err := flags.Parse(args); err != nil {
		return verdict{}, err
	}
	if *quick {
		c = multitude{chains: 20, links: 10, hops: 50, builds: 40, waiting: 500, answers: 20}
	}
	in, pool, err := openStore(ctx)
	if err != nil {
		return verdict{}, err
	}
	defer func() { err = errors.Join(err, in.remove(context.WithoutCancel(ctx))) }()
	defer pool.Close()
	say(out, "p8: two processes of %d slots, PostgreSQL with fsync and this program on the same machine, load average %s", crowdSlots, loadAverage())
	found, err := c.measure(ctx, pool, out)
	if err != nil {
		return verdict{}, err
	}
	say(out, "p8: load average at the end %s", loadAverage())
	v = found.judge()
	if *quick {
		v.skipped = "nine tenths of it, so its times say nothing"
	}
	return v, nil
}

// crowded is what p8 found.
type crowded struct {
	multitude
	rate     float64
	hop      []time.Duration
	hopAll   []time.Duration // among the many of the first measurement
	line     lineup
	growth   int64 // of the process that grew most
	before   int64 // its memory before
	answered []time.Duration
	commit   time.Duration // median of a bare commit meanwhile
}

func (f crowded) judge() verdict {
	hop, answered := quantileOf(f.hop, .95), quantileOf(f.answered, .95)
	return verdict{
		figures: fmt.Sprintf("%.0f empty nodes/s, node to node p95 %s, %d builds × %d nodes: %d broken orders, %d broken limits, queue delay p95 %s; %d waiting: RSS +%.1f MB, answer → next node p95 %s",
			f.rate, hop, f.builds, buildLinks, f.line.orders, f.line.limits, f.line.delays(), f.waiting, float64(f.growth)/(1<<20), answered),
		targets: fmt.Sprintf("≥ %d/s, < %s, 0, 0, stated, < %d MB, < %s", rateTarget, hopTarget, growthTarget>>20, answeredTarget),
		short: f.rate < rateTarget || hop >= hopTarget || f.line.orders+f.line.limits > 0 || f.line.runs != f.builds ||
			f.growth >= growthTarget || answered >= answeredTarget || len(f.hop) == 0 || len(f.answered) == 0,
	}
}

// throng is p8 at work: two processes and who starts runs.
type throng struct {
	multitude
	pool    *pgxpool.Pool
	starter *sample.World
	workers []*worker
	out     io.Writer
}

func (c multitude) measure(ctx context.Context, pool *pgxpool.Pool, out io.Writer) (found crowded, err error) {
	starter, err := sample.Open(ctx, sample.Config{DatabaseURL: pool.Config().ConnString(), ModelURL: nobody, MaxConns: startersAtATime})
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, starter.Close(context.WithoutCancel(ctx))) }()
	t := &throng{multitude: c, pool: pool, starter: starter, out: out}
	found.multitude = c
	// What is in line before anybody works comes in its order, whatever starting takes.
	if err := t.queueBuilds(ctx); err != nil {
		return found, err
	}
	defer func() {
		for _, w := range t.workers {
			err = errors.Join(err, w.retire(context.WithoutCancel(ctx)))
		}
	}()
	for i := range 2 {
		w, err := hire(ctx, os.Args[0], duty{Address: pool.Config().ConnString(), Model: nobody, Name: fmt.Sprint("p8-", i), Slots: crowdSlots, Conns: crowdSlots + 6})
		if err != nil {
			return found, err
		}
		t.workers = append(t.workers, w)
	}
	for _, part := range []func(context.Context, *crowded) error{t.builds, t.throughput, t.alone, t.park} {
		if err := part(ctx, &found); err != nil {
			return found, err
		}
	}
	return found, nil
}

// start puts runs of a kind in line, several at a time, as if they were of a project.
func (t *throng) start(ctx context.Context, n int, project string, describe func(i int) flow.NewRun) ([]flow.RunID, error) {
	runs, errs := make([]flow.RunID, n), make([]error, n)
	var wg sync.WaitGroup
	for lane := range startersAtATime {
		wg.Go(func() {
			for i := lane; i < n; i += startersAtATime {
				r := describe(i)
				r.Workspace, r.Project = string(t.starter.Actor.Workspace), project
				if r.Starter == "" {
					r.Starter = string(t.starter.Actor.User)
				}
				runs[i], errs[i] = t.starter.Engine.StartRun(ctx, r)
			}
		})
	}
	wg.Wait()
	return runs, errors.Join(errs...)
}

// until waits for a count to come to nought. What cannot be asked is asked again for a
// while: the database may be away.
func until(ctx context.Context, pool *pgxpool.Pool, sql string, args ...any) error {
	answered := time.Now()
	for {
		var left int
		err := pool.QueryRow(ctx, sql, args...).Scan(&left)
		switch {
		case ctx.Err() != nil, err != nil && time.Since(answered) > awayLimit:
			return fmt.Errorf("look how far it is: %w", errors.Join(ctx.Err(), err))
		case err == nil && left == 0:
			return nil
		case err == nil:
			answered = time.Now()
		}
		pause(ctx, 50*time.Millisecond)
	}
}

// awayLimit is patience, not a target.
const awayLimit = 30 * time.Second

const openRuns = `SELECT count(*) FROM run WHERE project_id = $1 AND finished_at IS NULL`

// durations reads one column of seconds.
func durations(ctx context.Context, pool *pgxpool.Pool, sql string, args ...any) ([]time.Duration, error) {
	rows, err := pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read times: %w", err)
	}
	seconds, err := pgx.CollectRows(rows, pgx.RowTo[float64])
	if err != nil {
		return nil, fmt.Errorf("read times: %w", err)
	}
	took := make([]time.Duration, len(seconds))
	for i, s := range seconds {
		took[i] = time.Duration(s * float64(time.Second))
	}
	return took, nil
}

const (
	nodeRate = `
SELECT (count(*) / extract(epoch FROM max(n.finished_at) - min(n.claimed_at)))::float8 FROM node n JOIN run r ON r.id = n.run_id WHERE r.project_id = $1`

	// From the end of a node to the claim of the next; ids are in the order of time.
	nodeToNode = `
SELECT extract(epoch FROM claimed_at - before)::float8 FROM (
    SELECT n.claimed_at, lag(n.finished_at) OVER (PARTITION BY n.run_id ORDER BY n.id) AS before
    FROM node n JOIN run r ON r.id = n.run_id WHERE r.project_id = $1) hop WHERE before IS NOT NULL`
)

// throughput runs many empty chains at once.
func (t *throng) throughput(ctx context.Context, f *crowded) error {
	const project = "throughput"
	_, err := t.start(ctx, t.chains, project, func(int) flow.NewRun {
		return flow.NewRun{Kind: chainKind, First: flow.Next{Name: link, Input: 0}, Input: chain{Links: t.links}}
	})
	if err != nil {
		return err
	}
	if err := until(ctx, t.pool, openRuns, project); err != nil {
		return err
	}
	if err := t.pool.QueryRow(ctx, nodeRate, project).Scan(&f.rate); err != nil {
		return fmt.Errorf("count nodes: %w", err)
	}
	if f.hopAll, err = durations(ctx, t.pool, nodeToNode, project); err != nil {
		return err
	}
	say(t.out, "p8: %d chains × %d empty nodes: %.0f nodes/s; node to node p50 %s p95 %s, in line for %d slots", t.chains, t.links,
		f.rate, quantileOf(f.hopAll, .5), quantileOf(f.hopAll, .95), 2*crowdSlots)
	return nil
}

// alone runs one chain that has everything to itself.
func (t *throng) alone(ctx context.Context, f *crowded) error {
	const project = "alone"
	_, err := t.start(ctx, 1, project, func(int) flow.NewRun {
		return flow.NewRun{Kind: chainKind, First: flow.Next{Name: link, Input: 0}, Input: chain{Links: t.hops}}
	})
	if err != nil {
		return err
	}
	if err := until(ctx, t.pool, openRuns, project); err != nil {
		return err
	}
	if f.hop, err = durations(ctx, t.pool, nodeToNode, project); err != nil {
		return err
	}
	bare, err := bareCommits(ctx, t.pool, t.hops)
	if err != nil {
		return err
	}
	f.commit = quantileOf(bare, .5)
	say(t.out, "p8: one chain of %d nodes: node to node p50 %s p95 %s p99 %s; a bare commit just after: p50 %s p95 %s", t.hops,
		quantileOf(f.hop, .5), quantileOf(f.hop, .95), quantileOf(f.hop, .99), f.commit, quantileOf(bare, .95))
	return nil
}

// bareCommits times single rows, each with its own commit: what this machine can do now.
func bareCommits(ctx context.Context, pool *pgxpool.Pool, n int) ([]time.Duration, error) {
	if _, err := pool.Exec(ctx, `CREATE TABLE IF NOT EXISTS bench_bare (n int)`); err != nil {
		return nil, fmt.Errorf("make a table: %w", err)
	}
	took := make([]time.Duration, n)
	for i := range took {
		begun := time.Now()
		if _, err := pool.Exec(ctx, `INSERT INTO bench_bare VALUES ($1)`, i); err != nil { //nolint:unqueryvet // each commit is what is timed
			return nil, fmt.Errorf("commit: %w", err)
		}
		took[i] = time.Since(begun)
	}
	return took, nil
}

const (
	notParked = `SELECT $2 - count(*) FROM run r JOIN node n ON n.run_id = r.id WHERE r.project_id = $1 AND n.state = 'waiting'`
	departed  = `SELECT min(n.claimed_at) FROM node n WHERE n.run_id = $1 AND n.name = '` + depart + `'`
)

// park lets many runs wait, weighs the processes, and answers some.
func (t *throng) park(ctx context.Context, f *crowded) error {
	const project = "parked"
	before, err := t.weigh()
	if err != nil {
		return err
	}
	begun := time.Now()
	runs, err := t.start(ctx, t.waiting, project, func(int) flow.NewRun {
		return flow.NewRun{Kind: parkedKind, First: flow.Next{Name: arrive}}
	})
	if err != nil {
		return err
	}
	if err := until(ctx, t.pool, notParked, project, t.waiting); err != nil {
		return err
	}
	took := time.Since(begun)
	after, err := t.weigh()
	if err != nil {
		return err
	}
	for i := range after {
		if g := after[i] - before[i]; i == 0 || g > f.growth {
			f.growth, f.before = g, before[i]
		}
	}
	stride := max(1, len(runs)/t.answers)
	for i := 0; i < len(runs) && len(f.answered) < t.answers; i += stride {
		d, err := t.answer(ctx, runs[i])
		if err != nil {
			return err
		}
		f.answered = append(f.answered, d)
	}
	say(t.out, "p8: %d runs began to wait within %.0f s; RSS of the process that grew most %.1f → %.1f MB; %d answers to next node p50 %s p95 %s", t.waiting, took.Seconds(),
		float64(f.before)/(1<<20), float64(f.before+f.growth)/(1<<20), len(f.answered), quantileOf(slices.Clone(f.answered), .5), quantileOf(slices.Clone(f.answered), .95))
	return nil
}

// answer answers a parked run, by this process, and returns how long it took until
// another had claimed its next node. Everything is on one machine, so clocks agree.
func (t *throng) answer(ctx context.Context, run flow.RunID) (time.Duration, error) {
	begun := time.Now()
	n, err := t.starter.Engine.Answer(ctx, string(t.starter.Actor.Workspace), gate(run), "go")
	if err != nil || n != 1 {
		return 0, errors.Join(err, fmt.Errorf("%d waits were answered, want 1", n))
	}
	for {
		var at *time.Time
		if err := t.pool.QueryRow(ctx, departed, run).Scan(&at); err != nil {
			return 0, fmt.Errorf("look for the next node: %w", err)
		}
		if at != nil {
			return at.Sub(begun), nil
		}
		pause(ctx, 5*time.Millisecond)
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
}

func (t *throng) weigh() ([]int64, error) {
	var all []int64
	for _, w := range t.workers {
		n, err := w.resident()
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

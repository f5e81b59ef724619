package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cofounder/bench/sample"
	"cofounder/internal/base/faultpoint"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/product/meter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	killedTarget = 7 * time.Second // from SIGKILL to the next claim, p95
	handedTarget = time.Second     // from SIGTERM to the next claim, p95
	modelPause   = 10 * time.Millisecond
	siegeSlots   = 4
)

// p2 kills, stops, cuts off and misleads two worker processes wherever that can hurt, and
// compares everything that was recorded with undisturbed runs of the same plans.
func p2(ctx context.Context, args []string, out io.Writer) (v verdict, err error) {
	s := &siege{random: rand.Uint64(), kills: 50, handovers: 10, still: 15 * time.Second, points: faultpoint.Names(), out: out} //nolint:gosec // no secret
	flags := flag.NewFlagSet("p2", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Uint64Var(&s.random, "seed", s.random, "of the instants")
	flags.IntVar(&s.kills, "kills", s.kills, "random SIGKILLs")
	quick := flags.Bool("quick", false, "few kills, three fault points")
	only := flags.String("only", "", "only the rounds whose names begin so")
	if err := flags.Parse(args); err != nil {
		return verdict{}, err
	}
	if *quick {
		s.kills, s.handovers, s.points = 5, 3, []string{"flow.claim.after", "flow.commit.inside", "meter.settle.before"}
	}
	in, pool, err := openStore(ctx)
	if err != nil {
		return verdict{}, err
	}
	defer func() { err = errors.Join(err, in.remove(context.WithoutCancel(ctx))) }()
	defer pool.Close()
	s.pool, s.database = pool, &privateDatabase{in}
	if s.binary, err = faulty(ctx, in.folder); err != nil {
		return verdict{}, err
	}
	say(out, "p2: two processes, PostgreSQL with fsync and the model on the same machine; seed %d, load average %s", s.random, loadAverage())
	if err := s.open(ctx); err != nil {
		return verdict{}, err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	found, err := s.all(ctx, *only)
	if err != nil {
		return verdict{}, err
	}
	say(out, "p2: load average at the end %s", loadAverage())
	found.partial = *quick || *only != ""
	return found.judge(), nil
}

// faulty builds this program with its fault points.
func faulty(ctx context.Context, folder string) (string, error) {
	binary := filepath.Join(folder, "bench")
	build := exec.CommandContext(ctx, "go", "build", "-tags", "fault", "-o", binary, "cofounder/bench") //nolint:gosec // our own program
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build bench with fault points: %w\n%s", err, text)
	}
	return binary, nil
}

// siege is p2 at work.
type siege struct {
	random    uint64
	kills     int
	handovers int
	still     time.Duration // how long a process is stopped
	points    []string
	out       io.Writer

	pool     *pgxpool.Pool
	database database
	binary   string
	dice     *rand.Rand
	model    *sample.Model
	starter  *sample.World
	calls    atomic.Int64 // that reached the model
	hired    int
	expected map[string]string // plan → what its run comes to
	total    besieged
}

// database is what p2 does to one.
type database interface {
	// crash ends it at once, without a word to anybody, and starts it again.
	crash(ctx context.Context) error
}

func (s *siege) open(ctx context.Context) error {
	s.dice = rand.New(rand.NewPCG(s.random, s.random)) //nolint:gosec // no secret
	s.expected = map[string]string{}
	var err error
	if s.model, err = sample.ServeModel(ctx, modelPause, 0, s.seen); err != nil {
		return err
	}
	s.starter, err = sample.Open(ctx, sample.Config{DatabaseURL: s.pool.Config().ConnString(), ModelURL: s.model.URL, MaxConns: 4})
	if err != nil {
		return errors.Join(err, s.model.Close())
	}
	return nil
}

// seen counts what reaches a model.
func (s *siege) seen(c llmtest.Call) {
	if strings.HasSuffix(c.Path, "/messages") {
		s.calls.Add(1)
	}
}

func (s *siege) close(ctx context.Context) error {
	return errors.Join(s.starter.Close(ctx), s.model.Close())
}

// besieged is what p2 found, over all rounds.
type besieged struct {
	rounds, runs, kills         int
	different, problems, repaid int // runs that came to something else · what Verify says · finished calls that were repeated
	results, calls, cut, leaked int
	excess                      int             // calls beyond results and attempts cut off, in whichever round
	killed, handed, stopped     []time.Duration // takeovers after SIGKILL, SIGTERM, SIGSTOP: none means nothing was shown
	points, missed              int             // fault points at which a process died, and did not
	rest                        int             // reservations before the sweep
	flaws                       int             // in the books
	partial                     bool
}

func (b besieged) judge() verdict {
	killed, handed := quantileOf(b.killed, .95), quantileOf(b.handed, .95)
	late := len(b.killed) == 0 || killed >= killedTarget || len(b.handed) == 0 || handed >= handedTarget || len(b.stopped) == 0
	v := verdict{
		figures: fmt.Sprintf("%d runs in %d rounds, %d fault points (%d not reached), %d SIGKILLs: %d differ from the undisturbed, %d flaws in records, %d finished calls repeated, %d calls for %d results and %d attempts cut off, %d more than that; %d leaked, %d flaws in the books; takeover p95 %s after SIGKILL (%d nodes), %s after SIGTERM (%d nodes)",
			b.runs, b.rounds, b.points, b.missed, b.kills, b.different, b.problems, b.repaid, b.calls, b.results, b.cut, b.excess, b.leaked, b.flaws, killed, len(b.killed), handed, len(b.handed)),
		targets: fmt.Sprintf("0 not reached, 0, 0, 0, 0 more, 0, 0, < %s, < %s", killedTarget, handedTarget),
		short:   b.different+b.problems+b.repaid+b.excess+b.leaked+b.missed+b.flaws > 0 || b.runs == 0 || late && !b.partial,
	}
	if b.partial {
		v.skipped = "the rounds that were left out"
	}
	return v
}

// all does the rounds whose name begins with only, after the undisturbed one.
func (s *siege) all(ctx context.Context, only string) (besieged, error) {
	rounds := []round{{"undisturbed", s.undisturbed}}
	for _, point := range s.points {
		rounds = append(rounds, round{point, s.atPoint(point)})
	}
	rounds = append(rounds,
		round{"random SIGKILLs", s.randomKills},
		round{"SIGTERM", s.handOver},
		round{"SIGSTOP", s.standStill},
		round{"PostgreSQL stopped at once", s.crashes},
		round{"backends terminated", s.terminations},
		round{"clock an hour early", s.clockOff(-time.Hour)},
		round{"clock an hour late", s.clockOff(time.Hour)},
		round{"newer program", s.newer})
	for i, r := range rounds {
		if i > 0 && !strings.HasPrefix(r.name, only) {
			continue
		}
		if err := s.fight(ctx, r); err != nil {
			return s.total, fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return s.total, s.sweep(ctx)
}

// round is one way to disturb. do gets the runs in line and returns when nobody works
// any more; what it hired itself it has sent away.
type round struct {
	name string
	do   func(ctx context.Context, f *field) error
}

// field is what a round works on.
type field struct {
	*siege
	project string
	workers []*worker
	falls   []fall
	answers sync.WaitGroup
}

// sweep lets the meter find what nobody came back to, and counts what it did not.
func (s *siege) sweep(ctx context.Context) error {
	if err := s.pool.QueryRow(ctx, `SELECT count(*) FROM reservation`).Scan(&s.total.rest); err != nil {
		return fmt.Errorf("count reservations: %w", err)
	}
	m := clockedMeter(s.pool, shifted(20*time.Minute))
	if _, err := m.Sweep(ctx); err != nil {
		return err
	}
	if _, err := m.Fold(ctx); err != nil {
		return err
	}
	if err := s.pool.QueryRow(ctx, `SELECT count(*) FROM reservation`).Scan(&s.total.leaked); err != nil {
		return fmt.Errorf("count reservations: %w", err)
	}
	now := shifted(0).Now()
	books, err := m.Books(ctx, now.AddDate(0, 0, -1), now.AddDate(0, 0, 1))
	if err != nil {
		return err
	}
	s.total.flaws = len(meter.Reconcile(books))
	say(s.out, "p2: %d reservations of attempts that were cut off, %d after the sweep, %d flaws in the books", s.total.rest, s.total.leaked, s.total.flaws)
	return nil
}

// plans are those of the runs of a round, in turn.
func plans() []sample.Plan {
	return []sample.Plan{
		{Pieces: 3, Turns: 2}, {Pieces: 2, Turns: 2, Serial: true}, {Pieces: 2, Turns: 3, Quiet: true}, {Pieces: 0, Turns: 1, Quiet: true},
	}
}

// queue puts runs in line; the first of them wakes up by the clock.
func (f *field) queue(ctx context.Context, n int) error {
	for i := range n {
		_, err := f.starter.Start(ctx, plans()[i%len(plans())], func(r *flow.NewRun) {
			r.Project = f.project
			if i == 0 {
				r.NotBefore = shifted(time.Second).Now()
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fight does one round and looks what came of it.
func (s *siege) fight(ctx context.Context, r round) (err error) {
	s.total.rounds++
	f := &field{siege: s, project: fmt.Sprint("p2-", s.total.rounds)}
	calls := s.calls.Load()
	begun := time.Now()
	answering, stop := context.WithCancel(ctx)
	f.answers.Go(func() { f.answer(answering) })
	err = r.do(ctx, f)
	stop()
	f.answers.Wait()
	for _, w := range f.workers {
		err = errors.Join(err, w.retire(context.WithoutCancel(ctx)))
	}
	if err != nil {
		return err
	}
	return f.look(ctx, r.name, int(s.calls.Load()-calls), time.Since(begun))
}

const asking = `SELECT r.id FROM run r JOIN node n ON n.run_id = r.id WHERE r.project_id = $1 AND n.state = 'waiting' AND n.wait = 'decision'`

// answer is the founder: it answers what is asked, until ctx ends. While the database is
// away it asks again.
func (f *field) answer(ctx context.Context) {
	for ctx.Err() == nil {
		rows, err := f.pool.Query(ctx, asking, f.project)
		var runs []flow.RunID
		if err == nil {
			runs, err = pgx.CollectRows(rows, pgx.RowTo[flow.RunID])
		}
		for _, run := range runs {
			if err == nil {
				err = f.starter.Answer(ctx, run, "ship it")
			}
		}
		pause(ctx, 50*time.Millisecond)
	}
}

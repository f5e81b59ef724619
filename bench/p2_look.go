package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cofounder/bench/sample"

	"github.com/jackc/pgx/v5"
)

// fall is the end of a worker and what it had in its hands.
type fall struct {
	worker, how string
	at          time.Time // by the database's clock
	nodes       []string
	epochs      []int64
}

const (
	nowThere = `SELECT clock_timestamp()`

	inHand = `
SELECT coalesce(array_agg(id ORDER BY id), '{}'), coalesce(array_agg(epoch ORDER BY id), '{}') FROM node WHERE worker = $1 AND state = 'running'`
)

// holding notes what a worker has in its hands now.
func (f *field) holding(ctx context.Context, l *fall) error {
	if err := f.pool.QueryRow(ctx, nowThere).Scan(&l.at); err != nil {
		return fmt.Errorf("read the time: %w", err)
	}
	if err := f.pool.QueryRow(ctx, inHand, l.worker).Scan(&l.nodes, &l.epochs); err != nil {
		return fmt.Errorf("look what %s works on: %w", l.worker, err)
	}
	return nil
}

// fell kills a worker.
func (f *field) fell(ctx context.Context, w *worker) error {
	if err := w.kill(); err != nil {
		return err
	}
	return f.fallen(ctx, w)
}

// fallen notes that a worker was killed just now.
func (f *field) fallen(ctx context.Context, w *worker) error {
	if !w.killed() {
		return fmt.Errorf("worker %s was to be killed and ended: %w\n%s", w.Name, w.err, w.log.String())
	}
	l := fall{worker: w.Name, how: "SIGKILL"}
	f.total.kills++
	err := f.holding(ctx, &l)
	f.falls = append(f.falls, l)
	return err
}

const (
	// nextClaims are the times from an end to the next claim of each node it left.
	nextClaims = `
SELECT extract(epoch FROM min(a.at) - $3)::float8 FROM unnest($1::text[], $2::bigint[]) AS h (node, epoch)
JOIN attempt a ON a.node_id = h.node AND a.epoch > h.epoch GROUP BY h.node`

	// comesTo is what a run came to, apart from what newer programs add: its state, its
	// output, its events and what it paid for. Attempts that were superseded are left out.
	comesTo = `
SELECT r.input::text, concat_ws(E'\n', r.state, r.output::text,
    (SELECT string_agg(concat_ws(' ', e.kind, e.data ->> 'node', e.data ->> 'branch'), ', ' ORDER BY concat_ws(' ', e.kind, e.data ->> 'node', e.data ->> 'branch'))
     FROM event e WHERE e.stream = r.id AND e.kind <> '` + sample.Extra + `'),
    (SELECT string_agg(paid, ', ' ORDER BY paid) FROM (
        SELECT concat_ws(' ', n.name, n.branch, l.step, l.role, l.model, l.input, l.output, l.nano) AS paid
        FROM ledger l JOIN node n ON n.id = l.node
        WHERE l.run = r.id AND l.kind = 'call' AND NOT l.superseded AND l.failure = '' AND l.state <> 'unknown' AND l.step <> '` + sample.Extra + `') p))
FROM run r WHERE r.project_id = $1`

	// attemptsCut are claims that did not come to the end of their node.
	attemptsCut = `
SELECT count(*) FROM attempt a JOIN node n ON n.id = a.node_id JOIN run r ON r.id = n.run_id
WHERE r.project_id = $1 AND EXISTS (SELECT FROM attempt b WHERE b.node_id = a.node_id AND b.epoch > a.epoch)`

	resultsPaid = `
SELECT count(*) FROM step s JOIN node n ON n.id = s.node_id JOIN run r ON r.id = n.run_id
WHERE r.project_id = $1 AND (s.key = 'thought' OR s.key LIKE 'turn/%')`

	callsRefused = `SELECT count(*) FROM ledger l JOIN run r ON r.id = l.run WHERE r.project_id = $1 AND l.failure = 'overloaded'`

	// callsRepeated are attempts to do what had been recorded already.
	callsRepeated = `
SELECT count(*) FROM ledger l JOIN step s ON s.node_id = l.node AND s.key = l.step AND l.epoch > s.epoch JOIN run r ON r.id = l.run WHERE r.project_id = $1`
)

// look compares what a round left with the undisturbed one, and adds it up.
func (f *field) look(ctx context.Context, name string, calls int, took time.Duration) error {
	runs, different, err := f.compare(ctx)
	if err != nil {
		return err
	}
	var cut, results, repaid, refused int
	for into, sql := range map[*int]string{&refused: callsRefused, &cut: attemptsCut, &results: resultsPaid, &repaid: callsRepeated} {
		if err := f.pool.QueryRow(ctx, sql, f.project).Scan(into); err != nil {
			return fmt.Errorf("count: %w", err)
		}
	}
	calls -= refused // the model was overloaded: asking again is no repetition
	problems, err := f.starter.Verify(ctx)
	if err != nil {
		return err
	}
	for _, p := range problems {
		say(f.out, "p2: %s: %s", name, p)
	}
	var worst time.Duration
	held := 0
	for _, l := range f.falls {
		took, err := durations(ctx, f.pool, nextClaims, l.nodes, l.epochs, l.at)
		if err != nil {
			return err
		}
		into := map[string]*[]time.Duration{"SIGKILL": &f.total.killed, "SIGTERM": &f.total.handed, "SIGSTOP": &f.total.stopped}[l.how]
		*into = append(*into, took...)
		held += len(took)
		for _, d := range took {
			worst = max(worst, d)
		}
	}
	t := &f.total
	t.runs, t.different, t.problems, t.repaid = t.runs+runs, t.different+different, t.problems+len(problems), t.repaid+repaid
	t.results, t.calls, t.cut, t.excess = t.results+results, t.calls+calls, t.cut+cut, t.excess+max(0, calls-results-cut)
	say(f.out, "p2: %-26s %4.1f s: %d runs, %d differ; %d calls for %d results, %d attempts cut off, %d finished calls repeated; %d nodes taken over, the last after %.2f s",
		name, took.Seconds(), runs, different, calls, results, cut, repaid, held, worst.Seconds())
	return nil
}

// compare holds each run against the undisturbed one of its plan. The first round
// is that one.
func (f *field) compare(ctx context.Context) (runs, different int, err error) {
	rows, err := f.pool.Query(ctx, comesTo, f.project)
	if err != nil {
		return 0, 0, fmt.Errorf("read runs: %w", err)
	}
	var plan, what string
	_, err = pgx.ForEachRow(rows, []any{&plan, &what}, func() error {
		runs++
		if f.total.rounds == 1 {
			f.expected[plan] = what
			if !strings.HasPrefix(what, "done\n") {
				return fmt.Errorf("an undisturbed run came to %s", what)
			}
		}
		if want := f.expected[plan]; what != want {
			different++
			say(f.out, "p2: a run of %s came to\n%s\nand undisturbed to\n%s", plan, what, want)
		}
		return nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("read runs: %w", err)
	}
	return runs, different, nil
}

package flow_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/flow"

	"github.com/jackc/pgx/v5"
)

// Tiers as account may have them: how long one can be overtaken is their difference.
var tiers = map[string]struct {
	offset time.Duration
	most   int
}{
	"gold":   {0, 4},
	"silver": {2 * time.Second, 3},
	"bronze": {4 * time.Second, 2},
}

// TestOrderAndLimits puts 300 runs of five users of three tiers, each with eight projects,
// in line for the slots of two processes, which are fewer than the users may have at work
// together. What is claimed is recorded with the instant; from that: a run never begins
// before another of the same project that came earlier, nobody is overtaken by more than
// the offsets allow while a limit does not stop them, limits and slots hold at every
// instant and are used up at some, and everybody comes to an end.
func TestOrderAndLimits(t *testing.T) {
	t.Parallel()
	const runs, users, projects, slots = 300, 5, 8, 7 // slots of one process
	w := newWorld(t)
	if _, err := w.pool.Exec(t.Context(), `
CREATE TABLE test_span (run text, began timestamptz, ended timestamptz);
CREATE TABLE test_line (run text PRIMARY KEY, ord int, who text, tier text, project text)`); err != nil {
		t.Fatal(err)
	}
	span := func(ctx context.Context, n *flow.Node) error {
		_, err := flow.Step(ctx, n, "span", func(ctx context.Context) (int, error) {
			_, err := w.pool.Exec(ctx, `INSERT INTO test_span (run, began) VALUES ($1, clock_timestamp())`, n.Run)
			return 0, err
		}, func(c *flow.Commit, _ int) error {
			c.Batch.Queue(`UPDATE test_span SET ended = clock_timestamp() WHERE run = $1 AND ended IS NULL`, n.Run)
			return nil
		})
		return err
	}
	handlers := flow.Handlers{
		"first": func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
			return flow.Go(flow.Next{Name: "second"}), span(ctx, n)
		},
		"second": func(ctx context.Context, n *flow.Node) (flow.Outcome, error) { return flow.Done(nil), span(ctx, n) },
	}
	looker := w.engine()
	names := []string{"gold", "silver", "bronze"}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range runs {
		user := random.IntN(users)
		tier := names[user%len(names)]
		who := fmt.Sprintf("usr_%d", user)
		project := fmt.Sprint("project/", who, "/", random.IntN(projects))
		err := pgx.BeginFunc(t.Context(), w.pool, func(tx pgx.Tx) error {
			run, err := looker.StartTx(t.Context(), tx, flow.NewRun{
				Kind: "test", Workspace: team, Starter: who, First: flow.Next{Name: "first"}, Offset: tiers[tier].offset,
				Limits: []flow.Limit{{Key: "user/" + who, Most: tiers[tier].most}, {Key: project, Most: 1, Hold: flow.UntilFinished}},
			})
			if err == nil {
				err = queue(t.Context(), tx, run, i, who, tier, project)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		e := w.engine(func(c *flow.Config) { c.Slots = slots })
		e.Register("test", handlers)
		w.start(e)
	}
	w.until(func() bool { return w.count(`SELECT count(*) FROM run WHERE state = 'done'`) == runs },
		func() string { return fmt.Sprint(w.nodes()) })
	// A run has its tokens from when its first node was handed out to its last end.
	if _, err := w.pool.Exec(t.Context(), `
CREATE TABLE test_run AS SELECT l.run, l.ord, l.who, tier, m.most, l.project, r.due, s.began, s.ended, j.handed FROM test_line l JOIN run r ON r.id = l.run
JOIN unnest($1::text[], $2::int[]) AS m (tier, most) USING (tier)
JOIN (SELECT run, min(began) AS began, max(ended) AS ended FROM test_span GROUP BY run) s USING (run)
JOIN (SELECT n.run_id, min(j.created_at) AS handed FROM node n JOIN river_job j ON j.id = n.job GROUP BY n.run_id) j ON j.run_id = l.run`,
		names, []int{tiers[names[0]].most, tiers[names[1]].most, tiers[names[2]].most}); err != nil {
		t.Fatal(err)
	}
	for what, sql := range map[string]string{
		"instants with more nodes at work than slots": fmt.Sprintf(`
SELECT count(*) FROM test_span a WHERE (SELECT count(*) FROM test_span b WHERE b.began <= a.began AND b.ended > a.began) > %d`, 2*slots),
		"instants with more runs of a user than their tier may have": `
SELECT count(*) FROM test_run a WHERE (SELECT count(*) FROM test_run b WHERE b.who = a.who AND b.began <= a.began AND b.ended > a.began) > a.most`,
		"tiers that never had as many runs of a user at work as they may": `
SELECT 3 - count(DISTINCT a.tier) FROM test_run a
WHERE (SELECT count(*) FROM test_run b WHERE b.who = a.who AND b.began <= a.began AND b.ended > a.began) = a.most`,
		"instants with two runs of a project": `
SELECT count(*) FROM test_run a JOIN test_run b USING (project) WHERE a.run <> b.run AND b.began <= a.began AND b.ended > a.began`,
		"runs that began before an earlier one of the same project": `
SELECT count(*) FROM test_run a JOIN test_run b USING (project) WHERE a.ord < b.ord AND a.began > b.began`,
		// Whoever was handed out was the first in line of those no limit kept back: any
		// other with an earlier place that had not begun had a run of its project at work,
		// or as many of its user as it may have.
		"runs that overtook another without need": `
SELECT count(*) FROM test_run a JOIN test_run b ON b.handed > a.handed + interval '1 s' AND b.due < a.due
WHERE NOT EXISTS (SELECT FROM test_run c WHERE c.project = b.project AND c.run <> b.run AND c.handed <= a.handed + interval '1 s' AND c.ended > a.handed - interval '1 s')
AND (SELECT count(*) FROM test_run c WHERE c.who = b.who AND c.run <> b.run AND c.handed <= a.handed + interval '1 s' AND c.ended > a.handed - interval '1 s') < b.most`,
		"tokens left": `SELECT count(*) FROM run_limit WHERE held`,
	} {
		if n := w.count(sql); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	if n := w.count(`SELECT count(*) FROM test_span`); n != 2*runs {
		t.Errorf("%d nodes did something, want %d", n, 2*runs)
	}
}

func TestUnknownKindStaysInLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.engine()
	old.Register("test", flow.Handlers{"first": done})
	w.start(old)
	later := w.run(old, flow.NewRun{Kind: "later"})
	known := w.run(old, flow.NewRun{})
	w.await(old, known, flow.Finished)
	if r := w.await(old, later, flow.Queued); r.State != flow.Queued {
		t.Errorf("it is %s", r.State)
	}
	knowing := w.engine()
	knowing.Register("later", flow.Handlers{"first": done})
	w.start(knowing)
	w.await(old, later, flow.Finished)
	if n := w.count(`SELECT count(*) FROM attempt a JOIN node n ON n.id = a.node_id WHERE n.run_id = $1 AND a.worker = $2`, later, knowing.Worker()); n != 1 {
		t.Errorf("the process that knows it claimed it %d times, want once", n)
	}
}

func done(context.Context, *flow.Node) (flow.Outcome, error) { return flow.Done(nil), nil }

func TestPlaceAndCap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine(func(c *flow.Config) { c.MaxWaiting = 3 })
	// What is due tomorrow, and another kind, are not in this line.
	for range 3 {
		w.run(e, flow.NewRun{NotBefore: time.Now().Add(24 * time.Hour)})
		w.run(e, flow.NewRun{Kind: "other"})
	}
	var runs []flow.RunID
	for range 3 {
		runs = append(runs, w.run(e, flow.NewRun{Limits: []flow.Limit{{Key: "user", Most: 1}}, Dedupe: fmt.Sprint(len(runs))}))
	}
	for i, run := range runs {
		got, err := e.Place(t.Context(), team, run)
		if err != nil {
			t.Fatal(err)
		}
		if got.Ahead != 3+i || got.Soonest > got.About || got.About > got.Latest || i > 0 && got.About == 0 {
			t.Errorf("place of run %d: %+v", i, got)
		}
	}
	if _, err := e.Place(t.Context(), "wsp_other", runs[0]); !fault.Is(err, fault.NotFound) {
		t.Errorf("another team's look: %v, want NotFound", err)
	}
	_, err := e.StartRun(t.Context(), flow.NewRun{Kind: "test", Workspace: team, Starter: "usr", First: flow.Next{Name: "first"}})
	if f := fault.Of(err); f == nil || f.Kind != fault.Unavailable || f.RetryAfter < 30*time.Second {
		t.Errorf("a full line answers %v, want Unavailable with a time to come back", err)
	}
	// What was taken in already is not refused.
	again, err := e.StartRun(t.Context(), flow.NewRun{Kind: "test", Workspace: team, Starter: "usr", First: flow.Next{Name: "first"}, Dedupe: "1"})
	if err != nil || again != runs[1] {
		t.Errorf("the same run again = %s, %v; want %s", again, err, runs[1])
	}
}

// queue notes a run of TestOrderAndLimits: its place, its user and their tier, its project.
func queue(ctx context.Context, tx pgx.Tx, run flow.RunID, of ...any) error {
	args := append([]any{run}, of...)
	_, err := tx.Exec(ctx, `INSERT INTO test_line (run, ord, who, tier, project) VALUES ($1, $2, $3, $4, $5)`, args...)
	return err
}

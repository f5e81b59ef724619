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

// TestOrderAndLimits puts 300 runs of ten users of three tiers in line for two slots of
// two processes. What is claimed is recorded with the instant; from that: a run never
// begins before another of the same user and tier that came earlier, nobody is overtaken
// by more than the offsets allow while a limit does not stop them, limits and slots hold
// at every instant, and everybody comes to an end.
func TestOrderAndLimits(t *testing.T) {
	t.Parallel()
	const runs, users = 300, 10
	w := newWorld(t)
	if _, err := w.pool.Exec(t.Context(), `
CREATE TABLE test_span (run text, ord int, who text, tier text, began timestamptz, ended timestamptz);
CREATE TABLE test_line (run text PRIMARY KEY, ord int, who text, tier text)`); err != nil {
		t.Fatal(err)
	}
	span := func(ctx context.Context, n *flow.Node) error {
		_, err := flow.Step(ctx, n, "span", func(ctx context.Context) (int, error) {
			_, err := w.pool.Exec(ctx, `INSERT INTO test_span (run, ord, who, tier, began) SELECT run, ord, who, tier, clock_timestamp() FROM test_line WHERE run = $1`, n.Run)
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
		err := pgx.BeginFunc(t.Context(), w.pool, func(tx pgx.Tx) error {
			run, err := looker.StartTx(t.Context(), tx, flow.NewRun{
				Kind: "test", Workspace: team, Starter: who, First: flow.Next{Name: "first"}, Offset: tiers[tier].offset,
				Limits: []flow.Limit{{Key: "user/" + who, Most: tiers[tier].most}, {Key: "project/" + who, Most: 1, Hold: flow.UntilFinished}},
			})
			if err == nil {
				err = queue(t.Context(), tx, run, i, who, tier)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		e := w.engine(func(c *flow.Config) { c.Slots = 1 })
		e.Register("test", handlers)
		w.start(e)
	}
	w.until(func() bool { return w.count(`SELECT count(*) FROM run WHERE state = 'done'`) == runs },
		func() string { return fmt.Sprint(w.nodes()) })
	for what, sql := range map[string]string{
		// A run lasts from the first claim to its last end; two slots, so two at a time.
		"instants with more than two nodes at work": `
SELECT count(*) FROM test_span a WHERE (SELECT count(*) FROM test_span b WHERE b.began <= a.began AND b.ended > a.began) > 2`,
		"instants with two runs of a user who may have one": `
WITH r AS (SELECT run, who, min(began) AS began, max(ended) AS ended FROM test_span GROUP BY run, who)
SELECT count(*) FROM r a JOIN r b USING (who) WHERE a.run <> b.run AND b.began <= a.began AND b.ended > a.began`,
		"runs that began before an earlier one of the same user": `
WITH r AS (SELECT run, who, ord, min(began) AS began FROM test_span GROUP BY run, who, ord)
SELECT count(*) FROM r a JOIN r b USING (who) WHERE a.ord < b.ord AND a.began > b.began`,
		// Whoever was handed out was the first in line of those no limit kept back: any
		// other with an earlier place that had not begun had its user's run at work.
		"runs that overtook another without need": `
WITH r AS (SELECT s.run, s.who, min(s.began) AS began, max(s.ended) AS ended, min(a.at) AS claimed FROM test_span s
    JOIN node n ON n.run_id = s.run JOIN attempt a ON a.node_id = n.id GROUP BY s.run, s.who)
SELECT count(*) FROM r a JOIN run ra ON ra.id = a.run JOIN r b ON b.claimed > a.claimed + interval '1 s' JOIN run rb ON rb.id = b.run
WHERE rb.due < ra.due AND NOT EXISTS (SELECT FROM r c WHERE c.who = b.who AND c.run <> b.run AND c.claimed <= a.claimed AND c.ended > a.claimed - interval '1 s')`,
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
	var runs []flow.RunID
	for range 3 {
		runs = append(runs, w.run(e, flow.NewRun{Limits: []flow.Limit{{Key: "user", Most: 1}}, Dedupe: fmt.Sprint(len(runs))}))
	}
	for i, run := range runs {
		got, err := e.Place(t.Context(), team, run)
		if err != nil {
			t.Fatal(err)
		}
		if got.Ahead != i || got.Soonest > got.About || got.About > got.Latest || i > 0 && got.About == 0 {
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

// queue notes a run of TestOrderAndLimits with its place.
func queue(ctx context.Context, tx pgx.Tx, run flow.RunID, place int, who, tier string) error {
	_, err := tx.Exec(ctx, `INSERT INTO test_line (run, ord, who, tier) VALUES ($1, $2, $3, $4)`, run, place, who, tier)
	return err
}

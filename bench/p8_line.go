package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cofounder/internal/platform/flow"

	"github.com/jackc/pgx/v5"
)

// tier is what the plan of a user means for the line: how long others can overtake is
// the difference of the offsets.
type tier struct {
	name   string
	offset time.Duration
	most   int // runs at work at once
}

func tiers() []tier {
	return []tier{{"gold", 0, 4}, {"silver", 2 * time.Second, 3}, {"bronze", 4 * time.Second, 2}}
}

const (
	lineProject = "builds"
	lineUsers   = 12
)

// queueBuilds puts builds of users of all tiers in line, in turn, so that some overtake
// others.
func (t *throng) queueBuilds(ctx context.Context) error {
	all := tiers()
	slices.Reverse(all)
	_, err := t.start(ctx, t.multitude.builds, lineProject, func(i int) flow.NewRun {
		user := i % lineUsers
		of := all[user%len(all)]
		who := fmt.Sprintf("%s/%d", of.name, user)
		return flow.NewRun{
			Kind: chainKind, Starter: who, First: flow.Next{Name: link, Input: 0}, Input: chain{Links: buildLinks, Hold: buildHold},
			Offset: of.offset, Limits: []flow.Limit{{Key: "user/" + who, Most: of.most}},
		}
	})
	return err
}

// lineup is how the line was served.
type lineup struct {
	runs           int
	orders, limits int // broken
	queued         map[string][]time.Duration
	peak           int // nodes at work at one instant
}

// delays are the queue delays by tier.
func (l lineup) delays() string {
	var each []string
	for _, of := range tiers() {
		each = append(each, fmt.Sprintf("%s %s", of.name, quantileOf(l.queued[of.name], .95).Round(10*time.Millisecond)))
	}
	return strings.Join(each, " ")
}

// served is what was recorded of the builds: River numbers deliveries in the order in
// which they were handed out, claims and ends have the database's time.
const served = `
WITH served AS MATERIALIZED (
    SELECT r.id, r.starter_id AS who, split_part(r.starter_id, '/', 1) AS tier, r.due, r.created_at, l.most,
        min(n.job) AS job, (SELECT j.created_at FROM river_job j WHERE j.id = min(n.job)) AS handed, min(a.at) AS began, max(n.finished_at) AS ended
    FROM run r JOIN run_limit l ON l.run_id = r.id JOIN node n ON n.run_id = r.id JOIN attempt a ON a.node_id = n.id
    WHERE r.project_id = '` + lineProject + `' AND r.state = 'done' GROUP BY r.id, l.most
)`

const (
	queueDelays = served + ` SELECT tier, extract(epoch FROM began - created_at)::float8 FROM served`

	// A token is taken before the claim and given back after the end, so that what
	// overlaps here overlapped for sure.
	brokenLimits = served + `
SELECT count(*) FROM served a WHERE a.most < (SELECT count(*) FROM served b WHERE b.who = a.who AND b.began <= a.began AND b.ended > a.began)`

	// Who was handed out was the first in line of those whom no limit kept back: of
	// anybody who was before it and came later, as many runs as allowed were at work.
	// A run counts as at work until half a second after its end was written down, since
	// that is before the end is committed.
	brokenOrders = served + `
SELECT count(*) FROM served a JOIN served b ON b.job > a.job AND b.due < a.due
WHERE b.most > (SELECT count(*) FROM served c WHERE c.who = b.who AND c.job < a.job AND c.ended > a.handed - interval '0.5 s')`

	peakNodes = `
WITH n AS MATERIALIZED (SELECT n.claimed_at, n.finished_at FROM node n JOIN run r ON r.id = n.run_id WHERE r.project_id = '` + lineProject + `')
SELECT coalesce(max((SELECT count(*) FROM n b WHERE b.claimed_at <= a.claimed_at AND b.finished_at > a.claimed_at)), 0) FROM n a`
)

// builds waits until the line is served and looks at what was recorded.
func (t *throng) builds(ctx context.Context, f *crowded) error {
	if err := until(ctx, t.pool, openRuns, lineProject); err != nil {
		return err
	}
	l := lineup{queued: map[string][]time.Duration{}}
	for into, sql := range map[*int]string{&l.limits: brokenLimits, &l.orders: brokenOrders, &l.peak: peakNodes} {
		if err := t.pool.QueryRow(ctx, sql).Scan(into); err != nil {
			return fmt.Errorf("look how the line was served: %w", err)
		}
	}
	if l.peak > 2*crowdSlots {
		l.limits += l.peak - 2*crowdSlots
	}
	rows, err := t.pool.Query(ctx, queueDelays)
	if err != nil {
		return fmt.Errorf("look how the line was served: %w", err)
	}
	var name string
	var seconds float64
	_, err = pgx.ForEachRow(rows, []any{&name, &seconds}, func() error {
		l.runs++
		l.queued[name] = append(l.queued[name], time.Duration(seconds*float64(time.Second)))
		return nil
	})
	if err != nil {
		return fmt.Errorf("look how the line was served: %w", err)
	}
	f.line = l
	say(t.out, "p8: %d builds × %d nodes of %s by %d users of three tiers: %d broken orders, %d broken limits, at most %d nodes at once in %d slots; queue delay p95 %s",
		l.runs, buildLinks, buildHold, lineUsers, l.orders, l.limits, l.peak, 2*crowdSlots, l.delays())
	return nil
}

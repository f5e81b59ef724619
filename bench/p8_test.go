package main

import (
	"testing"
	"time"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"
)

// TestCrowd is p8 in small: what holds whatever the time is.
func TestCrowd(t *testing.T) {
	t.Parallel()
	pool, err := db.Open(t.Context(), dbtest.URL(t), db.Options{Name: "bench", MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	c := multitude{chains: 4, links: 3, hops: 5, builds: 60, waiting: 40, answers: 4}
	found, err := c.measure(t.Context(), pool, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if l := found.line; l.runs != c.builds || l.orders != 0 || l.limits != 0 || l.peak < 2 {
		t.Errorf("of %d builds %d came to their end, %d broken orders, %d broken limits, %d nodes at once", c.builds, l.runs, l.orders, l.limits, l.peak)
	}
	if len(found.hop) != c.hops-1 || len(found.answered) != c.answers {
		t.Errorf("%d hops and %d answers were timed, want %d and %d", len(found.hop), len(found.answered), c.hops-1, c.answers)
	}
	// What is looked for is found when it is there.
	_, err = pool.Exec(t.Context(), `
UPDATE run_limit SET most = 1 WHERE key = (SELECT key FROM run_limit ORDER BY key LIMIT 1);
UPDATE run SET due = due - interval '1 day' WHERE id = (SELECT max(id) FROM run WHERE project_id = '`+lineProject+`')`)
	if err != nil {
		t.Fatal(err)
	}
	if err := (&throng{multitude: c, pool: pool, out: t.Output()}).builds(t.Context(), &found); err != nil {
		t.Fatal(err)
	}
	if found.line.orders == 0 || found.line.limits == 0 {
		t.Errorf("a limit of one and a run that should have been first show %d broken orders, %d broken limits", found.line.orders, found.line.limits)
	}
}

func TestJudgeOfCrowd(t *testing.T) {
	t.Parallel()
	good := func() crowded {
		return crowded{
			multitude: multitude{builds: 1}, rate: rateTarget, hop: []time.Duration{time.Millisecond}, answered: []time.Duration{time.Millisecond},
			line: lineup{runs: 1},
		}
	}
	for _, c := range []struct {
		name   string
		change func(*crowded)
		want   bool
	}{
		{"good", func(*crowded) {}, false},
		{"few nodes", func(f *crowded) { f.rate-- }, true},
		{"slow from node to node", func(f *crowded) { f.hop[0] = hopTarget }, true},
		{"nothing timed", func(f *crowded) { f.hop = nil }, true},
		{"an order broken", func(f *crowded) { f.line.orders = 1 }, true},
		{"a limit broken", func(f *crowded) { f.line.limits = 1 }, true},
		{"a build lost", func(f *crowded) { f.line.runs = 0 }, true},
		{"waiting costs memory", func(f *crowded) { f.growth = growthTarget }, true},
		{"slow after an answer", func(f *crowded) { f.answered[0] = answeredTarget }, true},
		{"no answer", func(f *crowded) { f.answered = nil }, true},
	} {
		f := good()
		c.change(&f)
		if v := f.judge(); v.short != c.want {
			t.Errorf("%s: %s, want short %t", c.name, v, c.want)
		}
	}
}

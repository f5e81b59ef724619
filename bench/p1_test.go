package main

import (
	"slices"
	"testing"
	"time"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"
)

// TestBudgetUnderKills is the correctness of p1 in full: what it costs is not
// measured.
func TestBudgetUnderKills(t *testing.T) {
	t.Parallel()
	pool, err := db.Open(t.Context(), dbtest.URL(t), db.Options{Name: "bench", MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	r := rush{pool: pool, processes: 4, callers: 1000, hold: 20 * time.Millisecond, out: &journal{out: t.Output()}}
	found, err := r.all(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if found.adversary, err = adversary(t.Context(), pool, t.Output()); err != nil {
		t.Fatal(err)
	}
	if v := found.judge(); v.short {
		t.Error(v)
	}
}

func TestJudgeOfSpending(t *testing.T) {
	t.Parallel()
	exact := outcome{admitted: worthTarget}
	good := func() findings {
		return findings{
			quiet: exact, kills: []outcome{{admitted: worthTarget, killed: 2, orphans: 3}}, control: outcome{over: 1},
			adversary: adversity{calls: 1, refused: 1, over: -5},
			speed:     speed{bare: offered{took: slices.Repeat([]time.Duration{time.Millisecond}, 200)}, call: offered{took: slices.Repeat([]time.Duration{9 * time.Millisecond}, 200)}},
		}
	}
	for _, c := range []struct {
		name   string
		change func(*findings)
		want   bool
	}{
		{"good", func(*findings) {}, false},
		{"one call too many", func(f *findings) { f.quiet.admitted++ }, true},
		{"one call too few", func(f *findings) { f.quiet.admitted-- }, true},
		{"overspent", func(f *findings) { f.quiet.over = 1 }, true},
		{"overspent in a round with kills", func(f *findings) { f.kills[0].over = 1 }, true},
		{"leaked", func(f *findings) { f.kills[0].leaked = 1 }, true},
		{"still reserved", func(f *findings) { f.kills[0].reserved = 1 }, true},
		{"books wrong", func(f *findings) { f.kills[0].flaws = 1 }, true},
		{"nobody killed", func(f *findings) { f.kills = nil }, true},
		{"killed with nothing under way", func(f *findings) { f.kills[0].orphans = 0 }, true},
		{"the control holds", func(f *findings) { f.control.over = 0 }, true},
		{"hostile text overspends", func(f *findings) { f.adversary.over = 1 }, true},
		{"hostile text beyond its worst case", func(f *findings) { f.adversary.beyond = 1 }, true},
		{"no hostile text got through", func(f *findings) { f.adversary.calls = 0 }, true},
		{"one slow", func(f *findings) { f.speed.call.took[0] = time.Second }, false},
		{"slow", func(f *findings) { f.speed.call.took = []time.Duration{11 * time.Millisecond} }, true},
		{"one shed", func(f *findings) { f.speed.call.shed = 1 }, false},
		{"shed", func(f *findings) { f.speed.call.shed = 10 }, true},
		{"all shed", func(f *findings) { f.speed.call = offered{shed: 10} }, true},
		{"bare commits shed", func(f *findings) { f.speed.bare.shed, f.speed.call.shed = 1, 10 }, false},
		{"nothing measured", func(f *findings) { f.speed = speed{} }, false},
		{"bare commits shed, and overspent", func(f *findings) { f.speed.bare.shed, f.quiet.over = 1, 1 }, true},
	} {
		f := good()
		c.change(&f)
		v := f.judge()
		if v.short != c.want {
			t.Errorf("%s: %s, want short %t", c.name, v, c.want)
		}
		if busy := f.speed.bare.shed > 0 || len(f.speed.bare.took) == 0; busy != (v.skipped != "") {
			t.Errorf("%s: %s, want skipped %t", c.name, v, busy)
		}
	}
}

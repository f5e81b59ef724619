package main

import (
	"testing"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/product/meter"
)

// TestNobodyPaysForOurMistakes is p4 in full.
func TestNobodyPaysForOurMistakes(t *testing.T) {
	t.Parallel()
	pool, err := db.Open(t.Context(), dbtest.URL(t), db.Options{Name: "bench", MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	v, err := prove4(t.Context(), pool, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if v.short {
		t.Error(v)
	}
}

func TestFairness(t *testing.T) {
	t.Parallel()
	plan := bill{payer: meter.OnPlan, wanted: []meter.Mistake{meter.LoopStop}, items: []meter.Mistake{meter.LoopStop}, listed: 5, given: 5, counted: 3, useful: 3, calls: 2}
	own := bill{payer: meter.OwnKey, wanted: plan.wanted, items: plan.items, listed: 5, counted: 8, useful: 3, calls: 2}
	for _, c := range []struct {
		name   string
		change func(plan, own *bill)
		want   bool
	}{
		{"fair", func(_, _ *bill) {}, false},
		{"billed on a plan", func(plan, _ *bill) { plan.counted++ }, true},
		{"not all given back", func(plan, _ *bill) { plan.given-- }, true},
		{"given back where the provider was paid", func(_, own *bill) { own.given, own.counted = 5, 3 }, true},
		{"an item missing", func(_, own *bill) { own.items = nil }, true},
		{"another reason", func(plan, _ *bill) { plan.items = []meter.Mistake{meter.OurFault} }, true},
		{"nothing listed", func(_, own *bill) { own.listed, own.counted = 0, 3 }, true},
		{"books wrong", func(plan, _ *bill) { plan.flaws++ }, true},
		{"nothing happened", func(plan, _ *bill) { plan.calls = 0 }, true},
	} {
		p, o := plan, own
		c.change(&p, &o)
		if v := fairness([]bill{p, o}); v.short != c.want {
			t.Errorf("%s: %s, want short %t", c.name, v, c.want)
		}
	}
	if v := fairness(nil); !v.short {
		t.Errorf("no bills: %s", v)
	}
}

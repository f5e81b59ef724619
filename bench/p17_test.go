package main

import (
	"strings"
	"testing"
	"time"
)

// TestPages is p17 in small, without its target for time.
func TestPages(t *testing.T) {
	t.Parallel()
	w, err := openWing(t.Context(), &journal{out: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	pages, err := w.pages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.read(t.Context(), pages, 30, time.Second); err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		if p.failed > 0 || len(p.took) == 0 || p.weight == 0 || p.weight > pageBudget {
			t.Errorf("%s: %d answers, %d failed, %d bytes", p.name, len(p.took), p.failed, p.weight)
		}
	}
}

func TestSumUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		page    *page
		slowest arrival
		want    bool
	}{
		{"fast", &page{took: []time.Duration{time.Millisecond}, weight: 100}, arrival{time.Second, time.Second / 2}, false},
		{"slow", &page{took: []time.Duration{25 * time.Millisecond}, weight: 100}, arrival{}, true},
		{"late to be seen", &page{took: []time.Duration{time.Millisecond}, weight: 100}, arrival{paint: paintBudget}, true},
		{"late to be used", &page{took: []time.Duration{time.Millisecond}, weight: 100}, arrival{interactive: interactBudget}, true},
		{"heavy", &page{took: []time.Duration{time.Millisecond}, weight: pageBudget + 1}, arrival{}, true},
		{"failed", &page{took: []time.Duration{time.Millisecond}, weight: 100, failed: 1}, arrival{}, true},
		{"nothing read", &page{}, arrival{}, true},
	} {
		var out strings.Builder
		if v := sumUp([]*page{c.page}, c.slowest, 50, &out); v.short != c.want {
			t.Errorf("%s: %s, want short %t", c.name, v, c.want)
		}
	}
}

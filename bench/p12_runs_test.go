package main

import (
	"testing"
	"time"
)

func TestJudgeOfInterruption(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*interrupted)
		want   bool
	}{
		{"good", func(*interrupted) {}, false},
		{"a run failed", func(i *interrupted) { i.failed = 1 }, true},
		{"a request failed", func(i *interrupted) { i.visits.failed = 1 }, true},
		{"a write lost", func(i *interrupted) { i.visits.lost = 1 }, true},
		{"a gap", func(i *interrupted) { i.flaws = 1 }, true},
		{"nothing handed over", func(i *interrupted) { i.pauses = nil }, true},
		{"a long pause", func(i *interrupted) { i.pauses[0] = pauseTarget }, true},
		{"no run", func(i *interrupted) { i.runs = 0 }, true},
	} {
		i := interrupted{runs: 1, pauses: []time.Duration{time.Millisecond}}
		c.change(&i)
		if v := i.judge(); v.short != c.want {
			t.Errorf("%s: %s, want short %t", c.name, v, c.want)
		}
	}
}

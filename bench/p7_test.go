package main

import (
	"strings"
	"testing"
	"time"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"
)

// TestStepsKeepWhatTheyWrite is p7 in small, without its targets and without the rival:
// every step of each kind is recorded and settled.
func TestStepsKeepWhatTheyWrite(t *testing.T) {
	t.Parallel()
	pool, err := db.Open(t.Context(), dbtest.URL(t), db.Options{Name: "bench", MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	found, err := stepping{rounds: 2, steps: 5, bytes: 2000, long: 300}.measure(t.Context(), pool, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, took := range map[string][]time.Duration{
		"bare": found.bare, "step": found.step, "told": found.told, "apart": found.apart, "reserved": found.reserved,
	} {
		if len(took) != 10 {
			t.Errorf("%d of %s, want 10", len(took), name)
		}
	}
	const all = 3*5*3 + 301 // two rounds and the one that warms up; the long node
	for _, table := range []string{"step", "ledger"} {
		var n int
		if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil || n != all {
			t.Errorf("%d rows in %s, %v; want %d", n, table, err, all)
		}
	}
	if v := found.judge(); !strings.Contains(v.String(), "LangGraph.js") || v.skipped == "" {
		t.Errorf("without a rival it says %q", v)
	}
}

func TestJudgeOfSteps(t *testing.T) {
	t.Parallel()
	ms := func(n float64) []time.Duration { return []time.Duration{time.Duration(n * float64(time.Millisecond))} }
	good := func() strides {
		return strides{bare: ms(1), step: ms(1.3), reserved: ms(2.4), rival: ms(10), early: 1000, late: 1010}
	}
	for name, tt := range map[string]struct {
		spoil func(*strides)
		want  string
	}{
		"good":               {func(*strides) {}, "ok"},
		"slow step":          {func(s *strides) { s.step = ms(1.5) }, "short"},
		"slow reservation":   {func(s *strides) { s.reserved = ms(2.6) }, "short"},
		"quick rival":        {func(s *strides) { s.rival = ms(4) }, "short"},
		"growing steps":      {func(s *strides) { s.late = 1100 }, "short"},
		"shrinking steps":    {func(s *strides) { s.late = 900 }, "short"},
		"nothing was stored": {func(s *strides) { s.early = 0 }, "short"},
		"no steps":           {func(s *strides) { s.step = nil }, "short"},
		"no rival":           {func(s *strides) { s.rival, s.skipped = nil, "node is not installed" }, "skipped LangGraph.js: node is not installed"},
		"no rival and slow":  {func(s *strides) { s.rival, s.step = nil, ms(2) }, "short"},
	} {
		s := good()
		tt.spoil(&s)
		if v := s.judge().String(); !strings.HasSuffix(v, " "+tt.want) {
			t.Errorf("%s: %q, want it to end with %s", name, v, tt.want)
		}
	}
}

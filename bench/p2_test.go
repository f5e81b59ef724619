package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"
)

// TestSiege is p2 in small, with what is quick and needs no database server of its own:
// hand-overs, broken connections, a kill after which a newer program goes on.
func TestSiege(t *testing.T) {
	t.Parallel()
	pool, err := db.Open(t.Context(), dbtest.URL(t), db.Options{Name: "bench", MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := &siege{random: 1, handovers: 2, binary: os.Args[0], out: t.Output(), pool: pool}
	if err := s.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	for _, r := range []round{
		{"undisturbed", s.undisturbed},
		{"SIGTERM", s.handOver},
		{"backends terminated", s.terminations},
		{"newer program", s.newer},
	} {
		if err := s.fight(t.Context(), r); err != nil {
			t.Fatalf("%s: %v", r.name, err)
		}
	}
	if err := s.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b := s.total; b.runs == 0 || b.kills != 1 || b.different+b.problems+b.repaid+b.excess+b.leaked+b.flaws != 0 || b.cut == 0 {
		t.Error(b.judge())
	}
	// A difference is seen.
	if _, err := pool.Exec(t.Context(), `DELETE FROM event WHERE (stream, seq) = (SELECT stream, max(seq) FROM event GROUP BY stream ORDER BY stream LIMIT 1)`); err != nil {
		t.Fatal(err)
	}
	f := &field{siege: s, project: "p2-1"}
	_, different, err := f.compare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	problems, err := s.starter.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if different != 1 || len(problems) == 0 {
		t.Errorf("without one event %d runs differ and there are %q", different, strings.Join(problems, "; "))
	}
}

func TestJudgeOfSiege(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*besieged)
		want   bool
	}{
		{"good", func(*besieged) {}, false},
		{"a difference", func(b *besieged) { b.different = 1 }, true},
		{"a flaw in the records", func(b *besieged) { b.problems = 1 }, true},
		{"a finished call repeated", func(b *besieged) { b.repaid = 1 }, true},
		{"too many calls", func(b *besieged) { b.excess = 1 }, true},
		{"leaked", func(b *besieged) { b.leaked = 1 }, true},
		{"books wrong", func(b *besieged) { b.flaws = 1 }, true},
		{"a fault point not reached", func(b *besieged) { b.missed = 1 }, true},
		{"a slow takeover", func(b *besieged) { b.killed[0] = killedTarget }, true},
		{"a slow hand-over", func(b *besieged) { b.handed[0] = handedTarget }, true},
		{"nothing taken over", func(b *besieged) { b.killed = nil }, true},
		{"nothing handed over", func(b *besieged) { b.handed = nil }, true},
		{"nothing taken from who stands still", func(b *besieged) { b.stopped = nil }, true},
		{"a part only, and slow", func(b *besieged) { b.partial, b.killed = true, nil }, false},
		{"a part only, and wrong", func(b *besieged) { b.partial, b.different = true, 1 }, true},
		{"nothing run", func(b *besieged) { b.runs = 0 }, true},
	} {
		b := besieged{runs: 1, killed: []time.Duration{time.Second}, handed: []time.Duration{time.Millisecond}, stopped: []time.Duration{time.Second}}
		c.change(&b)
		if v := b.judge(); v.short != c.want {
			t.Errorf("%s: %s, want short %t", c.name, v, c.want)
		}
		if v := b.judge(); b.partial && strings.HasSuffix(v.String(), " ok") {
			t.Errorf("%s: %s, though only a part was run", c.name, v)
		}
	}
}

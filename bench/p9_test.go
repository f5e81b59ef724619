package main

import (
	"testing"
	"time"
)

// TestReadersMissNothing is p9's correctness in small: one restart of each kind.
func TestReadersMissNothing(t *testing.T) {
	t.Parallel()
	j := &journal{out: t.Output()}
	w, err := openWing(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{wing: w, journal: j}
	t.Cleanup(func() {
		if err := s.close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if err := s.open(t.Context(), 30); err != nil {
		t.Fatal(err)
	}
	var found sight
	p := watching{readers: 8, crowd: 30, cuts: 1}
	if err := p.cut(t.Context(), s, &found); err != nil {
		t.Fatal(err)
	}
	if err := p.weigh(t.Context(), s, &found); err != nil {
		t.Fatal(err)
	}
	if found.gaps+found.doubles > 0 || found.returns < 2*8 || found.streams != 30 || found.memory < 10<<20 {
		t.Errorf("found %+v", found)
	}
}

// A reader notices what it is there to notice.
func TestReaderCounts(t *testing.T) {
	t.Parallel()
	r := &reader{moved: make(chan struct{}, 1), at: map[int64]time.Time{}}
	for _, seq := range []int64{1, 2, 2, 5, 4, 6} {
		r.saw(seq)
	}
	if r.gaps != 1 || r.doubles != 2 || r.seen.Load() != 6 {
		t.Errorf("%d gaps, %d doubles, up to %d", r.gaps, r.doubles, r.seen.Load())
	}
}

func TestJudgeOfWatching(t *testing.T) {
	t.Parallel()
	quick := []time.Duration{time.Millisecond}
	good := func() sight {
		return sight{browser: quick, http: quick, memory: 100 << 20, streams: crowd, returns: 10}
	}
	for name, tt := range map[string]struct {
		spoil func(*sight)
		short bool
	}{
		"good":              {func(*sight) {}, false},
		"slow browser":      {func(s *sight) { s.browser = []time.Duration{liveTarget} }, true},
		"slow readers":      {func(s *sight) { s.http = []time.Duration{liveTarget} }, true},
		"nothing on screen": {func(s *sight) { s.browser = nil }, true},
		"nothing read":      {func(s *sight) { s.http = nil }, true},
		"heavy":             {func(s *sight) { s.memory = streamMemory }, true},
		"few streams":       {func(s *sight) { s.streams-- }, true},
		"a gap":             {func(s *sight) { s.gaps = 1 }, true},
		"a double":          {func(s *sight) { s.doubles = 1 }, true},
		"nobody came back":  {func(s *sight) { s.returns = 0 }, true},
	} {
		s := good()
		tt.spoil(&s)
		if v := s.judge(watching{readers: 1}); v.short != tt.short {
			t.Errorf("%s: %s", name, v)
		}
	}
}

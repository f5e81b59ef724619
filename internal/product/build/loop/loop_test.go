package loop_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"cofounder/internal/product/build/loop"
	"cofounder/internal/product/build/loop/looptest"
)

// TestCorpus: every loop is stopped within three repeats, at a rule that says what is
// wrong, and never before it began.
func TestCorpus(t *testing.T) {
	t.Parallel()
	corpus := looptest.Corpus(1)
	if len(corpus) < 40 {
		t.Fatalf("%d loops", len(corpus))
	}
	for _, l := range corpus {
		t.Run(l.Name, func(t *testing.T) {
			t.Parallel()
			var d loop.Detector
			nudged := false
			for i, c := range l.Calls {
				v := d.Observe(c)
				nudged = nudged || v.Action == loop.Nudge && i >= l.Begins
				if v.Action != loop.Stop {
					continue
				}
				if i < l.Begins {
					t.Fatalf("stopped by %s at call %d, before the loop", v.Rule, i)
				}
				if repeats := (i - l.Begins) / l.Period; repeats > 3 {
					t.Errorf("stopped by %s after %d repeats", v.Rule, repeats)
				}
				if !nudged {
					t.Errorf("stopped by %s without a word before", v.Rule)
				}
				return
			}
			t.Error("never stopped")
		})
	}
}

func TestHonestWorkGoesOn(t *testing.T) {
	t.Parallel()
	for seed := range uint64(1500) {
		var d loop.Detector
		calls := looptest.Healthy(rand.New(rand.NewPCG(seed, 0)))
		for i, c := range calls {
			if v := d.Observe(c); v.Action >= loop.Force {
				t.Fatalf("seed %d: stopped by %s at call %d of %d: %+v", seed, v.Rule, i, len(calls), c)
			}
		}
	}
}

// TestStopKnowsTheWayBack: what is gone back to is the tree before the loop.
func TestStopKnowsTheWayBack(t *testing.T) {
	t.Parallel()
	var d loop.Detector
	trees := []string{"good", "try 1", "try 2", "try 3"}
	for i := 1; i < len(trees); i++ {
		d.Observe(loop.Call{Turn: i, Tool: "edit", Input: trees[i], Before: trees[i-1], After: trees[i]})
		v := d.Observe(loop.Call{Turn: i, Tool: "check", Before: trees[i], After: trees[i], Failure: "same"})
		if want := loop.Stop; i == 3 && (v.Action != want || v.Rule != loop.SameFailure || v.From != "try 1") {
			t.Errorf("third failure: %+v, want a stop that goes back to the tree of the first", v)
		}
	}
}

func TestReadingOnly(t *testing.T) {
	t.Parallel()
	var d loop.Detector
	var nudges, stops int
	for i := 1; i <= 30 && stops == 0; i++ {
		path, err := json.Marshal(map[string]int{"path": i})
		if err != nil {
			t.Fatal(err)
		}
		switch d.Observe(loop.Call{Turn: i, Tool: "read", Input: string(path), Before: "t", After: "t", Reads: true}).Action {
		case loop.Nudge:
			nudges++
		case loop.Stop:
			stops++
			if i != 26 {
				t.Errorf("stopped at turn %d, want 26: six to look around and twenty", i)
			}
		case loop.GoOn, loop.Force:
		}
	}
	if nudges != 1 || stops != 1 {
		t.Errorf("%d nudges and %d stops, want one each", nudges, stops)
	}
}

func TestTalkingOnly(t *testing.T) {
	t.Parallel()
	var d loop.Detector
	for i, want := range []loop.Action{loop.Nudge, loop.Nudge, loop.Stop} {
		if got := d.ObserveTalk("t").Action; got != want {
			t.Errorf("talk %d: %d, want %d", i+1, got, want)
		}
	}
	if got := d.ObserveTalk("u").Action; got != loop.Nudge {
		t.Errorf("a talk after something new: %d, want a nudge", got)
	}
}

func TestBabbles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"a sentence again":             {"Let me look. " + strings.Repeat("I will now fix the test and run it again. ", 60), true},
		"a chunk eight times":          {strings.Repeat(strings.Repeat("x", 199)+"y", 8), true},
		"seven times":                  {strings.Repeat(strings.Repeat("x", 199)+"y", 7), false},
		"a list that only looks alike": {list(), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := loop.Babbles(c.text); got != c.want {
				t.Errorf("Babbles = %v, want %v", got, c.want)
			}
		})
	}
}

func list() string {
	var b strings.Builder
	for i := range 200 {
		b.WriteString("<li>item ")
		b.WriteString(strings.Repeat("i", i%17))
		b.WriteString("</li>\n")
	}
	return b.String()
}

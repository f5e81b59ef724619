package build_test

import (
	"encoding/json"
	"slices"
	"testing"

	"cofounder/internal/product/build"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func done() build.Outcome                   { return build.Outcome{Verdict: build.Done} }
func green() build.Outcome                  { return build.Outcome{Verdict: build.Green} }
func approved() build.Outcome               { return build.Outcome{Verdict: build.Approved} }
func planned(n int) build.Outcome           { return build.Outcome{Verdict: build.Planned, Steps: n} }
func red(f build.Signature) build.Outcome   { return build.Outcome{Verdict: build.Red, Failure: f} }
func verdict(v build.Verdict) build.Outcome { return build.Outcome{Verdict: v} }
func answer(c build.Choice) build.Outcome {
	return build.Outcome{Verdict: build.Answered, Choice: c}
}

// walk takes s through the outcomes and returns the nodes it came by, and the end.
func walk(t *testing.T, s build.State, outcomes ...build.Outcome) ([]build.Node, build.State) {
	t.Helper()
	var way []build.Node
	for _, o := range outcomes {
		next, err := build.Next(s, o)
		if err != nil {
			t.Fatalf("after %v: Next(%+v, %+v): %v", way, s, o, err)
		}
		s = next
		way = append(way, s.Node)
	}
	return way, s
}

func TestWays(t *testing.T) {
	t.Parallel()
	const (
		a, b = build.Signature("a"), build.Signature("b")
	)
	step := []build.Outcome{done(), green(), approved(), done()} // coder to commit
	whole := func(outcomes ...[]build.Outcome) []build.Outcome { return slices.Concat(outcomes...) }
	one := func(o ...build.Outcome) []build.Outcome { return o }
	for name, c := range map[string]struct {
		outcomes []build.Outcome
		want     build.Node
		question build.Question
	}{
		"two steps without trouble": {
			whole(one(planned(2)), step, step, one(green(), done())), build.Ready, "",
		},
		"a red check goes to the debugger": {
			one(planned(1), done(), red(a)), build.Debugger, "",
		},
		"the third failure of a kind asks": {
			one(planned(1), done(), red(a), done(), red(a), done(), red(a)), build.Asking, build.ThreeFailures,
		},
		"failures of different kinds are different attempts": {
			one(planned(1), done(), red(a), done(), red(b), done(), red(a)), build.Debugger, "",
		},
		"a stuck coder is judged by what it left": {
			one(planned(1), verdict(build.Stuck), green()), build.Reviewer, "",
		},
		"a rejection goes back to the coder": {
			one(planned(1), done(), green(), verdict(build.Rejected)), build.Coder, "",
		},
		"the third rejection asks": {
			one(planned(1), done(), green(), verdict(build.Rejected), done(), green(), verdict(build.Rejected),
				done(), green(), verdict(build.Rejected)), build.Asking, build.Disagreement,
		},
		"what the verifier finds is mended, reviewed and verified again": {
			whole(one(planned(1)), step, one(red(a), done(), green(), approved(), done())), build.Verifier, "",
		},
		"leaving out goes to the next step": {
			one(planned(2), done(), red(a), done(), red(a), done(), red(a), answer(build.LeaveOut)), build.Coder, "",
		},
		"leaving out the only step leaves nothing": {
			one(planned(1), done(), red(a), done(), red(a), done(), red(a), answer(build.LeaveOut)),
			build.Asking, build.NothingRemains,
		},
		"leaving out what could not be proved proves the rest": {
			whole(one(planned(1)), step, one(red(a), done(), green(), approved(), done(), red(a), done(), green(),
				approved(), done(), red(a), answer(build.LeaveOut), green(), done())), build.Ready, "",
		},
		"once more with a hint that does not help asks at once": {
			one(planned(1), done(), red(a), done(), red(a), done(), red(a), answer(build.OnceMore), done(), red(a)),
			build.Asking, build.ThreeFailures,
		},
		"simpler is planned anew": {
			one(planned(1), done(), red(a), done(), red(a), done(), red(a), answer(build.Simpler)), build.Architect, "",
		},
		"stop here ends": {
			one(planned(1), done(), red(a), done(), red(a), done(), red(a), answer(build.StopHere)), build.Ended, "",
		},
		"a step that is two is split once": {
			one(planned(1), verdict(build.Split), planned(2), verdict(build.Split)), build.Executor, "",
		},
		"a cage that breaks three times fails the build": {
			one(planned(1), done(), verdict(build.Outage), verdict(build.Outage), verdict(build.Outage)), build.Failed, "",
		},
		"outages with an answer between are not in a row": {
			one(planned(1), done(), verdict(build.Outage), verdict(build.Outage), red(a), done(), verdict(build.Outage)),
			build.Executor, "",
		},
		"answers nobody can read fail the build": {
			one(verdict(build.Unreadable), verdict(build.Unreadable)), build.Failed, "",
		},
		"no plan asks": {one(verdict(build.Stuck)), build.Asking, build.NothingToPlan},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			way, s := walk(t, build.State{}, c.outcomes...)
			if s.Node != c.want || s.Question != c.question {
				t.Errorf("ended at %s %s, want %s %s; by %v", s.Node, s.Question, c.want, c.question, way)
			}
		})
	}
}

func TestNextRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		at build.State
		o  build.Outcome
	}{
		"a verdict the node cannot give":    {build.State{Node: build.Coder}, green()},
		"anything after an end":             {build.State{Node: build.Failed}, done()},
		"a plan without steps":              {build.State{}, planned(0)},
		"a plan with too many steps":        {build.State{}, planned(build.MaxSteps + 1)},
		"a red check that names no failure": {build.State{Node: build.Executor}, red("")},
		"an answer that was not offered": {
			build.State{Node: build.Asking, Question: build.NothingToPlan}, answer(build.LeaveOut),
		},
		"a version that nobody proved": {build.State{Node: build.Committer}, done()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := build.Next(c.at, c.o); err == nil {
				t.Errorf("Next(%+v, %+v) = %+v, want an error", c.at, c.o, got)
			}
		})
	}
}

// outcome draws anything the node may end with, good or bad.
func outcome(t *rapid.T, s build.State) build.Outcome {
	failure := rapid.SampledFrom([]build.Signature{"a", "b", "c", "d"}).Draw(t, "failure")
	of := map[build.Node][]build.Outcome{
		build.Architect: {
			planned(rapid.IntRange(1, build.MaxSteps-max(s.Steps-1, 0)).Draw(t, "steps")),
			verdict(build.Stuck), verdict(build.Unreadable),
		},
		build.Coder:     {done(), verdict(build.Stuck), verdict(build.Split), verdict(build.Unreadable)},
		build.Executor:  {green(), red(failure), verdict(build.Outage)},
		build.Debugger:  {done(), verdict(build.Stuck), verdict(build.Unreadable)},
		build.Reviewer:  {approved(), verdict(build.Rejected), verdict(build.Unreadable)},
		build.Commit:    {done()},
		build.Verifier:  {green(), red(failure), verdict(build.Outage)},
		build.Committer: {done(), verdict(build.Unreadable)},
	}
	return rapid.SampledFrom(of[s.Node]).Draw(t, string(s.Node))
}

// TestEveryWayEnds takes random ways: each is over, or asks, within a bound; ready is
// reached only from a green verifier with nothing in between that changes the tree.
func TestEveryWayEnds(t *testing.T) {
	t.Parallel()
	// Between two answers each plan step has at most MaxConversations conversations of
	// at most four nodes, and the machinery may fail before each.
	const most = (build.MaxSteps + 1) * build.MaxConversations * 4 * build.MaxOutages
	rapid.Check(t, func(t *rapid.T) {
		s := build.State{Node: build.Architect}
		answers, since, proved := rapid.IntRange(0, 6).Draw(t, "answers"), 0, false
		for !s.Over() {
			var o build.Outcome
			if s.Node == build.Asking {
				if len(s.Choices()) < 2 {
					t.Fatalf("asking %q offers %v", s.Question, s.Choices())
				}
				o = answer(build.StopHere)
				if answers > 0 {
					o = answer(rapid.SampledFrom(s.Choices()).Draw(t, "choice"))
				}
				answers, since = answers-1, 0
			} else {
				o = outcome(t, s)
			}
			before := s.Node
			next, err := build.Next(s, o)
			if err != nil {
				t.Fatalf("Next(%+v, %+v): %v", s, o, err)
			}
			switch {
			case before == build.Verifier:
				proved = o.Verdict == build.Green
			case before != build.Committer:
				proved = false
			}
			s = next
			if since++; since > most {
				t.Fatalf("%d nodes without an end or a question: %+v", since, s)
			}
			if s.Step > s.Steps || s.Kept > s.Step || s.Steps > build.MaxSteps {
				t.Fatalf("counted wrongly: %+v", s)
			}
		}
		if s.Node == build.Ready && !proved {
			t.Fatalf("ready without evidence: %+v", s)
		}
		if s.Node == build.Ready && s.Kept == 0 {
			t.Fatalf("ready with nothing kept: %+v", s)
		}
	})
}

// TestStateIsStored: what decides the way survives the database.
func TestStateIsStored(t *testing.T) {
	t.Parallel()
	_, s := walk(t, build.State{}, planned(3), done(), red("a"), done(), red("b"))
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var got build.State
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, got); diff != "" {
		t.Errorf("stored and read (-want +got):\n%s", diff)
	}
}

func TestNextLeavesItsInputAlone(t *testing.T) {
	t.Parallel()
	_, s := walk(t, build.State{}, planned(3), done(), red("a"))
	before, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	walk(t, s, done(), red("a"))
	after, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(before), string(after)); diff != "" {
		t.Errorf("Next changed what it was given:\n%s", diff)
	}
}

// Package loop notices when an agent goes in circles: the same call again with the same
// result on the same tree, two calls in turn, the same failure after every edit, a
// change made and unmade. What looks alike but moves on is not a loop: the same tool on
// other files, other parts of a file, tests run again after an edit.
//
// A Detector watches one conversation. It sees every call once, in order, and says
// whether to go on, to nudge (say what repeats, once) or to stop. Everything it knows
// it can learn again from the recorded calls, so that it is never stored.
package loop

import "cofounder/internal/product/build/signature"

// Call is a finished call of a tool.
type Call struct {
	Turn   int    // of the conversation, from 1
	Tool   string // and
	Input  string // its input as canonical JSON
	Result string // as the model saw it
	Before string // tree, by hash, before the call
	After  string // and behind it
	// Failure is the coarse name of what a check or a command found red, Passed says
	// that a full check was green.
	Failure string
	Passed  bool
	// Reads says that the tool only looks.
	Reads bool
	// Refused is the path an input was refused for: not of the tool's form, or an edit
	// that fits nowhere.
	Refused string
}

// Action is what to do about what was noticed.
type Action uint8

// The actions.
const (
	GoOn  Action = iota
	Nudge        // tell the model what repeats
	Force        // tell the model to take another way, for the last time
	Stop         // end the conversation, take the tree back to Verdict.From
)

// Rule is what was noticed. Numbers are those of calls that are alike.
type Rule string

// The rules. Thresholds are those of the study behind this package: an agent stopped at
// the second repeat is sometimes wronged, at the fifth the founder has paid for it.
const (
	None        Rule = ""
	Repeat      Rule = "repeat"       // nudge at 2, stop at 3
	Alternation Rule = "alternation"  // a cycle of 2 to 4 calls: nudge at 2, stop at 3
	SameFailure Rule = "same_failure" // after edits: nudge at 2, stop at 3
	UndoRedo    Rule = "undo_redo"    // an earlier tree again: nudge at 1, stop at 2
	OnlyReading Rule = "only_reading" // nudge at 12, stop at 20
	OnlyTalking Rule = "only_talking" // turns without a call: stop at 3
	Refusals    Rule = "refusals"     // of the same input: nudge at 2, force at 3, stop at 4
)

const (
	longestCycle = 4
	readsNudge   = 12
	readsStop    = 20
	readsFrom    = 6 // turns in which an agent may look around
)

// Verdict says what a Detector made of a call. From is the tree before the loop, to go
// back to after Stop; it is empty when there is nothing to go back from.
type Verdict struct {
	Rule   Rule
	Action Action
	From   string
}

// Detector watches one conversation. The zero Detector is ready; it is not safe for
// concurrent use.
type Detector struct {
	calls    []seen // the latest, at most longestCycle × 3 + 1
	failures map[string]*failing
	failed   int            // checks that were red
	trees    map[string]int // tree → how many had been when it was left
	returns  map[string]int // tree → how often it came back
	reads    int
	talks    int
	talkedAt string
	refusals map[string]int
}

// seen is a call, its result normalised when somebody asks.
type seen struct {
	Call
	normal string
}

type failing struct {
	times int
	tree  string // of the latest
	first string // the tree before the first
}

// Observe takes the next call.
func (d *Detector) Observe(c Call) Verdict {
	d.keep(c)
	d.talks = 0
	worst := Verdict{}
	for _, v := range []Verdict{d.repeat(), d.alternation(), d.sameFailure(c), d.undoRedo(c), d.onlyReading(c), d.refused(c)} {
		if v.Action > worst.Action {
			worst = v
		}
	}
	return worst
}

// ObserveTalk takes a turn that ended without a call, at this tree. The first two are
// answered by asking to go on.
func (d *Detector) ObserveTalk(tree string) Verdict {
	if tree != d.talkedAt {
		d.talks = 0
	}
	d.talks++
	d.talkedAt = tree
	if d.talks >= 3 {
		return Verdict{Rule: OnlyTalking, Action: Stop}
	}
	return Verdict{Rule: OnlyTalking, Action: Nudge}
}

func (d *Detector) keep(c Call) {
	const most = longestCycle*3 + 1
	if len(d.calls) == most {
		d.calls = append(d.calls[:0], d.calls[1:]...)
	}
	d.calls = append(d.calls, seen{Call: c})
}

// at is the call n before the latest.
func (d *Detector) at(n int) *seen { return &d.calls[len(d.calls)-1-n] }

// alike reports whether two calls asked the same and were told the same. Results are
// normalised only when the calls are the same, which they seldom are.
func alike(a, b *seen) bool {
	if a.Tool != b.Tool || a.Input != b.Input {
		return false
	}
	return a.Result == b.Result || a.result() == b.result()
}

func (s *seen) result() string {
	if s.normal == "" {
		s.normal = signature.Normal(s.Result)
	}
	return s.normal
}

// repeat: the same call with the same result on a tree that did not change.
func (d *Detector) repeat() Verdict {
	last, n := d.at(0), 1
	for n < len(d.calls) && alike(d.at(n), last) && d.at(n).Before == last.After && last.Before == last.After {
		n++
	}
	return grade(Repeat, n, 2, 3, "")
}

// alternation: a cycle of calls that leaves the tree as it was.
func (d *Detector) alternation() Verdict {
	var worst Verdict
	for length := 2; length <= longestCycle; length++ {
		n := 1
		for d.cycles(length, n+1) {
			n++
		}
		if v := grade(Alternation, n, 2, 3, ""); v.Action > worst.Action {
			v.From = d.at(length*n - 1).Before
			worst = v
		}
	}
	return worst
}

// cycles reports whether the latest calls are times repetitions of length calls, each
// ending at the same tree.
func (d *Detector) cycles(length, times int) bool {
	if times > 3 || length*times > len(d.calls) {
		return false
	}
	for i := range length * (times - 1) {
		if !alike(d.at(i), d.at(i+length)) {
			return false
		}
	}
	for i := 1; i < times; i++ {
		if d.at(i*length).After != d.at(0).After {
			return false
		}
	}
	return true
}

// sameFailure: the failure is still there although something was changed against it.
func (d *Detector) sameFailure(c Call) Verdict {
	if c.Passed {
		d.failures = nil
	}
	if c.Failure == "" {
		return Verdict{}
	}
	f := d.failures[c.Failure]
	switch {
	case f == nil:
		if d.failures == nil {
			d.failures = map[string]*failing{}
		}
		f = &failing{first: c.Before}
		d.failures[c.Failure] = f
	case f.tree == c.After:
		return Verdict{} // nothing was changed: Repeat's business
	}
	f.times++
	f.tree = c.After
	return grade(SameFailure, f.times, 2, 3, f.first)
}

// undoRedo: the tree is one that was left before, and a check was red since.
func (d *Detector) undoRedo(c Call) Verdict {
	if c.Failure != "" {
		d.failed++
	}
	if c.Before == c.After {
		return Verdict{}
	}
	if d.trees == nil {
		d.trees, d.returns = map[string]int{}, map[string]int{}
	}
	d.trees[c.Before] = d.failed
	when, known := d.trees[c.After]
	if !known || when == d.failed {
		return Verdict{}
	}
	d.returns[c.After]++
	return grade(UndoRedo, d.returns[c.After], 1, 2, c.After)
}

func (d *Detector) onlyReading(c Call) Verdict {
	if !c.Reads || c.Before != c.After {
		d.reads = 0
		return Verdict{}
	}
	if c.Turn <= readsFrom {
		return Verdict{}
	}
	d.reads++
	switch d.reads {
	case readsNudge:
		return Verdict{Rule: OnlyReading, Action: Nudge}
	case readsStop:
		return Verdict{Rule: OnlyReading, Action: Stop}
	}
	return Verdict{}
}

// refused: the same input cannot be taken, again.
func (d *Detector) refused(c Call) Verdict {
	if c.Before != c.After {
		d.refusals = nil
	}
	if c.Refused == "" {
		return Verdict{}
	}
	if d.refusals == nil {
		d.refusals = map[string]int{}
	}
	key := c.Tool + " " + c.Refused + " " + c.Input
	d.refusals[key]++
	switch d.refusals[key] {
	case 1:
		return Verdict{}
	case 2:
		return Verdict{Rule: Refusals, Action: Nudge}
	case 3:
		return Verdict{Rule: Refusals, Action: Force}
	}
	return Verdict{Rule: Refusals, Action: Stop}
}

func grade(r Rule, n, nudge, stop int, from string) Verdict {
	switch {
	case n >= stop:
		return Verdict{Rule: r, Action: Stop, From: from}
	case n >= nudge:
		return Verdict{Rule: r, Action: Nudge, From: from}
	}
	return Verdict{}
}

// Chunk and Chunks are what Babbles takes for a model that only repeats itself.
const (
	Chunk  = 200
	Chunks = 8
)

// Babbles reports whether text ends in the same Chunk bytes, Chunks times in a row, as
// models do that will not stop. It looks at the end only, so that it may be asked for
// every piece of a stream.
func Babbles(text string) bool {
	for period := 1; period <= Chunk; period++ {
		span := Chunk * Chunks
		if len(text) < span {
			return false
		}
		tail := text[len(text)-span:]
		if tail[period:] == tail[:span-period] {
			return true
		}
	}
	return false
}

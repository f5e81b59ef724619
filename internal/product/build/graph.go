package build

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Node is a place in the graph of a build.
type Node string

// The nodes. Ready, Failed and Ended are ends.
const (
	Architect Node = "architect" // writes the step plan, or a simpler one of a single step
	Coder     Node = "coder"     // writes a plan step
	Executor  Node = "executor"  // installs, builds, tests, starts, probes; asks no model
	Debugger  Node = "debugger"  // looks for the cause of a red check and removes it
	Reviewer  Node = "reviewer"  // reads the difference and the results with fresh eyes
	Commit    Node = "commit"    // keeps a green step
	Verifier  Node = "verifier"  // gathers evidence from a clean checkout; asks no model
	Committer Node = "committer" // names the version, writes its notes
	Asking    Node = "asking"    // waits for the founder
	Ready     Node = "ready"     // there is a checked version
	Failed    Node = "failed"    // we cannot go on
	Ended     Node = "ended"     // the founder stopped it
)

// Limits of a build. SPEC 6 has the three failures, the others are of the study of
// coding agents behind this graph: they bound cost, and are wide for honest work.
const (
	MaxSteps         = 12 // plan steps; more is a plan for two versions
	MaxFailures      = 3  // of one signature, before the founder is asked
	MaxConversations = 8  // at one plan step, before the founder is asked
	MaxRejections    = 2  // of the reviewer at one plan step, before the founder is asked
	MaxSplits        = 1  // of one plan step by its coder
	MaxOutages       = 3  // in a row of the executor's or verifier's own machinery
	MaxUnreadable    = 2  // conversations in a row that nobody could read
)

// Verdict is how a node ended.
type Verdict string

// The verdicts. Which node may give which is in the table of Next.
const (
	Planned    Verdict = "planned"    // Outcome.Steps is what is to do, from the present step on
	Done       Verdict = "done"       // the node did what it is for
	Stuck      Verdict = "stuck"      // going round in circles, or nothing left to try
	Split      Verdict = "split"      // the plan step is more than one
	Unreadable Verdict = "unreadable" // the model's answers made no sense
	Green      Verdict = "green"      // every check of the executor or verifier passed
	Red        Verdict = "red"        // Outcome.Failure says which did not
	Outage     Verdict = "outage"     // the cage or the browser failed, not the code
	Approved   Verdict = "approved"
	Rejected   Verdict = "rejected" // by the reviewer
	Answered   Verdict = "answered" // Outcome.Choice is the founder's
)

// Signature names a failure: equal signatures are the same failure again.
type Signature string

// Choice is the founder's answer when we ask how to go on.
type Choice string

// The choices of SPEC 6.
const (
	LeaveOut Choice = "leave_out" // its criteria move to later, with a decision
	OnceMore Choice = "once_more" // with the founder's hint
	Simpler  Choice = "simpler"   // as we propose
	StopHere Choice = "stop_here"
)

// Question is why the founder is asked.
type Question string

// The questions.
const (
	ThreeFailures  Question = "three_failures"
	TooManyTalks   Question = "too_many_conversations"
	Disagreement   Question = "coder_and_reviewer_disagree"
	NothingToPlan  Question = "no_plan"
	NothingRemains Question = "nothing_remains" // every plan step was left out
)

// State is what decides the way through the graph. It is stored with each node and
// holds no text of anybody. The zero State is the start of a build.
type State struct {
	Node Node `json:"node"`
	// Steps is how many plan steps there are, Step the present one, from 0. At the
	// verifier and behind it Step equals Steps.
	Steps int `json:"steps"`
	Step  int `json:"step"`
	// Kept is how many plan steps were committed.
	Kept int `json:"kept"`
	// Of the present plan step, or of the mending after the verifier's red.
	Conversations int               `json:"conversations"`
	Rejections    int               `json:"rejections"`
	Splits        int               `json:"splits"`
	Failures      map[Signature]int `json:"failures,omitempty"`
	// Mending says that the verifier found something: what is committed goes back to it.
	Mending bool `json:"mending,omitempty"`
	// In a row, of whatever node.
	Outages    int `json:"outages,omitempty"`
	Unreadable int `json:"unreadable,omitempty"`
	// At Asking.
	Question Question  `json:"question,omitempty"`
	About    Signature `json:"about,omitempty"` // of ThreeFailures
	// Proven says that the verifier saw the present tree green.
	Proven bool `json:"proven,omitempty"`
}

// Outcome is how the present node ended.
type Outcome struct {
	Verdict Verdict   `json:"verdict"`
	Steps   int       `json:"steps,omitempty"`   // of Planned, 1 to MaxSteps
	Failure Signature `json:"failure,omitempty"` // of Red
	Choice  Choice    `json:"choice,omitempty"`  // of Answered
}

// Choices returns what the founder may answer at Asking, in the order they are shown.
// Leaving out means the criteria of the present step, or those that failed to be proved.
func (s State) Choices() []Choice {
	switch s.Question {
	case NothingToPlan:
		return []Choice{OnceMore, StopHere}
	case NothingRemains:
		return []Choice{Simpler, StopHere}
	case ThreeFailures, TooManyTalks, Disagreement:
		return []Choice{LeaveOut, OnceMore, Simpler, StopHere}
	}
	return nil
}

// Over reports whether the build is at one of its ends.
func (s State) Over() bool { return s.Node == Ready || s.Node == Failed || s.Node == Ended }

// Next returns where the build goes after the node of s ended with o. It is pure: s is
// not changed. An outcome that the node cannot have is an error, which is a mistake of
// ours and never a reason to go on.
func Next(s State, o Outcome) (State, error) {
	s = s.clone()
	if s.Node == "" {
		s.Node = Architect
	}
	rule, ok := rules()[at{s.Node, o.Verdict}]
	if !ok {
		return s, fmt.Errorf("build graph: %s cannot end %s", s.Node, o.Verdict)
	}
	if o.Verdict != Outage {
		s.Outages = 0
	}
	if o.Verdict != Unreadable {
		s.Unreadable = 0
	}
	return rule(s, o)
}

type at struct {
	node    Node
	verdict Verdict
}

type rule func(State, Outcome) (State, error)

// rules is the whole graph, one line a way.
func rules() map[at]rule {
	return map[at]rule{
		{Architect, Planned}:    planned,
		{Architect, Stuck}:      asks(NothingToPlan),
		{Architect, Unreadable}: unreadable,

		{Coder, Done}:       to(Executor),
		{Coder, Stuck}:      to(Executor), // what it left decides, not what it says
		{Coder, Split}:      split,
		{Coder, Unreadable}: unreadable,

		{Executor, Green}:  to(Reviewer),
		{Executor, Red}:    red,
		{Executor, Outage}: outage,

		{Debugger, Done}:       to(Executor),
		{Debugger, Stuck}:      to(Executor),
		{Debugger, Unreadable}: unreadable,

		{Reviewer, Approved}:   to(Commit),
		{Reviewer, Rejected}:   rejected,
		{Reviewer, Unreadable}: unreadable,

		{Commit, Done}: committed,

		{Verifier, Green}:  proven,
		{Verifier, Red}:    unproven,
		{Verifier, Outage}: outage,

		{Committer, Done}:       finished,
		{Committer, Unreadable}: unreadable,

		{Asking, Answered}: answered,
	}
}

func to(n Node) rule {
	return func(s State, _ Outcome) (State, error) { return s.at(n), nil }
}

func asks(q Question) rule {
	return func(s State, _ Outcome) (State, error) { return s.ask(q), nil }
}

// planned takes a plan from the present step on: the whole one at first, later what
// the present step became.
func planned(s State, o Outcome) (State, error) {
	steps := s.Steps
	switch {
	case s.Mending: // a simpler way to what was not proved is one step
	case s.Steps == 0:
		steps = o.Steps
	default: // the present step became one or several
		steps += o.Steps - 1
	}
	if o.Steps < 1 || steps > MaxSteps {
		return s, fmt.Errorf("build graph: a plan of %d steps at step %d of %d", o.Steps, s.Step, s.Steps)
	}
	s.Steps = steps
	return s.talk(Coder), nil
}

func split(s State, o Outcome) (State, error) {
	if s.Splits >= MaxSplits || s.Steps >= MaxSteps || s.Mending {
		return to(Executor)(s, o)
	}
	s.Splits++
	return s.talk(Architect), nil
}

// red counts the failure. The third of a kind asks the founder.
func red(s State, o Outcome) (State, error) {
	if o.Failure == "" {
		return s, fmt.Errorf("build graph: %s is red without a failure", s.Node)
	}
	if s.Failures == nil {
		s.Failures = map[Signature]int{}
	}
	s.Failures[o.Failure]++
	if s.Failures[o.Failure] >= MaxFailures {
		s.About = o.Failure
		return s.ask(ThreeFailures), nil
	}
	return s.talk(Debugger), nil
}

// unproven mends what the verifier found, as a step of its own behind the plan.
func unproven(s State, o Outcome) (State, error) {
	if !s.Mending {
		s = s.fresh()
		s.Mending = true
	}
	return red(s, o)
}

func rejected(s State, _ Outcome) (State, error) {
	s.Rejections++
	if s.Rejections > MaxRejections {
		return s.ask(Disagreement), nil
	}
	return s.talk(Coder), nil
}

func outage(s State, _ Outcome) (State, error) {
	s.Outages++
	if s.Outages >= MaxOutages {
		return s.at(Failed), nil
	}
	return s, nil
}

// unreadable tries the node again with a conversation of its own.
func unreadable(s State, _ Outcome) (State, error) {
	s.Unreadable++
	if s.Unreadable >= MaxUnreadable {
		return s.at(Failed), nil
	}
	if s.Node == Architect || s.Node == Committer {
		return s, nil
	}
	return s.talk(s.Node), nil
}

func committed(s State, _ Outcome) (State, error) {
	if s.Mending {
		return s.at(Verifier), nil
	}
	s.Kept++
	return s.next(), nil
}

func proven(s State, _ Outcome) (State, error) {
	s.Proven = true
	return s.at(Committer), nil
}

func finished(s State, _ Outcome) (State, error) {
	if !s.Proven {
		return s, errors.New("build graph: a version without evidence")
	}
	return s.at(Ready), nil
}

func answered(s State, o Outcome) (State, error) {
	if !slices.Contains(s.Choices(), o.Choice) {
		return s, fmt.Errorf("build graph: %q is no answer to %s", o.Choice, s.Question)
	}
	question, about := s.Question, s.About
	s.Question, s.About = "", ""
	switch o.Choice {
	case StopHere:
		return s.at(Ended), nil
	case LeaveOut:
		if s.Mending { // the criteria moved to later: what remains may be proved now
			return s.fresh().at(Verifier), nil
		}
		return s.next(), nil
	case Simpler:
		if question == NothingRemains {
			return State{Node: Architect}, nil
		}
		return s.fresh().at(Architect), nil
	case OnceMore:
		if question == NothingToPlan {
			return s.fresh().at(Architect), nil
		}
		again := s.fresh()
		if about != "" { // one more failure of the kind, and the founder is asked again
			again.Failures = map[Signature]int{about: MaxFailures - 1}
		}
		return again.talk(Coder), nil
	}
	return s, fmt.Errorf("build graph: unknown choice %q", o.Choice)
}

// next goes on behind the present plan step.
func (s State) next() State {
	s.Step++
	s = s.fresh()
	switch {
	case s.Step < s.Steps:
		return s.talk(Coder)
	case s.Kept == 0:
		return s.ask(NothingRemains)
	}
	return s.at(Verifier)
}

// talk begins a conversation at n, or asks the founder when there were too many.
func (s State) talk(n Node) State {
	if s.Conversations >= MaxConversations {
		return s.ask(TooManyTalks)
	}
	s.Conversations++
	return s.at(n)
}

func (s State) ask(q Question) State {
	s.Question = q
	return s.at(Asking)
}

// fresh forgets what is counted at one plan step. Mending goes on.
func (s State) fresh() State {
	s.Conversations, s.Rejections, s.Splits, s.Failures = 0, 0, 0, nil
	return s
}

func (s State) at(n Node) State {
	s.Node = n
	if n != Committer && n != Ready {
		s.Proven = false // whatever comes may change the tree
	}
	return s
}

func (s State) clone() State {
	s.Failures = maps.Clone(s.Failures)
	return s
}

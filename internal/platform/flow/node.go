package flow

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// NodeID identifies a node.
type NodeID string

// Prefix implements id.Kind.
func (NodeID) Prefix() string { return "nod" }

// Handler does one node: a sequence of steps, then an Outcome. It may be called again
// for the same node, by any process and by a newer program: everything it did that
// matters must be a step, and it must derive the same keys from the same records.
//
// ctx ends when the node must stop at once; context.Cause then says why: ErrStopped,
// ErrLost, ErrDraining, or an error of River's when somebody cancelled the delivery by
// hand. What it returns then is not looked at.
//
// An error means that the handler could not do its work (a fault of ours, a database
// away): the node is tried again later, a few times, then its run fails with reason
// internal. Expected failures are Outcomes.
type Handler func(ctx context.Context, n *Node) (Outcome, error)

// Handlers are those of the nodes of one kind, by name.
type Handlers map[string]Handler

// Next is a node to come.
type Next struct {
	Name  string
	Input any
}

// Node is a claimed node, as its handler sees it. It must not be used after the handler
// has returned, and by one goroutine at a time.
type Node struct {
	ID        NodeID
	Run       RunID
	Epoch     int64
	Kind      Kind
	Name      string
	Workspace string
	Project   string
	Starter   string
	// Branch is the place of a branch among those that began together, from 0.
	Branch int
	// Failures counts how often the handler returned an error for this node.
	Failures int

	input, runInput, answer json.RawMessage
	joins                   *NodeID
	done                    map[string]json.RawMessage
	claim                   *claim
	engine                  *Engine
}

// Input reads what the node was given, into a pointer.
func (n *Node) Input(into any) error { return read(n.input, into, "input of node") }

// RunInput reads what the run was started with, into a pointer.
func (n *Node) RunInput(into any) error { return read(n.runInput, into, "input of run") }

// Answer reads what the wait before this node was answered with, into a pointer. It is
// false when there was no wait, or its time came before an answer.
func (n *Node) Answer(into any) (bool, error) {
	if n.answer == nil {
		return false, nil
	}
	return true, read(n.answer, into, "answer")
}

func read(from json.RawMessage, into any, what string) error {
	if err := json.Unmarshal(from, into); err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	return nil
}

// WaitKind says what a run waits for.
type WaitKind string

// What can be waited for. The texts are stored.
const (
	ForDecision WaitKind = "decision" // somebody's answer
	ForTime     WaitKind = "time"     // an instant
	ForBudget   WaitKind = "budget"   // a limit that is raised, or starts anew
)

// Wait ends with the first of an answer to Key and the instant Until. At least one
// must be set.
type Wait struct {
	For   WaitKind
	Key   string    // the question, unique to it; Engine.AnswerTx names it
	Until time.Time // by the database's clock; zero: no end
}

// Reason says in one word why a run is paused, failed or ended. Products add their own.
type Reason string

// Reasons of flow's own.
const (
	ByFounder Reason = "founder"
	Internal  Reason = "internal" // a handler failed again and again
)

// Outcome is how a node ended and what follows. Make one with Done, Go, Fan, Await,
// Halt or Fail.
type Outcome struct {
	output any
	next   []Next
	join   *Next
	wait   Wait
	halt   bool // next is held until the run is resumed
	again  bool // the node itself is held, nothing follows
	fail   bool
	reason Reason
	detail string
	commit func(*Commit) error
}

// Done ends the line of work with an output. A branch is then done; without branches
// the run is.
func Done(output any) Outcome { return Outcome{output: output} }

// Go goes on with another node.
func Go(next Next) Outcome { return Outcome{next: []Next{next}} }

// Fan goes on with several branches at once. When the line of each is Done, join
// follows; it finds their outputs with Branches. Branches may fan out themselves. With no
// branches join follows at once.
func Fan(join Next, branches ...Next) Outcome { return Outcome{next: branches, join: &join} }

// Await ends the node; then follows when the wait is over. Waiting holds nothing.
func Await(w Wait, then Next) Outcome { return Outcome{next: []Next{then}, wait: w} }

// Halt pauses the run; then follows when it is resumed.
func Halt(why Reason, detail string, then Next) Outcome {
	return Outcome{next: []Next{then}, halt: true, reason: why, detail: detail}
}

// Fail ends the whole run as failed. detail is for people.
func Fail(why Reason, detail string) Outcome { return Outcome{fail: true, reason: why, detail: detail} }

// With adds what is written in the transaction that ends the node.
func (o Outcome) With(commit func(c *Commit) error) Outcome {
	o.commit = commit
	return o
}

package sample

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/event"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// Kind is the kind of sample runs.
const Kind flow.Kind = "sample"

// Nodes of the graph.
const (
	think  = "think"
	work   = "work"
	ask    = "ask"
	decide = "decide"
	finish = "finish"
)

// Extra is the key of the step that Config.Newer adds to each piece of work. Nothing
// depends on what it says.
const Extra = "turn/extra"

// Plan is what a run is to do; its input.
type Plan struct {
	Pieces int  // of work
	Turns  int  // model calls in each piece
	Serial bool // one piece after the other, not all at once
	Quiet  bool // do not ask, go straight to the end
}

// Report is what a run comes to; its output. It is the same for the same Plan and
// answer, whatever happened in between.
type Report struct {
	Thought string
	Pieces  []string // what each piece came to, in order
	Answer  string
}

// progress is handed from node to node.
type progress struct {
	Thought string
	Piece   int
	Pieces  []string
}

func (w *World) handlers() flow.Handlers {
	return flow.Handlers{think: w.think, work: w.work, ask: w.ask, decide: w.decide, finish: w.finish}
}

func (w *World) think(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
	var p Plan
	if err := n.RunInput(&p); err != nil {
		return flow.Outcome{}, err
	}
	thought, err := w.call(ctx, n, "thought", meter.Architect, fmt.Sprintf("Plan %d pieces.", p.Pieces))
	if err != nil {
		return over(err)
	}
	if p.Serial && p.Pieces > 0 {
		return flow.Go(flow.Next{Name: work, Input: progress{Thought: thought}}), nil
	}
	pieces := make([]flow.Next, p.Pieces)
	for i := range pieces {
		pieces[i] = flow.Next{Name: work, Input: progress{Thought: thought, Piece: i}}
	}
	return flow.Fan(flow.Next{Name: ask, Input: progress{Thought: thought}}, pieces...), nil
}

func (w *World) work(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
	var p Plan
	var at progress
	if err := n.RunInput(&p); err != nil {
		return flow.Outcome{}, err
	}
	if err := n.Input(&at); err != nil {
		return flow.Outcome{}, err
	}
	answers := make([]string, p.Turns)
	for i := range p.Turns {
		turn := i
		if w.newer {
			turn = p.Turns - 1 - i
		}
		if _, err := flow.TakeMessages(ctx, n, fmt.Sprintf("messages/%d", turn)); err != nil {
			return flow.Outcome{}, err
		}
		var err error
		answers[turn], err = w.call(ctx, n, fmt.Sprintf("turn/%d", turn), meter.Coder, fmt.Sprintf("Piece %d, turn %d.", at.Piece, turn))
		if err != nil {
			return over(err)
		}
	}
	if w.newer {
		if _, err := w.call(ctx, n, Extra, meter.Reviewer, fmt.Sprintf("Look at piece %d.", at.Piece)); err != nil {
			return over(err)
		}
	}
	said := strings.Join(answers, "")
	if !p.Serial {
		return flow.Done(said), nil
	}
	at.Pieces = append(at.Pieces, said)
	at.Piece++
	if at.Piece < p.Pieces {
		return flow.Go(flow.Next{Name: work, Input: at}), nil
	}
	return flow.Go(flow.Next{Name: ask, Input: at}), nil
}

// ask collects the pieces and asks what to do with them.
func (w *World) ask(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
	var p Plan
	var at progress
	if err := n.RunInput(&p); err != nil {
		return flow.Outcome{}, err
	}
	if err := n.Input(&at); err != nil {
		return flow.Outcome{}, err
	}
	outputs, err := n.Branches(ctx)
	if err != nil {
		return flow.Outcome{}, err
	}
	for _, o := range outputs {
		var said string
		if err := json.Unmarshal(o, &said); err != nil {
			return flow.Outcome{}, fmt.Errorf("read a piece: %w", err)
		}
		at.Pieces = append(at.Pieces, said)
	}
	if p.Quiet {
		return flow.Go(flow.Next{Name: finish, Input: Report{Thought: at.Thought, Pieces: at.Pieces}}), nil
	}
	return flow.Await(flow.Wait{For: flow.ForDecision, Key: question(n.Run)}, flow.Next{Name: decide, Input: at}).
		With(w.tell(n, "asked")), nil
}

// question is the key of what a run asks.
func question(run flow.RunID) string { return "sample/" + string(run) }

func (w *World) decide(_ context.Context, n *flow.Node) (flow.Outcome, error) {
	var at progress
	if err := n.Input(&at); err != nil {
		return flow.Outcome{}, err
	}
	r := Report{Thought: at.Thought, Pieces: at.Pieces}
	if _, err := n.Answer(&r.Answer); err != nil {
		return flow.Outcome{}, err
	}
	return flow.Go(flow.Next{Name: finish, Input: r}).With(w.tell(n, "decided")), nil
}

func (w *World) finish(_ context.Context, n *flow.Node) (flow.Outcome, error) {
	var r Report
	if err := n.Input(&r); err != nil {
		return flow.Outcome{}, err
	}
	return flow.Done(r).With(w.tell(n, "finished")), nil
}

// call is one paid step: the answer, its settlement and an event are one commit.
func (w *World) call(ctx context.Context, n *flow.Node, key string, role meter.Role, prompt string) (string, error) {
	var receipt meter.Receipt
	return flow.Paid(ctx, n, key, func(ctx context.Context) (string, error) {
		c := meter.Charge{
			Actor: w.Actor, Project: project.ID(n.Project), Run: string(n.Run), Node: string(n.ID), Epoch: n.Epoch, Step: key, Role: role,
		}
		result, r, err := w.Model.Call(ctx, c, llm.Request{Turns: []llm.Turn{llm.User(llm.Text(prompt))}}, nil)
		receipt = r
		return result.Text, err
	}, func(c *flow.Commit, _ string) error {
		receipt.QueueTx(ctx, &c.Batch)
		c.Otherwise(receipt.Settle)
		return w.tell(n, key)(c)
	})
}

// tell appends an event of a node to the stream of its run.
func (w *World) tell(n *flow.Node, what string) func(*flow.Commit) error {
	return func(c *flow.Commit) error {
		c.Tx(func(ctx context.Context, tx pgx.Tx) error {
			return event.AppendTx(ctx, tx, Stream(n.Run), w.clock.Now(), event.Draft{
				Kind: what, Data: map[string]any{"node": n.Name, "branch": n.Branch},
			})
		})
		return nil
	}
}

// over turns a limit that stands in the way into an end, and leaves everything else to
// be tried again.
func over(err error) (flow.Outcome, error) {
	if f := fault.Of(err); f != nil && f.Kind == fault.PaymentRequired {
		return flow.Fail("limit", f.Detail), nil
	}
	return flow.Outcome{}, err
}

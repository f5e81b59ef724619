// Package paid asks a model one question as a step of a durable run, so that the answer
// is paid for once and kept with what is made of it, and says what an error means for
// the run.
//
// Terms. A question is a task for a model with the form of its answer. A rule is what an
// answer must hold beyond its form, because of what was asked. Trouble is an error that
// passes by itself: an AI that is busy, a limit that starts anew.
//
// Invariants. Answer, settlement and what the caller keeps are one transaction. An answer
// that breaks a rule is repaired once, visibly, or is an error; nothing stands in for it.
package paid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/answer"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// Question is one question to a model.
type Question[T any] struct {
	Step   string // of the node; another one for each question
	Role   meter.Role
	Effort llm.Effort
	System string      // the stable beginning
	Blocks []llm.Block // before the prompt, such as pictures
	Prompt string
	Form   *answer.Form[T]
	Rule   func(T) error // nil: the form is all; what it says is told to the model
	// KeepTx stores the answer in the transaction that settles the call.
	KeepTx func(ctx context.Context, tx pgx.Tx, v T) error
}

// Desk is who asks for what.
type Desk struct {
	Model   *meter.Model
	Node    *flow.Node
	Actor   account.Actor
	Project project.ID
}

// Ask asks as a step. A step that is recorded is not asked again.
func Ask[T any](ctx context.Context, d Desk, q Question[T]) (T, error) {
	schema := q.Form.Schema()
	if q.Rule != nil {
		schema = held(q.Form, q.Rule)
	}
	request := llm.Request{
		Opening: llm.NewOpening(nil, llm.Text(q.System).Cached(llm.FiveMinutes)),
		Turns:   []llm.Turn{llm.User(append(slices.Clone(q.Blocks), llm.Text(q.Prompt))...)}, Schema: schema, Effort: q.Effort,
	}
	charge := meter.Charge{
		Actor: d.Actor, Project: d.Project, Run: string(d.Node.Run), Node: string(d.Node.ID), Epoch: d.Node.Epoch, Step: q.Step, Role: q.Role,
	}
	var receipt meter.Receipt
	return flow.Paid(ctx, d.Node, q.Step, func(ctx context.Context) (T, error) {
		var none T
		result, owed, err := d.Model.Call(ctx, charge, request, nil)
		if err != nil {
			return none, err
		}
		receipt = owed
		v, err := q.Form.Read(result)
		if err != nil {
			return none, errors.Join(err, receipt.Settle(ctx))
		}
		return v, nil
	}, func(c *flow.Commit, v T) error {
		c.Tx(receipt.SettleTx)
		c.Tx(func(ctx context.Context, tx pgx.Tx) error { return q.KeepTx(ctx, tx, v) })
		c.Otherwise(receipt.Settle)
		return nil
	})
}

// held is the schema of a form with a rule.
func held[T any](f *answer.Form[T], rule func(T) error) *llm.Schema {
	s := *f.Schema()
	form := s.Check
	s.Check = func(raw []byte) error {
		if err := form(raw); err != nil {
			return err
		}
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return fmt.Errorf("The answer cannot be read: %w", err) //nolint:staticcheck // a sentence, for the model
		}
		return rule(v)
	}
	return &s
}

const (
	// brokenTries is how often a fault of ours is tried again before the founder is told.
	brokenTries = 2
	// trouble at the provider that does not say how long it lasts, and the shortest rest.
	restUnknown = time.Minute
	restLeast   = 5 * time.Second
)

// Consequence is what an error means for the node at work; one of Wait, Again and Why is
// set.
type Consequence struct {
	Wait  *flow.Wait // trouble; the work goes on by itself when it is over
	Again bool       // a fault of ours that flow tries again: return the error
	Why   string     // it failed: in plain words, for the founder
	Says  string     // of Wait: what is waited for, in plain words
}

// After says what follows from an error of a node.
func After(n *flow.Node, now time.Time, err error) Consequence {
	refused, limit := fault.Of(err), (*meter.LimitError)(nil)
	if errors.As(err, &limit) && refused != nil {
		until := now.Add(restUnknown)
		if limit.ResetsAt != nil && limit.ResetsAt.After(until) {
			until = *limit.ResetsAt
		}
		return Consequence{Wait: &flow.Wait{For: flow.ForBudget, Until: until}, Says: refused.Detail}
	}
	switch kind := llm.KindOf(err); {
	case refused != nil && passes(kind):
		rest := refused.RetryAfter
		if rest <= 0 {
			rest = restUnknown
		}
		return Consequence{Wait: &flow.Wait{For: flow.ForTime, Until: now.Add(max(rest, restLeast))}, Says: refused.Detail + " I will go on by myself."}
	case kind == "" && (refused == nil || refused.Kind == fault.Internal) && n.Failures < brokenTries:
		return Consequence{Again: true}
	case refused == nil:
		return Consequence{Why: "Something broke on my side."}
	}
	return Consequence{Why: refused.Detail}
}

// passes reports whether trouble of a kind ends by itself, or when somebody sees to the
// connection.
func passes(k llm.Kind) bool {
	switch k {
	case llm.Overloaded, llm.RateLimited, llm.Unavailable, llm.SpendLimit, llm.Unauthorised:
		return true
	case llm.Refused, llm.Truncated, llm.Unreadable, llm.ContextTooLong, llm.Rejected, llm.Cancelled, llm.Budget:
	}
	return false
}

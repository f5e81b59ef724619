package meter

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/client"
	"cofounder/internal/product/account"
)

// Names of rate cards, as llm.Endpoint.RateCard has them.
const (
	AnthropicCard = "anthropic" // the built-in prices, with those of the operator's file (Card.With)
	FreeOfCharge  = "free"      // every model of the endpoint costs nothing
)

// Connection is how a team reaches models, and who pays.
type Connection struct {
	Endpoint llm.Endpoint
	Payer    Payer
	Swap     account.Swap // of the plan; only OnPlan
	// Operator and Workspace name other models for single roles. Who pays decides: with
	// a key of its own the team goes before the operator, elsewhere only the operator is
	// heard.
	Operator, Workspace map[Role]string
	// Also are budgets the payer sets beside those of the charge. With OnTrial that of
	// TrialBudget is always among them.
	Also []BudgetID
}

// ModelConfig is what a Model needs.
type ModelConfig struct {
	Meter  *Meter
	Client *client.Client
	// Connect returns how the team of a charge reaches models at this moment. A team
	// that reaches none is its error.
	Connect func(ctx context.Context, c Charge) (Connection, error)
	// Cards are the rate cards by name; FreeOfCharge needs none.
	Cards map[string]*Card
}

// Model is the only way to a language model. It is safe for concurrent use.
type Model struct {
	meter   *Meter
	client  *client.Client
	connect func(ctx context.Context, c Charge) (Connection, error)
	cards   map[string]*Card
}

// NewModel returns a Model over cfg.
func NewModel(cfg ModelConfig) *Model {
	return &Model{meter: cfg.Meter, client: cfg.Client, connect: cfg.Connect, cards: cfg.Cards}
}

// Call asks the model that plays the charge's role and returns its whole answer, with
// the receipt for it. Each attempt is reserved before it is made; those that fail are
// settled here. The receipt of the answer is the caller's to settle, in the transaction
// that keeps the answer: Receipt.SettleTx, or Receipt.Settle when that cannot be.
//
// An empty Model of the request means the role's, and MaxTokens of 0 what the role may
// answer; a conversation under way names the model that began it.
//
// The error is a fault in plain words. What is beneath tells cases apart: *LimitError
// when a limit of ours stands in the way, *llm.Error for what went wrong at the
// endpoint. With an llm.Error of kind Truncated or ContextTooLong the Result holds what
// came; its receipt is zero.
func (m *Model) Call(ctx context.Context, c Charge, r llm.Request, sink llm.Sink) (llm.Result, Receipt, error) {
	if err := c.check(); err != nil {
		return llm.Result{}, Receipt{}, err
	}
	conn, err := m.connect(ctx, c)
	if err != nil {
		return llm.Result{}, Receipt{}, err
	}
	if err := conn.complete(c.Role, &r); err != nil {
		return llm.Result{}, Receipt{}, err
	}
	admit, err := m.admit(c, conn)
	if err != nil {
		return llm.Result{}, Receipt{}, err
	}
	result, bill, err := m.client.Call(ctx, conn.Endpoint, r, admit, sink)
	if err != nil {
		return result, Receipt{}, inWords(err)
	}
	receipt, err := m.receipt(bill)
	return result, receipt, err
}

// complete fills in what the role decides.
func (c Connection) complete(role Role, r *llm.Request) error {
	_, output, ok := role.lookUp()
	if !ok {
		return fault.Newf(fault.Internal, "unknown_role", "There is no role %q.", role)
	}
	if r.MaxTokens == 0 {
		r.MaxTokens, r.Larger = output.MaxTokens, output.Larger
	}
	if r.Model != "" {
		return nil
	}
	model, err := c.Model(role)
	r.Model = model
	return err
}

// receipt makes the receipt of an answer.
func (m *Model) receipt(b llm.Bill) (Receipt, error) {
	r, ok := b.Ticket.(Reservation)
	if !ok {
		return Receipt{}, fmt.Errorf("model call: an answer came with a ticket of type %T", b.Ticket)
	}
	m.meter.done(r.ID)
	return r.Answered(b.Outcome), nil
}

// admit reserves attempts for one call.
func (m *Model) admit(c Charge, conn Connection) (llm.Admit, error) {
	card, err := m.card(conn.Endpoint.RateCard)
	if err != nil {
		return nil, err
	}
	also := conn.Also
	if conn.Payer == OnTrial {
		also = append(slices.Clone(also), TrialBudget(c.Actor.User))
	}
	return func(ctx context.Context, a llm.Attempt) (llm.Ticket, error) {
		price, err := card.Price(a.Model, m.meter.clock.Now())
		if err != nil {
			return nil, err
		}
		call := Call{
			Payer: conn.Payer, Endpoint: a.Endpoint, Price: price, Also: also,
			InputUpper: a.InputUpper, MaxTokens: a.MaxTokens,
		}
		r, err := m.reserve(ctx, c, call, a)
		if over := (*LimitError)(nil); errors.As(err, &over) {
			return nil, (&llm.Error{Kind: llm.Budget, Endpoint: a.Endpoint, Model: a.Model, RetryAfter: fault.Of(err).RetryAfter}).Because(err)
		}
		if err != nil {
			return nil, err
		}
		m.meter.begun(r.ID)
		return r, nil
	}, nil
}

// reserve asks for the whole answer first. Only when that does not fit is the prompt
// counted, which bounds it closer than its bytes, and the answer shortened.
func (m *Model) reserve(ctx context.Context, c Charge, call Call, a llm.Attempt) (Reservation, error) {
	r, err := m.meter.reserve(ctx, c, call, call.MaxTokens)
	over := (*LimitError)(nil)
	if !errors.As(err, &over) || fault.Of(err).Code == noLimits {
		return r, err
	}
	upper, err := a.Count(ctx)
	if err != nil {
		return Reservation{}, err
	}
	call.InputUpper = max(1, min(upper, call.InputUpper))
	return m.meter.reserve(ctx, c, call, leastOutput)
}

// card returns the rate card with a name.
func (m *Model) card(name string) (*Card, error) {
	if name == FreeOfCharge {
		return FreeCard(), nil
	}
	if card, ok := m.cards[name]; ok {
		return card, nil
	}
	return nil, fault.Newf(fault.Conflict, "no_rate_card", "There is no price list %q here any more, so nothing is asked. Choose another where the AI is connected.", name)
}

// Probe tries out a connection with one call like any other: limits must have been
// set, and it counts. It belongs to the run "probe" and to no project. The receipt is
// settled here.
func (m *Model) Probe(ctx context.Context, actor account.Actor, conn Connection, model string) (client.Findings, error) {
	c := Charge{Actor: actor, Run: probeRun, Step: string(id.Mint[EntryID](m.meter.ids)), Role: Prober}
	if err := c.check(); err != nil {
		return client.Findings{}, err
	}
	admit, err := m.admit(c, conn)
	if err != nil {
		return client.Findings{}, err
	}
	found, bill, err := m.client.Probe(ctx, conn.Endpoint, model, admit)
	if err != nil {
		return found, inWords(err)
	}
	if bill.Ticket == nil { // it answered in prose, which is settled as failed
		return found, nil
	}
	receipt, err := m.receipt(bill)
	if err != nil {
		return found, err
	}
	return found, receipt.settleAlone(ctx)
}

package meter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/client"
	"cofounder/internal/product/account"
)

// patience is how long a test waits altogether: below the time a page may take.
const patience = 25 * time.Second

// Test is how trying a connection went. It is stored as JSON.
type Test struct {
	At time.Time `json:"at"`
	// Trouble says in plain words what did not work, and Code names it; empty when all
	// did.
	Trouble string `json:"trouble,omitempty"`
	Code    string `json:"code,omitempty"`
	Asked   string `json:"asked"`              // the model
	Model   string `json:"model,omitempty"`    // the one that answered
	TookMS  int64  `json:"took_ms,omitempty"`  // the whole answer
	FirstMS int64  `json:"first_ms,omitempty"` // until its first piece
	// Missing are models that a role would ask and the server does not list.
	Missing []string `json:"missing,omitempty"`
	// Ending are those that it lists as deprecated or retired.
	Ending []string `json:"ending,omitempty"`
	// Structured and Counts tell whether it answers in a form and counts prompts.
	Structured bool     `json:"structured"`
	Counts     bool     `json:"counts"`
	Images     bool     `json:"images"`
	Estimate   Estimate `json:"estimate"`
}

// Worked reports whether the server answered.
func (t Test) Worked() bool { return t.Code == "" }

// Estimate is what a first version may cost. Zero with Known false: nobody can say.
type Estimate struct {
	Known bool    `json:"known"`
	Low   NanoUSD `json:"low"`
	High  NanoUSD `json:"high"`
}

// A first version by measured conversations of other products, until there are builds
// of our own to learn from: between five and ten steps of twenty turns with the standard
// class, which mostly read what is cached, and between six and eleven plans and reviews
// with the best.
const (
	fewSteps, manySteps       = 5, 10
	fewReviews, manyReviews   = 6, 11
	stepFresh, stepWritten    = 10_000, 70_000
	stepRead, stepOutput      = 640_000, 24_000
	reviewFresh, reviewOutput = 30_000, 6_000
)

// estimate prices a first version by a card and the models that would make it.
func (c Connection) estimate(card *Card, now time.Time) Estimate {
	price := func(r Role) (Price, error) {
		model, err := c.Model(r)
		if err != nil {
			return Price{}, err
		}
		return card.Price(model, now)
	}
	coder, err1 := price(Coder)
	reviewer, err2 := price(Reviewer)
	if err1 != nil || err2 != nil {
		return Estimate{} // a model without a price: not known
	}
	step := coder.Cost(llm.Usage{Input: stepFresh, CacheWrite5m: stepWritten, Output: stepOutput}).Nano + // each turn's prompt is small:
		20*coder.Cost(llm.Usage{CacheRead: stepRead / 20}).Nano // tiers go by the size of one
	review := reviewer.Cost(llm.Usage{Input: reviewFresh, Output: reviewOutput}).Nano
	return Estimate{Known: true, Low: fewSteps*step + fewReviews*review, High: manySteps*step + manyReviews*review}
}

// asked are the models that the roles would ask, each once, in the order of Roles.
func (c Connection) asked() ([]string, error) {
	roles, err := c.played()
	if err != nil {
		return nil, err
	}
	var models []string
	for _, r := range roles {
		if r.Model != "" && !slices.Contains(models, r.Model) {
			models = append(models, r.Model)
		}
	}
	return models, nil
}

const saveTest = `UPDATE ai_connection SET test = $3, known = known || $4 WHERE workspace_id = $1 AND saved_at = $2`

// Try finds out what the actor's connection can do with one paid call, which counts
// like any other and needs limits to have been set; owners only. That the server does
// not do what it should is the Test, not an error; fault.PaymentRequired with code
// no_limits, or another limit that stands in the way, is one.
func (c *Connections) Try(ctx context.Context, m *Model, actor account.Actor) (Test, error) {
	if err := actor.Need(account.MayOwn); err != nil {
		return Test{}, err
	}
	row, err := c.read(ctx, actor.Workspace)
	if err != nil {
		return Test{}, err
	}
	conn, err := c.open(ctx, actor.Workspace, row)
	if err != nil {
		return Test{}, err
	}
	team, err := m.meter.Standing(ctx, actor)
	if err != nil {
		return Test{}, err
	}
	if !team.Set { // before even the free addresses see the key
		return Test{}, fault.New(fault.PaymentRequired, noLimits, "Nothing is sent before you have set a limit. Set one first.")
	}
	conn.Endpoint.Known = nil // find out anew
	card, err := m.card(conn.Endpoint.RateCard)
	if err != nil {
		return Test{}, err
	}
	asked := conn.Endpoint.Models[llm.Standard]
	if _, err := card.Price(asked, c.clock.Now()); err != nil {
		return Test{}, err
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	t, known, err := m.try(limited, actor, conn, asked)
	if err != nil {
		if t, err = c.trouble(limited, ctx, conn.Endpoint, asked, err); err != nil {
			return Test{}, err
		}
	}
	t.At, t.Estimate = c.clock.Now(), conn.estimate(card, c.clock.Now())
	if _, err := c.db.Exec(ctx, saveTest, actor.Workspace, row.SavedAt, t, known); err != nil {
		return Test{}, fmt.Errorf("save test: %w", err)
	}
	return t, nil
}

// try makes the call and looks for the other models. The map is what was found out, by
// model; never nil.
func (m *Model) try(ctx context.Context, actor account.Actor, conn Connection, asked string) (Test, map[string]llm.Capabilities, error) {
	found, err := m.Probe(ctx, actor, conn, asked)
	if err != nil {
		return Test{}, map[string]llm.Capabilities{}, err
	}
	t := Test{
		Asked: asked, Model: found.Model, TookMS: found.Took.Milliseconds(), FirstMS: found.FirstByte.Milliseconds(),
		Structured: found.Capabilities.StructuredOutput, Counts: found.Capabilities.CountTokens, Images: found.Capabilities.Images,
	}
	listed, err := m.client.Models(ctx, conn.Endpoint)
	if err == nil && len(listed) > 0 { // some servers have no list, which is no trouble
		models, err := conn.asked()
		if err != nil {
			return Test{}, nil, err
		}
		for _, model := range models {
			switch i := slices.IndexFunc(listed, func(l client.ModelCard) bool { return l.ID == model }); {
			case i < 0:
				t.Missing = append(t.Missing, model)
			case listed[i].Ending:
				t.Ending = append(t.Ending, model)
			}
		}
	}
	return t, map[string]llm.Capabilities{asked: found.Capabilities}, nil
}

// trouble makes a Test of what went wrong at the server; limits and mistakes of ours
// stay errors.
func (c *Connections) trouble(limited, ctx context.Context, ep llm.Endpoint, asked string, err error) (Test, error) {
	e, ok := errors.AsType[*llm.Error](err)
	if !ok || e.Kind == llm.Budget || ctx.Err() != nil {
		return Test{}, err
	}
	t := Test{Asked: asked}
	if e.Kind == llm.Cancelled && errors.Is(limited.Err(), context.DeadlineExceeded) {
		t.Code, t.Trouble = "timeout", fmt.Sprintf("%s took the question and gave no answer within %d seconds. A model on your own computer may still be loading: try again in a minute.", ep.BaseURL, int(patience.Seconds()))
		return t, nil
	}
	t.Code, t.Trouble = string(e.Kind), explain(ep, asked, e)
	if e.Reason != "" {
		t.Code = string(e.Reason)
	}
	return t, nil
}

// explain says what is wrong with a connection, and what to do about it.
func explain(ep llm.Endpoint, model string, e *llm.Error) string {
	if s := explainReason(ep, model, e); s != "" {
		return s
	}
	switch e.Kind {
	case llm.Unauthorised:
		if ep.Auth == llm.NoAuth {
			return "The server wants a key. Choose how it is shown, and enter it."
		}
		return "The server does not accept this key. Check that all of it was copied, that it has not been revoked, and that it may use " + model + "."
	case llm.SpendLimit:
		return "The key works, but its account is out of money or at a limit of its own. Look at your provider's billing page."
	case llm.RateLimited:
		return "The key works, but the server takes no more questions from it for the moment. Try again in a few minutes."
	case llm.Overloaded:
		return "The server is overloaded at the moment. Your settings may be right; try again in a few minutes."
	case llm.Refused, llm.Truncated, llm.Unreadable, llm.ContextTooLong:
		return "The model " + model + " answered, but not with anything I can use, though the question was very simple. Choose another model."
	case llm.Unavailable:
		return "The server at " + ep.BaseURL + " cannot be reached or does not answer. Try again in a few minutes."
	case llm.Cancelled, llm.Budget, llm.Rejected:
	}
	return "The server did not accept the question. Check the address and the models."
}

func explainReason(ep llm.Endpoint, model string, e *llm.Error) string {
	switch e.Reason {
	case llm.NoAddress:
		return "There is no server named as in " + ep.BaseURL + ". Check the address for a slip of the pen, and your connection to the internet."
	case llm.NotListening:
		return "Nothing answers at " + ep.BaseURL + ". Is the server running, and is the number after the colon right?"
	case llm.BadTLS:
		return "The connection to " + ep.BaseURL + " cannot be trusted: its certificate does not fit. A server on your own computer may need http instead of https."
	case llm.NotMessages:
		return "Something answers at " + ep.BaseURL + ", but it is not an AI that speaks the Messages API: a web page came back, or nothing I know. Check the address; it goes without /v1."
	case llm.Redirected:
		return "The server sends me on to another address, and the key must not go there. Enter the address it leads to."
	case llm.UnknownModel:
		return "There is no model named " + model + " there, or the key may not use it. Check its name."
	case llm.NoFirstByte, llm.NoBytes, llm.NoProgress:
		return ep.BaseURL + " took the question and then fell silent. A model on your own computer may still be loading: try again in a minute."
	case llm.Lost, llm.Incomplete, llm.Garbled:
		return "The connection to " + ep.BaseURL + " broke off in the middle. Try again."
	case llm.ServerError:
		return "The server at " + ep.BaseURL + " says that it has a problem of its own. Try again in a few minutes."
	case llm.BreakerOpen:
		return "The server failed several times in a row just now, so I have not asked again. Try again in a minute."
	case llm.BadRequest, llm.SchemaTooLarge, llm.HistoryChanged, llm.TooLarge, llm.UnexpectedStop, llm.Paused, llm.NoAnswer, llm.NotJSON, llm.WrongForm, llm.CutCall, llm.StoppedBySink:
	}
	return ""
}

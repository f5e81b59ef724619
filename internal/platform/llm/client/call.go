package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"cofounder/internal/platform/llm"

	"github.com/sony/gobreaker/v2"
)

// call is one question, asked until it is answered or patience ends.
type call struct {
	client *Client
	ep     llm.Endpoint
	req    llm.Request
	caps   llm.Capabilities
	admit  llm.Admit
	sink   llm.Sink
	prompt prompt
	kept   llm.CacheTTL // the longest that anything in the request asks to be cached for

	maxTokens llm.Tokens
	number    int           // of attempts made
	retries   int           // of those, because another failed in passing
	lost      time.Duration // without an answer flowing
	added     []llm.Turn    // by a repair or a pause
	before    string        // text of the answer before the model paused
	pauses    int
	widened   bool
	repaired  bool
	stripped  bool
}

func newCall(c *Client, ep llm.Endpoint, req llm.Request, caps llm.Capabilities) *call {
	k := &call{client: c, ep: ep, req: req, caps: caps, maxTokens: req.MaxTokens}
	if caps.MaxOutput > 0 {
		k.maxTokens = min(k.maxTokens, caps.MaxOutput)
		k.req.Larger = min(k.req.Larger, caps.MaxOutput)
	}
	k.prompt = newPrompt(k.req, caps)
	k.kept = llm.FiveMinutes
	if strings.Contains(string(k.prompt.counting()), `"ttl":"1h"`) {
		k.kept = llm.Hour
	}
	return k
}

func (k *call) run(ctx context.Context) (llm.Result, llm.Bill, error) {
	for {
		a, bill, err := k.try(ctx)
		if err != nil {
			return llm.Result{}, llm.Bill{}, err
		}
		if a.failed == nil {
			k.client.note(ctx, k, a)
			return k.result(a), bill, nil
		}
		if k.next(ctx, a) {
			continue
		}
		return k.partial(a), llm.Bill{}, k.fail(a)
	}
}

// try makes one attempt. A failed one is accounted for when it returns. The error is
// one that ends the call whatever the attempt was: it was not admitted, or could not
// be accounted for.
func (k *call) try(ctx context.Context) (*attempt, llm.Bill, error) {
	b := k.client.breakers.at(place{k.ep.BaseURL, k.req.Model})
	done, err := b.Allow()
	if err != nil {
		return &attempt{watch: &watch{}, failed: &failure{kind: llm.Unavailable, reason: llm.BreakerOpen}}, llm.Bill{}, nil
	}
	ticket, err := k.admit(ctx, llm.Attempt{
		Number: k.number + 1, Endpoint: k.ep.Name, Model: k.req.Model,
		InputUpper: k.prompt.upper(), MaxTokens: k.maxTokens, Count: k.count,
	})
	if err != nil {
		done(errNeither)
		return nil, llm.Bill{}, fmt.Errorf("admit attempt %d: %w", k.number+1, err)
	}
	k.number++
	maxTokens := min(ticket.MaxTokens(), k.maxTokens)
	// Whoever is let through to see whether a server is well again says so when its answer
	// begins, not when it is over: all others wait for that word.
	trial := b.State() == gobreaker.StateHalfOpen
	a := k.send(ctx, k.number, maxTokens, func() {
		if trial {
			done(nil)
		}
	})
	if !trial || a.firstByte == 0 {
		tell(done, a.failed)
	}
	o := k.outcome(a, maxTokens)
	k.client.counters.attempted(ctx, o)
	if a.failed == nil {
		return a, llm.Bill{Ticket: ticket, Outcome: o}, nil
	}
	k.lost += a.took - a.flowed
	if !a.got.begun {
		k.lost += a.flowed
	}
	// The caller may be gone; what was spent is spent.
	settle, cancel := context.WithTimeout(context.WithoutCancel(ctx), accounting)
	defer cancel()
	if err := ticket.Failed(settle, o); err != nil {
		return nil, llm.Bill{}, fmt.Errorf("account for attempt %d: %w", k.number, err)
	}
	return a, llm.Bill{}, nil
}

// accounting is how long settling a failed attempt may take.
const accounting = 5 * time.Second

// next prepares another attempt after a failed one and reports whether to make it.
func (k *call) next(ctx context.Context, a *attempt) bool {
	f := a.failed
	switch {
	case f.reason == llm.Paused:
		return k.goOn(a)
	case f.kind == llm.Truncated && !k.widened && k.req.Larger > k.maxTokens:
		k.widened, k.maxTokens = true, k.req.Larger
		return true
	case f.flaws != "" && k.req.Schema != nil && !k.repaired:
		k.repaired = true
		k.repair(a)
		return true
	case f.reason == llm.HistoryChanged && !k.stripped:
		k.stripped = true
		return k.strip(ctx)
	case !f.passing(a.got.begun) || k.retries+1 >= k.client.policy.Attempts:
		return false
	}
	pause, within := k.client.pause(f, k.retries, k.lost)
	if !within {
		return false
	}
	k.retries++
	k.lost += pause
	if wait(ctx, pause) {
		return true
	}
	a.failed = cancelled(ctx)
	return false
}

// goOn lets a model that paused go on, within the attempts of a call. What it said is
// kept; tool calls that came before a pause never run. The conversation ends with the
// user, since only servers that paused for tools of their own would take another.
func (k *call) goOn(a *attempt) bool {
	if k.pauses++; k.pauses >= k.client.policy.Attempts {
		return false
	}
	if t, ok := a.got.turn(nil); ok {
		k.before = a.text
		k.extend([]llm.Turn{t, llm.User(llm.Text(llm.GoOnText))})
	}
	return true
}

// repair appends the answer as it came and what is wrong with it. An answer that
// cannot be sent back is left out.
func (k *call) repair(a *attempt) {
	var turns []llm.Turn
	k.before = "" // the whole answer is asked for
	if a.text != "" {
		if t, ok := a.got.turn(nil); ok {
			turns = append(turns, t)
		}
	}
	turns = append(turns, llm.User(llm.Text(
		"That answer cannot be used. What is wrong with it:\n"+a.failed.flaws+
			"\nGive the whole answer again as one JSON value of the form asked for, with nothing around it.")))
	k.extend(turns)
}

// extend appends turns to the conversation of this call.
func (k *call) extend(turns []llm.Turn) {
	k.added = append(k.added, turns...)
	k.req.Turns = append(slices.Clip(k.req.Turns), turns...)
	k.prompt.turns = k.req.Turns
}

// strip removes signed thinking that the server says belongs elsewhere. That is our
// mistake, and worth an alarm, but no reason to lose the conversation.
func (k *call) strip(ctx context.Context) bool {
	k.client.log.ErrorContext(ctx, "a conversation was changed behind its thinking", "endpoint", k.ep.Name, "model", k.req.Model)
	turns := make([]llm.Turn, 0, len(k.req.Turns))
	for _, t := range k.req.Turns {
		if t, ok := t.WithoutThinking(); ok {
			turns = append(turns, t)
		}
	}
	k.req.Turns, k.prompt.turns = turns, turns
	return true
}

// result is the answer for the caller.
func (k *call) result(a *attempt) llm.Result {
	r := llm.Result{
		Turns: k.added, Text: a.text, Calls: a.calls, Answer: a.answer, Label: a.label, Stop: a.got.stop,
		Usage: k.usage(a), Model: a.got.model, RequestID: a.watch.requestID, Attempts: k.number,
	}
	if t, ok := a.got.turn(a.calls); ok {
		r.Turns = append(r.Turns, t)
	}
	return r
}

// partial is what came of an answer that was cut, for a caller who can go on from
// there. Tool calls are left out: none of them may run.
func (k *call) partial(a *attempt) llm.Result {
	if a.failed.kind != llm.Truncated && a.failed.kind != llm.ContextTooLong {
		return llm.Result{}
	}
	return k.result(a)
}

// fail is the error for the caller.
func (k *call) fail(a *attempt) error {
	f := a.failed
	e := &llm.Error{
		Kind: f.kind, Reason: f.reason, Endpoint: k.ep.Name, Model: k.req.Model, RequestID: a.watch.requestID,
		Status: a.watch.status, Stop: a.got.stop, Attempts: k.number, RetryAfter: f.comeBack(k.client.policy),
	}
	if f.kind == llm.Unreadable && a.text != "" {
		e.PayloadSHA256, e.PayloadLen = fingerprint(a.text), len(a.text)
	}
	if f.cause != nil {
		e = e.Because(f.cause)
	}
	return e
}

// note counts how an answer of a form was found, and warns when a server that claims
// to hold to forms did not.
func (c *Client) note(ctx context.Context, k *call, a *attempt) {
	if a.label == "" {
		return
	}
	c.counters.answered(ctx, a.label)
	if a.label != llm.Strict && k.caps.StructuredOutput {
		c.log.WarnContext(ctx, "an endpoint that claims structured output did not hold to the form",
			"endpoint", k.ep.Name, "model", k.req.Model, "label", a.label, "request", a.watch.requestID)
	}
}

// mostBytes is how many bytes of prompt a token can stand for: runs of the same character
// are the longest there are. A server that counts less miscounts.
const mostBytes = 64

// count implements llm.Attempt.Count.
func (k *call) count(ctx context.Context) (llm.Tokens, error) {
	upper := k.prompt.upper()
	if !k.caps.CountTokens {
		return upper, nil
	}
	n, err := k.client.countTokens(ctx, k.ep, k.prompt)
	if errors.Is(err, errNoCount) {
		return upper, nil
	}
	if err != nil {
		if e, ok := errors.AsType[*llm.Error](err); ok && e.Status == http.StatusNotFound {
			return upper, nil // it cannot count after all
		}
		return 0, err
	}
	n = max(n, upper/mostBytes)
	return min(n+n/50+1, upper), nil // two per cent on top
}

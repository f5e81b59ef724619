package client

import (
	"net/http"

	"cofounder/internal/platform/llm"
)

// What of a broken answer was generated is not told: its stream says the input and
// "one token" of output, however much text came. The estimate is on the high side.
const (
	bytesPerToken = 3
	margin        = 1.25
	// unseen is added when the model was thinking, of which little may be shown.
	unseen = 2000
)

// outcome is what became of an attempt, by the rules of the API: nothing is billed
// for what it refuses, an answer that broke was billed for an amount it did not
// tell, and when it said nothing at all nobody knows.
func (k *call) outcome(a *attempt, maxTokens llm.Tokens) llm.Outcome {
	o := llm.Outcome{
		Usage: a.got.usage.tokens(k.kept), Status: a.watch.status, Model: a.got.model, RequestID: a.watch.requestID,
		Stop: a.got.stop, Label: a.label, FirstByte: a.firstByte, Took: a.took,
	}
	if a.failed != nil {
		o.Err, o.Reason = a.failed.kind, a.failed.reason
	}
	o.State = a.state()
	switch {
	case o.State == llm.Settled && !o.Usage.Known: // complete, but without a figure
		o.State = llm.Estimated
		o.Usage = k.estimate(a, o.Usage, maxTokens)
	case o.State == llm.Estimated:
		o.Usage = k.estimate(a, o.Usage, maxTokens)
	case o.State == llm.Void || o.State == llm.Unknown:
		o.Usage = llm.Usage{}
	}
	return o
}

// state says how much is known about what an attempt cost.
func (a *attempt) state() llm.State {
	switch {
	case a.complete:
		return llm.Settled
	case a.got.started:
		return llm.Estimated
	case a.failed.envelope:
		return llm.Void // said by the API itself, before anything was generated
	case a.failed.reason == llm.NotMessages || a.failed.reason == llm.Redirected:
		return llm.Void
	case a.watch.status >= http.StatusInternalServerError:
		return llm.Unknown // said by something in between: the model may be at work behind it
	case a.watch.status >= http.StatusBadRequest:
		return llm.Void
	case a.watch.sent.Load() || a.watch.status != 0:
		return llm.Unknown
	}
	return llm.Void
}

// estimate fills in what the server did not tell.
func (k *call) estimate(a *attempt, u llm.Usage, maxTokens llm.Tokens) llm.Usage {
	if a.got.usage.Input == nil {
		u.Input = k.prompt.upper()
	}
	seen := llm.Tokens(float64(a.got.visible+a.got.thought)/bytesPerToken*margin) + 1
	if a.got.thinks {
		seen += unseen
	}
	u.Output = min(max(u.Output, seen), maxTokens)
	u.Known = false
	return u
}

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
// tell, and when it said nothing at all, or that it made a mistake, nobody knows.
func (k *call) outcome(a *attempt, maxTokens llm.Tokens) llm.Outcome {
	o := llm.Outcome{
		Usage: k.usage(a), Status: a.watch.status, Model: a.got.model, RequestID: a.watch.requestID,
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

// usage is what the server told, and whether it told all.
func (k *call) usage(a *attempt) llm.Usage {
	u := a.got.usage.tokens(k.kept)
	u.Known = a.got.usage.promptKnown() && a.got.usage.outputKnown(a.got.visible+a.got.thought > 0)
	return u
}

// state says how much is known about what an attempt cost.
func (a *attempt) state() llm.State {
	switch {
	case a.complete:
		return llm.Settled
	case a.got.started:
		return llm.Estimated
	case a.turnedAway():
		return llm.Void
	case a.watch.sent.Load() || a.watch.status != 0:
		return llm.Unknown
	}
	return llm.Void
}

// turnedAway reports whether the request was refused before any model saw it. A mistake
// of the server's own (500, 502, 503, 504) is no refusal, in whose words it may come:
// gateways use the API's, and a model may have been at work behind them.
func (a *attempt) turnedAway() bool {
	f, status := a.failed, a.watch.status
	switch {
	case f.reason == llm.Redirected, f.reason == llm.NotMessages && !a.watch.json:
		return true
	case f.envelope && f.kind != llm.Unavailable:
		return true
	}
	return status >= http.StatusBadRequest && status < http.StatusInternalServerError || status == statusOverloaded
}

// estimate fills in what the server did not tell.
func (k *call) estimate(a *attempt, u llm.Usage, maxTokens llm.Tokens) llm.Usage {
	if !a.got.usage.promptKnown() {
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

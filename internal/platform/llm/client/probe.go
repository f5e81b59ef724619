package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/platform/llm"
)

// Findings are what a probe found out.
type Findings struct {
	// Capabilities are to be kept with the endpoint, as Endpoint.Known.
	Capabilities llm.Capabilities
	// Model is the one that answered. A server may have put another in the place of
	// the one asked for.
	Model     string
	FirstByte time.Duration
	Took      time.Duration
	Usage     llm.Usage
}

// probeSchema has a name nobody would choose, so that prose asked for in the same
// breath shows whether the server holds the model to a form.
const probeSchema = `{"title":"probe","type":"object","additionalProperties":false,"required":["zq_colour","zq_count"],` +
	`"properties":{"zq_colour":{"type":"string"},"zq_count":{"type":"integer"}}}`

// probeTokens leaves room for thinking.
const probeTokens = 4096

// Probe finds out what a model at an endpoint does with requests, by free addresses
// and one paid attempt, which is admitted like any other. The Bill is empty when the
// attempt gave no answer of a form; that is a finding, not an error.
func (c *Client) Probe(ctx context.Context, ep llm.Endpoint, model string, admit llm.Admit) (Findings, llm.Bill, error) {
	sight, err := c.Look(ctx, ep, model)
	if err != nil {
		return Findings{}, llm.Bill{}, fmt.Errorf("probe: %w", err)
	}
	caps := llm.Capabilities{Tools: true}
	for _, m := range sight.Models {
		if m.ID == model && m.Capabilities.Source == llm.FromEndpoint {
			caps = m.Capabilities
		}
	}
	caps.Source, caps.CountTokens = llm.FromProbe, sight.CountTokens
	asked := caps
	asked.StructuredOutput = true
	k := newCall(c, ep, llm.Request{
		Model: model, MaxTokens: probeTokens, Effort: llm.LowEffort,
		Schema: &llm.Schema{Title: "probe", JSON: []byte(probeSchema), Check: hasProbe},
		Turns:  []llm.Turn{llm.User(llm.Text("In one short sentence of plain prose: what colour is the sky on a clear day?"))},
	}, asked)
	k.admit = admit
	a, bill, err := k.try(ctx)
	if err != nil {
		return Findings{}, llm.Bill{}, fmt.Errorf("probe: %w", err)
	}
	if a.failed != nil && a.failed.kind != llm.Unreadable || a.text == "" {
		return Findings{}, llm.Bill{}, fmt.Errorf("probe: %w", k.fail(a))
	}
	caps.StructuredOutput = a.failed == nil && a.label == llm.Strict
	return Findings{
		Capabilities: caps, Model: a.got.model, FirstByte: a.firstByte, Took: a.took, Usage: k.usage(a),
	}, bill, nil
}

// hasProbe accepts an answer of the probe's form.
func hasProbe(answer []byte) error {
	var v struct {
		Colour *string `json:"zq_colour"`
		Count  *int    `json:"zq_count"`
	}
	if err := json.Unmarshal(answer, &v); err != nil || v.Colour == nil || v.Count == nil {
		return errors.New("not of the form")
	}
	return nil
}

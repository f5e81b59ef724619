package demo

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"cofounder/internal/platform/llm/demo/writing"
	"cofounder/internal/platform/llm/wire"
)

// proposal is a way to build as package option wants it.
type proposal struct {
	Name             string   `json:"name"`
	WhatYouGet       []string `json:"what_you_get"`
	WhatIsLeftOut    []string `json:"what_is_left_out"`
	WhatCouldGoWrong []string `json:"what_could_go_wrong"`
	Approach         string   `json:"approach"`
	Stack            string   `json:"stack"`
	TradeOffs        []string `json:"trade_offs"`
	RiskLevel        string   `json:"risk_level"`
	Covers           []string `json:"covers"`
	Recommended      bool     `json:"recommended"`
	Because          string   `json:"because"`
}

type proposals struct {
	Options []proposal `json:"options"`
	OnlyOne string     `json:"only_one"`
}

// plannedScope is what the rules read of the scope of a request.
type plannedScope struct {
	Features []struct {
		Name     string `json:"name"`
		Priority string `json:"priority"`
		Criteria []struct {
			ID   string `json:"id"`
			Text string `json:"text"`
			Must bool   `json:"must"`
		} `json:"criteria"`
	} `json:"features"`
	OutOfScope []string `json:"out_of_scope"`
}

// options proposes to build all of the scope; to compare with, only what must work, or
// the same with other tools. It weighs nothing: whole before part, and the tools in the
// order in which they are named. What the founder says about a proposal changes nothing,
// which is said where it was said.
func (m *Model) options(q *wire.Request) (any, *wire.Error) {
	parts, refused := m.given(q, "scope", "stacks", "count", "founder")
	if refused != nil {
		return nil, refused
	}
	var plan plannedScope
	var stacks []string
	several, heard := false, false
	for _, p := range parts {
		switch {
		case p.Name == "scope":
			if err := json.Unmarshal([]byte(p.Text), &plan); err != nil {
				return nil, wire.Invalid("messages: the part <scope-…> is not a scope: " + err.Error())
			}
		case p.Name == "stacks":
			stacks = strings.Fields(p.Text)
		case p.Name == "count":
			several = len(strings.Fields(p.Text)) > 1
		case p.Source == "feedback":
			heard = true
		}
	}
	if len(stacks) == 0 {
		return nil, wire.Invalid("messages: there is no part <stacks-…> that names one")
	}
	whole := plan.proposal("Everything on the page", stacks[0], func(bool) bool { return true })
	whole.Recommended, whole.Because = true, "It does all that the page says. By fixed rules: no AI has weighed it against others."
	if heard {
		whole.Because += " I kept what you said about the proposals; with an AI connected I will work it in."
	}
	out := proposals{Options: []proposal{whole}}
	if !several {
		return out, nil
	}
	least := plan.proposal("Only what must work", stacks[0], func(must bool) bool { return must })
	least.Because = "It is the smaller one, and the rest can be added later. By fixed rules: no AI has weighed it against others."
	switch {
	case len(least.Covers) < len(whole.Covers):
		out.Options = append(out.Options, least)
	case len(stacks) > 1:
		other := plan.proposal("The same, made with "+toolNames()[stacks[1]], stacks[1], func(bool) bool { return true })
		other.Because = "It does the same, for developers who know these tools better. By fixed rules: no AI has weighed it against others."
		out.Options = append(out.Options, other)
	default:
		out.OnlyOne = "All that the page says must work, and there is one kind of tools here, so fixed rules know one way only."
	}
	return out, nil
}

// toolNames are what the stacks are called.
func toolNames() map[string]string {
	return map[string]string{"go": "Go", "node": "Node.js", "python": "Python", "static": "pages alone"}
}

// proposal is a way to build the criteria of this version that are taken.
func (p plannedScope) proposal(name, stack string, takes func(must bool) bool) proposal {
	out := proposal{
		Name: name, WhatYouGet: []string{}, WhatIsLeftOut: slices.Clone(p.OutOfScope), TradeOffs: []string{}, Covers: []string{},
		WhatCouldGoWrong: []string{"Not examined: no AI is connected."}, RiskLevel: "not_examined", Stack: stack,
		Approach: fmt.Sprintf("Standard wording: a starting point for %s that runs, keeps its records and has tests, filled with the things of the scope.", toolNames()[stack]),
	}
	if out.WhatIsLeftOut == nil {
		out.WhatIsLeftOut = []string{}
	}
	for _, f := range p.Features {
		for _, c := range f.Criteria {
			switch {
			case f.Priority == string(writing.Later):
			case takes(c.Must):
				out.Covers, out.WhatYouGet = append(out.Covers, c.ID), append(out.WhatYouGet, c.Text)
			default:
				out.WhatIsLeftOut = append(out.WhatIsLeftOut, c.Text)
			}
		}
		if f.Priority == string(writing.Later) {
			out.WhatIsLeftOut = append(out.WhatIsLeftOut, f.Name+", which comes later")
		}
	}
	return out
}

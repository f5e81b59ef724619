package demo

import (
	"strings"

	"cofounder/internal/platform/llm/demo/writing"
	"cofounder/internal/platform/llm/wire"
)

// The documents behind the page, as package interview wants them. Rules know nothing of
// markets, money or weeks: what they cannot say stays empty.

// understood hears the founder, and refuses an idea of which too little is understood.
func (m *Model) understood(q *wire.Request) (heard, *wire.Error) {
	h, refused := m.hear(q)
	if refused == nil && len(h.understanding.Questions) > 0 {
		refused = wire.Invalid("messages: too little is understood of the idea to write about it")
	}
	return h, refused
}

type milestone struct {
	Title           string   `json:"title"`
	Description     string   `json:"description"`
	SuccessCriteria []string `json:"success_criteria"`
	FounderWeeks    float64  `json:"founder_weeks"`
}

func (m *Model) milestones(q *wire.Request) (any, *wire.Error) {
	h, refused := m.understood(q)
	if refused != nil {
		return nil, refused
	}
	out := struct {
		Milestones   []milestone `json:"milestones"`
		CriticalPath []string    `json:"critical_path"`
	}{CriticalPath: []string{}}
	for _, s := range writing.Milestones(h.understanding, h.answers) {
		out.Milestones = append(out.Milestones, milestone{Title: s.Name.Text, Description: marked(s.Text), SuccessCriteria: s.Reached})
	}
	return out, nil
}

type risk struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	Severity    string `json:"severity"`
	Mitigation  string `json:"mitigation"`
}

func (m *Model) risks(q *wire.Request) (any, *wire.Error) {
	h, refused := m.understood(q)
	if refused != nil {
		return nil, refused
	}
	out := map[string][]risk{"technical": {}, "market": {}, "execution": {}, "money": {}}
	for _, d := range writing.Dangers(h.understanding, h.parts) {
		out[d.Group] = append(out[d.Group], risk{
			Title: d.Title, Description: marked(writing.Section{Text: d.Text, Origin: d.Origin}), Severity: "medium", Mitigation: d.Help,
		})
	}
	return out, nil
}

type journeyStep struct {
	Title       string `json:"title"`
	Description string `json:"description"`
}

func (m *Model) howItWorks(q *wire.Request) (any, *wire.Error) {
	h, refused := m.understood(q)
	if refused != nil {
		return nil, refused
	}
	out := struct {
		UserJourney []journeyStep `json:"user_journey"`
		DataFlow    string        `json:"data_flow"`
		WhatYouNeed []string      `json:"what_you_need"`
	}{DataFlow: writing.Kept(h.understanding) + " (Standard wording.)", WhatYouNeed: writing.Services(h.understanding, h.parts)}
	out.UserJourney = []journeyStep{{"Open the page", "On a phone or a computer; nothing is installed. (Standard wording.)"}}
	for _, s := range writing.Walk(h.understanding, h.answers) {
		out.UserJourney = append(out.UserJourney, journeyStep{Title: s.Name.Text, Description: strings.Join(s.Reached, " ")})
	}
	return out, nil
}

type component struct {
	Name         string   `json:"name"`
	Kind         string   `json:"kind"`
	Description  string   `json:"description"`
	Choice       string   `json:"choice"`
	Alternatives []string `json:"alternatives"`
}

type connection struct {
	From        string `json:"from"`
	To          string `json:"to"`
	Description string `json:"description"`
}

type runningCost struct {
	Start   string   `json:"start"`
	Growing string   `json:"growing"`
	Lines   []string `json:"lines"`
}

func (m *Model) architecture(q *wire.Request) (any, *wire.Error) {
	h, refused := m.understood(q)
	if refused != nil {
		return nil, refused
	}
	out := struct {
		Components  []component  `json:"components"`
		Connections []connection `json:"connections"`
		Cost        runningCost  `json:"cost"`
	}{Cost: runningCost{Start: "Nothing as long as it runs on this computer.", Growing: "Not examined: this needs an AI, and none is connected.", Lines: []string{}}}
	pieces := writing.Pieces(h.understanding)
	for n, p := range pieces {
		out.Components = append(out.Components, component{p.Name, p.Kind, p.Text + " (Standard wording.)", p.Choice, []string{}})
		if n > 0 {
			out.Connections = append(out.Connections, connection{pieces[n-1].Name, p.Name, "asks and is answered"})
		}
	}
	return out, nil
}

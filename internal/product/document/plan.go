package document

import (
	"fmt"
	"strings"

	"cofounder/internal/product/account/form"
)

// Milestones is the way to the first version and beyond, in weeks of the founder.
type Milestones struct {
	Milestones   []Milestone `json:"milestones"`
	CriticalPath []string    `json:"critical_path"`
}

// Milestone is one stretch of the way.
type Milestone struct {
	Title           string   `json:"title"`
	Description     string   `json:"description"`
	SuccessCriteria []string `json:"success_criteria"`
	FounderWeeks    float64  `json:"founder_weeks"` // of the founder's own time; 0: not said
}

// maxWeeks is two years.
const maxWeeks = 104

// Kind implements Content.
func (Milestones) Kind() Kind { return MilestonesKind }

func (m Milestones) checked(f *form.Form) Content {
	limit(f, "milestones", len(m.Milestones))
	all := make([]Milestone, 0, len(m.Milestones))
	for i, one := range m.Milestones {
		at := fmt.Sprintf("milestones.%d", i)
		line(f, at+".title", &one.Title)
		text(f, at+".description", &one.Description)
		lines(f, at+".success_criteria", &one.SuccessCriteria)
		if one.FounderWeeks < 0 || one.FounderWeeks > maxWeeks {
			f.Refuse(at+".founder_weeks", "Between 0 and 104 weeks, please.")
		}
		all = append(all, one)
	}
	m.Milestones = all
	lines(f, "critical_path", &m.CriticalPath)
	return m
}

// Outline implements Content.
func (m Milestones) Outline() []Section {
	var says []Line
	for _, one := range m.Milestones {
		says = append(says, Line{Style: Heading, Text: one.Title})
		says = append(says, paragraphs(one.Description)...)
		if one.FounderWeeks > 0 {
			says = append(says, labelled("Your time", fmt.Sprintf("about %g weeks", one.FounderWeeks))...)
		}
		for _, c := range one.SuccessCriteria {
			says = append(says, Line{Style: Tick, Text: c})
		}
	}
	return outlined(MilestonesKind, map[string][]Line{"milestones": says, "critical_path": bullets(m.CriticalPath)})
}

// Risks is what could go wrong and what is done about it.
type Risks struct {
	Technical []Risk `json:"technical"`
	Market    []Risk `json:"market"`
	Execution []Risk `json:"execution"`
	Money     []Risk `json:"money"`
}

// Severity is how bad a risk is.
type Severity string

// The severities.
const (
	High   Severity = "high"
	Medium Severity = "medium"
	Low    Severity = "low"
)

// Risk is one thing that could go wrong.
type Risk struct {
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Severity    Severity `json:"severity"`
	Mitigation  string   `json:"mitigation"`
}

// Kind implements Content.
func (Risks) Kind() Kind { return RisksKind }

func (r Risks) checked(f *form.Form) Content {
	for _, group := range []struct {
		field string
		risks *[]Risk
	}{{"technical", &r.Technical}, {"market", &r.Market}, {"execution", &r.Execution}, {"money", &r.Money}} {
		limit(f, group.field, len(*group.risks))
		all := make([]Risk, 0, len(*group.risks))
		for i, one := range *group.risks {
			at := fmt.Sprintf("%s.%d", group.field, i)
			line(f, at+".title", &one.Title)
			text(f, at+".description", &one.Description)
			text(f, at+".mitigation", &one.Mitigation)
			oneOf(f, at+".severity", string(one.Severity), string(High), string(Medium), string(Low))
			all = append(all, one)
		}
		*group.risks = all
	}
	return r
}

// Outline implements Content.
func (r Risks) Outline() []Section {
	says := map[string][]Line{}
	for field, risks := range map[string][]Risk{"technical": r.Technical, "market": r.Market, "execution": r.Execution, "money": r.Money} {
		for _, one := range risks {
			says[field] = append(says[field], Line{Style: Heading, Text: one.Title})
			says[field] = append(says[field], paragraphs(one.Description)...)
			says[field] = append(says[field], labelled("Severity", string(one.Severity))...)
			says[field] = append(says[field], labelled("What helps", one.Mitigation)...)
		}
	}
	return outlined(RisksKind, says)
}

// HowItWorks is the product as its users go through it.
type HowItWorks struct {
	UserJourney []JourneyStep `json:"user_journey"`
	DataFlow    string        `json:"data_flow"`
	// WhatYouNeed are accounts elsewhere that the founder has to have.
	WhatYouNeed []string `json:"what_you_need"`
}

// JourneyStep is one thing a user does.
type JourneyStep struct {
	Step        int    `json:"step"` // 1, 2, 3 …
	Title       string `json:"title"`
	Description string `json:"description"`
}

// Kind implements Content.
func (HowItWorks) Kind() Kind { return HowItWorksKind }

func (h HowItWorks) checked(f *form.Form) Content {
	limit(f, "user_journey", len(h.UserJourney))
	all := make([]JourneyStep, 0, len(h.UserJourney))
	for i, one := range h.UserJourney {
		at := fmt.Sprintf("user_journey.%d", i)
		one.Step = i + 1 // the order is what counts
		line(f, at+".title", &one.Title)
		text(f, at+".description", &one.Description)
		all = append(all, one)
	}
	h.UserJourney = all
	text(f, "data_flow", &h.DataFlow)
	lines(f, "what_you_need", &h.WhatYouNeed)
	return h
}

// Outline implements Content.
func (h HowItWorks) Outline() []Section {
	var says []Line
	for _, one := range h.UserJourney {
		says = append(says, Line{Style: Heading, Label: fmt.Sprint(one.Step), Text: one.Title})
		says = append(says, paragraphs(one.Description)...)
	}
	return outlined(HowItWorksKind, map[string][]Line{
		"user_journey": says, "data_flow": paragraphs(h.DataFlow), "what_you_need": bullets(h.WhatYouNeed),
	})
}

// Architecture is what the product is made of, for whoever wants to know.
type Architecture struct {
	Components  []Component `json:"components"`
	Connections []Link      `json:"connections"`
	Cost        Cost        `json:"cost"`
}

// Component is one part of the product.
type Component struct {
	Name         string   `json:"name"`
	Kind         string   `json:"kind"`
	Description  string   `json:"description"`
	Choice       string   `json:"choice"` // what it is made with
	Alternatives []string `json:"alternatives"`
}

// Link is how one part reaches another.
type Link struct {
	From        string `json:"from"`
	To          string `json:"to"`
	Description string `json:"description"`
}

// Cost is what running the product costs, in words.
type Cost struct {
	Start   string   `json:"start"`
	Growing string   `json:"growing"`
	Lines   []string `json:"lines"`
}

// Kind implements Content.
func (Architecture) Kind() Kind { return ArchitectureKind }

func (a Architecture) checked(f *form.Form) Content {
	limit(f, "components", len(a.Components))
	components := make([]Component, 0, len(a.Components))
	for i, c := range a.Components {
		at := fmt.Sprintf("components.%d", i)
		line(f, at+".name", &c.Name)
		line(f, at+".kind", &c.Kind)
		text(f, at+".description", &c.Description)
		text(f, at+".choice", &c.Choice)
		lines(f, at+".alternatives", &c.Alternatives)
		components = append(components, c)
	}
	limit(f, "connections", len(a.Connections))
	connections := make([]Link, 0, len(a.Connections))
	for i, c := range a.Connections {
		at := fmt.Sprintf("connections.%d", i)
		line(f, at+".from", &c.From)
		line(f, at+".to", &c.To)
		text(f, at+".description", &c.Description)
		connections = append(connections, c)
	}
	a.Components, a.Connections = components, connections
	text(f, "cost.start", &a.Cost.Start)
	text(f, "cost.growing", &a.Cost.Growing)
	lines(f, "cost.lines", &a.Cost.Lines)
	return a
}

// Outline implements Content.
func (a Architecture) Outline() []Section {
	var parts, connections, cost []Line
	for _, c := range a.Components {
		parts = append(parts, Line{Style: Heading, Text: c.Name})
		parts = append(parts, paragraphs(c.Description)...)
		parts = append(parts, labelled("Kind", c.Kind)...)
		parts = append(parts, labelled("Made with", c.Choice)...)
		parts = append(parts, labelled("Could also be", strings.Join(c.Alternatives, ", "))...)
	}
	for _, c := range a.Connections {
		connections = append(connections, Line{Style: Bullet, Label: c.From + " → " + c.To, Text: c.Description})
	}
	cost = append(cost, labelled("At the start", a.Cost.Start)...)
	cost = append(cost, labelled("When it grows", a.Cost.Growing)...)
	cost = append(cost, bullets(a.Cost.Lines)...)
	return outlined(ArchitectureKind, map[string][]Line{"components": parts, "connections": connections, "cost": cost})
}

// Handbook is for the founder's users, written from a checked version.
type Handbook struct {
	Overview       string   `json:"overview"`
	Features       []string `json:"features"`
	GettingStarted []string `json:"getting_started"`
	FAQ            []Answer `json:"faq"`
	Changelog      []string `json:"changelog"`
}

// Answer is a question of a user with its answer.
type Answer struct {
	Question string `json:"question"`
	Answer   string `json:"answer"`
}

// Kind implements Content.
func (Handbook) Kind() Kind { return HandbookKind }

func (h Handbook) checked(f *form.Form) Content {
	text(f, "overview", &h.Overview)
	lines(f, "features", &h.Features)
	lines(f, "getting_started", &h.GettingStarted)
	lines(f, "changelog", &h.Changelog)
	limit(f, "faq", len(h.FAQ))
	all := make([]Answer, 0, len(h.FAQ))
	for i, a := range h.FAQ {
		at := fmt.Sprintf("faq.%d", i)
		text(f, at+".question", &a.Question)
		text(f, at+".answer", &a.Answer)
		all = append(all, a)
	}
	h.FAQ = all
	return h
}

// Outline implements Content.
func (h Handbook) Outline() []Section {
	var faq []Line
	for _, a := range h.FAQ {
		faq = append(faq, Line{Style: Heading, Text: a.Question})
		faq = append(faq, paragraphs(a.Answer)...)
	}
	return outlined(HandbookKind, map[string][]Line{
		"overview": paragraphs(h.Overview), "features": bullets(h.Features), "getting_started": bullets(h.GettingStarted),
		"faq": faq, "changelog": bullets(h.Changelog),
	})
}

package interview

import (
	"fmt"
	"strings"

	"cofounder/internal/product/document"
)

// paperAnswer is what a model writes as a document.
type paperAnswer interface{ content() document.Content }

type milestonesAnswer struct {
	Milestones   []newMilestone `json:"milestones" doc:"two to six, in the order in which they are reached"`
	CriticalPath []string       `json:"critical_path" doc:"what holds up the rest when it is late, one line each"`
}

type newMilestone struct {
	Title           string   `json:"title"`
	Description     string   `json:"description" doc:"what happens in this stretch"`
	SuccessCriteria []string `json:"success_criteria" doc:"facts by which the founder sees that it is reached, one line each"`
	FounderWeeks    float64  `json:"founder_weeks" doc:"weeks of the founder's own time, 0 to 12; 0 where nobody can say"`
}

type risksAnswer struct {
	Technical []newRisk `json:"technical"`
	Market    []newRisk `json:"market"`
	Execution []newRisk `json:"execution"`
	Money     []newRisk `json:"money"`
}

type newRisk struct {
	Title       string `json:"title" doc:"what could go wrong, in a few words"`
	Description string `json:"description" doc:"when it happens and what it does to this product"`
	Severity    string `json:"severity" enum:"high,medium,low"`
	Mitigation  string `json:"mitigation" doc:"what helps, and what would show the risk early"`
}

type howItWorksAnswer struct {
	UserJourney []newStep `json:"user_journey" doc:"three to ten steps from the first visit to the moment it has helped"`
	DataFlow    string    `json:"data_flow" doc:"what is kept about whom, where, and who sees it"`
	WhatYouNeed []string  `json:"what_you_need" doc:"accounts elsewhere the founder has to have; empty where none is needed"`
}

type newStep struct {
	Title       string `json:"title"`
	Description string `json:"description"`
}

type architectureAnswer struct {
	Components  []newComponent `json:"components"`
	Connections []newLink      `json:"connections" doc:"how one part reaches another, by the names of the parts"`
	Cost        newCost        `json:"cost"`
}

type newComponent struct {
	Name         string   `json:"name"`
	Kind         string   `json:"kind" doc:"in a word: pages, rules, storage, service of another company"`
	Description  string   `json:"description" doc:"what it does for the founder's users"`
	Choice       string   `json:"choice" doc:"what it is made with, and why, in one sentence"`
	Alternatives []string `json:"alternatives"`
}

type newLink struct {
	From        string `json:"from"`
	To          string `json:"to"`
	Description string `json:"description"`
}

type newCost struct {
	Start   string   `json:"start" doc:"what running it costs at the start, in words"`
	Growing string   `json:"growing" doc:"what makes it cost more"`
	Lines   []string `json:"lines"`
}

func (a milestonesAnswer) content() document.Content {
	c := document.Milestones{CriticalPath: a.CriticalPath}
	for _, m := range a.Milestones {
		c.Milestones = append(c.Milestones, document.Milestone(m))
	}
	return c
}

func (a risksAnswer) content() document.Content {
	group := func(given []newRisk) (all []document.Risk) {
		for _, r := range given {
			all = append(all, document.Risk{Title: r.Title, Description: r.Description, Severity: document.Severity(r.Severity), Mitigation: r.Mitigation})
		}
		return all
	}
	return document.Risks{Technical: group(a.Technical), Market: group(a.Market), Execution: group(a.Execution), Money: group(a.Money)}
}

func (a howItWorksAnswer) content() document.Content {
	c := document.HowItWorks{DataFlow: a.DataFlow, WhatYouNeed: a.WhatYouNeed}
	for n, s := range a.UserJourney {
		c.UserJourney = append(c.UserJourney, document.JourneyStep{Step: n + 1, Title: s.Title, Description: s.Description})
	}
	return c
}

func (a architectureAnswer) content() document.Content {
	c := document.Architecture{Cost: document.Cost(a.Cost)}
	for _, one := range a.Components {
		c.Components = append(c.Components, document.Component(one))
	}
	for _, one := range a.Connections {
		c.Connections = append(c.Connections, document.Link(one))
	}
	return c
}

const (
	fewestMilestones, mostMilestones = 2, 6
	mostFounderWeeks                 = 12 // of one milestone
	mostRisks                        = 12 // of all groups
	fewestSteps, mostSteps           = 3, 10
	mostComponents                   = 10
)

// Validate is asked by answer.
func (a milestonesAnswer) Validate() error {
	var f flaws
	if n := len(a.Milestones); n < fewestMilestones || n > mostMilestones {
		f.say("/milestones: %d, wanted are %d to %d", n, fewestMilestones, mostMilestones)
	}
	for n, m := range a.Milestones {
		at := fmt.Sprintf("/milestones/%d", n)
		f.need(at+"/title", m.Title)
		f.need(at+"/description", m.Description)
		if len(m.SuccessCriteria) == 0 {
			f.say("%s/success_criteria: name at least one", at)
		}
		if m.FounderWeeks < 0 || m.FounderWeeks > mostFounderWeeks {
			f.say("%s/founder_weeks: %g, wanted are 0 to %d", at, m.FounderWeeks, mostFounderWeeks)
		}
		for i, c := range m.SuccessCriteria {
			if word := vague(c); word != "" {
				f.say("%s/success_criteria/%d: nobody can try whether something is %q; say what is seen", at, i, word)
			}
		}
	}
	return f.err()
}

// Validate is asked by answer.
func (a risksAnswer) Validate() error {
	var f flaws
	all := 0
	for _, group := range []struct {
		name  string
		risks []newRisk
	}{{"technical", a.Technical}, {"market", a.Market}, {"execution", a.Execution}, {"money", a.Money}} {
		for n, r := range group.risks {
			at := fmt.Sprintf("/%s/%d", group.name, n)
			f.need(at+"/title", r.Title)
			f.need(at+"/description", r.Description)
			f.need(at+"/mitigation", r.Mitigation)
		}
		all += len(group.risks)
	}
	if all == 0 || all > mostRisks {
		f.say("/: %d risks, wanted are 1 to %d", all, mostRisks)
	}
	return f.err()
}

// Validate is asked by answer.
func (a howItWorksAnswer) Validate() error {
	var f flaws
	if n := len(a.UserJourney); n < fewestSteps || n > mostSteps {
		f.say("/user_journey: %d steps, wanted are %d to %d", n, fewestSteps, mostSteps)
	}
	for n, s := range a.UserJourney {
		f.need(fmt.Sprintf("/user_journey/%d/title", n), s.Title)
		f.need(fmt.Sprintf("/user_journey/%d/description", n), s.Description)
	}
	f.need("/data_flow", a.DataFlow)
	return f.err()
}

// Validate is asked by answer.
func (a architectureAnswer) Validate() error {
	var f flaws
	if n := len(a.Components); n == 0 || n > mostComponents {
		f.say("/components: %d, wanted are 1 to %d", n, mostComponents)
	}
	names := map[string]bool{}
	for n, c := range a.Components {
		at := fmt.Sprintf("/components/%d", n)
		f.need(at+"/name", c.Name)
		f.need(at+"/description", c.Description)
		f.need(at+"/choice", c.Choice)
		names[c.Name] = true
	}
	for n, c := range a.Connections {
		for field, name := range map[string]string{"from": c.From, "to": c.To} {
			if !names[name] {
				f.say("/connections/%d/%s: no part is called %q", n, field, name)
			}
		}
	}
	f.need("/cost/start", a.Cost.Start)
	return f.err()
}

// sound refuses what document would refuse, and numbers nobody said.
func sound(docs *document.Documents, c document.Content, said string) error {
	if err := inWords(docs.Check(document.Draft{Content: c, Said: said})); err != nil {
		return err
	}
	if invented := document.Unsourced(c, said); len(invented) > 0 {
		return fmt.Errorf("/: a number has no source: %s. Say it in words, or leave it out", strings.Join(invented, ", "))
	}
	return nil
}

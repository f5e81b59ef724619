package document

import (
	"fmt"

	"cofounder/internal/product/account/form"
)

// Scope is what the next version does and does not do.
type Scope struct {
	Features       []Feature `json:"features"`
	OutOfScope     []string  `json:"out_of_scope"`
	SuccessMetrics []string  `json:"success_metrics"`
}

// Priority is when a feature comes.
type Priority string

// The priorities.
const (
	Must   Priority = "must"
	Should Priority = "should"
	Later  Priority = "later"
)

// Feature is one thing people can do. Its id stays the same over versions.
type Feature struct {
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	Description string      `json:"description"`
	Priority    Priority    `json:"priority"`
	Criteria    []Criterion `json:"criteria"`
}

// Criterion is one testable sentence. Tests, walks and evidence refer to its id, which
// stays the same over versions and is never given to another one.
type Criterion struct {
	ID   string `json:"id"`
	Text string `json:"text"`
	Must bool   `json:"must"`
}

// Kind implements Content.
func (Scope) Kind() Kind { return ScopeKind }

func (s Scope) checked(f *form.Form) Content {
	limit(f, "features", len(s.Features))
	features := make([]Feature, 0, len(s.Features))
	for i, feature := range s.Features {
		features = append(features, feature.checked(f, fmt.Sprintf("features.%d", i)))
	}
	s.Features = features
	lines(f, "out_of_scope", &s.OutOfScope)
	lines(f, "success_metrics", &s.SuccessMetrics)
	return s
}

func (t Feature) checked(f *form.Form, at string) Feature {
	t.ID = f.Line(at+".id", t.ID, 0, maxLine)
	line(f, at+".name", &t.Name)
	text(f, at+".description", &t.Description)
	oneOf(f, at+".priority", string(t.Priority), string(Must), string(Should), string(Later))
	limit(f, at+".criteria", len(t.Criteria))
	criteria := make([]Criterion, 0, len(t.Criteria))
	for i, c := range t.Criteria {
		here := fmt.Sprintf("%s.criteria.%d", at, i)
		c.ID = f.Line(here+".id", c.ID, 0, maxLine)
		text(f, here+".text", &c.Text)
		if c.Text == "" && !f.Refused(here+".text") {
			f.Refuse(here+".text", "Say what must work.")
		}
		criteria = append(criteria, c)
	}
	t.Criteria = criteria
	if t.Priority == Must && len(criteria) == 0 {
		f.Refuse(at+".criteria", "Name at least one thing that must work, or leave this for later.")
	}
	return t
}

// Criteria returns the criteria of all features that are in this version.
func (s Scope) Criteria() []Criterion {
	var all []Criterion
	for _, f := range s.Features {
		if f.Priority != Later {
			all = append(all, f.Criteria...)
		}
	}
	return all
}

// Outline implements Content.
func (s Scope) Outline() []Section {
	var says []Line
	for _, f := range s.Features {
		label := ""
		switch f.Priority {
		case Should:
			label = "If it fits"
		case Later:
			label = "Later"
		case Must:
		}
		says = append(says, Line{Style: Heading, Label: label, Text: f.Name, Item: f.ID})
		for _, p := range paragraphs(f.Description) {
			p.Item = f.ID
			says = append(says, p)
		}
		for _, c := range f.Criteria {
			style := Bullet
			if c.Must {
				style = Tick
			}
			says = append(says, Line{Style: style, Text: c.Text, Item: c.ID})
		}
	}
	return outlined(ScopeKind, map[string][]Line{
		"features": says, "out_of_scope": bullets(s.OutOfScope), "success_metrics": bullets(s.SuccessMetrics),
	})
}

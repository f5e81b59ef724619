package demo

import (
	"cofounder/internal/platform/llm/demo/writing"
	"cofounder/internal/platform/llm/wire"
)

// mostMusts is how many criteria a first version must meet, at most.
const mostMusts = 5

type scopeCriterion struct {
	Text string `json:"text"`
	Must bool   `json:"must"`
}

type scopeFeature struct {
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Priority    string           `json:"priority"`
	Criteria    []scopeCriterion `json:"criteria"`
}

type scope struct {
	Features       []scopeFeature `json:"features"`
	OutOfScope     []string       `json:"out_of_scope"`
	SuccessMetrics []string       `json:"success_metrics"`
}

// scope says what the first version does, in the founder's nouns. What the founder
// answered goes before what the shape brings along.
func (m *Model) scope(q *wire.Request) (any, *wire.Error) {
	h, refused := m.hear(q)
	if refused != nil {
		return nil, refused
	}
	if len(h.understanding.Questions) > 0 {
		return nil, wire.Invalid("messages: too little is understood of the idea to write about it")
	}
	features := writing.Features(h.understanding, h.answers)
	musts := chosen(features)
	out := scope{Features: []scopeFeature{}, OutOfScope: append([]string{}, writing.LeftOut(h.understanding)...), SuccessMetrics: []string{}}
	for _, f := range features {
		one := scopeFeature{Name: f.Name, Description: f.Description, Priority: string(f.Priority), Criteria: []scopeCriterion{}}
		for _, c := range f.Criteria {
			one.Criteria = append(one.Criteria, scopeCriterion{Text: c.Text, Must: musts[c.ID]})
		}
		out.Features = append(out.Features, one)
	}
	return out, nil
}

// chosen are the IDs of the criteria that must work: the first of all, then the rules of
// the answers, then the others, as many as a first version bears.
func chosen(features []writing.Feature) map[string]bool {
	var first, rules, others []string
	for n, f := range features {
		for _, c := range f.Criteria {
			switch {
			case !c.Must || f.Priority == writing.Later:
			case n == 0:
				first = append(first, c.ID)
			case f.ID == "rules":
				rules = append(rules, c.ID)
			default:
				others = append(others, c.ID)
			}
		}
	}
	musts := map[string]bool{}
	for _, id := range append(append(first, rules...), others...) {
		if len(musts) < mostMusts {
			musts[id] = true
		}
	}
	return musts
}

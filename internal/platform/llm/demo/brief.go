package demo

import (
	"strings"

	"cofounder/internal/platform/llm/demo/idea"
	"cofounder/internal/platform/llm/demo/writing"
	"cofounder/internal/platform/llm/wire"
)

// section is a section of the brief as package interview wants it. Rules have no
// confidence, so the level is none: a section quotes the founder or says that it is
// standard wording.
type section struct {
	Text    string   `json:"text"`
	Lines   []string `json:"lines"`
	Level   string   `json:"level"`
	Because string   `json:"because"`
}

// brief writes the section that is asked for.
func (m *Model) brief(q *wire.Request) (any, *wire.Error) {
	h, refused := m.hear(q)
	if refused != nil {
		return nil, refused
	}
	wanted, refused := m.given(q, "section")
	if refused != nil {
		return nil, refused
	}
	if len(h.understanding.Questions) > 0 {
		return nil, wire.Invalid("messages: too little is understood of the idea to write about it")
	}
	b := writing.Write(h.understanding, h.parts, h.answers)
	out := section{Lines: []string{}, Level: "none", Because: "Not examined: no AI is connected."}
	texts := map[string]writing.Section{
		"problem": b.Problem, "target_user": b.TargetUser, "value": b.Value, "how_it_works_in_one_paragraph": b.HowItWorks, "cheapest_test": b.CheapestTest,
	}
	lists := map[string][]writing.Section{"key_constraints": b.Constraints, "assumptions": b.Assumptions, "risks": b.Risks}
	name := strings.TrimSpace(wanted[0].Text)
	if text, ok := texts[name]; ok {
		out.Text = marked(text)
		return out, nil
	}
	if list, ok := lists[name]; ok {
		for _, line := range list {
			// What was left to us with a question is on the list already.
			if !strings.Contains(line.Text, " We assume: ") {
				out.Lines = append(out.Lines, marked(line))
			}
		}
		return out, nil
	}
	out.Text = "Not examined: this needs an AI, and none is connected."
	return out, nil
}

// marked tells the founder's words, which are quoted, from ours.
func marked(s writing.Section) string {
	if s.Origin == idea.Said {
		return s.Text
	}
	return s.Text + " (Standard wording.)"
}

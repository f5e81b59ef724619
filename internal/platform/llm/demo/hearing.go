package demo

import (
	"encoding/json"
	"slices"
	"strings"

	"cofounder/internal/platform/llm/demo/idea"
	"cofounder/internal/platform/llm/demo/writing"
	"cofounder/internal/platform/llm/tag"
	"cofounder/internal/platform/llm/wire"
)

// heard is what every task knows of a founder.
type heard struct {
	parts         []idea.Part // the founder's words, without the answers to our questions
	answers       []writing.Answer
	came          []tag.Part // the answers as they came
	understanding idea.Understanding
}

// hear reads the parts of a request: the founder's words, the corrections (a list of
// idea.Correction) and the answers. An answer to a question of package writing changes
// what is understood as that question says; an answer to anything else is read like
// the idea itself.
func (m *Model) hear(q *wire.Request) (heard, *wire.Error) {
	given, refused := m.given(q, tag.Founder, tag.Corrections, tag.Question, tag.YouDecide)
	if refused != nil {
		return heard{}, refused
	}
	var h heard
	var corrections []idea.Correction
	var asked []tag.Part
	for _, p := range given {
		switch id, isAnswer := strings.CutPrefix(p.Source, "answer:"); {
		case p.Name == tag.Question:
			asked = append(asked, p)
		case p.Name == tag.Corrections:
			var more []idea.Correction
			if err := json.Unmarshal([]byte(p.Text), &more); err != nil {
				return heard{}, wire.Invalid("messages: the part <" + tag.Corrections + "-…> is not a list of corrections: " + err.Error())
			}
			corrections = append(corrections, more...)
		case isAnswer && question(asked, id) != "":
			h.answers = append(h.answers, writing.Answer{Question: question(asked, id), Text: p.Text, Ours: p.Name == tag.YouDecide})
			h.came = append(h.came, p)
		case p.Name == tag.Founder:
			h.parts = append(h.parts, idea.Part{Source: p.Source, Text: p.Text})
		}
	}
	h.understanding = m.ideas.Read(h.parts, corrections)
	if len(h.understanding.Questions) > 0 || len(h.answers) == 0 {
		h.unasked()
		h.understanding = m.ideas.Read(h.parts, corrections)
		return h, nil
	}
	h.match()
	corrections = append(corrections, writing.Corrections(h.understanding, h.answers)...)
	h.understanding = m.ideas.Read(h.parts, corrections)
	return h, nil
}

// question is the text of the question with that ID, or "".
func question(asked []tag.Part, id string) string {
	at := slices.IndexFunc(asked, func(p tag.Part) bool { return p.Source == "question:"+id })
	if at < 0 {
		return ""
	}
	return asked[at].Text
}

// match names the answers by the keys of their questions, which stay the same when
// things get other names, and reads answers to other questions like the idea.
func (h *heard) match() {
	questions := writing.Questions(h.understanding)
	var ours []writing.Answer
	for i, a := range h.answers {
		at := slices.IndexFunc(questions, func(q writing.Question) bool { return q.Text == strings.TrimSpace(a.Question) })
		switch {
		case at >= 0:
			a.Question = questions[at].Key
			ours = append(ours, a)
		case !a.Ours:
			h.parts = append(h.parts, idea.Part{Source: h.came[i].Source, Text: a.Text})
		}
	}
	h.answers = ours
}

// unasked reads all answers like the idea: nothing is understood yet that our own
// questions could be about.
func (h *heard) unasked() {
	for i, a := range h.answers {
		if !a.Ours {
			h.parts = append(h.parts, idea.Part{Source: h.came[i].Source, Text: a.Text})
		}
	}
	h.answers = nil
}

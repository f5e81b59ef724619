package demo

import (
	"fmt"
	"slices"
	"strings"

	"cofounder/internal/platform/llm/demo/idea"
	"cofounder/internal/platform/llm/demo/writing"
	"cofounder/internal/platform/llm/tag"
	"cofounder/internal/platform/llm/wire"
)

// asking is a question as package interview asks it.
type asking struct {
	Text        string   `json:"text"`
	Why         string   `json:"why"`
	Kind        string   `json:"kind"`
	Suggestions []string `json:"suggestions"`
	Hint        string   `json:"hint"`
	Decides     string   `json:"decides"`
	Assumes     string   `json:"assumes"`
}

// questions asks as many questions as are wanted and are left.
func (m *Model) questions(q *wire.Request) (any, *wire.Error) {
	h, refused := m.hear(q)
	if refused != nil {
		return nil, refused
	}
	if len(h.understanding.Questions) > 0 {
		return nil, wire.Invalid("messages: too little is understood of the idea to ask about it")
	}
	wanted, refused := m.given(q, "count")
	if refused != nil {
		return nil, refused
	}
	var least, most int
	if _, err := fmt.Sscan(wanted[0].Text, &least, &most); err != nil {
		return nil, wire.Invalid("messages: the part <count-…> is not two numbers")
	}
	left, refused := m.unaskedQuestions(q, h.understanding)
	if refused != nil {
		return nil, refused
	}
	out := struct {
		Questions   []asking `json:"questions"`
		NothingMore bool     `json:"nothing_more"`
	}{Questions: left[:min(most, len(left))], NothingMore: len(left) < least}
	return out, nil
}

// unaskedQuestions are those that no part of the request shows as asked.
func (m *Model) unaskedQuestions(q *wire.Request, u idea.Understanding) ([]asking, *wire.Error) {
	known, refused := m.given(q, tag.Founder, tag.Question, "open")
	if refused != nil {
		return nil, refused
	}
	out := []asking{}
	for _, one := range writing.Questions(u) {
		if !slices.ContainsFunc(known, func(p tag.Part) bool { return p.Name != tag.Founder && strings.TrimSpace(p.Text) == one.Text }) {
			out = append(out, asked(one))
		}
	}
	return out, nil
}

func asked(q writing.Question) asking {
	assumes := "We assume that this does not matter for the first version: " + q.Text
	if q.Kind != writing.Long {
		assumes = "We assume: " + q.Suggestions[0] + ". (" + q.Text + ")"
	}
	return asking{Text: q.Text, Why: q.Why, Kind: string(q.Kind), Suggestions: q.Suggestions, Decides: decides(q.Key), Assumes: assumes}
}

// decides is the section an answer informs, by the key of its question.
func decides(key string) string {
	switch before, _, _ := strings.Cut(key, "."); before {
	case "today":
		return "problem"
	case "first":
		return "value"
	case "who":
		return "target_user"
	case "device", "unclear":
		return "key_constraints"
	}
	return "features"
}

// checked is whether answers go together: fixed rules see no contradiction beyond those
// they ask about, but know which questions an answer has made senseless.
type checked struct {
	Contradictions []struct{} `json:"contradictions"`
	Unfit          []string   `json:"unfit"`
	Instead        []asking   `json:"instead"`
}

func (m *Model) answers(q *wire.Request) (any, *wire.Error) {
	h, refused := m.hear(q)
	if refused != nil {
		return nil, refused
	}
	out := checked{Contradictions: []struct{}{}, Unfit: []string{}, Instead: []asking{}}
	if len(h.understanding.Questions) > 0 {
		return out, nil
	}
	parts, refused := m.given(q, tag.Founder, "open")
	if refused != nil {
		return nil, refused
	}
	left, refused := m.unaskedQuestions(q, h.understanding)
	if refused != nil {
		return nil, refused
	}
	fits := writing.Questions(h.understanding)
	for _, p := range parts {
		fit := slices.ContainsFunc(fits, func(one writing.Question) bool { return one.Text == strings.TrimSpace(p.Text) })
		if p.Name == "open" && !fit && len(left) > 0 {
			out.Unfit, out.Instead, left = append(out.Unfit, p.Source), append(out.Instead, left[0]), left[1:]
		}
	}
	return out, nil
}

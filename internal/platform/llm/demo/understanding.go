package demo

import (
	"encoding/json"

	"cofounder/internal/platform/llm/demo/idea"
	"cofounder/internal/platform/llm/tag"
	"cofounder/internal/platform/llm/wire"
)

// Corrections is the name of the part with the chips the founder changed: a JSON
// list of idea.Correction.
const Corrections = "corrections"

// understanding answers with an idea.Understanding of all the founder's words, with
// the corrections applied.
func (m *Model) understanding(q *wire.Request) (any, *wire.Error) {
	given, refused := m.given(q, tag.Founder, Corrections)
	if refused != nil {
		return nil, refused
	}
	var words []idea.Part
	var corrections []idea.Correction
	for _, p := range given {
		if p.Name == tag.Founder {
			words = append(words, idea.Part{Source: p.Source, Text: p.Text})
			continue
		}
		var more []idea.Correction
		if err := json.Unmarshal([]byte(p.Text), &more); err != nil {
			return nil, wire.Invalid("messages: the part <" + Corrections + "-…> is not a list of corrections: " + err.Error())
		}
		corrections = append(corrections, more...)
	}
	return m.ideas.Read(words, corrections), nil
}

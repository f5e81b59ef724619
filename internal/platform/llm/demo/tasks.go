package demo

import (
	"maps"
	"slices"
	"strings"

	"cofounder/internal/platform/llm/tag"
	"cofounder/internal/platform/llm/wire"
)

// task answers one kind of question with a value of its schema. It is a function of
// the request alone.
type task func(q *wire.Request) (any, *wire.Error)

// role goes on with a conversation that has tools: with calls of them, or with text
// when it is done. It is a function of the conversation alone.
type role func(q *wire.Request) (wire.Content, *wire.Error)

// allTasks lists what can be asked for by schema.
func (m *Model) allTasks() map[string]task {
	return map[string]task{
		"probe":         probe,
		"understanding": m.understanding,
		"reading":       m.reading,
		"questions":     m.questions,
		"answers":       m.answers,
		"brief":         m.brief,
		"scope":         m.scope,
		"milestones":    m.milestones,
		"risks":         m.risks,
		"how_it_works":  m.howItWorks,
		"architecture":  m.architecture,
		"options":       m.options,
		fileTask:        file,
	}
}

// allRoles lists who can be asked to work with tools.
func (*Model) allRoles() map[string]role { return map[string]role{} }

func names[V any](known map[string]V) string {
	if len(known) == 0 {
		return "none yet"
	}
	return strings.Join(slices.Sorted(maps.Keys(known)), ", ")
}

func offered(q *wire.Request, name string) bool {
	return slices.ContainsFunc(q.Tools, func(t wire.Tool) bool { return t.Name == name })
}

// given returns the marked parts of all turns of the user that have one of these
// names, in order; at least one of the first name.
func (m *Model) given(q *wire.Request, these ...string) ([]tag.Part, *wire.Error) {
	var out []tag.Part
	for _, msg := range q.Messages {
		for _, b := range msg.Content {
			if msg.Role != "user" || b.Type != "text" {
				continue
			}
			parts, err := m.parts.Read(b.Text)
			if err != nil {
				return nil, wire.Invalid("messages: " + err.Error())
			}
			out = append(out, parts...)
		}
	}
	out = slices.DeleteFunc(out, func(p tag.Part) bool { return !slices.Contains(these, p.Name) })
	if !slices.ContainsFunc(out, func(p tag.Part) bool { return p.Name == these[0] }) {
		return nil, wire.Invalid("messages: there is no part <" + these[0] + "-…>")
	}
	return out, nil
}

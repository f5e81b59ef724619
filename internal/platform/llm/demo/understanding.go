package demo

import "cofounder/internal/platform/llm/wire"

// understanding answers with an idea.Understanding of all the founder's words, with
// what was answered and corrected.
func (m *Model) understanding(q *wire.Request) (any, *wire.Error) {
	h, refused := m.hear(q)
	return h.understanding, refused
}

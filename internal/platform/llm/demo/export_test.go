package demo

import "cofounder/internal/platform/llm/wire"

// Play adds a role, as a later package of tasks does in allRoles.
func (m *Model) Play(name string, next func(q *wire.Request) (wire.Content, *wire.Error)) {
	m.roles[name] = next
}

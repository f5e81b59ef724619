package wire

import (
	"encoding/json"
	"slices"
)

// Model is what a models endpoint tells about one model.
type Model struct {
	ID        string
	Name      string
	MaxInput  int64
	MaxOutput int64
	// Strict has the refusals of the 5.5 family: no sampling parameters, no forced
	// tool, no thinking budget.
	Strict bool
	// AlwaysThinks refuses to switch thinking off, and signs what it thought.
	AlwaysThinks bool
	Deprecated   bool // answers still
	Retired      bool // answers no more
	// TextOnly reads no pictures and documents and runs no tools of its own.
	TextOnly bool
}

// Family returns the models of the 5.5 family and one older, as the API lists them.
func Family() []Model {
	const million, full = 1_000_000, 128_000
	return []Model{
		{ID: "claude-opus-5-5", Name: "Claude Opus 5.5", MaxInput: million, MaxOutput: full, Strict: true, AlwaysThinks: true},
		{ID: "claude-sonnet-5-5", Name: "Claude Sonnet 5.5", MaxInput: million, MaxOutput: full, Strict: true, AlwaysThinks: true},
		{ID: "claude-haiku-5-5", Name: "Claude Haiku 5.5", MaxInput: million, MaxOutput: full, Strict: true},
		{ID: "claude-haiku-4-5", Name: "Claude Haiku 4.5", MaxInput: 200_000, MaxOutput: 64_000},
	}
}

type support struct {
	Supported bool `json:"supported"`
}

// MarshalJSON writes the model as GET /v1/models/{id} does.
func (m Model) MarshalJSON() ([]byte, error) {
	yes, no, more := support{true}, support{}, support{!m.TextOnly}
	lifecycle := "active"
	switch {
	case m.Retired:
		lifecycle = "retired"
	case m.Deprecated:
		lifecycle = "deprecated"
	}
	capabilities := map[string]any{
		"batch": more, "citations": more, "code_execution": more, "image_input": more, "pdf_input": more, "structured_outputs": yes,
		"context_management": map[string]any{
			"supported": true, "clear_thinking_20251015": yes, "clear_tool_uses_20250919": yes, "compact_20260112": yes,
		},
		"effort": map[string]any{
			"supported": m.Strict, "low": support{m.Strict}, "medium": support{m.Strict}, "high": support{m.Strict},
			"xhigh": support{m.Strict}, "max": support{m.Strict},
		},
		"server_tools": map[string]any{"supported": !m.TextOnly, "code_execution": more, "web_search": more},
		"thinking": map[string]any{"supported": true, "types": map[string]any{
			"adaptive": support{m.Strict}, "between_tools": support{m.Strict}, "disabled": support{!m.AlwaysThinks}, "enabled": support{!m.Strict},
		}},
	}
	if !m.Strict {
		capabilities["thinking"] = map[string]any{"supported": true, "types": map[string]any{
			"adaptive": no, "between_tools": no, "disabled": yes, "enabled": yes,
		}}
	}
	return json.Marshal(map[string]any{
		"type": "model", "id": m.ID, "display_name": m.Name, "created_at": "2026-09-01T00:00:00Z", "lifecycle": lifecycle,
		"deprecated_at": nil, "retires_at": nil, "max_input_tokens": m.MaxInput, "max_tokens": m.MaxOutput, "capabilities": capabilities,
	})
}

// find returns the model of that id.
func find(models []Model, id string) (Model, bool) {
	i := slices.IndexFunc(models, func(m Model) bool { return m.ID == id })
	if i < 0 {
		return Model{}, false
	}
	return models[i], true
}

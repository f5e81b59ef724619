package demo

import (
	"encoding/json"
	"fmt"

	"cofounder/internal/platform/llm/wire"
)

// probe answers the question by which the client finds out whether an endpoint holds
// its model to a form: with the form, whatever else was asked. It takes objects of
// plain values.
func probe(q *wire.Request) (any, *wire.Error) {
	var s struct {
		Properties map[string]struct {
			Type string `json:"type"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(q.Schema(), &s); err != nil {
		return nil, wire.Invalid("output_config.format.schema: " + err.Error())
	}
	values := map[string]any{"string": "demo", "integer": 1, "number": 1, "boolean": true}
	out := map[string]any{}
	for name, p := range s.Properties {
		v, ok := values[p.Type]
		if !ok {
			return nil, wire.Invalid(fmt.Sprintf("output_config.format.schema.properties.%s: a probe of %s has plain values only", name, ModelID))
		}
		out[name] = v
	}
	return out, nil
}

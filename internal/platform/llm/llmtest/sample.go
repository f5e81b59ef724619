package llmtest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Sample returns a value the schema allows, the same each time: every property,
// one item, the first of alternatives.
func Sample(schema []byte) json.RawMessage {
	var root map[string]any
	if json.Unmarshal(schema, &root) != nil {
		return json.RawMessage("null")
	}
	raw, err := json.Marshal(sample(root, root, ""))
	if err != nil {
		return json.RawMessage("null")
	}
	return raw
}

func sample(root, s map[string]any, name string) any {
	if ref, ok := s["$ref"].(string); ok {
		return sample(root, resolve(root, ref), name)
	}
	if c, ok := s["const"]; ok {
		return c
	}
	if list, ok := s["enum"].([]any); ok && len(list) > 0 {
		return list[0]
	}
	for _, group := range []string{"anyOf", "allOf"} {
		if list, ok := s[group].([]any); ok && len(list) > 0 {
			first, _ := list[0].(map[string]any) //nolint:errcheck // no object has no members
			return sample(root, first, name)
		}
	}
	switch s["type"] {
	case "object":
		out := map[string]any{}
		properties, _ := s["properties"].(map[string]any) //nolint:errcheck // absent is empty
		for _, p := range slices.Sorted(maps.Keys(properties)) {
			sub, _ := properties[p].(map[string]any) //nolint:errcheck // no object has no members
			out[p] = sample(root, sub, p)
		}
		return out
	case "array":
		items, _ := s["items"].(map[string]any) //nolint:errcheck // no object has no members
		return []any{sample(root, items, name)}
	case "integer", "number":
		return 1
	case "boolean":
		return true
	case "null":
		return nil
	}
	return sampleText(s["format"], name)
}

func sampleText(format any, name string) string {
	switch format {
	case "date-time":
		return "2026-11-23T12:00:00Z"
	case "date":
		return "2026-11-23"
	case "time":
		return "12:00:00Z"
	case "duration":
		return "PT1H"
	case "email":
		return "ada@example.org"
	case "hostname":
		return "example.org"
	case "uri":
		return "https://example.org/"
	case "ipv4":
		return "192.0.2.1"
	case "ipv6":
		return "2001:db8::1"
	case "uuid":
		return "00000000-0000-4000-8000-000000000001"
	}
	return "sample " + strings.ReplaceAll(name, "_", " ")
}

func resolve(root map[string]any, ref string) map[string]any {
	var at any = root
	for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		m, _ := at.(map[string]any) //nolint:errcheck // what is no object has no members
		at = m[step]
	}
	m, _ := at.(map[string]any) //nolint:errcheck // no object has no members
	return m
}

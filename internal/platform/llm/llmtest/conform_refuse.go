package llmtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// refusal is a change of a good request that makes it a bad one. In change, JSON,
// null removes a member.
type refusal struct{ name, change, message string }

// refusals sends requests the real API refuses.
func (s Subject) refusals(t *testing.T) {
	for _, c := range slices.Concat(badParameters(), badTurns(), badCalls(), badSchemas()) {
		t.Run(c.name, func(t *testing.T) {
			var change map[string]any
			if err := json.Unmarshal([]byte(c.change), &change); err != nil {
				t.Fatalf("%v: %s", err, c.change)
			}
			s.refused(t, with(t, s.Plain, change), http.StatusBadRequest, "invalid_request_error", c.message)
		})
	}
	t.Run("not JSON", func(t *testing.T) {
		s.refused(t, []byte(`{"model":`), http.StatusBadRequest, "invalid_request_error", "JSON")
	})
	t.Run("another model", func(t *testing.T) {
		s.refused(t, with(t, s.Plain, map[string]any{"model": "no-such-model"}), http.StatusNotFound, "not_found_error", "no-such-model")
	})
	t.Run("more than 32 MB", func(t *testing.T) {
		large := with(t, s.Plain, map[string]any{"system": strings.Repeat("x", 33<<20)})
		s.refused(t, large, http.StatusRequestEntityTooLarge, "request_too_large", "")
	})
}

func badParameters() []refusal {
	return []refusal{
		{"no max_tokens", `{"max_tokens":null}`, "max_tokens"},
		{"max_tokens of zero", `{"max_tokens":0}`, "max_tokens"},
		{"more max_tokens than the model has", `{"max_tokens":999999}`, "max_tokens"},
		{"no model", `{"model":null}`, "model"},
		{"a field nobody knows", `{"prefill":"{"}`, "Extra inputs"},
		{"the old output_format", `{"output_format":{"type":"json_schema"}}`, "Extra inputs"},
		{"temperature", `{"temperature":0.2}`, "temperature"},
		{"top_p", `{"top_p":0.9}`, "top_p"},
		{"top_k", `{"top_k":40}`, "top_k"},
		{"a forced tool", `{"tool_choice":{"type":"tool","name":"look"}}`, "tool_choice"},
		{"any tool", `{"tool_choice":{"type":"any"}}`, "tool_choice"},
		{"a thinking budget", `{"thinking":{"type":"enabled","budget_tokens":2000}}`, "thinking"},
		{"an effort nobody knows", `{"output_config":{"effort":"heroic"}}`, "effort"},
		{"a tool name with a space", `{"tools":[{"name":"look around","input_schema":{"type":"object"}}]}`, "name"},
		{"a tool without an object", `{"tools":[{"name":"look","input_schema":{"type":"string"}}]}`, "input_schema"},
		{"a tool name twice", `{"tools":[{"name":"look","input_schema":{"type":"object"}},{"name":"look","input_schema":{"type":"object"}}]}`, "unique"},
		{"a strict tool without limits", `{"tools":[{"name":"look","strict":true,"input_schema":{"type":"object"}}]}`, "additionalProperties"},
	}
}

// turns is a change of the whole conversation.
func turns(messages ...string) string {
	return `{"messages":[` + strings.Join(messages, ",") + `]}`
}

func user(content string) string      { return `{"role":"user","content":` + content + `}` }
func assistant(content string) string { return `{"role":"assistant","content":` + content + `}` }

func badTurns() []refusal {
	marked := func(ttl string) string {
		return `{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"` + ttl + `"}}`
	}
	five := strings.Repeat(marked("5m")+",", 4) + marked("5m")
	return []refusal{
		{"no turn", turns(), "at least one message"},
		{"an assistant first", turns(assistant(`"Hello."`), user(`"Hello."`)), "first message"},
		{"a prefilled turn", turns(user(`"Hello."`), assistant(`"{"`)), "prefill"},
		{"another role", turns(`{"role":"tool","content":"x"}`, user(`"x"`)), "role"},
		{"an empty turn", turns(user(`[]`)), "non-empty"},
		{"an empty text", turns(user(`[{"type":"text","text":""}]`)), "non-empty"},
		{"a block nobody knows", turns(user(`[{"type":"hologram"}]`)), "hologram"},
		{"a field no block has", turns(user(`[{"type":"text","text":"x","colour":"red"}]`)), "Extra inputs"},
		{"a tool call of the user", turns(user(`[{"type":"tool_use","id":"a","name":"look","input":{}}]`)), "assistant"},
		{
			"thinking with a made-up signature",
			turns(user(`"x"`), assistant(`[{"type":"thinking","thinking":"","signature":"AAAA"},{"type":"text","text":"y"}]`), user(`"z"`)), "signature",
		},
		{"five cache marks", turns(user(`[` + five + `]`)), "maximum of 4"},
		{"an hour after five minutes", turns(user(`[` + marked("5m") + `,` + marked("1h") + `]`)), "ttl"},
		{"another time to keep", turns(user(`[` + marked("2d") + `]`)), "ttl"},
	}
}

func badCalls() []refusal {
	const (
		callA   = `{"type":"tool_use","id":"a","name":"look","input":{}}`
		callB   = `{"type":"tool_use","id":"b","name":"look","input":{}}`
		resultA = `{"type":"tool_result","tool_use_id":"a","content":"nothing"}`
		text    = `{"type":"text","text":"y"}`
	)
	asked := func(calls, answer string) string {
		return turns(user(`"x"`), assistant(`[`+calls+`]`), user(`[`+answer+`]`))
	}
	return []refusal{
		{"a call without a result", asked(callA, text), "without `tool_result`"},
		{"one of two results", asked(callA+","+callB, resultA), "without `tool_result`"},
		{"a result without a call", turns(user(`[` + resultA + `]`)), "tool_use_id"},
		{"a result for another call", asked(callB, resultA), "tool_use_id"},
		{"a result twice", asked(callA, resultA+","+resultA), "single result"},
		{"text before a result", asked(callA, text+","+resultA), "come first"},
		{"input that is no object", asked(`{"type":"tool_use","id":"a","name":"look","input":"x"}`, resultA), "dictionary"},
		{"a call id twice", turns(user(`"x"`), assistant(`[`+callA+`]`), user(`[`+resultA+`]`), assistant(`[`+callA+`]`), user(`[`+resultA+`]`)), "unique"},
	}
}

func badSchemas() []refusal {
	format := func(schema string) string {
		return `{"output_config":{"format":{"type":"json_schema","schema":` + schema + `}}}`
	}
	object := func(properties, more string) string {
		return `{"type":"object","additionalProperties":false,"properties":{` + properties + `}` + more + `}`
	}
	field := func(schema string) string { return format(object(`"a":`+schema, "")) }
	var unions []string
	for i := range 40 {
		unions = append(unions, fmt.Sprintf(`"u%d":{"anyOf":[{"type":"string"},{"type":"null"}]}`, i))
	}
	node := `,"$defs":{"node":` + object(`"next":{"$ref":"#/$defs/node"}`, "") + `}`
	return []refusal{
		{"a format that is no schema", `{"output_config":{"format":{"type":"json_object"}}}`, "json_schema"},
		{"a schema that is no object", format(`{"type":"array","items":{"type":"string"}}`), "object"},
		{"a schema with additional properties", format(`{"type":"object","properties":{}}`), "additionalProperties"},
		{"a schema with a map", field(`{"type":"object","additionalProperties":{"type":"string"}}`), "additionalProperties"},
		{"a list of types", field(`{"type":["string","null"]}`), "type"},
		{"a length", field(`{"type":"string","minLength":3}`), "minLength"},
		{"a pattern", field(`{"type":"string","pattern":"^a"}`), "pattern"},
		{"a range", field(`{"type":"integer","maximum":3}`), "maximum"},
		{"two items at least", field(`{"type":"array","items":{"type":"string"},"minItems":2}`), "minItems"},
		{"a format nobody knows", field(`{"type":"string","format":"colour"}`), "format"},
		{"a required field that is none", format(object(`"a":{"type":"string"}`, `,"required":["b"]`)), "required"},
		{"a schema that contains itself", format(object(`"a":{"$ref":"#/$defs/node"}`, node)), "Recursive"},
		{"a reference to nothing", field(`{"$ref":"#/$defs/nothing"}`), "not defined"},
		{"a schema that is too large", format(object(strings.Join(unions, ","), "")), "too large"},
	}
}

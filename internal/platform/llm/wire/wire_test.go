package wire_test

import (
	"testing"

	"cofounder/internal/platform/llm/wire"
)

func FuzzCheck(f *testing.F) {
	f.Add([]byte(`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}]}`))
	f.Add([]byte(`{"messages":[{"role":"assistant","content":[{"type":"thinking","signature":"x"},{"type":"tool_use","id":"a","input":{}}]}]}`))
	f.Add([]byte(`{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":null}]}],
		"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{"$ref":"#/properties/a"}}}}}}`))
	f.Add([]byte(`{"tools":[{"name":"x","input_schema":{"anyOf":[1]},"strict":true}],"system":[null],"messages":[null]}`))
	model := wire.Family()[0]
	f.Fuzz(func(t *testing.T, body []byte) {
		q, refused := wire.Parse(body)
		if refused != nil {
			return
		}
		if refused := q.Check(model, wire.Signer("key")); refused != nil && refused.Status/100 != 4 {
			t.Errorf("a request is refused with status %d", refused.Status)
		}
		if n := q.Count(); n < 1 {
			t.Errorf("counted %d tokens", n)
		}
	})
}

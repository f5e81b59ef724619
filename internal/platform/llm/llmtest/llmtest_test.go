package llmtest_test

import (
	"net/http"
	"testing"

	"cofounder/internal/platform/llm/llmtest"
)

const (
	plain  = `{"model":"claude-opus-5-5","max_tokens":4096,"messages":[{"role":"user","content":"What shall we build?"}]}`
	formed = `{"model":"claude-opus-5-5","max_tokens":4096,"messages":[{"role":"user","content":"Name it."}],
		"output_config":{"effort":"low","format":{"type":"json_schema","schema":{"title":"name","type":"object","additionalProperties":false,
		"required":["name","kinds","home","price"],"properties":{"name":{"type":"string"},"kinds":{"type":"array","items":{"enum":["app","shop"]}},
		"home":{"anyOf":[{"type":"string","format":"uri"},{"type":"null"}]},"price":{"$ref":"#/$defs/money"}},
		"$defs":{"money":{"type":"object","additionalProperties":false,"properties":{"amount":{"type":"integer"},"on":{"type":"string","format":"date"}},"required":["amount","on"]}}}}}}`
	tools = `{"model":"claude-opus-5-5","max_tokens":4096,"messages":[{"role":"user","content":"Please look."}],
		"tools":[{"name":"look","description":"Looks.","input_schema":{"type":"object","properties":{"at":{"type":"string"}},"required":["at"]}}]}`
)

func TestConform(t *testing.T) {
	t.Parallel()
	turns, err := llmtest.Parse(`
		turn when tool_result
		times 0
		say I have looked.
		turn when Please look
		times 0
		think Which file?
		say I look at both.
		tool look {"at":"main.go"}
		tool look {"at":"go.mod"}
	`)
	if err != nil {
		t.Fatal(err)
	}
	srv := llmtest.StartConfig(t, llmtest.Config{Script: turns})
	llmtest.Conform(t, llmtest.Subject{
		Transport: http.DefaultTransport, URL: srv.URL, Key: "sk-test",
		Plain: []byte(plain), Formed: []byte(formed), Tools: []byte(tools),
	})
}

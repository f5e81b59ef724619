package llmtest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/platform/llm/wire"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := llmtest.Parse(`
		# a comment
		turn when "list"
		times 2
		expect package main
		think
		say "two\nlines"
		say one line
		tool read {"path":"main.go"}
		stop max_tokens
		usage input=10 output=20 read=30 write5m=40 write1h=50 thinking=5
		drip 20ms
		turn
		fail rate_limited 2
	`)
	if err != nil {
		t.Fatal(err)
	}
	want := []llmtest.Turn{
		{
			When: `"list"`, Times: 2, Expect: []string{"package main"}, Stop: "max_tokens", Drip: 20 * time.Millisecond,
			Content: wire.Content{
				{Type: "thinking"},
				{Type: "text", Text: "two\nlines"},
				{Type: "text", Text: "one line"},
				{Type: "tool_use", Name: "read", Input: json.RawMessage(`{"path":"main.go"}`)},
			},
			Usage: &wire.Usage{Input: 10, Output: 20, CacheRead: 30, CacheWrite5m: 40, CacheWrite1h: 50, Thinking: 5},
		},
		{Times: 1, Fail: "rate_limited", Value: "2"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(wire.Block{})); diff != "" {
		t.Errorf("turns (-want +got):\n%s", diff)
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, script, want string }{
		{"before a turn", "say hello", "line 1: say before the first turn"},
		{"no such line", "turn\nshout hello", "line 2: shout"},
		{"no such failure", "turn\nfail gloriously", "no such failure: gloriously"},
		{"input that is no JSON", "turn\ntool read main.go", "not JSON"},
		{"no such figure", "turn\nusage beer=3", "beer"},
		{"a figure that is none", "turn\nusage input=many", "input"},
		{"words after turn", "turn whenever", "want nothing"},
		{"times", "turn\ntimes often", "times"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := llmtest.Parse(c.script)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// post sends body to a server and returns the usage of its answer.
func post(t *testing.T, url, body string) map[string]any {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/messages", bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", "sk-test")
	r.Header.Set("Anthropic-Version", "2023-06-01")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Usage map[string]any `json:"usage"`
	}
	if err := json.Unmarshal(raw, &m); err != nil || m.Usage == nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return m.Usage
}

func number(t *testing.T, v any) float64 {
	t.Helper()
	f, ok := v.(float64)
	if !ok {
		t.Fatalf("%v is no number", v)
	}
	return f
}

func TestCache(t *testing.T) {
	t.Parallel()
	srv := llmtest.StartConfig(t, llmtest.Config{})
	system := `"system":[{"type":"text","text":"` + strings.Repeat("You are careful. ", 200) + `","cache_control":{"type":"ephemeral","ttl":"1h"}}]`
	ask := func(more string) map[string]any {
		return post(t, srv.URL, `{"model":"claude-haiku-5-5","max_tokens":100,`+system+`,"messages":[{"role":"user","content":"`+more+`"}]}`)
	}
	first, second := ask("One."), ask("Two.")
	wrote := number(t, first["cache_creation_input_tokens"])
	if wrote < 1000 || number(t, first["cache_read_input_tokens"]) != 0 || number(t, first["input_tokens"]) > 50 {
		t.Errorf("first: %v", first)
	}
	if number(t, second["cache_read_input_tokens"]) != wrote || number(t, second["cache_creation_input_tokens"]) != 0 {
		t.Errorf("second: %v, the first wrote %v", second, wrote)
	}
}

func TestPrefixes(t *testing.T) {
	t.Parallel()
	const begin = `{"model":"claude-haiku-5-5","messages":[{"role":"user","content":"One."}`
	const end = `],"max_tokens":100}`
	body := func(more string) string { return begin + more + end }
	const answer, next = `,{"role":"assistant","content":"Yes."}`, `,{"role":"user","content":"Two."}`
	srv := llmtest.StartConfig(t, llmtest.Config{})
	for _, b := range []string{
		body(""),
		body(answer + next),
		strings.Replace(body(answer+next+answer+next), "One.", "Won.", 1),
	} {
		post(t, srv.URL, b)
	}
	got := llmtest.Prefixes(srv.Calls())
	if len(got) != 2 {
		t.Fatalf("%d comparisons of 3 calls", len(got))
	}
	if p := got[0]; !p.Appended || p.SameBytes != len(begin) || p.SameTokens == 0 || p.SameTokens >= p.Tokens {
		t.Errorf("appended: %+v, want the first %d bytes to be the same", p, len(begin))
	}
	if p := got[1]; p.Appended || p.SameTokens != 0 {
		t.Errorf("edited: %+v", p)
	}
}

func TestScriptIsHeld(t *testing.T) {
	t.Parallel()
	turns, err := llmtest.Parse("turn when never\nsay no\nturn\nexpect something else\nsay yes")
	if err != nil {
		t.Fatal(err)
	}
	var wrong []string
	srv := llmtest.StartConfig(t, llmtest.Config{Script: turns, Wrong: func(what string) { wrong = append(wrong, what) }})
	post(t, srv.URL, plain)
	post(t, srv.URL, plain)
	if len(wrong) != 1 || !strings.Contains(wrong[0], "something else") {
		t.Errorf("wrong: %q", wrong)
	}
	if srv.Left() != 1 || srv.Unwanted() != 1 {
		t.Errorf("%d turns left, %d requests unwanted, want 1 and 1", srv.Left(), srv.Unwanted())
	}
}

package llmtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"cofounder/internal/platform/llm/wire"

	"github.com/google/go-cmp/cmp"
)

// Subject is a server to be held to the protocol. The bodies are requests it must
// answer; the suite changes them to be refused, repeated and continued.
type Subject struct {
	Transport http.RoundTripper
	URL       string
	Key       string
	Plain     []byte // asks for text
	Formed    []byte // asks for a value of a schema
	Tools     []byte // offers tools, so that the answer calls one
}

// Conform holds s to what the real API does on the wire: what is refused and how,
// the order of events, that a stream and a whole answer say the same, structured
// output, tool calls, thinking that is signed together with its history.
func Conform(t *testing.T, s Subject) {
	t.Helper()
	t.Run("models", s.models)
	t.Run("count_tokens", s.counts)
	t.Run("headers", s.headers)
	t.Run("refusals", s.refusals)
	for name, body := range map[string][]byte{"plain": s.Plain, "formed": s.Formed, "tools": s.Tools} {
		t.Run("stream "+name, func(t *testing.T) { s.stream(t, body) })
	}
	t.Run("structured output", s.formed)
	t.Run("tool call", s.toolCall)
	t.Run("history", s.history)
}

// send posts body and returns status, headers and answer.
func (s Subject) send(t *testing.T, method, path string, body []byte, headers map[string]string) (int, http.Header, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Anthropic-Version", "2023-06-01")
	r.Header.Set("X-Api-Key", s.Key)
	for name, value := range headers {
		if r.Header.Del(name); value != "" {
			r.Header.Set(name, value)
		}
	}
	res, err := s.Transport.RoundTrip(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: read: %v", method, path, err)
	}
	return res.StatusCode, res.Header, answer
}

// refused sends body and wants that status, error type and piece of the message.
func (s Subject) refused(t *testing.T, body []byte, status int, kind, message string) {
	t.Helper()
	got, header, answer := s.send(t, http.MethodPost, "/v1/messages", body, nil)
	checkRefusal(t, got, header, answer, wire.Error{Status: status, Type: kind, Message: message})
}

func checkRefusal(t *testing.T, status int, header http.Header, answer []byte, want wire.Error) {
	t.Helper()
	var e struct {
		Type  string `json:"type"`
		Error struct {
			Type    string `json:"type"`
			Message string `json:"message"`
		} `json:"error"`
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal(answer, &e); err != nil {
		t.Fatalf("status %d, not an error of the API: %.200s", status, answer)
	}
	if status != want.Status || e.Type != "error" || e.Error.Type != want.Type || !strings.Contains(e.Error.Message, want.Message) {
		t.Errorf("answered %d %s %q, want %d %s %q", status, e.Error.Type, e.Error.Message, want.Status, want.Type, want.Message)
	}
	if e.RequestID == "" || e.RequestID != header.Get("request-id") {
		t.Errorf("request id %q in the body, %q in the header", e.RequestID, header.Get("request-id"))
	}
}

// with returns body with members set, or removed where nil.
func with(t *testing.T, body []byte, members map[string]any) []byte {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		t.Fatal(err)
	}
	maps.Copy(fields, members)
	for name, value := range members {
		if value == nil {
			delete(fields, name)
		}
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (s Subject) models(t *testing.T) {
	var list struct {
		Data []struct {
			ID   string `json:"id"`
			Type string `json:"type"`
		} `json:"data"`
		HasMore *bool `json:"has_more"`
	}
	status, _, answer := s.send(t, http.MethodGet, "/v1/models", nil, nil)
	if err := json.Unmarshal(answer, &list); err != nil || status != http.StatusOK || len(list.Data) == 0 || list.HasMore == nil {
		t.Fatalf("list: %d %.300s", status, answer)
	}
	q, _ := wire.Parse(s.Plain)
	var one struct {
		ID           string `json:"id"`
		MaxTokens    int64  `json:"max_tokens"`
		MaxInput     int64  `json:"max_input_tokens"`
		Capabilities map[string]any
	}
	status, _, answer = s.send(t, http.MethodGet, "/v1/models/"+q.Model, nil, nil)
	if err := json.Unmarshal(answer, &one); err != nil || status != http.StatusOK || one.ID != q.Model ||
		one.MaxTokens == 0 || one.MaxInput == 0 || one.Capabilities["structured_outputs"] == nil {
		t.Errorf("one: %d %.300s", status, answer)
	}
	status, header, answer := s.send(t, http.MethodGet, "/v1/models/no-such-model", nil, nil)
	checkRefusal(t, status, header, answer, wire.Error{Status: http.StatusNotFound, Type: "not_found_error"})
}

func (s Subject) counts(t *testing.T) {
	count := func(body []byte) int64 {
		body = with(t, body, map[string]any{"max_tokens": nil, "stream": nil})
		var n struct {
			Input int64 `json:"input_tokens"`
		}
		status, _, answer := s.send(t, http.MethodPost, "/v1/messages/count_tokens", body, nil)
		if err := json.Unmarshal(answer, &n); err != nil || status != http.StatusOK || n.Input < 1 {
			t.Fatalf("count: %d %.300s", status, answer)
		}
		return n.Input
	}
	few := count(s.Plain)
	many := count(with(t, s.Plain, map[string]any{"system": strings.Repeat("A long system prompt. ", 50)}))
	if few > int64(len(s.Plain)) {
		t.Errorf("%d tokens in %d bytes", few, len(s.Plain))
	}
	if many < few+200 {
		t.Errorf("1100 bytes more count %d, before %d", many, few)
	}
	if _, _, used := s.stream(t, s.Plain); used.Input+used.CacheRead+used.CacheWrite5m+used.CacheWrite1h != few {
		t.Errorf("an answer says its prompt was %+v, counted %d", used, few)
	}
}

func (s Subject) headers(t *testing.T) {
	for _, c := range []struct {
		name    string
		headers map[string]string
		want    wire.Error
	}{
		{"no key", map[string]string{"X-Api-Key": ""}, wire.Error{Status: 401, Type: "authentication_error"}},
		{"two keys", map[string]string{"Authorization": "Bearer " + s.Key}, wire.Error{Status: 401, Type: "authentication_error"}},
		{"no version", map[string]string{"Anthropic-Version": ""}, wire.Error{Status: 400, Type: "invalid_request_error", Message: "anthropic-version"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, header, answer := s.send(t, http.MethodPost, "/v1/messages", s.Plain, c.headers)
			checkRefusal(t, status, header, answer, c.want)
		})
	}
	status, _, _ := s.send(t, http.MethodPost, "/v1/messages", s.Plain, map[string]string{"X-Api-Key": "", "Authorization": "Bearer " + s.Key})
	if status != http.StatusOK {
		t.Errorf("the key as bearer: status %d", status)
	}
}

// formed wants a value of the schema, as the only text.
func (s Subject) formed(t *testing.T) {
	content, stop, _ := s.stream(t, s.Formed)
	if stop != "end_turn" {
		t.Errorf("stopped for %s", stop)
	}
	q, _ := wire.Parse(s.Formed)
	if err := fits(q.Schema(), content.Text()); err != nil {
		t.Errorf("%v:\n%s", err, content.Text())
	}
}

// toolCall wants a call, takes its result, and refuses to go on without one.
func (s Subject) toolCall(t *testing.T) {
	content, stop, _ := s.stream(t, s.Tools)
	if stop != "tool_use" {
		t.Fatalf("stopped for %s, want tool_use", stop)
	}
	q, _ := wire.Parse(s.Tools)
	var results []map[string]any
	for _, b := range content {
		if b.Type == "tool_use" {
			results = append(results, map[string]any{"type": "tool_result", "tool_use_id": b.ID, "content": "done"})
			checkInput(t, q, b)
		}
	}
	if len(results) == 0 {
		t.Fatal("stopped for tool_use without a tool call")
	}
	next := func(answer any) []byte { return s.goOn(t, s.Tools, content, answer) }
	s.refused(t, next("I did it."), http.StatusBadRequest, "invalid_request_error", "without `tool_result`")
	results[0]["tool_use_id"] = "toolu_other"
	s.refused(t, next(results), http.StatusBadRequest, "invalid_request_error", "tool_use_id")
	for _, b := range content {
		if b.Type == "tool_use" {
			results[0]["tool_use_id"] = b.ID
			break
		}
	}
	s.stream(t, next(results))
}

func checkInput(t *testing.T, q *wire.Request, b wire.Block) {
	t.Helper()
	for _, tool := range q.Tools {
		if tool.Name == b.Name {
			if err := fits(tool.InputSchema, string(b.Input)); err != nil {
				t.Errorf("input of %s: %v", b.Name, err)
			}
			return
		}
	}
	t.Errorf("called %s, which was not offered", b.Name)
}

// goOn returns body with the model's answer and ours appended.
func (s Subject) goOn(t *testing.T, body []byte, content wire.Content, answer any) []byte {
	t.Helper()
	var fields struct {
		Messages []any `json:"messages"`
	}
	if err := json.Unmarshal(body, &fields); err != nil {
		t.Fatal(err)
	}
	return with(t, body, map[string]any{"messages": append(fields.Messages,
		map[string]any{"role": "assistant", "content": content}, map[string]any{"role": "user", "content": answer})})
}

// history takes a conversation that goes on as it was, and, where thinking was
// signed, refuses one that was edited.
func (s Subject) history(t *testing.T) {
	content, _, _ := s.stream(t, s.Plain)
	whole := s.goOn(t, s.Plain, content, "And then?")
	s.stream(t, whole)
	signed := false
	for _, b := range content {
		signed = signed || b.Type == "thinking"
	}
	if !signed {
		t.Skip("this model does not think here")
	}
	invalid := func(body []byte) {
		t.Helper()
		s.refused(t, body, http.StatusBadRequest, "invalid_request_error", "signature")
	}
	invalid(with(t, whole, map[string]any{"system": "Another system prompt."}))
	edited := edit(t, whole, func(messages []any) {
		first, _ := messages[0].(map[string]any) //nolint:errcheck // Plain is a request
		first["content"] = "Something I never said."
	})
	invalid(edited)
	s.stream(t, edit(t, whole, func(messages []any) {
		first, _ := messages[0].(map[string]any) //nolint:errcheck // Plain is a request
		if text, ok := first["content"].(string); ok {
			first["content"] = []any{map[string]any{"type": "text", "text": text, "cache_control": map[string]any{"type": "ephemeral"}}}
		}
	}))
}

func edit(t *testing.T, body []byte, change func(messages []any)) []byte {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		t.Fatal(err)
	}
	messages, _ := fields["messages"].([]any) //nolint:errcheck // it is a request
	change(messages)
	return with(t, body, map[string]any{"messages": messages})
}

// stream sends body with and without streaming, holds the events to their order,
// and returns what they come to.
func (s Subject) stream(t *testing.T, body []byte) (wire.Content, string, wire.Usage) {
	t.Helper()
	status, header, answer := s.send(t, http.MethodPost, "/v1/messages", with(t, body, map[string]any{"stream": true}), nil)
	if status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("stream: %d %s %.300s", status, header.Get("Content-Type"), answer)
	}
	got, err := assemble(answer)
	if err != nil {
		t.Fatalf("stream: %v:\n%.2000s", err, answer)
	}
	status, header, answer = s.send(t, http.MethodPost, "/v1/messages", with(t, body, map[string]any{"stream": nil}), nil)
	var whole struct {
		Content wire.Content `json:"content"`
		Stop    string       `json:"stop_reason"`
	}
	if err := json.Unmarshal(answer, &whole); err != nil || status != http.StatusOK || header.Get("Content-Type") != "application/json" {
		t.Fatalf("whole: %d %s %.300s", status, header.Get("Content-Type"), answer)
	}
	if diff := cmp.Diff(says(whole.Content), says(got.content)); diff != "" || whole.Stop != got.stop {
		t.Errorf("whole and stream differ (%s, %s; -whole +stream):\n%s", whole.Stop, got.stop, diff)
	}
	return got.content, got.stop, got.usage
}

// says is what content says, without ids and signatures.
func says(c wire.Content) []string {
	var out []string
	for _, b := range c {
		out = append(out, fmt.Sprintf("%s %s%s%s %s", b.Type, b.Text, b.Thinking, b.Name, b.Input))
	}
	return out
}

package client_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/client"
	"cofounder/internal/platform/llm/wire"
)

// bytesLine answers every request with the same bytes, as a stream.
type bytesLine []byte

func (b bytesLine) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}},
		Body: io.NopCloser(bytes.NewReader(b)), Request: r,
	}, nil
}

// FuzzStream wants from any bytes at all: no panic, every attempt accounted for, and
// an answer only if the stream said that it was complete, tool calls only if it
// stopped for them and their input is a JSON object.
func FuzzStream(f *testing.F) {
	record := func(events []wire.SSE) []byte {
		var b bytes.Buffer
		write(&b, events...)
		return b.Bytes()
	}
	f.Add(record(hello()))
	calls := wire.Reply{ID: "msg_1", Model: "m", Stop: "tool_use", Content: wire.Content{
		{Type: "thinking", Thinking: "Hm.", Signature: "c2ln"},
		{Type: "text", Text: "I look."},
		{Type: "tool_use", ID: "toolu_1", Name: "look", Input: json.RawMessage(`{"path":"main.go","lines":[1,2]}`)},
		{Type: "tool_use", ID: "toolu_1", Name: "look", Input: json.RawMessage(`{"path":"go.mod"}`)},
	}, Usage: wire.Usage{Input: 1, Output: 1}}.Events(7)
	f.Add(record(calls))
	f.Add(record(calls[:len(calls)-1]))
	f.Add(record(calls[:len(calls)-4]))
	f.Add(bytes.ReplaceAll(record(calls), []byte(`"index":2`), []byte(`"index":1`)))
	f.Add(bytes.ReplaceAll(record(calls), []byte(`tool_use"`), []byte(`end_turn"`)))
	f.Add([]byte("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n"))
	f.Add([]byte("event: content_block_delta\ndata: {\"index\":-1,\"delta\":{\"type\":\"text_delta\",\"text\":\"x\"}}\n\n"))
	f.Add([]byte("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":-5,\"output_tokens\":1e99}}}\n\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		policy := quick()
		policy.Attempts = 1
		c := newClient(t, client.Config{Transport: bytesLine(stream), Policy: policy})
		money := &till{}
		ep := llm.Endpoint{BaseURL: "http://line", Known: map[string]llm.Capabilities{"claude-opus-5-5": {}}}
		res, bill, err := c.Call(t.Context(), ep, ask("Hi."), money.admit, func(llm.Event) error { return nil })
		if failed := err != nil; len(money.attempts) != 1 || (len(money.outcomes) == 1) != failed || (bill.Ticket == nil) != failed {
			t.Fatalf("error %v, %d outcomes, bill %+v", err, len(money.outcomes), bill)
		}
		outcomes := append(money.outcomes, bill.Outcome)
		for _, o := range outcomes {
			u := o.Usage
			if min(u.Input, u.CacheRead, u.CacheWrite5m, u.CacheWrite1h, u.Output, u.Thinking) < 0 {
				t.Errorf("negative usage %+v", u)
			}
		}
		if err != nil {
			return
		}
		if !strings.Contains(string(stream), "message_stop") {
			t.Errorf("an answer from a stream that did not end: %+v", res)
		}
		if len(res.Calls) > 0 && res.Stop != llm.StopTools {
			t.Errorf("calls, but stopped for %s", res.Stop)
		}
		ids := map[string]bool{}
		for _, call := range res.Calls {
			var object map[string]any
			if err := json.Unmarshal(call.Input, &object); err != nil || object == nil || ids[call.ID] {
				t.Errorf("call %+v: %v", call, err)
			}
			ids[call.ID] = true
		}
		for _, turn := range res.Turns {
			if again, err := llm.ParseTurn(turn.Bytes()); err != nil || again != turn {
				t.Errorf("the turn does not survive storing: %v: %s", err, turn.Bytes())
			}
		}
	})
}

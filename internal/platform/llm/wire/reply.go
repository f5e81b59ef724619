package wire

import (
	"encoding/json"
	"fmt"
	"net/http"
	"unicode/utf8"
)

// Reply is an answer.
type Reply struct {
	ID      string
	Model   string
	Content Content // thinking, text and tool_use blocks
	Stop    string
	// StopDetails goes with a refusal.
	StopDetails *StopDetails
	Usage       Usage
}

// StopDetails say why a model declined.
type StopDetails struct {
	Type        string `json:"type"`
	Category    string `json:"category"`
	Explanation string `json:"explanation"`
}

// Usage is what an answer used, by token class.
type Usage struct {
	Input, CacheWrite5m, CacheWrite1h, CacheRead, Output, Thinking int64
}

// MarshalJSON writes the whole usage object of the API.
func (u Usage) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{
		"input_tokens": u.Input, "output_tokens": u.Output, "cache_read_input_tokens": u.CacheRead,
		"cache_creation_input_tokens": u.CacheWrite5m + u.CacheWrite1h,
		"cache_creation":              map[string]int64{"ephemeral_5m_input_tokens": u.CacheWrite5m, "ephemeral_1h_input_tokens": u.CacheWrite1h},
		"output_tokens_details":       map[string]int64{"thinking_tokens": u.Thinking},
		"server_tool_use":             nil, "service_tier": "standard", "inference_geo": "not_available", "speed": "standard",
	})
}

// OutputTokens counts what content comes to, thinking apart.
func (c Content) OutputTokens() (output, thinking int64) {
	for _, b := range c {
		n := CountText(len(b.Text) + len(b.Input))
		if b.Type == "thinking" {
			n = max(CountText(len(b.Thinking)), emptyThinking)
			thinking += n
		}
		output += n
	}
	return output, thinking
}

// emptyThinking is what thinking that is not shown is counted as.
const emptyThinking = 24

// WithUsage fills in the usage that follows from the request: the whole prompt
// uncached, the output by its length.
func (r Reply) WithUsage(q *Request) Reply {
	r.Usage = Usage{Input: q.Count()}
	r.Usage.Output, r.Usage.Thinking = r.Content.OutputTokens()
	return r
}

// message is the answer as JSON, without a stop when it is only beginning.
func (r Reply) message(content Content, stop *string, u Usage) map[string]any {
	blocks := make([]json.RawMessage, 0, len(content))
	for _, b := range content {
		blocks = append(blocks, b.whole())
	}
	m := map[string]any{
		"id": r.ID, "type": "message", "role": "assistant", "model": r.Model, "content": blocks,
		"stop_reason": stop, "stop_sequence": nil, "stop_details": nil, "container": nil, "usage": u,
	}
	if stop != nil && r.StopDetails != nil {
		m["stop_details"] = r.StopDetails
	}
	return m
}

// Body is the answer to a request that does not stream.
func (r Reply) Body() []byte { return mustMarshal(r.message(r.Content, &r.Stop, r.Usage)) }

// whole is a block with the fields the API always writes.
func (b Block) whole() json.RawMessage {
	switch b.Type {
	case "text":
		return mustMarshal(map[string]any{"type": "text", "text": b.Text, "citations": nil})
	case "thinking":
		return mustMarshal(map[string]any{"type": "thinking", "thinking": b.Thinking, "signature": b.Signature})
	case "tool_use":
		return mustMarshal(map[string]any{"type": "tool_use", "id": b.ID, "name": b.Name, "input": b.Input})
	}
	return mustMarshal(b)
}

// opening is a block as its stream begins.
func (b Block) opening() json.RawMessage {
	b.Text, b.Thinking, b.Signature = "", "", ""
	if b.Type == "tool_use" {
		b.Input = json.RawMessage("{}")
	}
	return b.whole()
}

// SSE is one event of a stream.
type SSE struct {
	Name string
	Data []byte
}

// Event makes an event whose data has its name as type.
func Event(name string, fields map[string]any) SSE {
	fields["type"] = name
	return SSE{name, mustMarshal(fields)}
}

// Events is the answer as a stream, text in pieces of about chunk bytes.
func (r Reply) Events(chunk int) []SSE {
	early := r.Usage
	early.Output, early.Thinking = 1, 0
	events := []SSE{
		Event("message_start", map[string]any{"message": r.message(nil, nil, early)}),
		Event("ping", map[string]any{}),
	}
	for i, b := range r.Content {
		events = append(events, b.events(i, chunk)...)
	}
	delta := map[string]any{"stop_reason": r.Stop, "stop_sequence": nil, "container": nil}
	if r.StopDetails != nil {
		delta["stop_details"] = r.StopDetails
	}
	return append(events,
		Event("message_delta", map[string]any{"delta": delta, "usage": r.Usage}),
		Event("message_stop", map[string]any{}),
	)
}

func (b Block) events(index, chunk int) []SSE {
	delta := func(kind, field, piece string) SSE {
		return Event("content_block_delta", map[string]any{"index": index, "delta": map[string]string{"type": kind, field: piece}})
	}
	events := []SSE{Event("content_block_start", map[string]any{"index": index, "content_block": b.opening()})}
	switch b.Type {
	case "text":
		for _, piece := range pieces(b.Text, chunk) {
			events = append(events, delta("text_delta", "text", piece))
		}
	case "thinking":
		for _, piece := range pieces(b.Thinking, chunk) {
			events = append(events, delta("thinking_delta", "thinking", piece))
		}
		events = append(events, delta("signature_delta", "signature", b.Signature))
	case "tool_use":
		events = append(events, delta("input_json_delta", "partial_json", ""))
		for _, piece := range pieces(string(b.Input), chunk) {
			events = append(events, delta("input_json_delta", "partial_json", piece))
		}
	}
	return append(events, Event("content_block_stop", map[string]any{"index": index}))
}

// pieces cuts s every size bytes or a little later, never inside a rune.
func pieces(s string, size int) []string {
	var out []string
	for len(s) > size {
		cut := size
		for cut < len(s) && !utf8.RuneStart(s[cut]) {
			cut++
		}
		out = append(out, s[:cut])
		s = s[cut:]
	}
	if s != "" {
		out = append(out, s)
	}
	return out
}

// WriteEvent sends one event and flushes it.
func WriteEvent(w http.ResponseWriter, e SSE) error {
	if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", e.Name, e.Data); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	return nil
}

// Write answers q with r, as a stream if it asked for one.
func (r Reply) Write(w http.ResponseWriter, q *Request) error {
	if !q.Stream {
		w.Header().Set("Content-Type", "application/json")
		if _, err := w.Write(r.Body()); err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
		return nil
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	for _, e := range r.Events(defaultChunk) {
		if err := WriteEvent(w, e); err != nil {
			return err
		}
	}
	return nil
}

// defaultChunk is about what the API sends at once.
const defaultChunk = 24

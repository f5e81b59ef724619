package llmtest

import (
	"bytes"
	"encoding/json"
	"slices"

	"cofounder/internal/platform/llm/wire"
)

// answers are whole on the wire and yet not what was asked for.
func answers() []Failure {
	text := func(change func(string) string) func(*exchange) {
		return func(x *exchange) { x.eachText(change) }
	}
	stop := func(reason string) func(*exchange) {
		return func(x *exchange) { x.reply.Stop = reason }
	}
	return []Failure{
		{Name: "refusal", Tells: "the model declines", Answers: true, answer: func(x *exchange) {
			x.reply.Content = nil
			x.decline()
		}},
		{Name: "refusal_later", Tells: "the model declines in the middle", Answers: true, answer: func(x *exchange) {
			x.eachText(half)
			x.decline()
		}},
		{Name: "length", Tells: "cut by max_tokens", Answers: true, answer: func(x *exchange) {
			x.eachText(half)
			x.reply.Stop = "max_tokens"
		}},
		{Name: "context_full", Tells: "cut by the end of the context window", Answers: true, answer: func(x *exchange) {
			x.eachText(half)
			x.reply.Stop = "model_context_window_exceeded"
		}},
		{Name: "cut_tool", Tells: "a tool call cut by max_tokens, its block not ended", Answers: true, stream: func(x *exchange) { x.cutTool("message_stop") }},
		{Name: "cut_tool_ended", Tells: "a tool call cut by max_tokens, its block ended", Answers: true, stream: func(x *exchange) { x.cutTool("message_stop", "content_block_stop") }},
		{Name: "unended_tool", Tells: "tool calls whose blocks do not end, and no word of it", Answers: true, stream: func(x *exchange) {
			x.events = slices.DeleteFunc(x.events, named("content_block_stop"))
		}},
		{Name: "broken_tool", Tells: "a tool call whose input is no JSON, and no word of it", Answers: true, stream: func(x *exchange) {
			x.events = slices.DeleteFunc(x.events, func(e wire.SSE) bool { return isInput(e) && endsObject(e) })
		}},
		{Name: "pause", Tells: "the model pauses", Answers: true, answer: stop("pause_turn")},
		{Name: "odd_stop", Tells: "a stop reason nobody knows", Answers: true, answer: stop("bored")},
		{Name: "empty", Tells: "a complete answer without content", Answers: true, answer: func(x *exchange) { x.reply.Content = nil }},
		{Name: "fenced", Tells: "the text inside a fence", Answers: true, answer: text(func(s string) string { return "```json\n" + s + "\n```" })},
		{Name: "preamble", Tells: "the text after a friendly sentence", Answers: true, answer: text(func(s string) string { return "Here you go:\n\n" + s + "\n\nAnything else?" })},
		{Name: "two_values", Tells: "the text twice", Answers: true, answer: text(func(s string) string { return s + "\n" + s })},
		{Name: "prose", Tells: "prose where JSON was asked for", Answers: true, answer: text(func(string) string { return "I would rather describe it in words." })},
		{Name: "wrong_form", Tells: "JSON of another form", Answers: true, answer: text(func(string) string { return `{"unexpected":true}` })},
		{Name: "surrogate", Tells: "half a surrogate pair in the text", Answers: true, stream: func(x *exchange) { x.damage(`\ud800`) }},
		{Name: "invalid_utf8", Tells: "bytes that are no UTF-8 in the text", Answers: true, stream: func(x *exchange) { x.damage("\xff\xfe") }},
	}
}

func (x *exchange) eachText(change func(string) string) {
	for i := range x.reply.Content {
		if b := &x.reply.Content[i]; b.Type == "text" {
			b.Text = change(b.Text)
		}
	}
}

func (x *exchange) decline() {
	x.reply.Stop = "refusal"
	x.reply.StopDetails = &wire.StopDetails{Type: "refusal", Category: "cyber", Explanation: "This request was declined."}
}

func half(s string) string { return s[:len(s)/2] }

func isInput(e wire.SSE) bool {
	var d struct {
		Delta struct {
			Type string `json:"type"`
		} `json:"delta"`
	}
	return json.Unmarshal(e.Data, &d) == nil && d.Delta.Type == "input_json_delta"
}

// endsObject reports whether the piece of input in e ends with a brace.
func endsObject(e wire.SSE) bool {
	var d struct {
		Delta struct {
			Piece string `json:"partial_json"`
		} `json:"delta"`
	}
	return json.Unmarshal(e.Data, &d) == nil && len(d.Delta.Piece) > 0 && d.Delta.Piece[len(d.Delta.Piece)-1] == '}'
}

// cutTool ends the answer inside the last tool call; of the events that follow it
// leaves those named.
func (x *exchange) cutTool(leave ...string) {
	last := -1
	for i, e := range x.events {
		if isInput(e) && endsObject(e) {
			last = i
		}
	}
	if last < 0 {
		return
	}
	rest := slices.Clone(x.events[last+1:])
	x.events = x.events[:last]
	for _, e := range rest {
		switch {
		case e.Name == "message_delta":
			x.events = append(x.events, wire.Event("message_delta", map[string]any{
				"delta": map[string]any{"stop_reason": "max_tokens", "stop_sequence": nil}, "usage": x.reply.Usage,
			}))
		case slices.Contains(leave, e.Name):
			x.events = append(x.events, e)
		}
	}
}

// damage puts bytes as they are into the first text of the stream.
func (x *exchange) damage(raw string) {
	i := slices.IndexFunc(x.events, firstText)
	if i < 0 {
		return
	}
	var d struct {
		Index int `json:"index"`
	}
	if json.Unmarshal(x.events[i].Data, &d) != nil {
		return
	}
	e := wire.Event("content_block_delta", map[string]any{"index": d.Index, "delta": map[string]string{"type": "text_delta", "text": "DAMAGE"}})
	e.Data = bytes.Replace(e.Data, []byte("DAMAGE"), []byte(raw), 1)
	x.events = slices.Insert(x.events, i+1, e)
}

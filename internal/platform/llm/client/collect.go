package client

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cofounder/internal/platform/llm"

	"github.com/anthropics/anthropic-sdk-go"
)

// collected is what a stream came to. The SDK's own accumulator is not used: it
// loses the input of a tool call that was cut, and an early end.
type collected struct {
	started bool // message_start came
	ended   bool // message_stop came
	begun   bool // content came
	model   string
	blocks  []*block
	stop    llm.StopReason
	usage   usage
	visible int // bytes of text and tool input
	thought int // bytes of thinking
	thinks  bool
	damaged bool // bytes came that are no UTF-8, and were replaced
}

// block is a piece of the answer under way.
type block struct {
	kind      llm.BlockType
	start     map[string]json.RawMessage
	text      strings.Builder // of text, thinking
	signature strings.Builder
	input     strings.Builder
	whole     bool // its end came
}

// usage is the API's, present or absent by member; later messages overwrite.
type usage struct {
	Input      *int64 `json:"input_tokens"`
	Output     *int64 `json:"output_tokens"`
	CacheRead  *int64 `json:"cache_read_input_tokens"`
	CacheWrite *int64 `json:"cache_creation_input_tokens"`
	Kept       *struct {
		FiveMinutes *int64 `json:"ephemeral_5m_input_tokens"`
		Hour        *int64 `json:"ephemeral_1h_input_tokens"`
	} `json:"cache_creation"`
	Details *struct {
		Thinking *int64 `json:"thinking_tokens"`
	} `json:"output_tokens_details"`
	// atEnd is true once the end of the answer told the output; what its beginning
	// tells is a placeholder.
	atEnd bool
}

// streamError is a stream that does not follow the protocol.
type streamError string

func (b streamError) Error() string { return "stream: " + string(b) }

// take adds one event. It returns the piece to show, if there is one.
func (c *collected) take(e anthropic.MessageStreamEventUnion) (llm.Event, error) {
	switch e.Type {
	case "message_start":
		c.started, c.model = true, e.Message.Model
		return llm.Event{}, c.usage.read(e.Message.Usage.RawJSON())
	case "content_block_start":
		return c.begin(int(e.Index), e.ContentBlock.RawJSON())
	case "content_block_delta":
		return c.add(int(e.Index), e.Delta)
	case "content_block_stop":
		if b := c.at(int(e.Index)); b != nil {
			b.whole = true
		}
	case "message_delta":
		c.stop = llm.StopReason(e.Delta.StopReason)
		return llm.Event{}, c.usage.readEnd(e.Usage.RawJSON())
	case "message_stop":
		c.ended = true
	}
	return llm.Event{}, nil // an event nobody knows changes nothing
}

func (c *collected) at(index int) *block {
	if index < 0 || index >= len(c.blocks) {
		return nil
	}
	return c.blocks[index]
}

func (c *collected) begin(index int, raw string) (llm.Event, error) {
	if index != len(c.blocks) {
		return llm.Event{}, streamError(fmt.Sprintf("block %d begins as number %d", index, len(c.blocks)))
	}
	b := &block{}
	if err := json.Unmarshal([]byte(raw), &b.start); err != nil {
		return llm.Event{}, streamError("a block that is no object")
	}
	b.kind = llm.BlockType(b.member("type"))
	c.blocks = append(c.blocks, b)
	switch b.kind {
	case llm.TextBlock:
		return c.grow(index, b.member("text")), nil // some servers send all of it here
	case llm.ThinkingBlock:
		c.thinks, c.begun = true, true
		b.signature.WriteString(b.member("signature"))
		return c.grow(index, b.member("thinking")), nil
	case llm.ToolUseBlock:
		c.begun = true
		return llm.Event{Type: llm.ToolUseBlock, Index: index, Text: b.member("name")}, nil
	case llm.ImageBlock, llm.DocumentBlock, llm.ToolResultBlock:
	}
	return llm.Event{}, nil
}

// member returns a text member of the block's beginning.
func (b *block) member(name string) string {
	var s string
	if json.Unmarshal(b.start[name], &s) != nil {
		return ""
	}
	return s
}

func (c *collected) add(index int, d anthropic.MessageStreamEventUnionDelta) (llm.Event, error) {
	b := c.at(index)
	if b == nil || b.whole {
		return llm.Event{}, streamError("a piece of no open block")
	}
	c.begun = true
	switch d.Type {
	case "text_delta":
		return c.grow(index, d.Text), nil
	case "thinking_delta":
		return c.grow(index, d.Thinking), nil
	case "signature_delta":
		b.signature.WriteString(d.Signature)
	case "input_json_delta":
		b.input.WriteString(d.PartialJSON)
		c.visible += len(d.PartialJSON)
	}
	return llm.Event{}, nil
}

// grow adds text to a block of text or thinking.
func (c *collected) grow(index int, text string) llm.Event {
	if text == "" {
		return llm.Event{}
	}
	b := c.blocks[index]
	if !utf8.ValidString(text) {
		text, c.damaged = strings.ToValidUTF8(text, "\ufffd"), true
	}
	b.text.WriteString(text)
	c.begun = true
	if b.kind == llm.ThinkingBlock {
		c.thought += len(text)
	} else {
		c.visible += len(text)
	}
	return llm.Event{Type: b.kind, Index: index, Text: text}
}

// text is all text of the answer.
func (c *collected) text() string {
	var s strings.Builder
	for _, b := range c.blocks {
		if b.kind == llm.TextBlock {
			s.WriteString(b.text.String())
		}
	}
	return s.String()
}

// calls returns the tool calls, each id once, or false when one is not whole. Only
// after stop reason tool_use may they run.
func (c *collected) calls() ([]llm.ToolCall, bool) {
	var calls []llm.ToolCall
	for _, b := range c.blocks {
		if b.kind != llm.ToolUseBlock {
			continue
		}
		call := llm.ToolCall{ID: b.member("id"), Name: b.member("name")}
		input, ok := b.whatInput()
		if !ok || !b.whole || call.ID == "" || call.Name == "" {
			return nil, false
		}
		if slices.ContainsFunc(calls, func(other llm.ToolCall) bool { return other.ID == call.ID }) {
			continue
		}
		call.Input = input
		calls = append(calls, call)
	}
	return calls, true
}

// whatInput is the input of a tool call, if it is a whole JSON object.
func (b *block) whatInput() (json.RawMessage, bool) {
	raw := []byte(b.input.String())
	if len(raw) == 0 {
		raw = b.start["input"] // {} from the API, all of it from some servers
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil || object == nil {
		return nil, false
	}
	canonical, err := llm.Canonical(raw)
	return canonical, err == nil
}

// turn is the answer as it is sent back later: whole blocks, in order, as they came.
// calls says which tool calls belong to it.
func (c *collected) turn(calls []llm.ToolCall) (llm.Turn, bool) {
	content := make([]json.RawMessage, 0, len(c.blocks))
	calls = slices.Clone(calls)
	for _, b := range c.blocks {
		if raw := b.raw(&calls); raw != nil {
			content = append(content, raw)
		}
	}
	if len(content) == 0 {
		return llm.Turn{}, false
	}
	raw, err := json.Marshal(map[string]any{"role": llm.FromAssistant, "content": content})
	if err != nil {
		return llm.Turn{}, false
	}
	t, err := llm.ParseTurn(raw)
	return t, err == nil
}

// raw is the block as JSON, or nil when it is not to be sent back. A tool call takes
// its place in calls.
func (b *block) raw(calls *[]llm.ToolCall) json.RawMessage {
	switch b.kind {
	case llm.TextBlock:
		if b.text.Len() == 0 {
			return nil
		}
		return mustMarshal(map[string]string{"type": "text", "text": b.text.String()})
	case llm.ThinkingBlock:
		if !b.whole {
			return nil
		}
		return mustMarshal(map[string]string{"type": "thinking", "thinking": b.text.String(), "signature": b.signature.String()})
	case llm.ToolUseBlock:
		if len(*calls) == 0 || (*calls)[0].ID != b.member("id") {
			return nil
		}
		b.start["input"] = (*calls)[0].Input
		*calls = (*calls)[1:]
	case llm.ImageBlock, llm.DocumentBlock, llm.ToolResultBlock:
	}
	return mustMarshal(b.start)
}

// read overwrites what raw tells. An absent usage tells nothing, nor does a null: the
// last word on a stream may repeat only what has changed.
func (u *usage) read(raw string) error {
	if raw == "" {
		return nil
	}
	var told usage
	if err := json.Unmarshal([]byte(raw), &told); err != nil {
		return streamError("usage that is none")
	}
	u.Input, u.Output = cmp.Or(told.Input, u.Input), cmp.Or(told.Output, u.Output)
	u.CacheRead, u.CacheWrite = cmp.Or(told.CacheRead, u.CacheRead), cmp.Or(told.CacheWrite, u.CacheWrite)
	u.Kept, u.Details = cmp.Or(told.Kept, u.Kept), cmp.Or(told.Details, u.Details)
	return nil
}

// readEnd is read for what the end of an answer tells.
func (u *usage) readEnd(raw string) error {
	began := u.Output
	u.Output = nil
	err := u.read(raw)
	u.atEnd = u.atEnd || u.Output != nil
	u.Output = cmp.Or(u.Output, began)
	return err
}

// promptKnown reports whether the prompt's tokens were told. None at all is no figure: a
// prompt is never empty.
func (u *usage) promptKnown() bool {
	n := int64(0)
	for _, p := range []*int64{u.Input, u.CacheRead, u.CacheWrite} {
		if p != nil {
			n += max(*p, 0)
		}
	}
	return u.Input != nil && n > 0
}

// outputKnown reports whether the answer's tokens were told, of an answer with content or
// without. A figure of nothing for something is none: it must not be read as free.
func (u *usage) outputKnown(content bool) bool {
	return u.atEnd && (*u.Output > 0 || !content)
}

// tokens returns the figures. What was written to the cache without a word for how
// long counts as kept for the longest time the request asks for, which is dearer.
func (u *usage) tokens(kept llm.CacheTTL) llm.Usage {
	n := func(p *int64) llm.Tokens {
		if p == nil {
			return 0
		}
		return llm.Tokens(max(*p, 0))
	}
	out := llm.Usage{Input: n(u.Input), CacheRead: n(u.CacheRead), Output: n(u.Output)}
	if u.Kept != nil {
		out.CacheWrite5m, out.CacheWrite1h = n(u.Kept.FiveMinutes), n(u.Kept.Hour)
	}
	if rest := n(u.CacheWrite) - out.CacheWrite5m - out.CacheWrite1h; rest > 0 {
		if kept == llm.Hour {
			out.CacheWrite1h += rest
		} else {
			out.CacheWrite5m += rest
		}
	}
	if u.Details != nil {
		out.Thinking = min(n(u.Details.Thinking), out.Output)
	}
	return out
}

func mustMarshal(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("llm/client: " + err.Error())
	}
	return raw
}

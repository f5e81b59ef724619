package wire

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
)

// Limits of the API.
const (
	// MaxBody is the largest request in bytes.
	MaxBody    = 32 << 20
	maxMarkers = 4
)

var toolName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)

// Check refuses what the API refuses of a request to m, or returns nil. sign proves
// signatures of earlier thinking.
func (q *Request) Check(m Model, sign Signer) *Error {
	checks := []func() *Error{
		func() *Error { return q.checkLength(m) },
		func() *Error { return q.checkParameters(m) },
		q.checkTools,
		q.checkMarkers,
		q.checkTurns,
		q.checkCalls,
		func() *Error { return q.checkSignatures(m, sign) },
		q.checkFormat,
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	if n := q.Count(); n > m.MaxInput {
		return Invalid(fmt.Sprintf("prompt is too long: %d tokens > %d maximum", n, m.MaxInput))
	}
	return nil
}

func (q *Request) checkLength(m Model) *Error {
	switch {
	case q.MaxTokens == nil:
		return Invalid("max_tokens: Field required")
	case *q.MaxTokens < 1:
		return Invalid("max_tokens: Input should be greater than or equal to 1")
	case *q.MaxTokens > m.MaxOutput:
		return Invalid(fmt.Sprintf("max_tokens: %d > %d, which is the maximum allowed number of output tokens for %s", *q.MaxTokens, m.MaxOutput, m.ID))
	}
	return nil
}

func (q *Request) checkParameters(m Model) *Error {
	efforts := []string{"", "low", "medium", "high", "xhigh", "max"}
	if !slices.Contains(efforts, q.OutputConfig.Effort) {
		return Invalid("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'")
	}
	if !m.Strict {
		if q.OutputConfig.Effort != "" {
			return Invalid("output_config.effort: not supported by " + m.ID)
		}
		return nil
	}
	for name, value := range map[string]json.RawMessage{"temperature": q.Temperature, "top_p": q.TopP, "top_k": q.TopK} {
		if len(value) > 0 {
			return Invalid(name + ": sampling parameters are not supported by " + m.ID)
		}
	}
	if q.ToolChoice != nil && (q.ToolChoice.Type == "tool" || q.ToolChoice.Type == "any") {
		return Invalid("tool_choice: forcing tool use is not supported by " + m.ID)
	}
	if t := q.Thinking; t != nil {
		switch {
		case t.Type == "enabled":
			return Invalid("thinking.type: enabled is not supported by " + m.ID + "; use output_config.effort")
		case t.Type == "disabled" && m.AlwaysThinks:
			return Invalid("thinking.type: disabled is not supported by " + m.ID)
		}
	}
	return nil
}

func (q *Request) checkTools() *Error {
	seen := map[string]bool{}
	for i, t := range q.Tools {
		at := fmt.Sprintf("tools.%d", i)
		if !toolName.MatchString(t.Name) {
			return Invalid(at + ".name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'")
		}
		if seen[t.Name] {
			return Invalid("tools: Tool names must be unique.")
		}
		seen[t.Name] = true
		var s struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal(t.InputSchema, &s); err != nil || s.Type != "object" {
			return Invalid(at + ".input_schema.type: Input should be 'object'")
		}
		if t.Strict {
			if err := checkSchema(t.InputSchema, at+".input_schema"); err != nil {
				return err
			}
		}
	}
	return nil
}

func (q *Request) checkMarkers() *Error {
	markers := q.markers()
	if len(markers) > maxMarkers {
		return Invalid(fmt.Sprintf("A maximum of 4 blocks with cache_control may be provided. Found %d.", len(markers)))
	}
	short := false
	for _, c := range markers {
		switch {
		case c.Type != "ephemeral":
			return Invalid("cache_control.type: Input should be 'ephemeral'")
		case c.TTL != "" && c.TTL != "5m" && c.TTL != "1h":
			return Invalid("cache_control.ttl: Input should be '5m' or '1h'")
		case c.TTL == "1h" && short:
			return Invalid("cache_control: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block")
		}
		short = short || c.TTL != "1h"
	}
	return nil
}

func (q *Request) checkTurns() *Error {
	if len(q.Messages) == 0 {
		return Invalid("messages: at least one message is required")
	}
	if q.Messages[0].Role != "user" {
		return Invalid("messages: first message must use the \"user\" role")
	}
	for i, m := range q.Messages {
		if m.Role != "user" && m.Role != "assistant" {
			return Invalid(fmt.Sprintf("messages.%d.role: Input should be 'user' or 'assistant'", i))
		}
		if len(m.Content) == 0 {
			return Invalid(fmt.Sprintf("messages.%d: all messages must have non-empty content", i))
		}
		for j, b := range m.Content {
			if err := checkBlock(b, m.Role, fmt.Sprintf("messages.%d.content.%d", i, j)); err != nil {
				return err
			}
		}
	}
	if q.Messages[len(q.Messages)-1].Role == "assistant" {
		return Invalid("This model does not support assistant message prefill. The conversation must end with a user message.")
	}
	return nil
}

// blockFields are the fields the API takes in each type of block.
func blockFields() map[string][]string {
	return map[string][]string{
		"text":              {"text", "citations"},
		"image":             {"source"},
		"document":          {"source", "title", "context", "citations"},
		"thinking":          {"thinking", "signature"},
		"redacted_thinking": {"data"},
		"tool_use":          {"id", "name", "input", "caller"},
		"tool_result":       {"tool_use_id", "content", "is_error"},
	}
}

func checkBlock(b Block, role, at string) *Error {
	fields, known := blockFields()[b.Type]
	if !known {
		return Invalid(at + ".type: Input tag '" + b.Type + "' does not match any of the expected tags")
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b.raw, &raw); err != nil {
		return Invalid(at + ": not an object")
	}
	for name := range raw {
		if name != "type" && name != "cache_control" && !slices.Contains(fields, name) {
			return Invalid(at + "." + name + ": Extra inputs are not permitted")
		}
	}
	users := b.Type == "image" || b.Type == "tool_result" || b.Type == "document"
	models := b.Type == "thinking" || b.Type == "redacted_thinking" || b.Type == "tool_use"
	switch {
	case users && role != "user":
		return Invalid(at + ": `" + b.Type + "` blocks can only be in `user` messages")
	case models && role != "assistant":
		return Invalid(at + ": `" + b.Type + "` blocks can only be in `assistant` messages")
	case b.Type == "text" && b.Text == "":
		return Invalid("messages: text content blocks must be non-empty")
	case b.Type == "thinking" && b.Cache != nil:
		return Invalid(at + ": cache_control cannot be set for thinking blocks")
	case b.Type == "tool_use" && !isObject(b.Input):
		return Invalid(at + ".input: Input should be a valid dictionary")
	}
	return checkMedia(b, at)
}

func isObject(raw json.RawMessage) bool {
	var m map[string]json.RawMessage
	return json.Unmarshal(raw, &m) == nil && m != nil
}

// checkCalls holds each tool call to its result in the turn right after it.
func (q *Request) checkCalls() *Error {
	used := map[string]bool{}
	for i, m := range q.Messages {
		for _, id := range callIDs(m.Content) {
			if used[id] {
				return Invalid("messages: `tool_use` ids must be unique")
			}
			used[id] = true
		}
		var open []string
		if i > 0 && m.Role == "user" && q.Messages[i-1].Role == "assistant" {
			open = callIDs(q.Messages[i-1].Content)
		}
		if err := checkResults(i, m.Content, open); err != nil {
			return err
		}
	}
	return nil
}

// checkResults holds message i to answer each open call once, and first of all.
func checkResults(i int, c Content, open []string) *Error {
	answered := map[string]bool{}
	for j, b := range c {
		at := fmt.Sprintf("messages.%d.content.%d: ", i, j)
		switch {
		case b.Type != "tool_result":
			continue
		case !slices.Contains(open, b.ToolUseID):
			return Invalid(at + "unexpected `tool_use_id` found in `tool_result` blocks: " + b.ToolUseID +
				". Each `tool_result` block must have a corresponding `tool_use` block in the previous message.")
		case answered[b.ToolUseID]:
			return Invalid(at + "each tool_use must have a single result. Found multiple `tool_result` blocks with id: " + b.ToolUseID)
		case j != len(answered):
			return Invalid(fmt.Sprintf("messages.%d: `tool_result` blocks must come first in the content", i))
		}
		answered[b.ToolUseID] = true
	}
	for _, id := range open {
		if !answered[id] {
			return Invalid(fmt.Sprintf("messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %s. "+
				"Each `tool_use` block must have a corresponding `tool_result` block in the next message.", i-1, id))
		}
	}
	return nil
}

func callIDs(c Content) []string {
	var ids []string
	for _, b := range c {
		if b.Type == "tool_use" {
			ids = append(ids, b.ID)
		}
	}
	return ids
}

func (q *Request) checkFormat() *Error {
	f := q.OutputConfig.Format
	if f == nil {
		return nil
	}
	if f.Type != "json_schema" {
		return Invalid("output_config.format.type: Input should be 'json_schema'")
	}
	return checkSchema(f.Schema, "output_config.format.schema")
}

// checkHeaders refuses a request without the headers the API asks for.
func checkHeaders(h http.Header, key string) *Error {
	shown, bearer := h.Get("X-Api-Key"), h.Get("Authorization")
	unauthorised := func(why string) *Error {
		return &Error{Status: http.StatusUnauthorized, Type: "authentication_error", Message: why}
	}
	switch {
	case shown == "" && bearer == "":
		return unauthorised("x-api-key header is required")
	case shown != "" && bearer != "":
		return unauthorised("only one of x-api-key and authorization may be given")
	case key != "" && shown != key && bearer != "Bearer "+key:
		return unauthorised("invalid x-api-key")
	case h.Get("Anthropic-Version") == "":
		return Invalid("anthropic-version: header is required")
	}
	return nil
}

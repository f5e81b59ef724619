package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Request is a parsed call of /v1/messages or /v1/messages/count_tokens.
type Request struct {
	Model        string          `json:"model"`
	MaxTokens    *int64          `json:"max_tokens"`
	Stream       bool            `json:"stream"`
	Tools        []Tool          `json:"tools"`
	System       Content         `json:"system"`
	Messages     []Message       `json:"messages"`
	OutputConfig OutputConfig    `json:"output_config"`
	Cache        *CacheControl   `json:"cache_control"`
	Thinking     *Thinking       `json:"thinking"`
	ToolChoice   *ToolChoice     `json:"tool_choice"`
	Temperature  json.RawMessage `json:"temperature"`
	TopP         json.RawMessage `json:"top_p"`
	TopK         json.RawMessage `json:"top_k"`
	// Raw is the body as it came.
	Raw []byte `json:"-"`
}

// Tool is a tool offered to the model.
type Tool struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	InputSchema json.RawMessage `json:"input_schema"`
	Strict      bool            `json:"strict,omitempty"`
	Cache       *CacheControl   `json:"cache_control,omitempty"`
}

// Message is one turn.
type Message struct {
	Role    string  `json:"role"`
	Content Content `json:"content"`
}

// Content is a list of blocks; a string stands for one block of text.
type Content []Block

// Block is a piece of content of any type.
type Block struct {
	Type      string          `json:"type"`
	Text      string          `json:"text,omitempty"`
	Thinking  string          `json:"thinking,omitempty"`
	Signature string          `json:"signature,omitempty"`
	ID        string          `json:"id,omitempty"`
	Name      string          `json:"name,omitempty"`
	Input     json.RawMessage `json:"input,omitempty"`
	ToolUseID string          `json:"tool_use_id,omitempty"`
	IsError   bool            `json:"is_error,omitempty"`
	Content   Content         `json:"content,omitempty"`
	Source    json.RawMessage `json:"source,omitempty"`
	Cache     *CacheControl   `json:"cache_control,omitempty"`
	raw       json.RawMessage
}

// CacheControl marks the end of a cached prefix.
type CacheControl struct {
	Type string `json:"type"`
	TTL  string `json:"ttl,omitempty"`
}

// OutputConfig asks for a form and an effort.
type OutputConfig struct {
	Effort string  `json:"effort,omitempty"`
	Format *Format `json:"format,omitempty"`
}

// Format is the form an answer must have.
type Format struct {
	Type   string          `json:"type"`
	Schema json.RawMessage `json:"schema"`
}

// Thinking is how a request configures thinking.
type Thinking struct {
	Type    string `json:"type"`
	Display string `json:"display,omitempty"`
}

// ToolChoice restricts which tool is used.
type ToolChoice struct {
	Type string `json:"type"`
	Name string `json:"name,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *Content) UnmarshalJSON(raw []byte) error {
	if bytes.HasPrefix(raw, []byte(`"`)) {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return fmt.Errorf("content: %w", err)
		}
		*c = Content{{Type: "text", Text: text, raw: mustMarshal(map[string]string{"type": "text", "text": text})}}
		return nil
	}
	var blocks []Block
	if err := json.Unmarshal(raw, &blocks); err != nil {
		return fmt.Errorf("content: %w", err)
	}
	*c = blocks
	return nil
}

// UnmarshalJSON implements json.Unmarshaler and keeps the bytes, because a
// signature is over them.
func (b *Block) UnmarshalJSON(raw []byte) error {
	type plain Block
	if err := json.Unmarshal(raw, (*plain)(b)); err != nil {
		return fmt.Errorf("block: %w", err)
	}
	b.raw = slices.Clone(raw)
	return nil
}

// Parse reads a request. The error is one to be sent.
func Parse(body []byte) (*Request, *Error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, Invalid("The request body is not valid JSON: " + err.Error())
	}
	for name := range fields {
		if !slices.Contains(knownFields(), name) {
			return nil, Invalid(name + ": Extra inputs are not permitted")
		}
	}
	q := Request{Raw: body}
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, Invalid("The request body could not be read: " + err.Error())
	}
	return &q, nil
}

func knownFields() []string {
	return []string{
		"model", "messages", "max_tokens", "system", "tools", "tool_choice", "thinking", "output_config", "stream",
		"cache_control", "metadata", "stop_sequences", "service_tier", "temperature", "top_p", "top_k",
		"container", "inference_geo", "diagnostics", "speed",
	}
}

// SystemText is all text of the system prompt, a line break between blocks.
func (q *Request) SystemText() string { return q.System.Text() }

// Text is all text in c, a line break between blocks.
func (c Content) Text() string {
	var parts []string
	for _, b := range c {
		if b.Type == "text" {
			parts = append(parts, b.Text)
		}
	}
	return strings.Join(parts, "\n")
}

// LastUser is the content of the last turn, which is the user's.
func (q *Request) LastUser() Content {
	if len(q.Messages) == 0 {
		return nil
	}
	return q.Messages[len(q.Messages)-1].Content
}

// Schema is the schema the answer must have, or nil.
func (q *Request) Schema() json.RawMessage {
	if q.OutputConfig.Format == nil {
		return nil
	}
	return q.OutputConfig.Format.Schema
}

// SchemaTitle is the title of the schema asked for, which names the task.
func (q *Request) SchemaTitle() string {
	var s struct {
		Title string `json:"title"`
	}
	if err := json.Unmarshal(q.Schema(), &s); err != nil {
		return ""
	}
	return s.Title
}

// markers lists the cache marks in the order of the prompt.
func (q *Request) markers() []*CacheControl {
	var all []*CacheControl
	add := func(c *CacheControl) {
		if c != nil {
			all = append(all, c)
		}
	}
	for _, t := range q.Tools {
		add(t.Cache)
	}
	for _, b := range q.System {
		add(b.Cache)
	}
	for _, m := range q.Messages {
		for _, b := range m.Content {
			add(b.Cache)
		}
	}
	add(q.Cache)
	return all
}

func mustMarshal(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("wire: " + err.Error())
	}
	return raw
}

package llm

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Role is who speaks in a turn.
type Role string

// The roles of a conversation's turns.
const (
	FromUser      Role = "user"
	FromAssistant Role = "assistant"
)

// BlockType is what a piece of a turn is.
type BlockType string

// The types this program makes or acts on. Others are kept as they came.
const (
	TextBlock       BlockType = "text"
	ImageBlock      BlockType = "image"
	DocumentBlock   BlockType = "document"
	ThinkingBlock   BlockType = "thinking"
	ToolUseBlock    BlockType = "tool_use"
	ToolResultBlock BlockType = "tool_result"
)

// CacheTTL is how long a prefix stays in the server's cache.
type CacheTTL string

// The times the API offers; an hour costs more to write.
const (
	FiveMinutes CacheTTL = "5m"
	Hour        CacheTTL = "1h"
)

// Block is a piece of a turn or of the system text. Make one with Text, Image, PDF,
// ToolResult or ToolError; those the model makes are read with Turn.Blocks.
type Block struct {
	Type BlockType
	Text string // of TextBlock, ThinkingBlock
	// Of an image or a document.
	MediaType string
	Data      []byte
	// Of a tool call or its result.
	ID      string
	Name    string
	Input   json.RawMessage
	IsError bool
	Content []Block
	cache   CacheTTL
}

// Text returns a block of text. Bytes that are not UTF-8 become U+FFFD.
func Text(s string) Block { return Block{Type: TextBlock, Text: s} }

// Image returns a picture of type image/png, image/jpeg, image/gif or image/webp.
func Image(mediaType string, data []byte) Block {
	return Block{Type: ImageBlock, MediaType: mediaType, Data: data}
}

// PDF returns a document, which the server reads page by page, text and pictures.
func PDF(data []byte) Block {
	return Block{Type: DocumentBlock, MediaType: "application/pdf", Data: data}
}

// ToolResult answers the tool call of that id.
func ToolResult(id string, content ...Block) Block {
	return Block{Type: ToolResultBlock, ID: id, Content: content}
}

// ToolError answers the tool call of that id: it did not work, and why.
func ToolError(id, why string) Block {
	return Block{Type: ToolResultBlock, ID: id, IsError: true, Content: []Block{Text(why)}}
}

// Cached ends a part of the prompt that later requests repeat. The API allows four
// in a request, of which the client needs two.
func (b Block) Cached(ttl CacheTTL) Block {
	b.cache = ttl
	return b
}

// Turn is one message of a conversation, kept as the bytes that are sent. The zero
// Turn is not useful; make one with User or ParseTurn, or take it from a Result.
// Turns are values and compare with ==.
type Turn struct {
	role Role
	raw  string
}

// User returns a turn of ours. It panics without a block, which the API refuses.
func User(blocks ...Block) Turn {
	if len(blocks) == 0 {
		panic("llm: a turn without a block")
	}
	return Turn{FromUser, string(mustMarshal(wireTurn{FromUser, wireBlocks(blocks)}))}
}

// ParseTurn reads a turn as Bytes returned it, or as the API writes it.
func ParseTurn(raw []byte) (Turn, error) {
	canonical, err := Canonical(raw)
	if err != nil {
		return Turn{}, fmt.Errorf("turn: %w", err)
	}
	var t struct {
		Role    Role              `json:"role"`
		Content []json.RawMessage `json:"content"`
	}
	if err := json.Unmarshal(canonical, &t); err != nil {
		return Turn{}, errors.New("turn: not a role and a list of blocks")
	}
	if t.Role != FromUser && t.Role != FromAssistant || len(t.Content) == 0 {
		return Turn{}, errors.New("turn: no role, or no blocks")
	}
	return Turn{t.Role, string(canonical)}, nil
}

// Role says who speaks.
func (t Turn) Role() Role { return t.role }

// Bytes returns the turn as it is sent, for storing. Store bytes, not a parsed
// form: databases and encoders reorder.
func (t Turn) Bytes() []byte { return []byte(t.raw) }

// Len is the number of bytes of the turn.
func (t Turn) Len() int { return len(t.raw) }

// MarshalJSON implements json.Marshaler and keeps the bytes as they are.
func (t Turn) MarshalJSON() ([]byte, error) {
	if t.raw == "" {
		return nil, errors.New("llm: an empty turn")
	}
	return []byte(t.raw), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *Turn) UnmarshalJSON(raw []byte) error {
	parsed, err := ParseTurn(raw)
	*t = parsed
	return err
}

// Blocks returns the pieces of the turn. Blocks of unknown type have only a Type.
func (t Turn) Blocks() []Block {
	var w struct {
		Content []readBlock `json:"content"`
	}
	if err := json.Unmarshal([]byte(t.raw), &w); err != nil {
		return nil // ParseTurn and User let nothing else through
	}
	return readBlocks(w.Content)
}

// WithoutThinking returns the turn without what the model thought, or false when
// nothing is left. It breaks the rule that nothing is ever changed, and is for the
// one case in which the server has already found the rule broken.
func (t Turn) WithoutThinking() (Turn, bool) {
	var w struct {
		Role    Role              `json:"role"`
		Content []json.RawMessage `json:"content"`
	}
	if err := json.Unmarshal([]byte(t.raw), &w); err != nil {
		return Turn{}, false
	}
	w.Content = slices.DeleteFunc(w.Content, func(raw json.RawMessage) bool {
		var b struct {
			Type string `json:"type"`
		}
		return json.Unmarshal(raw, &b) == nil && strings.HasSuffix(b.Type, "thinking")
	})
	if len(w.Content) == 0 {
		return Turn{}, false
	}
	return Turn{t.role, string(mustMarshal(w))}, true
}

// Opening is what a conversation begins with, tools and system, kept as the bytes
// that are sent. The zero Opening is empty. Openings are values and compare with ==.
type Opening struct{ raw string }

// NewOpening returns an opening with the tools in the order of their names, since
// a prefix is only shared if it is the same. It panics on a tool whose input is not
// JSON.
func NewOpening(tools []Tool, system ...Block) Opening {
	if len(tools) == 0 && len(system) == 0 {
		return Opening{}
	}
	sorted := slices.SortedFunc(slices.Values(tools), func(a, b Tool) int { return strings.Compare(a.Name, b.Name) })
	w := wireOpening{System: wireBlocks(system)}
	for _, t := range sorted {
		w.Tools = append(w.Tools, wireTool{t.Name, t.Description, t.Input, t.Strict})
	}
	return Opening{string(mustMarshal(w))}
}

// ParseOpening reads an opening as Bytes returned it.
func ParseOpening(raw []byte) (Opening, error) {
	if len(raw) == 0 {
		return Opening{}, nil
	}
	canonical, err := Canonical(raw)
	if err != nil {
		return Opening{}, fmt.Errorf("opening: %w", err)
	}
	return Opening{string(canonical)}, nil
}

// Bytes returns the opening as it is sent, a JSON object of tools and system, or
// nothing for the zero Opening.
func (o Opening) Bytes() []byte { return []byte(o.raw) }

// HasTools reports whether the model may call tools.
func (o Opening) HasTools() bool { return strings.HasPrefix(o.raw, `{"tools":`) }

// Canonical returns raw without space between tokens and with <, > and & escaped,
// which is how encoding/json writes, so that bytes survive being part of other
// JSON. Nothing else changes: not the order of keys, not the form of numbers.
func Canonical(raw []byte) ([]byte, error) {
	var compact, escaped bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return nil, errors.New("not JSON")
	}
	json.HTMLEscape(&escaped, bytes.ToValidUTF8(compact.Bytes(), []byte("\ufffd")))
	return escaped.Bytes(), nil
}

type (
	wireTurn struct {
		Role    Role        `json:"role"`
		Content []wireBlock `json:"content"`
	}
	wireOpening struct {
		Tools  []wireTool  `json:"tools,omitempty"`
		System []wireBlock `json:"system,omitempty"`
	}
	wireTool struct {
		Name        string          `json:"name"`
		Description string          `json:"description,omitempty"`
		Input       json.RawMessage `json:"input_schema"`
		Strict      bool            `json:"strict,omitempty"`
	}
	wireCache struct {
		Type string   `json:"type"`
		TTL  CacheTTL `json:"ttl,omitempty"`
	}
	wireSource struct {
		Type      string `json:"type"`
		MediaType string `json:"media_type"`
		Data      string `json:"data"`
	}
	wireBlock struct {
		Type      BlockType   `json:"type"`
		Text      *string     `json:"text,omitempty"`
		Source    *wireSource `json:"source,omitempty"`
		ToolUseID string      `json:"tool_use_id,omitempty"`
		IsError   bool        `json:"is_error,omitempty"`
		Content   []wireBlock `json:"content,omitempty"`
		Cache     *wireCache  `json:"cache_control,omitempty"`
	}
	// readBlock has the names of all types; content may be text or blocks.
	readBlock struct {
		Type      BlockType       `json:"type"`
		Text      string          `json:"text"`
		Thinking  string          `json:"thinking"`
		ID        string          `json:"id"`
		ToolUseID string          `json:"tool_use_id"`
		Name      string          `json:"name"`
		Input     json.RawMessage `json:"input"`
		IsError   bool            `json:"is_error"`
		Content   json.RawMessage `json:"content"`
		Source    wireSource      `json:"source"`
		Cache     wireCache       `json:"cache_control"`
	}
)

func wireBlocks(blocks []Block) []wireBlock {
	out := make([]wireBlock, 0, len(blocks))
	for _, b := range blocks {
		w := wireBlock{Type: b.Type, IsError: b.IsError}
		switch b.Type {
		case TextBlock:
			w.Text = &b.Text
		case ImageBlock, DocumentBlock:
			w.Source = &wireSource{"base64", b.MediaType, base64.StdEncoding.EncodeToString(b.Data)}
		case ToolResultBlock:
			w.ToolUseID, w.Content = b.ID, wireBlocks(b.Content)
		case ThinkingBlock, ToolUseBlock:
			panic("llm: " + string(b.Type) + " blocks are the model's to make")
		}
		if b.cache != "" {
			w.Cache = &wireCache{"ephemeral", b.cache}
		}
		out = append(out, w)
	}
	return out
}

func readBlocks(in []readBlock) []Block {
	out := make([]Block, 0, len(in))
	for _, r := range in {
		b := Block{Type: r.Type, Text: r.Text, cache: r.Cache.TTL}
		switch r.Type {
		case ThinkingBlock:
			b.Text = r.Thinking
		case ToolUseBlock:
			b.ID, b.Name, b.Input = r.ID, r.Name, r.Input
		case ToolResultBlock:
			b.ID, b.IsError = r.ToolUseID, r.IsError
			var inner []readBlock
			if err := json.Unmarshal(r.Content, &inner); err == nil {
				b.Content = readBlocks(inner)
			}
		case ImageBlock, DocumentBlock:
			b.MediaType = r.Source.MediaType
			b.Data, _ = base64.StdEncoding.DecodeString(r.Source.Data) //nolint:errcheck // ours; an unreadable one is empty
		case TextBlock:
		}
		out = append(out, b)
	}
	return out
}

// mustMarshal writes what cannot fail but by a mistake in this program.
func mustMarshal(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("llm: " + err.Error())
	}
	return raw
}

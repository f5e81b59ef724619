package llmtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"cofounder/internal/platform/llm/wire"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// told is what a stream comes to.
type told struct {
	content wire.Content
	stop    string
	usage   wire.Usage

	started, ended bool
	open           *wire.Block
	input          strings.Builder
}

// event has the members of all events.
type event struct {
	Type    string `json:"type"`
	Index   int    `json:"index"`
	Message *struct {
		Role    string `json:"role"`
		Content []any  `json:"content"`
		Stop    *string
		Usage   map[string]any `json:"usage"`
	} `json:"message"`
	Block *wire.Block `json:"content_block"`
	Delta struct {
		Type      string `json:"type"`
		Text      string `json:"text"`
		Thinking  string `json:"thinking"`
		Signature string `json:"signature"`
		Piece     string `json:"partial_json"`
		Stop      string `json:"stop_reason"`
	} `json:"delta"`
	Usage map[string]any `json:"usage"`
}

// assemble reads a stream strictly and puts it together.
func assemble(stream []byte) (*told, error) {
	t := &told{}
	if !strings.HasSuffix(string(stream), "\n\n") {
		return nil, errors.New("does not end with an empty line")
	}
	for record := range strings.SplitSeq(strings.TrimSuffix(string(stream), "\n\n"), "\n\n") {
		name, data, ok := strings.Cut(record, "\n")
		name, hasName := strings.CutPrefix(name, "event: ")
		data, hasData := strings.CutPrefix(data, "data: ")
		if !ok || !hasName || !hasData || strings.Contains(data, "\n") {
			return nil, fmt.Errorf("not an event and its data: %q", record)
		}
		var e event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return nil, fmt.Errorf("data of %s: %w", name, err)
		}
		if e.Type != name {
			return nil, fmt.Errorf("event %s has type %s", name, e.Type)
		}
		if err := t.take(e); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if !t.ended {
		return nil, errors.New("no message_stop")
	}
	return t, nil
}

func (t *told) take(e event) error {
	if t.ended {
		return errors.New("after message_stop")
	}
	if !t.started && e.Type != "message_start" {
		return errors.New("before message_start")
	}
	switch e.Type {
	case "ping":
		return nil
	case "message_start":
		return t.start(e)
	case "content_block_start":
		return t.begin(e)
	case "content_block_delta":
		return t.add(e)
	case "content_block_stop":
		return t.end(e)
	case "message_delta":
		t.stop, t.usage = e.Delta.Stop, usage(e.Usage)
		if t.stop == "" || t.open != nil || t.usage.Output < 1 {
			return fmt.Errorf("stop reason %q, usage %+v, or a block is open", t.stop, t.usage)
		}
	case "message_stop":
		t.ended = true
		if t.stop == "" {
			return errors.New("before message_delta")
		}
	default:
		return errors.New("is no event of the API")
	}
	return nil
}

func (t *told) start(e event) error {
	if t.started || e.Message == nil || e.Message.Role != "assistant" || len(e.Message.Content) != 0 || e.Message.Stop != nil {
		return errors.New("twice, or not an empty answer")
	}
	t.started = true
	if in := usage(e.Message.Usage); in.Input+in.CacheRead+in.CacheWrite5m+in.CacheWrite1h < 1 {
		return errors.New("does not say what the prompt was")
	}
	return nil
}

func (t *told) begin(e event) error {
	if t.open != nil || e.Block == nil || e.Index != len(t.content) || t.stop != "" {
		return fmt.Errorf("index %d after %d blocks, or one is open", e.Index, len(t.content))
	}
	if e.Block.Text+e.Block.Thinking != "" || e.Block.Type == "tool_use" && (string(e.Block.Input) != "{}" || e.Block.ID == "") {
		return errors.New("does not begin empty")
	}
	t.open = e.Block
	t.input.Reset()
	return nil
}

func (t *told) add(e event) error {
	kinds := map[string]string{"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "thinking", "input_json_delta": "tool_use"}
	if t.open == nil || e.Index != len(t.content) || kinds[e.Delta.Type] != t.open.Type {
		return fmt.Errorf("%s for index %d", e.Delta.Type, e.Index)
	}
	t.open.Text += e.Delta.Text
	t.open.Thinking += e.Delta.Thinking
	t.open.Signature += e.Delta.Signature
	t.input.WriteString(e.Delta.Piece)
	return nil
}

func (t *told) end(e event) error {
	if t.open == nil || e.Index != len(t.content) {
		return fmt.Errorf("index %d is not open", e.Index)
	}
	switch t.open.Type {
	case "tool_use":
		t.open.Input = json.RawMessage(t.input.String())
		if !json.Valid(t.open.Input) {
			return errors.New("input of a tool is not JSON")
		}
	case "thinking":
		if t.open.Signature == "" {
			return errors.New("thinking without a signature")
		}
	}
	t.content = append(t.content, *t.open)
	t.open = nil
	return nil
}

func usage(u map[string]any) wire.Usage {
	number := func(m map[string]any, name string) int64 {
		f, _ := m[name].(float64) //nolint:errcheck // absent is zero
		return int64(f)
	}
	made, _ := u["cache_creation"].(map[string]any) //nolint:errcheck // absent is zero
	return wire.Usage{
		Input: number(u, "input_tokens"), Output: number(u, "output_tokens"), CacheRead: number(u, "cache_read_input_tokens"),
		CacheWrite5m: number(made, "ephemeral_5m_input_tokens"), CacheWrite1h: number(made, "ephemeral_1h_input_tokens"),
	}
}

// fits reports how text is not a value of schema.
func fits(schema []byte, text string) error {
	s, err := jsonschema.UnmarshalJSON(strings.NewReader(string(schema)))
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", s); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	if err := compiled.Validate(v); err != nil {
		return fmt.Errorf("does not fit: %w", err)
	}
	return nil
}

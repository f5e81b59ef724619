package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"cofounder/internal/platform/llm"
)

const (
	// hidden is more than what servers add to a prompt for tools and schemas.
	hidden = 1024
	// perImage is more than the tokens of the largest picture, which may have fewer
	// bytes.
	perImage = 5000
	// perDocument is as much as any model takes: a small PDF can unpack to hundreds of
	// pages, and its bytes bound nothing. Where that does not fit the endpoint counts.
	perDocument = 1_000_000
	// apart is how many blocks may lie between two cache marks: the server looks
	// back twenty.
	apart    = 18
	maxMarks = 4
)

// prompt is what of a request is the same in all its attempts.
type prompt struct {
	model   string
	opening []byte // members of the request, with a comma after them, or nothing
	turns   []llm.Turn
	output  string // output_config, with a comma before it, or nothing
	cached  bool   // the conversation goes on, and the server has a cache
	media   int    // tokens that pictures and documents may have beyond their bytes
}

// newPrompt renders what does not change. Stored bytes are used as they are.
func newPrompt(req llm.Request, caps llm.Capabilities) prompt {
	p := prompt{model: req.Model, turns: req.Turns}
	opening := req.Opening.Bytes()
	if req.Schema != nil && !caps.StructuredOutput {
		opening = withSystem(opening, inWords(req.Schema))
	}
	if inner := bytes.TrimSuffix(bytes.TrimPrefix(opening, []byte("{")), []byte("}")); len(inner) > 0 {
		p.opening = append(slices.Clone(inner), ',')
	}
	p.output = outputConfig(req, caps)
	p.cached = caps.CacheControl && (bytes.HasPrefix(opening, []byte(`{"tools"`)) || len(req.Turns) > 1)
	for _, t := range req.Turns {
		p.media += perImage*strings.Count(string(t.Bytes()), `{"type":"image"`) + perDocument*strings.Count(string(t.Bytes()), `{"type":"document"`)
	}
	return p
}

func outputConfig(req llm.Request, caps llm.Capabilities) string {
	type format struct {
		Type   string          `json:"type"`
		Schema json.RawMessage `json:"schema"`
	}
	var config struct {
		Effort llm.Effort `json:"effort,omitempty"`
		Format *format    `json:"format,omitempty"`
	}
	if slices.Contains(caps.Efforts, req.Effort) {
		config.Effort = req.Effort
	}
	if req.Schema != nil && caps.StructuredOutput {
		config.Format = &format{"json_schema", req.Schema.JSON}
	}
	raw, err := json.Marshal(config)
	if err != nil {
		panic("llm/client: schema " + req.Schema.Title + ": " + err.Error()) // it was made from a Go type
	}
	if string(raw) == "{}" {
		return ""
	}
	return `,"output_config":` + string(raw)
}

// inWords asks for a form where the server cannot be made to hold to one.
func inWords(s *llm.Schema) llm.Block {
	return llm.Text("Answer with one JSON value and nothing else: no fence, no words around it. It must be valid under this JSON Schema:\n" + string(s.JSON))
}

// withSystem returns an opening with one more block of system text.
func withSystem(opening []byte, b llm.Block) []byte {
	var o struct {
		Tools  json.RawMessage   `json:"tools,omitempty"`
		System []json.RawMessage `json:"system,omitempty"`
	}
	var more struct {
		System []json.RawMessage `json:"system"`
	}
	if err := json.Unmarshal(llm.NewOpening(nil, b).Bytes(), &more); err != nil {
		panic("llm/client: " + err.Error()) // we wrote it
	}
	if len(opening) > 0 {
		if err := json.Unmarshal(opening, &o); err != nil {
			panic("llm/client: opening: " + err.Error()) // ParseOpening lets nothing else through
		}
	}
	o.System = append(o.System, more.System...)
	raw, err := json.Marshal(o)
	if err != nil {
		panic("llm/client: opening: " + err.Error())
	}
	return raw
}

// body is the request: what stays the same first, so that consecutive requests of a
// conversation are the same bytes up to what was appended.
func (p prompt) body(maxTokens llm.Tokens) []byte {
	b := p.start()
	fmt.Fprintf(b, `,"max_tokens":%d,"stream":true}`, maxTokens)
	return b.Bytes()
}

// counting is the request for count_tokens.
func (p prompt) counting() []byte {
	b := p.start()
	b.WriteByte('}')
	return b.Bytes()
}

func (p prompt) start() *bytes.Buffer {
	size := len(p.opening) + len(p.output)
	for _, t := range p.turns {
		size += t.Len() + 1
	}
	b := bytes.NewBuffer(make([]byte, 0, size+256))
	model, err := json.Marshal(p.model)
	if err != nil {
		panic("llm/client: " + err.Error()) // a string
	}
	fmt.Fprintf(b, `{"model":%s,%s"messages":[`, model, p.opening)
	mark := p.markAt()
	for i, t := range p.turns {
		if i > 0 {
			b.WriteByte(',')
		}
		raw := t.Bytes()
		if i == mark {
			raw = marked(raw)
		}
		b.Write(raw)
	}
	b.WriteByte(']')
	b.WriteString(p.output)
	if p.cached {
		b.WriteString(`,"cache_control":{"type":"ephemeral"}`)
	}
	return b
}

const markText = `"cache_control":{"type":"ephemeral"`

// markAt is the turn that needs a cache mark of its own: our last but one, when so
// many blocks follow it that the server would not look back as far as its end. Most
// conversations need none. A mark is no edit: it is not part of what is signed.
func (p prompt) markAt() int {
	if !p.cached {
		return -1
	}
	marks := strings.Count(string(p.opening), markText)
	for _, t := range p.turns {
		marks += strings.Count(string(t.Bytes()), markText)
	}
	last := len(p.turns) - 1
	if marks+2 > maxMarks {
		return -1
	}
	for i := last - 1; i >= 0; i-- {
		if p.turns[i].Role() != llm.FromUser {
			continue
		}
		blocks := 0
		for _, t := range p.turns[i+1:] {
			blocks += len(t.Blocks())
		}
		if blocks > apart {
			return i
		}
		return -1
	}
	return -1
}

// marked puts a cache mark on the last block of a turn, which ends in }]}.
func marked(raw []byte) []byte {
	const end = "}]}"
	head, ok := bytes.CutSuffix(raw, []byte(end))
	if !ok {
		return raw
	}
	return append(append(slices.Clone(head), `,"cache_control":{"type":"ephemeral"}`...), end...)
}

// upper bounds the prompt's tokens without asking: a token is at least a byte.
func (p prompt) upper() llm.Tokens {
	n := len(p.opening) + len(p.output) + hidden + p.media
	for _, t := range p.turns {
		n += t.Len()
	}
	return llm.Tokens(n)
}

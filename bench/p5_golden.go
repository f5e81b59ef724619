package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"cofounder/internal/platform/llm"
	"cofounder/internal/product/meter"
)

// golden is a usage payload as the API sends it, and what the provider bills for it,
// worked out by hand from its price page.
type golden struct {
	name, model string
	start       string // usage of message_start
	delta       string // usage of message_delta; empty: none
	bill        meter.NanoUSD
	// text is answered; breaks cuts the connection after it.
	text      string
	breaks    bool
	maxTokens llm.Tokens
}

// usual is the answer most cases allow.
const usual = 4096

// goldens are payloads of every class of token and tier of price. A rate of $1 a
// million is 1 000 nano-dollars a token.
func goldens() []golden { return append(classes(), oddities()...) }

// classes are the classes of token and the tiers of price.
func classes() []golden {
	return []golden{
		{
			name: "uncached", model: "claude-sonnet-5-5", maxTokens: usual,
			start: `{"input_tokens":1000,"output_tokens":1}`, delta: `{"output_tokens":500}`,
			bill: 1000*2_000 + 500*10_000,
		},
		{
			name: "nulls", model: "claude-sonnet-5-5", maxTokens: usual,
			start: `{"input_tokens":7,"cache_creation_input_tokens":null,"cache_read_input_tokens":null,"cache_creation":null,"output_tokens":1}`,
			delta: `{"input_tokens":null,"output_tokens":3}`,
			bill:  7*2_000 + 3*10_000,
		},
		{
			name: "cache write 5m", model: "claude-sonnet-5-5", maxTokens: usual,
			start: `{"input_tokens":100,"cache_creation_input_tokens":2000,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":2000,"ephemeral_1h_input_tokens":0},"output_tokens":1}`,
			delta: `{"output_tokens":10}`,
			bill:  100*2_000 + 2000*2_500 + 10*10_000,
		},
		{
			name: "cache write 1h", model: "claude-opus-5-5", maxTokens: usual,
			start: `{"input_tokens":1,"cache_creation_input_tokens":3000,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":3000},"output_tokens":1}`,
			delta: `{"output_tokens":20}`,
			bill:  1*4_000 + 3000*8_000 + 20*20_000,
		},
		{
			name: "both cache writes", model: "claude-opus-5-5", maxTokens: usual,
			start: `{"input_tokens":10,"cache_creation_input_tokens":1500,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":1000,"ephemeral_1h_input_tokens":500},"output_tokens":1}`,
			delta: `{"output_tokens":20}`,
			bill:  10*4_000 + 1000*5_000 + 500*8_000 + 20*20_000,
		},
		{
			name: "cache write, undivided", model: "claude-sonnet-5-5", maxTokens: usual,
			start: `{"input_tokens":100,"cache_creation_input_tokens":2000,"cache_read_input_tokens":0,"output_tokens":1}`,
			delta: `{"output_tokens":10}`,
			bill:  100*2_000 + 2000*2_500 + 10*10_000,
		},
		{
			name: "cache read at a tenth", model: "claude-sonnet-5-5", maxTokens: usual,
			start: `{"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":64000,"output_tokens":1}`,
			delta: `{"output_tokens":900}`,
			bill:  12*2_000 + 64_000*200 + 900*10_000,
		},
		{
			name: "cache read at a twentieth", model: "claude-opus-5-5", maxTokens: usual,
			start: `{"input_tokens":12,"cache_read_input_tokens":64000,"output_tokens":1}`, delta: `{"output_tokens":900}`,
			bill: 12*4_000 + 64_000*200 + 900*20_000,
		},
		{
			name: "cache read at a fortieth", model: "claude-fable-5-1", maxTokens: usual,
			start: `{"input_tokens":1,"cache_read_input_tokens":333333,"output_tokens":1}`, delta: `{"output_tokens":1}`,
			bill: 1*10_000 + 333_333*250 + 1*50_000,
		},
		{
			name: "small prompt, at its upper end", model: "claude-haiku-5-5", maxTokens: usual,
			start: `{"input_tokens":1,"cache_creation_input_tokens":39999,"cache_read_input_tokens":60000,"cache_creation":{"ephemeral_5m_input_tokens":39999,"ephemeral_1h_input_tokens":0},"output_tokens":1}`,
			delta: `{"output_tokens":100}`,
			bill:  1*100 + 39_999*125 + 60_000*10 + 100*500,
		},
		{
			name: "large prompt, one token more", model: "claude-haiku-5-5", maxTokens: usual,
			start: `{"input_tokens":2,"cache_creation_input_tokens":39999,"cache_read_input_tokens":60000,"cache_creation":{"ephemeral_5m_input_tokens":39999,"ephemeral_1h_input_tokens":0},"output_tokens":1}`,
			delta: `{"output_tokens":100}`,
			bill:  2*500 + 39_999*625 + 60_000*50 + 100*2_500,
		},
	}
}

// oddities are what is easily counted twice, or not at all.
func oddities() []golden {
	return []golden{
		{
			name: "thinking is output, once", model: "claude-opus-5-5", maxTokens: 16_000,
			start: `{"input_tokens":50,"output_tokens":1}`,
			delta: `{"output_tokens":2000,"output_tokens_details":{"thinking_tokens":1500}}`,
			bill:  50*4_000 + 2000*20_000,
		},
		{
			name: "the last word counts", model: "claude-sonnet-5-5", maxTokens: usual,
			start: `{"input_tokens":50,"cache_read_input_tokens":0,"output_tokens":1}`,
			delta: `{"input_tokens":80,"cache_read_input_tokens":1000,"output_tokens":200}`,
			bill:  80*2_000 + 1000*200 + 200*10_000,
		},
		{
			// The stream says the input and "1"; 300 bytes of text at 3 bytes a token
			// and a quarter on top are 125 tokens and the one begun. It breaks off each
			// of the three times it is tried.
			name: "broken stream", model: "claude-sonnet-5-5", maxTokens: usual, breaks: true, text: strings.Repeat("abcdefghij", 30),
			start: `{"input_tokens":1000,"cache_read_input_tokens":5000,"output_tokens":1}`,
			bill:  3 * (1000*2_000 + 5000*200 + 126*10_000),
		},
		{
			name: "legacy, five minutes", model: "claude-opus-4-8", maxTokens: usual,
			start: `{"input_tokens":3,"cache_creation_input_tokens":111,"cache_read_input_tokens":222,"output_tokens":1}`, delta: `{"output_tokens":44}`,
			bill: 3*5_000 + 111*6_250 + 222*500 + 44*25_000,
		},
	}
}

// prompt names the case, and is long enough for the tokens it is billed for.
func (g golden) prompt() string {
	return "case: " + g.name + "\n" + strings.Repeat("words of a prompt ", 20_000)
}

// replay answers each case with its payload.
type replay struct{ cases []golden }

func newReplay(cases []golden) replay { return replay{cases} }

// ServeHTTP implements http.Handler.
func (s replay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.URL.Path != "/v1/messages" {
		http.NotFound(w, r)
		return
	}
	for _, g := range s.cases {
		if strings.Contains(string(body), "case: "+g.name+`\n`) {
			g.play(w)
			return
		}
	}
	http.NotFound(w, r)
}

func (g golden) play(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Request-Id", "req_golden")
	event := func(name, fields string) {
		say(w, "event: %s\ndata: {\"type\":%q%s}\n", name, name, fields)
	}
	event("message_start", fmt.Sprintf(`,"message":{"id":"msg_1","type":"message","role":"assistant","model":%q,"content":[],"stop_reason":null,"stop_sequence":null,"usage":%s}`, g.model, g.start))
	event("content_block_start", `,"index":0,"content_block":{"type":"text","text":""}`)
	event("content_block_delta", fmt.Sprintf(`,"index":0,"delta":{"type":"text_delta","text":%q}`, g.text+"."[:1-min(1, len(g.text))]))
	if g.breaks {
		_ = http.NewResponseController(w).Flush() //nolint:errcheck // the connection ends either way
		panic(http.ErrAbortHandler)
	}
	event("content_block_stop", `,"index":0`)
	event("message_delta", fmt.Sprintf(`,"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":%s`, g.delta))
	event("message_stop", "")
}

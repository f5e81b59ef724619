package llmtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"cofounder/internal/platform/llm/wire"
)

// Config says what a server is like. The zero Config is the real API with all keys
// valid.
type Config struct {
	Script []Turn
	Models []wire.Model // nil: wire.Family
	Key    string       // the only valid key; empty: any
	// Fail is injected into every request that no turn wants, as name and value.
	Fail, Value string
	// IgnoresFormat answers in prose when a schema is asked for, as servers do that
	// read output_config for its effort only.
	IgnoresFormat bool
	// NoExtras has neither count_tokens nor models, as simple servers do.
	NoExtras bool
	// Chunk is how many bytes of text an event carries; 0: 24.
	Chunk int
	// Ping is the pause between pings of a stalled stream; 0: 10 ms.
	Ping time.Duration
	// Wrong is told when a request does not meet an expectation of the script.
	Wrong func(what string)
	// Seen is told of every call, when its headers are decided.
	Seen func(Call)
}

// Server is a scripted Messages API. It is safe for concurrent use.
type Server struct {
	cfg  Config
	api  *wire.API
	quit chan struct{}
	stop sync.Once

	mu       sync.Mutex
	turns    []Turn
	taken    []int // requests each turn has answered
	calls    []Call
	answers  int
	unwanted int // requests no turn wanted
	cache    cache
}

// New returns a server. It answers below /v1.
func New(cfg Config) *Server {
	if cfg.Models == nil {
		cfg.Models = wire.Family()
	}
	if cfg.Ping == 0 {
		cfg.Ping = 10 * time.Millisecond
	}
	if cfg.Chunk == 0 {
		cfg.Chunk = 24
	}
	s := &Server{cfg: cfg, quit: make(chan struct{}), turns: cfg.Script, taken: make([]int, len(cfg.Script)), cache: cache{}}
	s.api = &wire.API{Models: cfg.Models, Key: cfg.Key, Sign: wire.Signer("llmtest"), Answer: s.answer, Seen: s.seen}
	return s
}

// Close ends every answer that hangs. It is safe to call twice.
func (s *Server) Close() { s.stop.Do(func() { close(s.quit) }) }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.cfg.NoExtras && r.URL.Path != "/v1/messages" {
		http.NotFound(w, r)
		return
	}
	s.api.ServeHTTP(w, r)
}

// Left is the number of turns that no request has taken yet.
func (s *Server) Left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := 0
	for i, t := range s.turns {
		if s.taken[i] < max(t.Times, 1) {
			left++
		}
	}
	return left
}

// Unwanted is the number of requests in order that no turn wanted.
func (s *Server) Unwanted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unwanted
}

// next takes the turn for q, or makes one up.
func (s *Server) next(q *wire.Request) Turn {
	s.mu.Lock()
	defer s.mu.Unlock()
	body := string(q.Raw)
	for i, t := range s.turns {
		if t.Times > 0 && s.taken[i] >= t.Times || !strings.Contains(body, t.When) {
			continue
		}
		s.taken[i]++
		for _, want := range t.Expect {
			if !strings.Contains(body, want) && s.cfg.Wrong != nil {
				s.cfg.Wrong(fmt.Sprintf("turn %d: the request does not contain %q", i+1, want))
			}
		}
		return t
	}
	s.unwanted++
	return Turn{Fail: s.cfg.Fail, Value: s.cfg.Value}
}

// answer implements wire.API.Answer.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, q *wire.Request) {
	t := s.next(q)
	x := &exchange{w: w, r: r, q: q, server: s, turn: t, reply: s.reply(q, t)}
	fail, err := failure(t.Fail)
	if err != nil {
		wire.WriteError(w, &wire.Error{Status: http.StatusInternalServerError, Type: "api_error", Message: err.Error()})
		return
	}
	if fail.answer != nil {
		fail.answer(x)
	}
	if t.Usage == nil && fail.answer != nil { // the content changed, the prompt did not
		x.reply.Usage.Output, x.reply.Usage.Thinking = x.reply.Content.OutputTokens()
	}
	if fail.instead != nil {
		fail.instead(x)
		return
	}
	if !q.Stream {
		x.whole()
		return
	}
	x.events = x.reply.Events(s.cfg.Chunk)
	if fail.stream != nil {
		fail.stream(x)
	}
	x.send()
}

// reply makes the answer of a turn to q: thinking where the model always thinks,
// signatures, ids, usage.
func (s *Server) reply(q *wire.Request, t Turn) wire.Reply {
	content := slices.Clone(t.Content)
	if len(content) == 0 {
		content = s.madeUp(q)
	}
	i := slices.IndexFunc(s.cfg.Models, func(m wire.Model) bool { return m.ID == q.Model })
	if i >= 0 && s.cfg.Models[i].AlwaysThinks && content[0].Type != "thinking" {
		content = slices.Insert(content, 0, wire.Block{Type: "thinking"})
	}
	s.mu.Lock()
	s.answers++
	number := s.answers
	s.mu.Unlock()
	stop := t.Stop
	for i := range content {
		switch b := &content[i]; b.Type {
		case "thinking":
			b.Signature = s.api.Sign.Sign(q, b.Thinking)
		case "tool_use":
			b.ID = fmt.Sprintf("toolu_%d_%d", number, i)
			if stop == "" {
				stop = "tool_use"
			}
		}
	}
	if stop == "" {
		stop = "end_turn"
	}
	r := wire.Reply{ID: fmt.Sprintf("msg_%d", number), Model: q.Model, Content: content, Stop: stop}
	if t.Usage != nil {
		r.Usage = *t.Usage
		return r
	}
	r = r.WithUsage(q)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cache.charge(q, &r.Usage)
	return r
}

// madeUp is an answer without a script.
func (s *Server) madeUp(q *wire.Request) wire.Content {
	if schema := q.Schema(); schema != nil && !s.cfg.IgnoresFormat {
		return wire.Content{{Type: "text", Text: string(Sample(schema))}}
	}
	const most = 200
	said := q.LastUser().Text()
	if len(said) > most {
		said = strings.ToValidUTF8(said[:most], "") + "…"
	}
	return wire.Content{{Type: "text", Text: "You said: " + said}}
}

package llmtest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"cofounder/internal/platform/llm/wire"
)

// Call is a request that came, in order or not.
type Call struct {
	Method  string
	Path    string
	Query   string
	Header  http.Header
	Body    []byte
	Refused *wire.Error // nil: in order
}

// Request parses the body.
func (c Call) Request() *wire.Request {
	q, refused := wire.Parse(c.Body)
	if refused != nil {
		return &wire.Request{}
	}
	return q
}

// seen implements wire.API.Seen.
func (s *Server) seen(r *http.Request, body []byte, refused *wire.Error) {
	c := Call{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Clone(), slices.Clone(body), refused}
	s.mu.Lock()
	s.calls = append(s.calls, c)
	s.mu.Unlock()
	if s.cfg.Seen != nil {
		s.cfg.Seen(c)
	}
}

// All returns every call so far, in the order they came.
func (s *Server) All() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Calls returns the calls of /v1/messages so far.
func (s *Server) Calls() []Call {
	return slices.DeleteFunc(s.All(), func(c Call) bool { return c.Path != "/v1/messages" })
}

// Prefix is how much of a request repeats the one before it.
type Prefix struct {
	// Bytes of the body that are the same from the start, and bytes of the body.
	SameBytes, Bytes int
	// Tokens of the prompt's parts that are the same from the start, and of all.
	SameTokens, Tokens int64
	// Appended is true when the earlier body up to the end of its last turn is,
	// byte for byte, how the later one begins.
	Appended bool
}

// Prefixes compares each call with the one before; the first has none.
func Prefixes(calls []Call) []Prefix {
	var out []Prefix
	for i := 1; i < len(calls); i++ {
		before, after := calls[i-1], calls[i]
		p := Prefix{SameBytes: same(before.Body, after.Body), Bytes: len(after.Body)}
		p.Appended = p.SameBytes >= lastTurn(before.Body)
		was := before.Request().Parts()
		equal := true
		for j, part := range after.Request().Parts() {
			equal = equal && j < len(was) && bytes.Equal(was[j].Raw, part.Raw)
			if equal {
				p.SameTokens += part.Tokens
			}
			p.Tokens += part.Tokens
		}
		out = append(out, p)
	}
	return out
}

func same(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// lastTurn is the offset in body after the last turn, before the bracket that ends
// them; more than body has when there are no turns.
func lastTurn(body []byte) int {
	dec := json.NewDecoder(bytes.NewReader(body))
	depth, key := 0, true
	inMessages := false
	for {
		t, err := dec.Token()
		if err != nil {
			return len(body) + 1
		}
		switch d, _ := t.(json.Delim); d { //nolint:errcheck // other tokens are no delimiter
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
			if depth == 1 && inMessages && d == ']' {
				return int(dec.InputOffset()) - len("]")
			}
			key = key || depth == 1
			continue
		}
		if depth != 1 {
			continue
		}
		if name, ok := t.(string); ok && key {
			inMessages = name == "messages"
		}
		key = !key
	}
}

// Contains reports whether any call's body has text, as JSON writes it or as it is.
func Contains(calls []Call, text string) bool {
	quoted, err := json.Marshal(text)
	return slices.ContainsFunc(calls, func(c Call) bool {
		return strings.Contains(string(c.Body), text) || err == nil && bytes.Contains(c.Body, quoted[1:len(quoted)-1])
	})
}

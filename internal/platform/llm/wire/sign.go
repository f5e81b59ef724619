package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// Signer signs thinking together with the model and everything before it, as the
// 5.5 family does: history that was edited, moved to another model or to another
// account voids it. Cache marks are no edits.
type Signer []byte

// Sign returns the signature of thinking that follows q's prompt.
func (s Signer) Sign(q *Request, thinking string) string {
	return s.over(q.Model, prefixHash(q, len(q.Messages)), thinking)
}

func (s Signer) over(model string, prefix []byte, thinking string) string {
	mac := hmac.New(sha256.New, s)
	_, _ = fmt.Fprintf(mac, "%s\n%x\n%s", model, prefix, thinking) //nolint:errcheck // a hash takes everything
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (q *Request) checkSignatures(m Model, sign Signer) *Error {
	for i, msg := range q.Messages {
		var prefix []byte
		for j, b := range msg.Content {
			if b.Type != "thinking" {
				continue
			}
			if prefix == nil {
				prefix = prefixHash(q, i)
			}
			if !hmac.Equal([]byte(b.Signature), []byte(sign.over(m.ID, prefix, b.Thinking))) {
				return Invalid(fmt.Sprintf("messages.%d.content.%d: Invalid `signature` in `thinking` block: it belongs to a different conversation", i, j))
			}
		}
	}
	return nil
}

// prefixHash is over tools, system and the first n messages, in meaning: order of
// keys, escapes and cache marks do not count.
func prefixHash(q *Request, n int) []byte {
	h := sha256.New()
	enc := json.NewEncoder(h)
	put := func(v any) {
		if err := enc.Encode(v); err != nil {
			panic("wire: " + err.Error()) // it was decoded from JSON
		}
	}
	for _, t := range q.Tools {
		put([]any{"tool", t.Name, t.Description, meaning(t.InputSchema), t.Strict})
	}
	for _, b := range q.System {
		put([]any{"system", meaning(b.raw)})
	}
	for _, m := range q.Messages[:n] {
		put([]any{"message", m.Role})
		for _, b := range m.Content {
			put(meaning(b.raw))
		}
	}
	return h.Sum(nil)
}

// meaning is the value of raw without cache marks.
func meaning(raw json.RawMessage) any {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return string(raw)
	}
	if m, ok := v.(map[string]any); ok {
		delete(m, "cache_control")
	}
	return v
}

package llmtest

import (
	"crypto/sha256"
	"hash"

	"cofounder/internal/platform/llm/wire"
)

// cache knows the prefixes that were marked for caching. It does not forget.
type cache map[string]bool

// The API's rules: shorter prompts are not cached, and from a mark it looks back so
// many blocks for a prefix it knows.
const (
	leastCached = 512
	lookBack    = 20
)

// charge moves tokens of the prompt from uncached to cached, as q's marks and
// earlier requests have it.
func (c cache) charge(q *wire.Request, u *wire.Usage) {
	parts := q.Parts()
	h := sha256.New()
	h.Write([]byte(q.Model))
	keys := make([]string, len(parts))
	upTo := make([]int64, len(parts))
	total, read, written := int64(0), int64(0), int64(0)
	for i, p := range parts {
		keys[i] = chain(h, p.Raw)
		total += p.Tokens
		upTo[i] = total
	}
	for i, p := range parts {
		if p.Cache == nil || upTo[i] < leastCached {
			continue
		}
		for j := i; j >= 0 && j > i-lookBack; j-- {
			if c[keys[j]] {
				read = max(read, upTo[j])
				break
			}
		}
	}
	for i, p := range parts {
		if p.Cache == nil || upTo[i] < leastCached {
			continue
		}
		c[keys[i]] = true
		if upTo[i] <= max(read, written) {
			continue
		}
		grown := upTo[i] - max(read, written)
		if p.Cache.TTL == "1h" {
			u.CacheWrite1h += grown
		} else {
			u.CacheWrite5m += grown
		}
		written = upTo[i]
	}
	u.CacheRead = read
	u.Input -= u.CacheRead + u.CacheWrite5m + u.CacheWrite1h
}

// chain adds raw to h and returns the sum so far.
func chain(h hash.Hash, raw []byte) string {
	one := sha256.Sum256(raw)
	h.Write(one[:])
	return string(h.Sum(nil))
}

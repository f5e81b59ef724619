package wire

// bytesPerToken is what the 5.5 tokenizer comes to on mixed text.
const bytesPerToken = 2.7

// perMessage is what the API adds for each turn.
const perMessage = 4

// Count is the number of tokens of the prompt: a fixed share of its bytes, so that
// the same text always counts the same.
func (q *Request) Count() int64 {
	total := int64(perMessage)
	for _, p := range q.Parts() {
		total += p.Tokens
	}
	return total
}

// Part is a piece of the prompt, in the order in which it is read and cached.
type Part struct {
	Raw    []byte
	Tokens int64
	Cache  *CacheControl
}

// Parts lists tools, system blocks and blocks of turns. The mark of the whole
// request is on the last.
func (q *Request) Parts() []Part {
	var parts []Part
	add := func(raw []byte, c *CacheControl) {
		n, ok := mediaTokens(raw)
		if !ok {
			n = tokens(len(raw))
		}
		parts = append(parts, Part{Raw: raw, Tokens: n, Cache: c})
	}
	for _, t := range q.Tools {
		mark := t.Cache
		t.Cache = nil
		add(mustMarshal(t), mark)
	}
	for _, b := range q.System {
		add(mustMarshal(meaning(b.raw)), b.Cache)
	}
	for _, m := range q.Messages {
		for _, b := range m.Content {
			add(mustMarshal(meaning(b.raw)), b.Cache)
		}
	}
	if q.Cache != nil && len(parts) > 0 {
		parts[len(parts)-1].Cache = q.Cache
	}
	return parts
}

func tokens(bytes int) int64 { return int64(float64(bytes)/bytesPerToken) + 1 }

// CountText is the number of tokens of an output of that many bytes.
func CountText(bytes int) int64 {
	if bytes == 0 {
		return 0
	}
	return tokens(bytes)
}

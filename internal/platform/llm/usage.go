package llm

// Tokens counts tokens of a model. It is not money: what a token costs is the
// rate card's to say.
type Tokens int64

// Usage is what one attempt used. Input does not include what was written to or
// read from the cache; the prompt is the sum of all four.
type Usage struct {
	Input        Tokens `json:"input"`          // uncached
	CacheWrite5m Tokens `json:"cache_write_5m"` // written, kept five minutes
	CacheWrite1h Tokens `json:"cache_write_1h"` // written, kept an hour
	CacheRead    Tokens `json:"cache_read"`
	Output       Tokens `json:"output"`   // all that was generated, thinking included
	Thinking     Tokens `json:"thinking"` // the part of Output that was thinking, where the server says so
	// Known is true when all figures are the server's own. Otherwise they are an
	// estimate, or zero for want of one; zero is then not free.
	Known bool `json:"known"`
}

// Prompt is the size of the whole prompt, by which some models are priced.
func (u Usage) Prompt() Tokens {
	return u.Input + u.CacheWrite5m + u.CacheWrite1h + u.CacheRead
}

package httpd

import (
	"sync"

	"cofounder/internal/base/fault"
)

// mostStreams of one reader are open at a time: one per page, and a few more.
const mostStreams = 20

// Readers counts the open streams of each reader. The zero value is ready; it is
// safe for concurrent use.
type Readers struct {
	mu   sync.Mutex
	open map[string]int
}

// Take makes room for one more stream of who, or is fault.TooMany. Give it back
// with Leave.
func (r *Readers) Take(who string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open[who] >= mostStreams {
		return fault.New(fault.TooMany, "too_many_streams", "Too many pages of this browser, or streams of this access key, are open at once. Close some.")
	}
	if r.open == nil {
		r.open = map[string]int{}
	}
	r.open[who]++
	return nil
}

// Leave gives back what Take took.
func (r *Readers) Leave(who string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open[who]--; r.open[who] <= 0 {
		delete(r.open, who)
	}
}

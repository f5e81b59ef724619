package ns

import (
	"io"
	"os"
	"sync"
	"time"

	"cofounder/internal/base/clock"
)

// flow is how much output a program may still write: a bucket that fills by a
// hundredth each second.
type flow struct {
	clock clock.Clock
	size  float64

	mu   sync.Mutex
	left float64
	at   time.Time
}

func newFlow(size int64, c clock.Clock) *flow {
	return &flow{clock: c, size: float64(size), left: float64(size), at: c.Now()}
}

// take returns how many of n bytes may pass.
func (f *flow) take(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clock.Now()
	if passed := now.Sub(f.at).Seconds(); passed > 0 {
		f.left = min(f.size, f.left+f.size/100*passed)
	}
	f.at = now
	may := min(n, int(f.left))
	f.left -= float64(may)
	return may
}

// slow is how long a pump rests after it dropped something: at 32 KB a read, whoever
// floods us writes some megabytes a second and costs us next to nothing.
const slow = 10 * time.Millisecond

// pump carries one stream.
type pump struct {
	from    *os.File
	to      io.Writer // nil once it failed
	flow    *flow
	dropped int64 // read it when run has returned
}

// run returns at the end of the stream, and closes our end: who writes on learns that
// nobody reads.
func (p *pump) run() {
	defer p.from.Close() //nolint:errcheck // only read
	buffer := make([]byte, 32<<10)
	rest := time.NewTimer(0)
	<-rest.C
	defer rest.Stop()
	for {
		n, err := p.from.Read(buffer)
		may := p.flow.take(n)
		if may > 0 {
			if _, failed := p.to.Write(buffer[:may]); failed != nil {
				return
			}
		}
		if may < n {
			p.dropped += int64(n - may)
			rest.Reset(slow)
			<-rest.C
		}
		if err != nil {
			return
		}
	}
}

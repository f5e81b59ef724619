package sandbox

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// Transcript keeps what a program wrote, as Plain text: its beginning and its end,
// where the reasons are. It is safe for concurrent use.
type Transcript struct {
	mu      sync.Mutex
	in      io.Writer // plain, into keep
	half    int
	head    []byte
	tail    []byte // a ring once it is full
	next    int    // where the ring goes on
	skipped int64
}

// NewTranscript returns one that keeps at most size bytes, half of them from the
// beginning.
func NewTranscript(size int) *Transcript {
	t := &Transcript{half: max(size/2, 1)}
	t.in = Plain(keeper{t})
	return t
}

// Write implements io.Writer; it never fails.
func (t *Transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.in.Write(b)
}

// keeper is the far end of a Transcript's filter.
type keeper struct{ t *Transcript }

func (k keeper) Write(b []byte) (int, error) {
	t, all := k.t, len(b)
	if room := t.half - len(t.head); room > 0 {
		n := min(room, len(b))
		t.head, b = append(t.head, b[:n]...), b[n:]
	}
	if over := len(b) - t.half; over > 0 {
		t.skipped += int64(over)
		b = b[over:]
	}
	if room := t.half - len(t.tail); room > 0 {
		n := min(room, len(b))
		t.tail, b = append(t.tail, b[:n]...), b[n:]
	}
	t.skipped += int64(len(b))
	for len(b) > 0 {
		n := copy(t.tail[t.next:], b)
		b, t.next = b[n:], (t.next+n)%t.half
	}
	return all, nil
}

// Text returns what was kept, with a line in between that says how much is missing.
func (t *Transcript) Text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	tail := string(t.tail[t.next:]) + string(t.tail[:t.next])
	if t.skipped == 0 {
		return string(t.head) + tail
	}
	head := string(t.head)
	for len(head) > 0 {
		if r, size := utf8.DecodeLastRuneInString(head); r != utf8.RuneError || size != 1 {
			break
		}
		head = head[:len(head)-1]
	}
	tail = strings.TrimLeftFunc(tail, func(r rune) bool { return r == utf8.RuneError })
	return fmt.Sprintf("%s\n… %d bytes left out …\n%s", head, t.skipped, tail)
}

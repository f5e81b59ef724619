package hosting

import (
	"context"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"

	"cofounder/internal/platform/sandbox"
)

const (
	// mostOutput is how much of what an app wrote is kept while it runs, and keptOutput
	// after it ended.
	mostOutput = 256 << 10
	keptOutput = 16 << 10
)

// output keeps the end of what an app wrote, as plain text, and tells who follows. It
// is safe for concurrent use.
type output struct {
	plain io.Writer

	mu    sync.Mutex
	text  []byte
	begin int64         // position of text[0] in all that was written
	more  chan struct{} // closed when something is added
}

func newOutput() *output {
	o := &output{more: make(chan struct{})}
	o.plain = sandbox.Plain(adder{o})
	return o
}

// Write implements io.Writer; it never fails. Exec calls it from one goroutine, since
// both streams are the same writer.
func (o *output) Write(b []byte) (int, error) { return o.plain.Write(b) }

type adder struct{ o *output }

func (a adder) Write(b []byte) (int, error) {
	o := a.o
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, b...)
	if over := len(o.text) - mostOutput; over > mostOutput/4 { // not for each write
		o.text = append(o.text[:0], o.text[over:]...)
		o.begin += int64(over)
	}
	close(o.more)
	o.more = make(chan struct{})
	return len(b), nil
}

// after returns what was written beyond a position, and the position behind it; what is
// gone already is left out. more is closed when there is more.
func (o *output) after(position int64) (text string, next int64, more <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	end := o.begin + int64(len(o.text))
	from := min(max(position, o.begin), end)
	return whole(o.text[from-o.begin:]), end, o.more
}

// tail is what is kept.
func (o *output) tail() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return whole(o.text[max(0, len(o.text)-keptOutput):])
}

// whole drops the rest of a character at the beginning.
func whole(text []byte) string {
	for len(text) > 0 && !utf8.RuneStart(text[0]) {
		text = text[1:]
	}
	return string(text)
}

const lastOutput = `SELECT output FROM hosted_app WHERE label = $1`

// Output calls each with what an app writes, first with what is kept, until ctx ends,
// each fails, or the app is over. An app that does not run has only its last words.
func (h *Host) Output(ctx context.Context, label string, each func(text string) error) error {
	r, err := h.read(ctx, label)
	if err != nil {
		return err
	}
	h.mu.Lock()
	here := h.instances[label]
	h.mu.Unlock()
	if here != nil {
		return here.follow(ctx, each)
	}
	if r.leased && r.owner != h.cfg.Name {
		return h.peer.follow(ctx, r, each)
	}
	var last string
	if err := h.cfg.DB.QueryRow(ctx, lastOutput, label).Scan(&last); err != nil {
		return fmt.Errorf("read output of app: %w", err)
	}
	return each(last)
}

// follow passes on output until ctx ends, each fails or the instance is over.
func (i *instance) follow(ctx context.Context, each func(text string) error) error {
	var position int64
	for {
		text, next, more := i.log.after(position)
		position = next
		if text != "" {
			if err := each(text); err != nil {
				return err
			}
			continue
		}
		select {
		case <-more:
		case <-i.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

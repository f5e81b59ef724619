package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// readable writes records for people: time of day, level, message, then
// key=value pairs. One record is always one line, whatever is in it.
type readable struct {
	mu      *sync.Mutex // guards w; shared by all handlers derived from one
	w       io.Writer
	level   slog.Leveler
	colours bool
	prefix  string // of keys, from groups
	kept    string // attributes given with With, already written out
}

func newReadable(w io.Writer, level slog.Leveler, colours bool) *readable {
	return &readable{mu: &sync.Mutex{}, w: w, level: level, colours: colours}
}

func (h *readable) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

func (h *readable) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	if !r.Time.IsZero() {
		b.WriteString(h.paint(dim, r.Time.Local().Format("15:04:05.000")))
		b.WriteByte(' ')
	}
	b.WriteString(h.paint(levelColour(r.Level), fmt.Sprintf("%-5s", r.Level)))
	b.WriteByte(' ')
	b.WriteString(oneLine(r.Message))
	b.WriteString(h.kept)
	r.Attrs(func(a slog.Attr) bool {
		h.attr(&b, h.prefix, a)
		return true
	})
	b.WriteByte('\n')
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.w, b.String())
	return err
}

func (h *readable) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	for _, a := range attrs {
		h.attr(&b, h.prefix, a)
	}
	next := *h
	next.kept += b.String()
	return &next
}

func (h *readable) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	next := *h
	next.prefix += name + "."
	return &next
}

func (h *readable) attr(b *strings.Builder, prefix string, a slog.Attr) {
	v := a.Value.Resolve()
	if a.Key == "" && v.Kind() != slog.KindGroup {
		return
	}
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, inner := range v.Group() {
			h.attr(b, prefix, inner)
		}
		return
	}
	b.WriteByte(' ')
	b.WriteString(h.paint(dim, oneLine(prefix+a.Key)+"="))
	b.WriteString(value(v))
}

// value writes a value so that it reads as one word: quoted when it holds
// anything a reader could mistake for the next pair or another line.
func value(v slog.Value) string {
	s := v.String()
	if v.Kind() == slog.KindTime {
		s = v.Time().UTC().Format(time.RFC3339Nano)
	}
	if s == "" || strings.ContainsFunc(s, func(r rune) bool {
		return r == '"' || r == '=' || unicode.IsSpace(r) || !unicode.IsPrint(r)
	}) {
		return strconv.Quote(s)
	}
	return s
}

// oneLine keeps text that is not quoted from forging a line or a colour.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}

type colour string

const (
	dim    colour = "\x1b[2m"
	red    colour = "\x1b[31m"
	yellow colour = "\x1b[33m"
	plain  colour = ""
)

func levelColour(l slog.Level) colour {
	switch {
	case l >= slog.LevelError:
		return red
	case l >= slog.LevelWarn:
		return yellow
	case l < slog.LevelInfo:
		return dim
	}
	return plain
}

func (h *readable) paint(c colour, s string) string {
	if !h.colours || c == plain {
		return s
	}
	return string(c) + s + "\x1b[0m"
}

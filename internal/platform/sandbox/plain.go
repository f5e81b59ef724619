package sandbox

import (
	"bytes"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain returns a writer that passes on to w what may be shown to people: valid
// UTF-8 with tabs and line feeds, without control characters, terminal sequences or
// characters that reverse the direction of text. A carriage return starts a new
// line. It keeps state over writes, so that a sequence or a character cut in two is
// one still; a character cut at the very end is lost. It is not safe for concurrent
// use.
func Plain(w io.Writer) io.Writer { return &plain{w: w} }

// PlainText is Plain for a whole text.
func PlainText(text []byte) string {
	var out strings.Builder
	p := plain{w: &out}
	if _, err := p.Write(text); err != nil {
		return "" // a strings.Builder takes everything
	}
	p.flush()
	return out.String()
}

// Where in a terminal sequence the text is (ECMA-48).
type place uint8

const (
	text          place = iota
	escape              // after ESC
	intermediate        // after ESC and 0x20–0x2f: one more final byte
	control             // a CSI sequence, until its final byte
	message             // OSC, DCS, SOS, PM, APC, until BEL or ST
	messageEscape       // an ESC in one of those
)

// maxMessage ends a message that nobody ended, so that it cannot hide what follows.
const maxMessage = 4096

type plain struct {
	w      io.Writer
	at     place
	length int    // of the message we are in
	held   []byte // the beginning of a character
	cr     bool   // the last character was a carriage return
	out    bytes.Buffer
}

// Write implements io.Writer. It always takes all of b unless w fails.
func (p *plain) Write(b []byte) (int, error) {
	p.out.Reset()
	rest := b
	if len(p.held) > 0 {
		rest = append(p.held, b...)
		p.held = nil
	}
	for len(rest) > 0 {
		if !utf8.FullRune(rest) {
			p.held = bytes.Clone(rest)
			break
		}
		r, size := utf8.DecodeRune(rest)
		rest = rest[size:]
		p.step(r)
	}
	if p.out.Len() == 0 {
		return len(b), nil
	}
	if _, err := p.w.Write(p.out.Bytes()); err != nil {
		return 0, err
	}
	return len(b), nil
}

// flush writes what is held: the beginning of a character that never came.
func (p *plain) flush() {
	if len(p.held) > 0 && p.at == text {
		p.held = nil
		_, _ = io.WriteString(p.w, string(utf8.RuneError)) //nolint:errcheck // only called on memory
	}
}

// step takes one character.
func (p *plain) step(r rune) {
	switch p.at {
	case escape:
		p.at = afterEscape(r)
		p.length = 0
	case intermediate:
		if r < 0x20 || r > 0x2f {
			p.at = text
		}
	case control:
		if r < 0x20 || r > 0x3f {
			p.at = text
		}
	case message:
		p.length++
		switch {
		case r == 0x1b:
			p.at = messageEscape
		case r == 0x07 || r == 0x9c || p.length > maxMessage:
			p.at = text
		}
	case messageEscape:
		p.at = text
		if r != '\\' {
			p.at = afterEscape(r)
		}
	case text:
		p.show(r)
	}
}

// afterEscape returns where r, which follows ESC, leads.
func afterEscape(r rune) place {
	switch {
	case r == '[':
		return control
	case strings.ContainsRune("]PX^_", r):
		return message
	case r == 0x1b:
		return escape
	case r >= 0x20 && r <= 0x2f:
		return intermediate
	}
	return text
}

// show passes on r, or begins a sequence, or drops it.
func (p *plain) show(r rune) {
	after := p.cr
	p.cr = r == '\r'
	switch {
	case r == '\n' && after: // CR LF: the line was begun already
	case r == '\n' || r == '\r':
		p.out.WriteByte('\n')
	case r == '\t':
		p.out.WriteByte('\t')
	case r == 0x1b:
		p.at = escape
	case r == 0x9b:
		p.at = control
	case r == 0x90 || r == 0x98 || r >= 0x9d && r <= 0x9f:
		p.at, p.length = message, 0
	case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
	case r == 0x2028 || r == 0x2029: // line separators that not everything takes for one
		p.out.WriteByte('\n')
	default:
		p.out.WriteRune(r)
	}
}

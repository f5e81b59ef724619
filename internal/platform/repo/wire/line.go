// Package wire reads and writes what git sends over a connection: pkt-lines, packs
// and the deltas in them. It knows no database and no HTTP.
//
// Terms. A line is a length in four hexadecimal digits and so many bytes; a flush is
// the length 0000 alone. A pack is a count, that many compressed objects and a
// checksum; a delta is an object told as changes to another, its base.
//
// Invariants. What is read is hostile: every size is checked before memory is taken
// for it, and a pack never holds more than one object, its base and its delta at a
// time. The formats are those of gitprotocol-common(5), gitprotocol-pack(5) and
// gitformat-pack(5).
package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

const (
	// maxLine is the longest line with its length digits, as git sends them.
	maxLine = 65520
	// bandData is what fits into one line beside its length and the band's number.
	bandData = maxLine - 5
)

// ErrMalformed is in the chain of every error about the form of what was sent.
var ErrMalformed = errors.New("malformed")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// LineReader reads pkt-lines and leaves what follows them unread. It is for one
// goroutine.
type LineReader struct {
	r   *bufio.Reader
	buf []byte
}

// NewLineReader reads from r.
func NewLineReader(r *bufio.Reader) *LineReader { return &LineReader{r: r} }

// Next returns the next line without its newline, valid until the call after, and
// whether it was a flush instead. At the end of input it returns io.EOF.
func (l *LineReader) Next() (line []byte, flush bool, err error) {
	var digits [4]byte
	if _, err := io.ReadFull(l.r, digits[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, false, malformed("a line ends in its length")
		}
		return nil, false, err
	}
	var length [2]byte
	if _, err := hex.Decode(length[:], digits[:]); err != nil {
		return nil, false, malformed("a line's length is %q", digits[:])
	}
	n := int(binary.BigEndian.Uint16(length[:]))
	switch {
	case n == 0:
		return nil, true, nil
	case n < 4 || n > maxLine:
		return nil, false, malformed("a line's length is %d", n)
	}
	if cap(l.buf) < n {
		l.buf = make([]byte, n)
	}
	line = l.buf[:n-4]
	if _, err := io.ReadFull(l.r, line); err != nil {
		return nil, false, malformed("a line ends early: %v", err)
	}
	return bytes.TrimSuffix(line, []byte("\n")), false, nil
}

// LineWriter writes pkt-lines. Errors stay: Flush returns the first. It is for one
// goroutine.
type LineWriter struct{ w *bufio.Writer }

// NewLineWriter writes to w.
func NewLineWriter(w io.Writer) *LineWriter { return &LineWriter{bufio.NewWriterSize(w, 1<<16)} }

// Linef writes one line, adding its newline. Text that does not fit is cut.
func (l *LineWriter) Linef(format string, args ...any) {
	text := fmt.Appendf(nil, format+"\n", args...)
	text = text[:min(len(text), maxLine-4)]
	l.put(fmt.Appendf(nil, "%04x", len(text)+4))
	l.put(text)
}

// End writes a flush line.
func (l *LineWriter) End() { l.put([]byte("0000")) }

func (l *LineWriter) put(p []byte) {
	l.w.Write(p) //nolint:errcheck // a bufio.Writer keeps its error for Flush
}

// Flush sends what was written and returns the first error there was.
func (l *LineWriter) Flush() error { return l.w.Flush() }

// Band returns a writer whose bytes go out as side band 1, which is where a pack
// travels when the client asked for side-band-64k.
func (l *LineWriter) Band() io.Writer { return band{l.w} }

type band struct{ w *bufio.Writer }

func (b band) Write(p []byte) (int, error) {
	sent := 0
	for chunk := p; len(chunk) > 0; {
		n := min(len(chunk), bandData)
		if _, err := fmt.Fprintf(b.w, "%04x\x01", n+5); err != nil {
			return sent, err
		}
		if _, err := b.w.Write(chunk[:n]); err != nil {
			return sent, err
		}
		sent += n
		chunk = chunk[n:]
	}
	return sent, nil
}

// Raw returns a writer whose bytes go out as they are.
func (l *LineWriter) Raw() io.Writer { return l.w }

// Package edit applies targeted edits of a model to a text: this passage becomes that
// one. A passage is looked for on a ladder of rungs, from the exact bytes to small
// differences that models are known to make; the first rung that finds it exactly once
// is taken and named. Nothing is ever guessed: no similarity, no anchors.
//
// Invariants.
//
//   - All edits of a call apply, or none.
//   - Bytes outside the passages found do not change: not their line ends, not a byte
//     order mark.
//   - A passage that could be meant twice is refused, unless the edit says that all are
//     meant, or near which line.
package edit

import (
	"bytes"
	"slices"
	"strings"
)

// Limits on one edit. A passage over MaxBytes is a file to write anew; replacing all
// of something shorter than MinAll hits what nobody looked at.
const (
	MaxBytes = 64 << 10
	MaxEdits = 20
	MinAll   = 3
	nearby   = 30 // lines that Near may be off
)

// Edit says that the passage Old becomes New.
type Edit struct {
	Old, New string
	All      bool // every occurrence
	Near     int  // line, from 1, that tells equal passages apart; 0 for none
}

// Rung is how exactly a passage was found.
type Rung uint8

// The rungs, in the order they are tried.
const (
	Exact       Rung = iota // the bytes, line ends apart
	Trailing                // whole lines, white space at their ends apart
	Indented                // whole lines, all shifted by the same indentation
	Punctuation             // whole lines, with other quotes, dashes or spaces
	Numbered                // as one of those above, without the line numbers of a listing
)

// Passage is where an edit applied.
type Passage struct {
	Edit  int  // which edit, from 0
	Line  int  // first line, from 1, at the moment it applied
	Lines int  // lines replaced
	Rung  Rung // how it was found
}

// Apply returns text after edits, in their order, each seeing what those before it
// did. The error is an *Error, and then nothing applied.
func Apply(text []byte, edits []Edit) ([]byte, []Passage, error) {
	if len(edits) == 0 || len(edits) > MaxEdits {
		return nil, nil, &Error{Why: Count, Edit: len(edits)}
	}
	if binary(text) {
		return nil, nil, &Error{Why: Binary}
	}
	now := text
	var all []Passage
	for i, e := range edits {
		next, passages, err := apply(now, e)
		if err != nil {
			err.Edit = i
			if i > 0 && err.Why == NotFound {
				_, _, first := apply(text, e)
				err.Removed = first == nil
			}
			return nil, nil, err
		}
		for _, p := range passages {
			p.Edit = i
			all = append(all, p)
		}
		now = next
	}
	return now, all, nil
}

func apply(text []byte, e Edit) ([]byte, []Passage, *Error) {
	if err := e.check(text); err != nil {
		return nil, nil, err
	}
	s := newSource(text)
	e.Old, e.New = unix(e.Old), unix(e.New)
	found, rung := s.find(e)
	if e.Near > 0 && !e.All {
		found = nearest(s, found, e.Near)
	}
	switch {
	case len(found) == 0:
		return nil, nil, s.notFound(e)
	case len(found) > 1 && !e.All:
		return nil, nil, &Error{Why: Ambiguous, Times: len(found), Lines: s.linesOf(found)}
	}
	out, passages := s.replace(found)
	for i := range passages {
		passages[i].Rung = rung
	}
	return out, passages, nil
}

// check refuses what no text could make right.
func (e Edit) check(text []byte) *Error {
	switch {
	case e.Old == "":
		return &Error{Why: Empty}
	case len(e.Old) > MaxBytes || len(e.New) > MaxBytes:
		return &Error{Why: TooLong}
	case e.Old == e.New:
		return &Error{Why: Same}
	case e.All && len(e.Old) < MinAll:
		return &Error{Why: ShortAll}
	case binary([]byte(e.New)):
		return &Error{Why: Binary}
	}
	if line := Elision(e.New); line != "" && !bytes.Contains(text, []byte(line)) {
		return &Error{Why: Elided, Text: line}
	}
	return nil
}

func binary(text []byte) bool { return bytes.IndexByte(text, 0) >= 0 }

func unix(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// nearest keeps the one passage that is closest to line, if it is near at all.
func nearest(s *source, found []match, line int) []match {
	if len(found) < 2 {
		return found
	}
	off := func(m match) int {
		d := s.line(m.from) - line
		return max(d, -d)
	}
	slices.SortStableFunc(found, func(a, b match) int { return off(a) - off(b) })
	if off(found[0]) > nearby || off(found[0]) == off(found[1]) {
		return found
	}
	return found[:1]
}

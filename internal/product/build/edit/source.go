package edit

import (
	"bytes"
	"slices"
	"sort"
	"strings"
)

const mark = "\uFEFF" // byte order mark

// source is a text as edits see it: without byte order mark, every line ending in \n.
type source struct {
	raw   []byte // without the mark
	mark  bool
	text  string
	pairs []int // offsets in text of line ends that are \r\n in raw
	start []int // offsets in text at which lines start
	lines []string
}

// match is a passage in text, and what it becomes.
type match struct {
	from, to int
	with     string
}

func newSource(text []byte) *source {
	s := &source{}
	s.raw, s.mark = bytes.CutPrefix(text, []byte(mark))
	var b strings.Builder
	for rest := string(s.raw); rest != ""; {
		line, after, ended := strings.Cut(rest, "\n")
		s.start = append(s.start, b.Len())
		if ended && strings.HasSuffix(line, "\r") {
			line = line[:len(line)-1]
			s.pairs = append(s.pairs, b.Len()+len(line))
		}
		s.lines = append(s.lines, line)
		b.WriteString(line)
		if ended {
			b.WriteByte('\n')
		}
		rest = after
	}
	s.text = b.String()
	return s
}

// line is the number, from 1, of the line that holds offset.
func (s *source) line(offset int) int {
	return max(1, sort.SearchInts(s.start, offset+1))
}

func (s *source) linesOf(found []match) []int {
	var lines []int
	for _, m := range found {
		lines = append(lines, s.line(m.from))
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// rawOffset is where offset of text stands in raw.
func (s *source) rawOffset(offset int) int { return offset + sort.SearchInts(s.pairs, offset) }

// replace puts each match's text in its place. New lines end as those of the passage
// do, or, when it has none, as most of the text.
func (s *source) replace(found []match) ([]byte, []Passage) {
	slices.SortFunc(found, func(a, b match) int { return a.from - b.from })
	var out bytes.Buffer
	if s.mark {
		out.WriteString(mark)
	}
	var passages []Passage
	last := 0
	for _, m := range found {
		from, to := s.rawOffset(m.from), s.rawOffset(m.to)
		out.Write(s.raw[last:from])
		with := m.with
		if s.pairsIn(m) {
			with = strings.ReplaceAll(with, "\n", "\r\n")
		}
		out.WriteString(with)
		last = to
		passages = append(passages, Passage{Line: s.line(m.from), Lines: s.line(max(m.from, m.to-1)) - s.line(m.from) + 1})
	}
	out.Write(s.raw[last:])
	return out.Bytes(), passages
}

func (s *source) pairsIn(m match) bool {
	if all := strings.Count(s.text[m.from:m.to], "\n"); all > 0 {
		return 2*(sort.SearchInts(s.pairs, m.to)-sort.SearchInts(s.pairs, m.from)) > all
	}
	return 2*len(s.pairs) > strings.Count(s.text, "\n")
}

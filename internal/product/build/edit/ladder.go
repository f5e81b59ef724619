package edit

import (
	"regexp"
	"slices"
	"strings"
)

// find goes up the ladder and returns what the first rung that finds anything found.
func (s *source) find(e Edit) ([]match, Rung) {
	if found, rung := s.plain(e); len(found) > 0 {
		return found, rung
	}
	old, numbered := unnumber(e.Old)
	if !numbered || strings.TrimSpace(old) == "" || e.All && len(old) < MinAll {
		return nil, Exact
	}
	e.Old = old
	if e.New != "" {
		if with, numbered := unnumber(e.New); numbered {
			e.New = with
		}
	}
	found, _ := s.plain(e)
	return found, Numbered
}

func (s *source) plain(e Edit) ([]match, Rung) {
	if found := s.exact(e); len(found) > 0 {
		return found, Exact
	}
	if found := s.windows(e, trailing); len(found) > 0 {
		return found, Trailing
	}
	if found := s.shifted(e); len(found) > 0 {
		return found, Indented
	}
	if found := s.windows(e, folded); len(found) > 0 {
		return found, Punctuation
	}
	return nil, Exact
}

// exact finds the passage as it is. Overlapping occurrences count as several, unless
// all are meant, which are then those that strings.Replace would take.
func (s *source) exact(e Edit) []match {
	var found []match
	step := 1
	if e.All {
		step = len(e.Old)
	}
	for at := 0; ; {
		i := strings.Index(s.text[at:], e.Old)
		if i < 0 {
			return found
		}
		found = append(found, match{at + i, at + i + len(e.Old), e.New})
		at += i + step
	}
}

// block is a text as whole lines; ended says that the last one has an end, which then
// belongs to it.
type block struct {
	lines []string
	ended bool
}

func newBlock(text string) block {
	text, ended := strings.CutSuffix(text, "\n")
	return block{strings.Split(text, "\n"), ended}
}

// windows finds runs of whole lines that are the passage's under same. A run does not
// begin inside one before it.
func (s *source) windows(e Edit, same func(string) string) []match {
	old := newBlock(e.Old)
	want := mapped(old.lines, same)
	if blank(want) {
		return nil
	}
	have := mapped(s.lines, same)
	var found []match
	for i := 0; i+len(want) <= len(have); i++ {
		if slices.Equal(have[i:i+len(want)], want) {
			found = append(found, s.run(i, old, e.New))
			if e.All {
				i += len(want) - 1
			}
		}
	}
	return found
}

// shifted finds runs of whole lines that are the passage's with the same indentation
// before each, or without it. What replaces them is shifted alike.
func (s *source) shifted(e Edit) []match {
	old := newBlock(e.Old)
	want := mapped(old.lines, trailing)
	if blank(want) {
		return nil
	}
	have := mapped(s.lines, trailing)
	var found []match
	for i := 0; i+len(want) <= len(have); i++ {
		by, ok := shiftOf(want, have[i:i+len(want)])
		if !ok {
			continue
		}
		if with, ok := by.apply(e.New); ok {
			found = append(found, s.run(i, old, with))
			if e.All {
				i += len(want) - 1
			}
		}
	}
	return found
}

// run is the match of as many lines as old has, from line i.
func (s *source) run(i int, old block, with string) match {
	last := i + len(old.lines) - 1
	m := match{s.start[i], s.start[last] + len(s.lines[last]), with}
	if !old.ended {
		return m
	}
	if m.to < len(s.text) {
		m.to++
		return m
	}
	m.with, _ = strings.CutSuffix(with, "\n") // the text's last line has no end
	return m
}

// shift is an indentation that is put before lines, or taken away.
type shift struct {
	by   string
	away bool
}

// shiftOf returns what turns the lines from into to, if one indentation does.
func shiftOf(from, to []string) (shift, bool) {
	var by shift
	for i := range from {
		if from[i] == "" && to[i] == "" {
			continue
		}
		in, isIn := strings.CutSuffix(to[i], from[i])
		out, isOut := strings.CutSuffix(from[i], to[i])
		one := shift{in, false}
		if !isIn {
			one = shift{out, true}
		}
		if !isIn && !isOut || one.by == "" || strings.Trim(one.by, " \t") != "" || from[i] == "" || to[i] == "" {
			return shift{}, false
		}
		if by.by != "" && by != one {
			return shift{}, false
		}
		by = one
	}
	return by, by.by != ""
}

func (by shift) apply(text string) (string, bool) {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		switch {
		case strings.TrimSpace(line) == "":
		case !by.away:
			lines[i] = by.by + line
		default:
			rest, ok := strings.CutPrefix(line, by.by)
			if !ok {
				return "", false
			}
			lines[i] = rest
		}
	}
	return strings.Join(lines, "\n"), true
}

func trailing(line string) string { return strings.TrimRight(line, " \t\r") }

// folded writes typographic punctuation and spaces as a keyboard has them.
func folded(line string) string {
	return trailing(strings.Map(func(r rune) rune {
		switch r {
		case '‘', '’', '‚', '‛', '′':
			return '\''
		case '“', '”', '„', '‟', '″':
			return '"'
		case '‐', '‑', '‒', '–', '—', '―', '−':
			return '-'
		case '\u00A0', '\u2002', '\u2003', '\u2007', '\u2009', '\u202F', '\u3000':
			return ' '
		}
		return r
	}, line))
}

func numberedLine() *regexp.Regexp { return regexp.MustCompile(`^\s*\d+\t`) }

// unnumber takes away the line numbers of a listing, if every line has one.
func unnumber(text string) (string, bool) {
	number := numberedLine()
	numbered := newBlock(text)
	for i, line := range numbered.lines {
		at := number.FindStringIndex(line)
		if at == nil {
			return text, false
		}
		numbered.lines[i] = line[at[1]:]
	}
	text = strings.Join(numbered.lines, "\n")
	if numbered.ended {
		text += "\n"
	}
	return text, true
}

func mapped(lines []string, f func(string) string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = f(line)
	}
	return out
}

func blank(lines []string) bool { return strings.TrimSpace(strings.Join(lines, "")) == "" }

package document

import (
	"slices"
	"strings"
	"unicode"

	"github.com/aymanbagabas/go-udiff/lcs"
)

// Op is what became of a run of words.
type Op string

// The operations.
const (
	Same    Op = "same"
	Added   Op = "added"
	Removed Op = "removed"
)

// Part is a run of words.
type Part struct {
	Op   Op
	Text string
}

// SectionChange is how one section differs. The parts that are the same or removed are
// the old text, those that are the same or added the new one.
type SectionChange struct {
	Key, Title string
	Parts      []Part
}

// Compare returns the sections of two contents of one kind that differ, in reading
// order, word by word; either may be nil, which is empty. None is an empty list.
func Compare(from, to Content) []SectionChange {
	before, after := sections(from), sections(to)
	kind := BriefKind
	if to != nil {
		kind = to.Kind()
	} else if from != nil {
		kind = from.Kind()
	}
	all := []SectionChange{}
	for _, h := range kind.headings() {
		if old, now := before[h.key], after[h.key]; old != now {
			all = append(all, SectionChange{Key: h.key, Title: h.title, Parts: CompareText(old, now)})
		}
	}
	return all
}

func sections(c Content) map[string]string {
	all := map[string]string{}
	if c == nil {
		return all
	}
	for _, s := range c.Outline() {
		all[s.Key] = s.Plain()
	}
	return all
}

// CompareText returns how two texts differ, word by word.
func CompareText(from, to string) []Part {
	before, after := tokens(from), tokens(to)
	var all []Part
	add := func(op Op, text []string) {
		if len(text) == 0 {
			return
		}
		joined := strings.Join(text, "")
		if last := len(all) - 1; last >= 0 && all[last].Op == op {
			all[last].Text += joined
			return
		}
		all = append(all, Part{Op: op, Text: joined})
	}
	at := 0
	for _, d := range lcs.DiffLines(before, after) {
		add(Same, before[at:d.Start])
		add(Removed, before[d.Start:d.End])
		add(Added, after[d.ReplStart:d.ReplEnd])
		at = d.End
	}
	add(Same, before[at:])
	return tidy(all)
}

// tidy joins changes that only a space keeps apart, so that "old text" to "new words" is
// one change and not two.
func tidy(parts []Part) []Part {
	var all []Part
	var removed, added strings.Builder
	flush := func() {
		if removed.Len() > 0 {
			all = append(all, Part{Removed, removed.String()})
		}
		if added.Len() > 0 {
			all = append(all, Part{Added, added.String()})
		}
		removed.Reset()
		added.Reset()
	}
	for i, p := range parts {
		inside := removed.Len()+added.Len() > 0 && i < len(parts)-1
		switch {
		case p.Op == Removed:
			removed.WriteString(p.Text)
		case p.Op == Added:
			added.WriteString(p.Text)
		case inside && p.Text == " " && removed.Len() > 0 && added.Len() > 0:
			removed.WriteString(p.Text)
			added.WriteString(p.Text)
		default:
			flush()
			all = append(all, p)
		}
	}
	flush()
	return all
}

// tokens cuts a text into words, runs of spaces and single other characters. Scripts
// that put no spaces between words are cut at each character.
func tokens(s string) []string {
	var all []string
	var last rune
	for _, r := range s {
		if len(all) > 0 && joins(last, r) {
			all[len(all)-1] += string(r)
		} else {
			all = append(all, string(r))
		}
		last = r
	}
	return slices.Clip(all)
}

// joins reports whether two characters in a row belong to one token.
func joins(a, b rune) bool {
	switch {
	case unicode.IsMark(b) || b == '\u200d' || a == '\u200d':
		return true
	case a == '\n' || b == '\n':
		return false
	case unicode.IsSpace(a) || unicode.IsSpace(b):
		return unicode.IsSpace(a) && unicode.IsSpace(b)
	}
	return wordly(a) && wordly(b)
}

func wordly(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsNumber(r) || r == '_' || unicode.IsMark(r)) &&
		!unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

package document

import "strings"

// Style is how a line is set.
type Style string

// The styles.
const (
	Paragraph Style = "paragraph"
	Heading   Style = "heading" // of something inside a section
	Bullet    Style = "bullet"
	Tick      Style = "tick" // what must work
	Note      Style = "note" // said by us about the section
)

// Line is one thing a section says. Label stands before Text and is set apart:
// "Severity: high".
type Line struct {
	Style Style
	Label string
	Text  string
	Item  string // the id of what it belongs to, where that has one
}

// Section is a part of a document as it is read.
type Section struct {
	Key, Title string
	Deeper     bool // not on the one page
	Lines      []Line
}

// Plain returns the section as text, a line each.
func (s Section) Plain() string {
	var all []string
	for _, l := range s.Lines {
		all = append(all, l.Plain())
	}
	return strings.Join(all, "\n")
}

// Plain returns the line as text.
func (l Line) Plain() string {
	text := l.Text
	if l.Label != "" {
		text = l.Label + ": " + text
	}
	if l.Style == Bullet || l.Style == Tick {
		return "• " + text
	}
	return text
}

// outlined returns the sections of k that say something.
func outlined(k Kind, says map[string][]Line) []Section {
	var all []Section
	for _, h := range k.headings() {
		if lines := says[h.key]; len(lines) > 0 {
			all = append(all, Section{Key: h.key, Title: h.title, Deeper: h.deeper, Lines: lines})
		}
	}
	return all
}

// paragraphs returns a text as lines of its own; none when it is empty.
func paragraphs(s string) []Line {
	var all []Line
	for part := range strings.SplitSeq(s, "\n") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, Line{Style: Paragraph, Text: part})
		}
	}
	return all
}

// bullets returns a list of texts.
func bullets(list []string) []Line {
	var all []Line
	for _, s := range list {
		all = append(all, Line{Style: Bullet, Text: s})
	}
	return all
}

// labelled returns a line with a label, or none when it would say nothing.
func labelled(label, s string) []Line {
	if s == "" {
		return nil
	}
	return []Line{{Style: Paragraph, Label: label, Text: s}}
}

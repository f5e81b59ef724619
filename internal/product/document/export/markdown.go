package export

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"

	"cofounder/internal/product/document"
)

// Markdown writes a book as CommonMark.
func Markdown(w io.Writer, b Book) error {
	out := bufio.NewWriter(w)
	m := markdown{out: out, level: 1}
	m.heading(0, b.Project+" – "+b.title())
	if len(b.Versions) > 1 {
		for _, v := range b.Versions {
			m.item(fmt.Sprintf("%s, version %d", v.Kind.Title(), v.Number))
		}
		m.line("")
		m.level = 2
	}
	for _, v := range b.Versions {
		if len(b.Versions) > 1 {
			m.heading(0, v.Kind.Title())
		}
		m.line(escape(imprint(v)))
		for _, s := range b.sections(v) {
			m.heading(1, s.Title)
			for _, l := range s.Lines {
				m.text(l)
			}
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write markdown: %w", err)
	}
	return nil
}

// markdown writes blocks and keeps empty lines between them.
type markdown struct {
	out    *bufio.Writer // keeps its first error until Flush
	level  int           // of the headings of documents
	inList bool
	begun  bool
}

func (m *markdown) text(l document.Line) {
	text := escape(l.Text)
	if l.Label != "" {
		text = "**" + escape(l.Label) + ":** " + text
	}
	switch l.Style {
	case document.Heading:
		if l.Label != "" {
			m.heading(2, l.Label+": "+l.Text)
			return
		}
		m.heading(2, l.Text)
	case document.Bullet:
		m.item(l.Plain()[len("• "):])
	case document.Tick:
		m.write("- [ ] "+flat(escape(l.Plain()[len("• "):])), true)
	case document.Note:
		m.line("*" + text + "*")
	case document.Paragraph:
		m.line(text)
	}
}

func (m *markdown) heading(below int, s string) {
	m.write(strings.Repeat("#", m.level+below)+" "+flat(escape(s)), false)
}

func (m *markdown) item(s string) { m.write("- "+flat(escape(s)), true) }

func (m *markdown) line(s string) {
	if s != "" {
		m.write(s, false)
	}
}

// write starts a block; items of a list stay together.
func (m *markdown) write(s string, item bool) { //nolint:revive // both are one way to write a block
	if m.begun && (!m.inList || !item) {
		m.out.WriteString("\n") //nolint:errcheck // Flush returns it
	}
	m.out.WriteString(s + "\n") //nolint:errcheck // as above
	m.begun, m.inList = true, item
}

// flat makes one line of a text.
func flat(s string) string { return strings.Join(strings.Fields(s), " ") }

// leading are characters that are markup at the beginning of a line.
var leading = regexp.MustCompile(`(?m)^(\s*)([#+=-]|\d+[.)])`)

// escape makes text of what could be read as markup.
func escape(s string) string {
	var out strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\`*_[]<>|~&", r) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return leading.ReplaceAllStringFunc(out.String(), func(m string) string {
		last := len(m) - 1
		return m[:last] + `\` + m[last:]
	})
}

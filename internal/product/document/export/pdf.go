package export

import (
	"fmt"
	"io"
	"strings"

	"cofounder/internal/product/document"

	"codeberg.org/go-pdf/fpdf"
)

// Measures in millimetres and points.
const (
	margin     = 24.0
	foot       = 20.0 // kept free at the bottom
	body       = 10.5 // points
	leading105 = 5.6  // the line of body text
	indent     = 6.0
	keep       = 30.0 // what a heading wants below it
	family     = "Inter"
)

// PDF writes a book as PDF: a cover, the contents, and each document on pages of its
// own.
func PDF(w io.Writer, b Book) error {
	set, err := newSetter()
	if err != nil {
		return err
	}
	// The contents name pages that are known only when everything is set, so it is set
	// twice; the second time the cover also knows whether something could not be.
	first := newPaper(b, set, nil)
	first.book()
	second := newPaper(b, set, first)
	second.book()
	if err := second.pdf.Output(w); err != nil {
		return fmt.Errorf("write pdf: %w", err)
	}
	return nil
}

// entry is a line of the contents.
type entry struct {
	title string
	level int
	page  int
	link  int
}

// paper is one setting of a book.
type paper struct {
	b       Book
	set     *setter
	pdf     *fpdf.Fpdf
	known   []entry // of the setting before; none in the first one
	total   int     // pages of it
	lost    bool    // it met characters that no font has
	entries []entry
	running string // at the foot of the present page
}

func newPaper(b Book, set *setter, before *paper) *paper {
	p := &paper{b: b, set: set, pdf: fpdf.New("P", "mm", "A4", "")}
	if before != nil {
		p.known, p.total, p.lost = before.entries, before.pdf.PageCount(), set.lost
	}
	p.pdf.AddUTF8FontFromBytes(family, "", regular)
	p.pdf.AddUTF8FontFromBytes(family, "B", bold)
	p.pdf.SetMargins(margin, margin, margin)
	p.pdf.SetAutoPageBreak(true, foot)
	p.pdf.SetTitle(b.Project+" – "+b.title(), true)
	p.pdf.SetAuthor(b.Project, true)
	p.pdf.SetCreator("cofounder", true)
	p.pdf.SetProducer("cofounder", true)
	p.pdf.SetCreationDate(b.made())
	p.pdf.SetModificationDate(b.made())
	p.pdf.SetCatalogSort(true)
	p.pdf.SetFooterFunc(p.footer)
	return p
}

func (p *paper) book() {
	p.cover()
	p.contents()
	for _, v := range p.b.Versions {
		p.document(v)
	}
	p.pdf.Close() // ends the last page, and its foot
}

// ink chooses a font and a shade of grey, 0 to 255.
func (p *paper) ink(style string, points float64, grey int) {
	p.pdf.SetFont(family, style, points)
	p.pdf.SetTextColor(grey, grey, grey)
}

func (p *paper) write(s string, height float64) {
	p.pdf.MultiCell(0, height, p.set.set(s), "", "L", false)
}

func (p *paper) cover() {
	p.pdf.AddPage()
	p.pdf.SetY(80)
	p.ink("", 11, 110)
	p.write(p.b.title(), 6)
	p.pdf.Ln(2)
	p.ink("B", 26, 20)
	p.write(p.b.Project, 11.5)
	p.pdf.Ln(6)
	p.ink("", body, 70)
	for _, v := range p.b.Versions {
		p.write(v.Kind.Title()+" · "+imprint(v), leading105)
	}
	if p.lost {
		p.pdf.Ln(4)
		p.write("Some characters cannot be set in this file and are shown as “?”. The Markdown export has them all.", leading105)
	}
}

func (p *paper) contents() {
	p.pdf.AddPage()
	p.running = ""
	p.ink("B", 18, 20)
	p.write("Contents", 10)
	p.pdf.Ln(3)
	// The first setting has no entries to list, and leaves out only lines: the pages
	// the contents take are counted by what will be listed.
	list := p.known
	if list == nil {
		list = p.foreseen()
	}
	for _, e := range list {
		style, grey := "", 60
		if e.level == 0 {
			style, grey = "B", 20
			p.pdf.Ln(1)
		}
		p.ink(style, body, grey)
		p.pdf.SetX(margin + float64(e.level)*indent)
		width, _ := p.pdf.GetPageSize()
		room := width - 2*margin - 12 - float64(e.level)*indent
		p.pdf.CellFormat(room, leading105, p.cut(e.title, room), "", 0, "L", false, e.link, "")
		p.pdf.CellFormat(12, leading105, pageOf(e), "", 1, "R", false, e.link, "")
	}
}

func pageOf(e entry) string {
	if e.page == 0 {
		return ""
	}
	return fmt.Sprint(e.page)
}

// foreseen lists what the contents will have, without pages.
func (p *paper) foreseen() []entry {
	var all []entry
	for _, v := range p.b.Versions {
		all = append(all, entry{title: v.Kind.Title()})
		for _, s := range p.b.sections(v) {
			all = append(all, entry{title: s.Title, level: 1})
		}
	}
	return all
}

// cut shortens a line of the contents to the room it has.
func (p *paper) cut(s string, room float64) string {
	s = p.set.set(s)
	for p.pdf.GetStringWidth(s) > room {
		runes := []rune(s)
		s = strings.TrimRight(string(runes[:len(runes)-2]), " ") + "…"
	}
	return s
}

// footer ends each page but the cover.
func (p *paper) footer() {
	if p.pdf.PageNo() == 1 {
		return
	}
	p.pdf.SetY(-14)
	p.ink("", 8, 120)
	width, _ := p.pdf.GetPageSize()
	room := width - 2*margin
	left := p.b.Project
	if p.running != "" {
		left += " · " + p.running
	}
	p.pdf.CellFormat(room-24, 4, p.cut(left, room-24), "", 0, "L", false, 0, "")
	p.pdf.CellFormat(24, 4, fmt.Sprintf("%d / %d", p.pdf.PageNo(), max(p.total, p.pdf.PageNo())), "", 0, "R", false, 0, "")
}

// enter notes a heading for the contents and the outline of the file.
func (p *paper) enter(title string, level int) {
	link := p.pdf.AddLink()
	p.pdf.SetLink(link, -1, -1)
	p.pdf.Bookmark(p.set.set(title), level, -1)
	p.entries = append(p.entries, entry{title: title, level: level, page: p.pdf.PageNo(), link: link})
}

func (p *paper) document(v document.Version) {
	p.pdf.AddPage()
	p.running = v.Kind.Title() + " · " + imprint(v)
	p.enter(v.Kind.Title(), 0)
	p.ink("B", 20, 20)
	p.write(v.Kind.Title(), 10)
	p.pdf.Ln(2)
	for _, s := range p.b.sections(v) {
		p.room(keep)
		p.pdf.Ln(3)
		p.enter(s.Title, 1)
		p.ink("B", 13, 20)
		p.write(s.Title, 7)
		p.pdf.Ln(1)
		for _, l := range s.Lines {
			p.line(l)
		}
	}
}

// room begins a new page where fewer millimetres are left.
func (p *paper) room(wanted float64) {
	_, height := p.pdf.GetPageSize()
	if p.pdf.GetY()+wanted > height-foot {
		p.pdf.AddPage()
	}
}

func (p *paper) line(l document.Line) {
	switch l.Style {
	case document.Heading:
		p.room(keep * 2 / 3)
		p.pdf.Ln(1.5)
		p.ink("B", 11, 30)
		text := l.Text
		if l.Label != "" {
			text = l.Label + ": " + text
		}
		p.write(text, 6)
	case document.Bullet, document.Tick:
		p.point(l)
	case document.Note:
		p.ink("", 9, 120)
		p.write(l.Text, 5)
	case document.Paragraph:
		p.words(l)
	}
	p.pdf.Ln(1)
}

// point sets an item behind its mark: a dot, or a box for what must work.
func (p *paper) point(l document.Line) {
	p.room(leading105 * 2)
	x, y := margin+1.5, p.pdf.GetY()+leading105/2
	p.pdf.SetDrawColor(90, 90, 90)
	p.pdf.SetFillColor(90, 90, 90)
	p.pdf.SetLineWidth(0.25)
	if l.Style == document.Tick {
		p.pdf.Rect(x-0.2, y-1.4, 2.8, 2.8, "D")
	} else {
		p.pdf.Circle(x+1, y, 0.6, "F")
	}
	p.pdf.SetLeftMargin(margin + indent)
	p.pdf.SetX(margin + indent)
	p.words(l)
	p.pdf.SetLeftMargin(margin)
	p.pdf.SetX(margin)
}

// words sets a text with its label, if it has one, in front.
func (p *paper) words(l document.Line) {
	if l.Label == "" {
		p.ink("", body, 40)
		p.write(l.Text, leading105)
		return
	}
	p.ink("B", body, 40)
	p.pdf.Write(leading105, p.set.set(l.Label+": "))
	p.ink("", body, 40)
	p.pdf.Write(leading105, p.set.set(l.Text))
	p.pdf.Ln(leading105)
}

package view

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
	"cofounder/internal/product/project"
)

// Reader is a document that is read, and worked on in place.
type Reader struct {
	Doc      document.Document
	Shown    document.Version
	Versions []document.Version // the latest first
	More     bool               // there are older versions than these
	Changed  []string           // the sections that differ from the version before
	Comments []document.Comment
	Names    map[account.UserID]string
	Now      time.Time

	MayEdit, MayComment bool
	// Editing and Commenting name the section whose form is open; empty: none is.
	Editing, Commenting string
	Editor              Editor
	Form                Form
	Live                bool // drawn for a page that is open
}

// latest reports whether the version that is shown is the one in force.
func (p Reader) latest() bool { return p.Doc.Current != nil && p.Shown.Number == p.Doc.Current.Number }

// editable reports whether sections can be edited here.
func (p Reader) editable() bool { return p.MayEdit && p.latest() }

func (p Reader) yours(section string) bool { return slices.Contains(p.Shown.Edited, section) }

func (p Reader) changed(section string) bool { return slices.Contains(p.Changed, section) }

// open and settled return the comments on a section, or with "" on the whole.
func (p Reader) open(section string) []document.Comment {
	return slices.DeleteFunc(slices.Clone(p.Comments), func(c document.Comment) bool {
		return c.Place.Section != section || c.ResolvedAt != nil
	})
}

func (p Reader) settled(section string) []document.Comment {
	return slices.DeleteFunc(slices.Clone(p.Comments), func(c document.Comment) bool {
		return c.Place.Section != section || c.ResolvedAt == nil
	})
}

// openComments is how many comments wait for an answer.
func (p Reader) openComments() int {
	n := 0
	for _, c := range p.Comments {
		if c.ResolvedAt == nil {
			n++
		}
	}
	return n
}

// older and newer are the neighbours of the version that is shown; 0: there is none.
func (p Reader) older() int { return p.Shown.Number - 1 }

func (p Reader) newer() int {
	if p.Doc.Current != nil && p.Shown.Number < p.Doc.Current.Number {
		return p.Shown.Number + 1
	}
	return 0
}

// who is what to call an author.
func who(names map[account.UserID]string, u account.UserID) string {
	if name := names[u]; name != "" {
		return name
	}
	return "somebody who left"
}

// madeHow says how a version came about.
func madeHow(v document.Version, names map[account.UserID]string) string {
	switch v.MadeBy {
	case document.ByFounder:
		return "edited by " + who(names, v.Author)
	case document.ByRegeneration:
		return "written anew"
	case document.ByRestore:
		return "version " + strconv.Itoa(v.Restored) + " brought back by " + who(names, v.Author)
	case document.ByUs:
	}
	return "written by me"
}

// block is what is set together: one paragraph or heading, or a list.
type block struct {
	style document.Style
	lines []document.Line
}

// blocks puts the lines of lists together.
func blocks(lines []document.Line) []block {
	var all []block
	for _, l := range lines {
		list := l.Style == document.Bullet || l.Style == document.Tick
		if last := len(all) - 1; list && last >= 0 && all[last].style == l.Style {
			all[last].lines = append(all[last].lines, l)
			continue
		}
		all = append(all, block{l.Style, []document.Line{l}})
	}
	return all
}

// sure is how sure we are, in words.
func sureWords(l document.Level) string {
	switch l {
	case document.Strong:
		return "Well supported"
	case document.Moderate:
		return "Plausible, not tested"
	case document.NeedsDepth:
	}
	return "Needs more from you"
}

// textLines cuts runs of words into the lines they stand in.
func textLines(parts []document.Part) [][]document.Part {
	all := [][]document.Part{nil}
	for _, p := range parts {
		for i, text := range strings.Split(p.Text, "\n") {
			if i > 0 {
				all = append(all, nil)
			}
			if text != "" {
				all[len(all)-1] = append(all[len(all)-1], document.Part{Op: p.Op, Text: text})
			}
		}
	}
	return slices.DeleteFunc(all, func(line []document.Part) bool { return len(line) == 0 })
}

// Difference is two versions compared.
type Difference struct {
	Kind     document.Kind
	From, To document.Version // From has number 0: before the first
	Changes  []document.SectionChange
	Current  int
	MayEdit  bool
	Now      time.Time
	Names    map[account.UserID]string
}

// Choosing is a proposal that waits for the founder.
type Choosing struct {
	Doc     document.Document
	Changes []document.SectionChange
	Form    Form
	Now     time.Time
	MayEdit bool
}

// replaces reports whether a section the proposal changes is in the founder's words.
func (p Choosing) replaces(section string) bool {
	return slices.Contains(p.Doc.Current.Edited, section)
}

// Clash is an edit that was not made because somebody else changed the same place.
type Clash struct {
	Kind    document.Kind
	Section string
	Title   string
	Current document.Version
	Parts   []document.Part // from what is there to what was typed
	Editor  Editor          // with what was typed
	Names   map[account.UserID]string
	Now     time.Time
}

// SectionTitle is the heading of a section; of one that is empty that of the document.
func SectionTitle(v document.Version, key string) string {
	for _, s := range v.Outline() {
		if s.Key == key {
			return s.Title
		}
	}
	return v.Kind.Title()
}

func versionLabel(v document.Version) string { return "Version " + strconv.Itoa(v.Number) }

// DocumentCrumb leads back to a document.
func DocumentCrumb(p project.Project, k document.Kind) Crumb {
	return Crumb{Label: k.Title(), Address: DocumentAddress(p, k, 0)}
}

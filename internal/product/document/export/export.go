// Package export writes documents as files that people keep, send and print: Markdown
// and PDF, of one version or of all documents together.
//
// Terms. A book is what is exported: versions in reading order. Its files are made of
// the outlines of the versions, as pages are, so that no format leaves a field out.
//
// Invariants. The same versions give the same bytes, whenever they are exported. Each
// page names the document, its version and the hash of its content. Text is only ever text: nothing in it becomes
// markup. What the fonts of the PDF cannot set is replaced by a mark, said on its cover,
// and whole in Markdown.
package export

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"cofounder/internal/product/document"

	"golang.org/x/text/unicode/norm"
)

// Book is what is exported.
type Book struct {
	Project  string             // its name
	Versions []document.Version // in reading order, at least one
	Cut      Cut
}

// made is when the last of its versions was made: a book has no other date, so that it
// is the same whenever it is exported.
func (b Book) made() time.Time {
	var last time.Time
	for _, v := range b.Versions {
		if v.At.After(last) {
			last = v.At
		}
	}
	return last
}

// imprint says which version it is, of when, and what was noted about it: that no AI was
// connected, for example.
func imprint(v document.Version) string {
	s := fmt.Sprintf("Version %d · %s · %s", v.Number, v.At.Format("2 January 2006"), short(v.Hash))
	if v.Note != "" {
		s += " · " + v.Note
	}
	return s
}

// Cut is how much of each document is taken.
type Cut string

// The cuts.
const (
	Full    Cut = "full"
	OnePage Cut = "one_page" // without what was written when the founder went deeper
)

// title is what the book is called.
func (b Book) title() string {
	if len(b.Versions) == 1 {
		return b.Versions[0].Kind.Title()
	}
	return "All documents"
}

// sections returns what is taken of a version.
func (b Book) sections(v document.Version) []document.Section {
	var all []document.Section
	for _, s := range v.Outline() {
		if b.Cut == OnePage && s.Deeper {
			continue
		}
		all = append(all, s)
	}
	return all
}

// short is the beginning of a hash, enough to tell versions apart.
func short(hash string) string { return hash[:min(len(hash), 12)] }

// FileName returns a name for the file of a book with an extension, in letters, digits
// and hyphens that every system and every HTTP header takes.
func (b Book) FileName(extension string) string {
	name := slug(b.Project)
	if name == "" {
		name = "project"
	}
	what := "documents"
	if len(b.Versions) == 1 {
		what = slug(string(b.Versions[0].Kind))
	}
	return name + "-" + what + "." + extension
}

// longestSlug keeps file names short of what any system refuses.
const longestSlug = 60

func slug(s string) string {
	var out strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(strings.ToLower(s)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if gap && out.Len() > 0 {
				out.WriteByte('-')
			}
			gap = false
			out.WriteRune(r)
		case r == 'ß':
			out.WriteString("ss")
		case !unicode.IsMark(r):
			gap = true
		}
		if out.Len() >= longestSlug {
			break
		}
	}
	return out.String()
}

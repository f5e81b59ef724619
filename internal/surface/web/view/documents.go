package view

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"cofounder/internal/product/document"
	"cofounder/internal/product/project"
)

// Documents is the list of what is written about a project.
type Documents struct {
	List    []document.Document
	Now     time.Time
	MayEdit bool
	// Limit is what one writing may cost at most, in words; empty: it costs nothing.
	Limit string
	Live  bool // drawn for a page that is open, part by part
}

// DocumentsAddress is where the documents of a project are.
func DocumentsAddress(p project.Project) string { return ProjectAddress(p) + "documents" }

// DocumentAddress is where one is read; version 0 is the one in force.
func DocumentAddress(p project.Project, k document.Kind, version int) string {
	at := DocumentsAddress(p) + "/" + string(k)
	if version > 0 {
		at += "@" + strconv.Itoa(version)
	}
	return at
}

// DifferenceAddress is where two versions are compared.
func DifferenceAddress(p project.Project, k document.Kind, from, to int) string {
	return DocumentAddress(p, k, from) + ".." + strconv.Itoa(to)
}

// underWay reports whether somebody asked for a document that is not finished.
func underWay(d document.Document) bool {
	return d.State == document.Asked || d.State == document.Writing
}

// onDemand reports whether the founder can have a document written from here: the user
// guide is written of a version that was checked.
func onDemand(k document.Kind) bool { return k != document.HandbookKind }

// briefed reports whether the page about the idea is there, of which all else is written.
func (p Documents) briefed() bool {
	for _, d := range p.List {
		if d.Kind == document.BriefKind {
			return d.Current != nil
		}
	}
	return false
}

// missing are the kinds that can be asked for and are not there.
func (p Documents) missing() []document.Kind {
	var all []document.Kind
	for _, d := range p.List {
		if d.Current == nil && onDemand(d.Kind) && !underWay(d) {
			all = append(all, d.Kind)
		}
	}
	return all
}

// written reports whether there is anything to take along.
func (p Documents) written() bool {
	for _, d := range p.List {
		if d.Current != nil {
			return true
		}
	}
	return false
}

// busy says how far the writing is; empty while nothing is written.
func (p Documents) busy() string {
	open, now := 0, ""
	for _, d := range p.List {
		if underWay(d) {
			open++
		}
		if d.State == document.Writing {
			now = d.Kind.Title()
		}
	}
	switch {
	case open == 0:
		return ""
	case now == "":
		return "I begin in a moment."
	case open == 1:
		return "I am writing: " + now + "."
	}
	return fmt.Sprintf("I am writing: %s. %d more after it.", now, open-1)
}

// about says what a document is for.
func about(k document.Kind) string {
	switch k {
	case document.BriefKind:
		return "Your idea on one page: who, which problem, what it does, what we assumed."
	case document.ScopeKind:
		return "What the first version does, what must work in it, and what is left out."
	case document.MilestonesKind:
		return "The way to the first version and beyond, in stretches of your own time."
	case document.RisksKind:
		return "What could go wrong, how bad it would be, and what helps."
	case document.HowItWorksKind:
		return "The product as the people who use it go through it, and where their data goes."
	case document.ArchitectureKind:
		return "What the product is made of, for whoever wants to know, and what it costs to run."
	case document.HandbookKind:
		return "For the people who use your product. I write it of the first version that was checked."
	}
	return ""
}

// standing is a document's state in a word or two, and the colour it is shown in.
func standing(d document.Document) (words, colour string) {
	again := d.Current != nil
	switch d.State {
	case document.Asked:
		return "Waiting", "accent"
	case document.Writing:
		if again {
			return "Writing again", "accent"
		}
		return "Writing", "accent"
	case document.Failed:
		return "Could not be written", "bad"
	case document.Written, document.NotAsked:
	}
	switch {
	case d.Proposal != nil:
		return "Waits for you", "warn"
	case again:
		return "Version " + strconv.Itoa(d.Current.Number), "ok"
	}
	return "Not written yet", ""
}

// writeLabel is what the button says that has a document written.
func writeLabel(d document.Document) string {
	switch {
	case d.State == document.Failed:
		return "Write it again"
	case d.Current != nil:
		return "Write it anew"
	}
	return "Write it"
}

// writeAll is what the button says that has all of the rest written.
func writeAll(kinds []document.Kind) string {
	if len(kinds) == 1 {
		return "Write " + strings.ToLower(kinds[0].Title())
	}
	return "Write the other " + strconv.Itoa(len(kinds))
}

func kindIcon(k document.Kind) string {
	switch k {
	case document.BriefKind:
		return "lightbulb"
	case document.ScopeKind:
		return "list-checks"
	case document.RisksKind:
		return "triangle-alert"
	case document.HandbookKind:
		return "book-open"
	case document.MilestonesKind, document.HowItWorksKind, document.ArchitectureKind:
	}
	return "file-text"
}

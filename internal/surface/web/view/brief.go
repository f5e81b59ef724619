package view

import (
	"cofounder/internal/product/document"
	"cofounder/internal/product/interview"
)

// Brief is the page about an idea.
type Brief struct {
	Talk     *interview.Interview // nil: nobody has asked about the idea
	Sections []BriefSection
	Version  int                 // of the brief in force; 0: none yet
	Proposed []document.Document // that wait for the founder
	Build    *Build              // nil: there is nothing to decide yet
	Editing  string              // the key of the section that is edited
	Editor   Editor
	MayEdit  bool
	Live     bool // drawn for a page that is open, part by part
}

// BriefSection is one section of the page.
type BriefSection struct {
	Kind   document.Kind
	Key    string
	Title  string
	Lines  []document.Line // none: it says nothing, or not yet
	Sure   *document.Confidence
	Step   Step
	Reason string // why it stopped
	Stale  bool   // something new was said about it
	Yours  bool   // its words are the founder's
	Kept   bool   // it can be edited
}

// Step is how far a section is.
type Step string

// The steps.
const (
	Done    Step = "done"
	Now     Step = "now" // it is being written
	Waits   Step = "waits"
	Stopped Step = "stopped"
)

// done counts the sections that are written.
func (p Brief) done() int {
	n := 0
	for _, s := range p.Sections {
		if s.Step == Done {
			n++
		}
	}
	return n
}

// grows reports whether there is more to come.
func (p Brief) grows() bool { return p.Talk.State == interview.Writing }

// id is the section's on the page.
func (s BriefSection) id() string { return "sec-" + s.Key }

// SectionOnBrief is where a section stands on the page.
func SectionOnBrief(home, section string) string { return BriefAddress(home) + "#sec-" + section }

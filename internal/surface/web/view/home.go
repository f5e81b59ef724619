package view

import (
	"time"

	"cofounder/internal/product/project"
)

// Home is a project's first page.
type Home struct {
	Form    Form // of renaming
	Now     time.Time
	MayEdit bool
	MayOwn  bool
	Lately  []project.Step // oldest first
	Next    Next
	Live    bool // drawn for a page that is open, part by part
}

// Next is what to do next on the way to the first version.
type Next struct {
	Text           string // where it stands, in a sentence
	Label, Address string // where it goes on
	Step           int    // of the steps to the first version: how many are done
}

// firstSteps lead to the first version.
func firstSteps() []string {
	return []string{"Three questions", "Your idea on one page", "Build it"}
}

// MostLately is how many steps are shown.
const MostLately = 20

// manageable reports whether the project can be renamed, parked or deleted here.
func manageable(s Shell, p Home) bool { return p.MayEdit && s.Project.Status != project.Deleted }

// stepWords says what happened.
func stepWords(step project.Step) string {
	switch step.Kind {
	case project.Renamed:
		return "Renamed to " + step.Name
	case project.WasParked:
		if step.Note != "" {
			return "Put on hold: " + step.Note
		}
		return "Put on hold"
	case project.Unparked:
		return "Taken up again"
	case project.WasDeleted:
		return "Deleted"
	case project.Restored:
		return "Restored"
	}
	return "Begun with an idea"
}

func onHold(p project.Project) string {
	if p.ParkNote == "" {
		return "This project is on hold. Nothing was lost; take it up again whenever you like."
	}
	return "This project is on hold: " + p.ParkNote
}

// longIdea reports whether the idea needs a box that scrolls.
func longIdea(p project.Project) bool { return len(p.Idea) > 3000 }

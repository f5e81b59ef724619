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
}

func onHold(p project.Project) string {
	if p.ParkNote == "" {
		return "This project is on hold. Nothing was lost; take it up again whenever you like."
	}
	return "This project is on hold: " + p.ParkNote
}

// longIdea reports whether the idea needs a box that scrolls.
func longIdea(p project.Project) bool { return len(p.Idea) > 3000 }

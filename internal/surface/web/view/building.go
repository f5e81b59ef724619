package view

import (
	"fmt"
	"time"

	"cofounder/internal/platform/flow"
	"cofounder/internal/product/option"
	"cofounder/internal/product/project"
)

// Building is the page of the build that waits or goes on.
type Building struct {
	Order   *option.Order // nil: none was asked for
	Place   *flow.Place   // nil: it is not in line
	Now     time.Time
	MayEdit bool
	Live    bool // drawn for a page that is open, part by part
}

// BuildAddress is where the build of a project is.
func BuildAddress(p project.Project) string { return ProjectAddress(p) + "build" }

// OrderWords say in a sentence how far a build is.
func OrderWords(o option.Order) string {
	switch o.State {
	case flow.Running:
		return "I am building."
	case flow.Paused:
		return "Your build is paused."
	case flow.Ended:
		return "Your build was ended."
	case flow.Failed:
		return "Your build could not go on."
	case flow.Finished:
		return "Your build is done."
	case flow.Queued, flow.Waiting:
	}
	return "Your build waits in line."
}

// placeWords say where a build stands in line. Nobody can say how long it takes before
// one was built here.
func placeWords(p flow.Place) string {
	if p.Ahead == 0 {
		return "You are first in line."
	}
	s := fmt.Sprintf("%d before you.", p.Ahead)
	if p.Latest > 0 {
		s += fmt.Sprintf(" It should begin in %s to %s.", inMinutes(p.Soonest), inMinutes(p.Latest))
	}
	return s
}

func inMinutes(d time.Duration) string {
	return minutes(max(1, int64(d.Round(time.Minute)/time.Minute)))
}

package view

import (
	"time"

	"cofounder/internal/product/project"
)

// Projects is the list of projects.
type Projects struct {
	List     []project.Project
	Next     string // cursor of the next page, or empty
	Deleted  []project.Project
	Now      time.Time
	Spent    string // by the team, this month
	NoTeam   bool   // the person is in no team
	MayBegin bool   // make projects
	MayEdit  bool
	MayOwn   bool
}

// Ends is the day a deleted project is gone for good.
func Ends(p project.Project) time.Time {
	if p.DeletedAt == nil {
		return time.Time{}
	}
	return p.DeletedAt.Add(project.KeepDeleted)
}

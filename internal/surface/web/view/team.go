package view

import (
	"time"

	"cofounder/internal/product/account"
	"cofounder/internal/product/project"
)

// Team is the page about who works together.
type Team struct {
	Members     []account.Membership
	Invitations []account.Invitation
	Projects    []project.Project
	Now         time.Time
	MayOwn      bool
	MayMake     bool // another team

	Section string // the part a form was sent from
	Form    Form
	// Link is a new invitation's address, shown this once.
	Link string
	// OnlyHere is the address of this installation when it opens on this computer
	// only, else empty.
	OnlyHere string
}

// Sections of the team page.
const (
	SectionTeam    = "team"
	SectionPeople  = "people"
	SectionInvite  = "invite"
	SectionAnother = "another"
)

func (t Team) form(section string) Form {
	if t.Section == section {
		return t.Form
	}
	return Form{}
}

// projectName names a project of the team.
func (t Team) projectName(id project.ID) string {
	for _, p := range t.Projects {
		if p.ID == id {
			return p.Name
		}
	}
	return "one project"
}

func memberLabel(m account.Membership) string {
	switch {
	case m.Name != "":
		return m.Name
	case m.Email != "":
		return m.Email
	}
	return "Someone without a name yet"
}

// mayLeave reports whether it is worth offering a member to leave: a team always
// keeps an owner.
func (t Team) mayLeave(m account.Membership) bool {
	owners := 0
	for _, other := range t.Members {
		if other.Role == account.Owner {
			owners++
		}
	}
	return m.Role != account.Owner || owners > 1
}

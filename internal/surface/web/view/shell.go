package view

import (
	"cmp"
	"strings"
	"unicode/utf8"

	"cofounder/internal/product/account"
	"cofounder/internal/product/project"
)

// Shell is what every page shares.
type Shell struct {
	Title     string
	Theme     string              // light, dark, or empty for the system's
	Asset     func(string) string // address of a static file
	Person    *Person             // nil: nobody is signed in
	Project   *project.Project    // the project this page belongs to, or nil
	Spent     string              // on that project so far
	Decisions bool                // something was decided, or waits to be
	Waiting   int                 // decisions that wait for the founder
	Crumbs    []Crumb             // the way to this page, without the page itself
	Here      Place
	Flash     *Flash
	Live      string // address of the page's stream; empty is that of pages that show nothing live
	// Passkeys loads their script. It belongs into the head: htmx may not put a
	// script's address into a page under Trusted Types.
	Passkeys bool
	Version  string // of the product
}

func (s Shell) live() string { return cmp.Or(s.Live, "/live") }

// Person is who is signed in, as the shell shows them.
type Person struct {
	ID       account.UserID
	Name     string // may be empty
	Email    string // may be empty
	Role     account.Role
	Team     account.Workspace
	Teams    []account.Workspace // all the person belongs to
	Projects []project.Project   // of the present team, newest first
	Alone    bool                // in one team only, and the only one in it: its name says nothing then
	Operator bool
	Demo     bool   // the team has connected no AI
	AI       string // name of the one it has
}

// Label is what to call the person.
func (p *Person) Label() string {
	switch {
	case p.Name != "":
		return p.Name
	case p.Email != "":
		return p.Email
	}
	return "You"
}

// teamLabel is what leads to the team's page.
func teamLabel(p *Person) string {
	if p.Alone {
		return "Invite somebody"
	}
	return "Team"
}

// Place is an entry of the navigation.
type Place string

// The places there are so far.
const (
	PlaceProjects Place = "projects"
	PlaceNew      Place = "new"
	PlaceHome     Place = "home"
	PlaceBuild    Place = "build"
	PlaceAccount  Place = "account"
	PlaceTeam     Place = "team"
	PlaceConnect  Place = "connect"
	PlaceSpending Place = "spending"
	PlaceCosts    Place = "costs" // of one project

	PlaceDocuments Place = "documents"
	PlaceDecisions Place = "decisions"
)

// Crumb is a step on the way to a page.
type Crumb struct{ Label, Address string }

// Flash is one line about what just happened, shown once, with an Undo where
// there is one. Without a text nothing is shown: the page itself says it.
type Flash struct {
	Text   string
	Undo   string // address to post to, or empty
	Note   string // the note that Undo gives back
	Forget string // name of the kept text the server has now, or empty
}

// ProjectAddress is where a project's pages begin.
func ProjectAddress(p project.Project) string { return "/p/" + string(p.ID) + "/" }

// initial is the first letter of a name, as an upper-case text.
func initial(name string) string {
	r, _ := utf8.DecodeRuneInString(strings.TrimSpace(name))
	if r == utf8.RuneError {
		return "·"
	}
	return strings.ToUpper(string(r))
}

// command is a row of the palette: it goes somewhere or presses something.
type command struct {
	icon, label string
	key         string // after g
	goes        string
	presses     string
}

// commands lists what can be done from anywhere.
func commands(s Shell) []command {
	var list []command
	if s.Project != nil {
		list = append(list, command{icon: "house", label: "Home · " + s.Project.Name, key: "h", goes: ProjectAddress(*s.Project)},
			command{icon: "circle-help", label: "Questions · " + s.Project.Name, key: "q", goes: QuestionsAddress(ProjectAddress(*s.Project))},
			command{icon: "file-text", label: "Your idea on one page · " + s.Project.Name, key: "b", goes: BriefAddress(ProjectAddress(*s.Project))},
			command{icon: "hammer", label: "Build · " + s.Project.Name, goes: BuildAddress(*s.Project)},
			command{icon: "file-text", label: "Brief & documents · " + s.Project.Name, key: "d", goes: DocumentsAddress(*s.Project)},
			command{icon: "list-checks", label: "Decisions · " + s.Project.Name, key: "c", goes: DecisionsAddress(*s.Project)},
			command{icon: "wallet", label: "Spending · " + s.Project.Name, goes: ProjectAddress(*s.Project) + "spending"})
	}
	list = append(list,
		command{icon: "layout-grid", label: "Projects", key: "p", goes: "/"},
		command{icon: "plus", label: "New project", key: "n", goes: "/new"},
		command{icon: "settings", label: "Settings", key: "s", goes: "/account"},
		command{icon: "users", label: teamLabel(s.Person), key: "t", goes: "/team"},
		command{icon: "key-round", label: "Connect an AI", goes: "/connect"},
		command{icon: "wallet", label: "Spending and limits", goes: "/spending"},
	)
	if s.Person.Operator {
		list = append(list, command{icon: "play", label: "Runs of all teams", goes: "/admin/runs"}, command{icon: "list", label: "Job queue", goes: "/admin/jobs/"}, command{icon: "info", label: "Audit", goes: "/admin/audit"})
	}
	for _, p := range s.Person.Projects {
		if s.Project == nil || p.ID != s.Project.ID {
			list = append(list, command{icon: "folder", label: p.Name, goes: ProjectAddress(p)})
		}
	}
	return append(list,
		command{icon: "sun", label: "Light", presses: "#theme-light"},
		command{icon: "moon", label: "Dark", presses: "#theme-dark"},
		command{icon: "keyboard", label: "Keyboard shortcuts", presses: "#open-shortcuts"},
		command{icon: "log-out", label: "Sign out", presses: "#sign-out"},
	)
}

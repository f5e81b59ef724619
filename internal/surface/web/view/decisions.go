package view

import (
	"strings"
	"time"

	"cofounder/internal/product/account"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/project"
)

// Decisions is the list of what was decided and what waits.
type Decisions struct {
	Open, Taken []journey.Decision // open ones the oldest first, taken ones the latest first
	Next        string             // cursor of the next page; empty on the last one
	Names       map[account.UserID]string
	Now         time.Time
	MayEdit     bool
	Form        Form
	Asking      bool // the form for a question of one's own is open
}

// DecisionPage is one decision.
type DecisionPage struct {
	Decision journey.Decision
	Names    map[account.UserID]string
	Now      time.Time
	MayEdit  bool
	Key      string // makes deciding idempotent
	Chosen   string // the option that is marked; empty: the one advised
	Form     Form
	// Stale says that the page about the idea does not say what was answered since.
	Stale bool
}

// DecisionsAddress is where the decisions of a project are.
func DecisionsAddress(p project.Project) string { return ProjectAddress(p) + "decisions" }

// DecisionAddress is where one is taken and read.
func DecisionAddress(p project.Project, d journey.DecisionID) string {
	return DecisionsAddress(p) + "/" + string(d)
}

// chosen is the value that is marked when the page opens.
func (p DecisionPage) chosen() string {
	switch {
	case p.Chosen != "":
		return p.Chosen
	case p.Decision.Advice != nil:
		return p.Decision.Advice.Value
	case len(p.Decision.Options) > 0:
		return p.Decision.Options[0].Value
	}
	return ""
}

// choiceOf is what was chosen, as it stood on the button.
func choiceOf(d journey.Decision) string { return titled(d, d.Choice) }

// titled is what a value is called among the options; words are themselves.
func titled(d journey.Decision, value string) string {
	for _, o := range d.Options {
		if o.Value == value {
			return o.Title
		}
	}
	return value
}

// needsWords says what the founder adds to a choice; empty: nothing is needed.
func needsWords(k journey.Kind, value string) string {
	switch {
	case k == journey.Direction && value == journey.Narrow:
		return "What to keep"
	case k == journey.Direction && value == journey.Pivot:
		return "The new direction"
	case value == journey.Park:
		return "Why it waits (may stay empty)"
	case k == journey.NextStep && value == journey.Iterate:
		return "What should change (may stay empty)"
	}
	return ""
}

// wordsOf is the heading for what the founder added.
func wordsOf(d journey.Decision) string {
	switch d.Choice {
	case journey.Narrow:
		return "What to keep"
	case journey.Pivot:
		return "The new direction"
	}
	return "Your words"
}

// effectWords says an effect in words.
func effectWords(e journey.Effect) string {
	switch e.Kind {
	case journey.StageMoved:
		from, to, _ := strings.Cut(e.Object, "→")
		return "The project went from " + stageWords(from) + " to " + stageWords(to) + "."
	case journey.RunStarted:
		switch e.Object {
		case string(project.RunWriteBrief):
			return "I began to write the page again."
		case string(project.RunChange):
			return "I began to work out the change and its price."
		case string(project.RunReadiness):
			return "I began to look what is needed to go online."
		}
		return "I began to work on it."
	case journey.ProjectParked:
		return "The project was put on hold."
	case journey.WroteVersion:
		kind, version, _ := strings.Cut(e.Object, "@")
		return "Version " + version + " of the " + kind + " came of it."
	}
	return e.Object
}

// stageWords is a stage on the screen.
func stageWords(stage string) string {
	switch stage {
	case "brief":
		return "Brief"
	case "direction_chosen":
		return "Direction"
	case "first_version":
		return "First version"
	case "improving":
		return "Improving"
	}
	return "Idea"
}

// askedBy says where a decision comes from.
func askedBy(d journey.Decision, names map[account.UserID]string) string {
	if d.AskedBy == "" {
		return "asked by me"
	}
	return "asked by " + who(names, d.AskedBy)
}

// wordsFor are the words that were typed for a choice that was refused.
func (p DecisionPage) wordsFor(value string) string {
	if p.Chosen != value {
		return ""
	}
	return p.Form.Value("words")
}

// reasonFor is the reason that was typed for the choice at a place of the list.
func (p DecisionPage) reasonFor(n int) string {
	if n < len(p.Decision.Options) && p.Decision.Options[n].Value != p.Chosen {
		return ""
	}
	return p.Form.Value("because")
}

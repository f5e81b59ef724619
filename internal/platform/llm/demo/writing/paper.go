package writing

import (
	"slices"
	"strings"

	"cofounder/internal/platform/llm/demo/blueprint"
	"cofounder/internal/platform/llm/demo/idea"
)

// Stretch is one part of the way to a product in use.
type Stretch struct {
	Name, Text Section
	Reached    []string // sentences that can be tried
}

// Milestones are the stretches: everything that must work, what fits besides, and one
// of the founder's own.
func Milestones(u idea.Understanding, answers []Answer) []Stretch {
	b := blueprint.Of(u)
	first := Stretch{Name: ours("First version"), Text: ours("The first version does what must work, and nothing else.")}
	second := Stretch{Name: ours("What fits besides"), Text: ours("The rest of what you told follows when the first version is in use.")}
	for _, f := range Features(u, answers) {
		for _, c := range f.Criteria {
			switch {
			case f.Priority == Later:
			case c.Must:
				first.Reached = append(first.Reached, c.Text)
			default:
				second.Reached = append(second.Reached, c.Text)
			}
		}
	}
	use := Stretch{
		Name: ours("In use"), Text: ours("You show it to " + tester(b) + " and watch, without explaining."),
		Reached: []string{upper(tester(b)) + " has added " + a(b.Things[0].Name) + " without your help."},
	}
	all := []Stretch{first, use}
	if len(second.Reached) > 0 {
		all = append(all, second)
	}
	return all
}

func ours(text string) Section { return Section{Text: text, Origin: idea.Standard} }

// Danger is one thing that could go wrong.
type Danger struct {
	Group             string // technical, market, execution
	Title, Text, Help string
	Origin            idea.Origin
}

// Dangers are what follows from what was said: services of others, contradictions, a
// product nobody but the founder has asked for. Fixed rules see no more than that.
func Dangers(u idea.Understanding, parts []idea.Part) []Danger {
	b := blueprint.Of(u)
	var all []Danger
	for _, r := range risks(u, sentences(parts)) {
		all = append(all, Danger{"technical", "A service of another company", r.Text, "Build with the stand-in first, connect the service when the rest works.", idea.Standard})
	}
	for _, c := range u.Unclear {
		all = append(all, Danger{
			"execution", "Two things you said do not go together", quoted(c.First.Text) + " and " + quoted(c.Second.Text),
			"Decide which one holds before the first version is built.", idea.Said,
		})
	}
	main := lower(b.Things[0].Plural)
	all = append(all, Danger{
		"market", "Nobody changes what they do today", "Keeping " + main + " here is worth something only when " + tester(b) + " does it every time.",
		"Ask " + tester(b) + " to use it for a week, next to what they do today.", idea.Standard,
	})
	return append(all, Danger{
		"execution", "Too much at once", "Each thing beside " + main + " makes the first version later.",
		"Leave what is not needed for " + main + " to the second version.", idea.Standard,
	})
}

// Walk is what somebody does with the product: each feature that is in this version,
// with what can be tried of it.
func Walk(u idea.Understanding, answers []Answer) []Stretch {
	const most = 9
	var all []Stretch
	for _, f := range Features(u, answers) {
		if f.Priority == Later || len(all) == most {
			continue
		}
		one := Stretch{Name: ours(f.Name), Text: ours(f.Description)}
		for _, c := range f.Criteria {
			one.Reached = append(one.Reached, c.Text)
		}
		all = append(all, one)
	}
	return all
}

// Kept says what is kept about what, and about whom.
func Kept(u idea.Understanding) string {
	b := blueprint.Of(u)
	var lines []string
	for _, t := range b.Things {
		if fields := having(t, t.Fields, len(t.Fields)); fields != "" {
			lines = append(lines, "Of each "+lower(t.Name)+" it keeps "+fields+".")
		}
	}
	return strings.Join(append(lines, "All of it stays where the product runs; nothing is passed on."), " ")
}

// Services are the accounts elsewhere that what was said would need.
func Services(u idea.Understanding, parts []idea.Part) []string {
	all := []string{}
	for _, r := range risks(u, sentences(parts)) {
		service, _, _ := strings.Cut(strings.TrimPrefix(r.Text, "This may need "), ";")
		all = append(all, upper(service)+": "+quoted(r.Quotes[0].Text))
	}
	return all
}

// Piece is one part a product is made of.
type Piece struct{ Name, Kind, Text, Choice string }

// Pieces are what every product of the demo mode is made of, by what it keeps.
func Pieces(u idea.Understanding) []Piece {
	b := blueprint.Of(u)
	var things []string
	for _, t := range b.Things {
		things = append(things, lower(t.Plural))
	}
	things = slices.Compact(things)
	return []Piece{
		{"Pages", "pages", "What people see and fill in: " + and(things) + ".", "Pages made on the server, which work on a phone and on a computer."},
		{"Rules", "rules", "Holds what is entered to what you said must work.", "One program, so that there is one thing to start and to move."},
		{"Storage", "storage", "Keeps " + and(things) + ".", "A database in one file, which is easy to copy and to take along."},
	}
}

package view

import (
	"fmt"

	"cofounder/internal/product/option"
)

// Ways is the page with the ways to build.
type Ways struct {
	Build

	Rows  []option.Row // what they are compared by, a column for each of Set.Options
	Shown int          // the column that is shown where there is room for one only
}

func (p Ways) lead() string {
	switch {
	case len(p.Set.Options) == 0:
		return "I work out how what your page says can be built, and what that takes."
	case len(p.Set.Options) == 1:
		return "One way, the one I would take. You can have it compared with others."
	}
	return "What one way has and another has not is marked. All of them do what must work."
}

// choosable reports whether a way can be put on the button.
func (p Ways) choosable(o option.Option) bool {
	best := p.best()
	return p.writable() && !p.Set.Stale && p.Set.State == option.Written && p.order() == nil && best != nil && best.ID != o.ID
}

// asks reports whether ways can be worked out again here. What the card offers in place
// of its button it offers there. What was typed stays where it was typed.
func (p Ways) asks() bool {
	return p.form("ask").Failed() || p.writable() && p.Set.State == option.Written && !p.Set.Stale && p.order() == nil
}

func (p Ways) askTitle() string {
	if len(p.Set.Options) > 1 {
		return "None of these quite right?"
	}
	return "Compare two or three ways"
}

func (p Ways) askLabel() string {
	if len(p.Set.Options) > 1 {
		return "Work them out again"
	}
	return "Compare"
}

// coverageWords say how much of the page a way does.
func coverageWords(o option.Option) string {
	if o.Coverage == 100 {
		return "Does everything on the page."
	}
	return fmt.Sprintf("Does all that must work, and %d of 100 of everything on the page.", o.Coverage)
}

package view

import (
	"fmt"
	"strconv"
	"time"

	"cofounder/internal/platform/flow"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/option"
	"cofounder/internal/product/project"
)

// Build is the card with which a founder has a project built, at the foot of the page
// about the idea and beside the ways to build.
type Build struct {
	Project project.Project
	Set     option.Set
	// Key makes the forms of one page idempotent.
	Key     string
	MayEdit bool
	Now     time.Time
	Form    Form // what was typed, and what is wrong with it
	About   string
	Live    bool // drawn for a page that is open, part by part
}

// form is what was typed into one of the card's forms.
func (b Build) form(about string) Form {
	if b.About == about {
		return b.Form
	}
	return Form{}
}

// best is the way the button builds; nil: there is none yet.
func (b Build) best() *option.Option {
	o, ok := b.Set.Best()
	if !ok {
		return nil
	}
	return &o
}

// order is the build that goes on or waits; nil: none does.
func (b Build) order() *option.Order {
	if b.Set.Order == nil || b.Set.Order.State.Over() {
		return nil
	}
	return b.Set.Order
}

// can reports whether the button is there.
func (b Build) can() bool {
	o := b.best()
	return o != nil && o.Quote != nil && b.Set.State != option.Writing && !b.Set.Stale && b.order() == nil && b.Set.Left.Set && b.writable()
}

// writable reports whether the visitor can change something here now.
func (b Build) writable() bool { return b.MayEdit && b.Project.Status == project.Active }

func (b Build) address(at string) string { return ProjectAddress(b.Project) + at }

// buildLabel is what the button says.
func buildLabel(q option.Quote) string {
	return "Build this, up to " + Money(q.Ceiling())
}

// priceWords say what it takes.
func priceWords(q option.Quote) string {
	if q.Free() {
		return "Costs nothing: fixed rules build it, no AI is asked."
	}
	return fmt.Sprintf("Usually %s–%s, never over %s without you.", Money(meter.NanoUSD(q.Nano.P50)), Money(meter.NanoUSD(q.Nano.P80)), Money(q.Ceiling()))
}

// timeWords say how long it takes.
func timeWords(q option.Quote) string {
	if q.Minutes.P50 == q.Minutes.P80 {
		return "About " + minutes(q.Minutes.P50) + "."
	}
	return fmt.Sprintf("Usually %d–%s.", q.Minutes.P50, minutes(q.Minutes.P80))
}

func minutes(n int64) string {
	if n == 1 {
		return "1 minute"
	}
	return strconv.FormatInt(n, 10) + " minutes"
}

// basisWords say what the price rests on.
func basisWords(q option.Quote) string {
	switch q.Builds {
	case 0:
		return "First estimate, based on no builds yet, so the range is wide."
	case 1:
		return "Based on one build so far."
	}
	return fmt.Sprintf("Based on the last %d builds.", q.Builds)
}

// leftWords say what may still be spent.
func leftWords(l option.Left) string {
	if l.Nano == nil {
		return ""
	}
	return Money(*l.Nano) + " is left of your limit."
}

// orderWords say how far a build is.
func orderWords(o option.Order) string {
	switch o.State {
	case flow.Running:
		return "Building"
	case flow.Paused:
		return "Paused"
	case flow.Queued, flow.Waiting, flow.Finished, flow.Failed, flow.Ended:
	}
	return "Waiting"
}

// picked is the choice that is marked: what was sent, else the usual one.
func picked(f Form, name, usual string) string {
	if v := f.Value(name); v != "" {
		return v
	}
	return usual
}

func onQuestion() []choice {
	return []choice{
		{value: string(option.WaitForMe), label: "Wait for me", hint: "The build pauses until I have your answer."},
		{value: string(option.DecideForMe), label: "Decide for me", hint: "I take the plainest answer, go on, and show you what I took."},
	}
}

func atLimit() []choice {
	return []choice{
		{value: string(option.AskMe), label: "Stop and ask me", hint: "Nothing more is spent until you say so."},
		{value: string(option.StopThere), label: "End with what works by then", hint: "What is finished is kept."},
	}
}

func tell() []choice {
	return []choice{
		{value: string(option.OnPage), label: "On this page", hint: "No mail is sent from here yet."},
	}
}

func depths() []choice {
	return []choice{
		{value: "deeper", label: "6–8 more questions"},
		{value: "deep", label: "10–12 more questions"},
		{value: "deepest", label: "14–16 more questions"},
	}
}

// ceilingValue is the ceiling as a form carries it, exactly.
func ceilingValue(q option.Quote) string { return strconv.FormatInt(q.Nano.Ceiling, 10) }

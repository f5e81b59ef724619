package view

import (
	"cmp"
	"fmt"
	"time"

	"cofounder/internal/platform/flow"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"
)

// Spending is the page about money.
type Spending struct {
	Form     Form
	MayOwn   bool
	Month    time.Time // its first day
	Standing meter.Standing
	Total    meter.Line
	Forecast *meter.NanoUSD // of the whole month, nil while it is too early to tell
	Days     []meter.Line
	Projects []meter.Line
	Models   []meter.Line
	Tasks    []meter.Line
	Names    map[string]string // of projects, by id
}

// ProjectSpending is the page about the money of one project, from its beginning on.
type ProjectSpending struct {
	Total meter.Line
	Days  []meter.Line
	// Purposes are sums over runs of one kind; Key is the kind.
	Purposes []meter.Line
	Tasks    []meter.Line
}

// purpose names a kind of run, in a list.
func purpose(key string) string {
	words := map[flow.Kind]string{
		project.RunInterview: "Reading the idea and asking you", project.RunCheckAnswers: "Comparing your answers",
		project.RunWriteBrief: "Writing the brief", project.RunWriteDocuments: "Writing documents", project.RunWriteOptions: "Finding ways to build",
		project.RunPriceWish: "Estimating wishes", project.RunBuild: "Building", project.RunChange: "Changing what was built",
		project.RunReadiness: "Checking what was built",
	}
	return cmp.Or(words[flow.Kind(key)], "Other")
}

// task names a role, in a list.
func task(key string) string {
	switch meter.Role(key) {
	case meter.Architect:
		return "Planning"
	case meter.Reviewer:
		return "Looking over what was built"
	case meter.Coder:
		return "Building"
	case meter.Debugger:
		return "Finding mistakes"
	case meter.Interviewer:
		return "Asking you"
	case meter.Writer:
		return "Writing documents"
	case meter.Relevance:
		return "Choosing what matters"
	case meter.Confidence:
		return "Judging how sure something is"
	case meter.Names:
		return "Finding names"
	case meter.CommitSubjects:
		return "Naming changes"
	case meter.Prober:
		return "Tests of the AI"
	}
	return key
}

// Limits are the present ones as a form shows them.
func (p Spending) limits() meter.Limits { return LimitsOf(p.Standing) }

// LimitsOf returns a team's limits, or those that are offered while there are none.
func LimitsOf(s meter.Standing) meter.Limits {
	if !s.Set {
		return meter.DefaultLimits()
	}
	return meter.Limits{Month: ceiling(s.Period.Limit), Day: ceiling(s.Day.Limit), Run: ceiling(s.Run)}
}

func ceiling(n *meter.NanoUSD) meter.Ceiling {
	if n == nil {
		return meter.NoLimit
	}
	return meter.Ceiling(*n)
}

// project names a line of the list by project.
func (p Spending) project(key string) string {
	switch name, ok := p.Names[key]; {
	case key == "":
		return "No project (tests of the AI)"
	case ok:
		return name
	}
	return "A project that is gone"
}

// dayText is a line's day in words.
func dayText(key string) string {
	t, err := time.Parse(time.DateOnly, key)
	if err != nil {
		return key
	}
	return Day(t)
}

// soFar is the month, and its limit where there is one.
func soFar(p Spending) string {
	month := p.Month.Format("January 2006")
	if !p.Standing.Set || p.Standing.Period.Limit == nil {
		return month
	}
	return month + ", of " + Money(*p.Standing.Period.Limit)
}

// mistakes says what our mistakes cost, and who bore it.
func mistakes(l meter.Line) string {
	switch {
	case l.Mistakes == 0:
		return "None this month."
	case l.GivenBack == 0:
		return Money(l.Mistakes) + " of it was spent on mistakes of mine. Your provider has been paid for them, so I cannot give it back; I say it plainly instead."
	}
	return fmt.Sprintf("%s went into mistakes of mine; %s of it was given back and is not in the sum.", Money(l.Mistakes), Money(l.GivenBack))
}

// ProjectNames maps ids to names.
func ProjectNames(list []project.Project) map[string]string {
	names := map[string]string{}
	for _, p := range list {
		names[string(p.ID)] = p.Name
	}
	return names
}

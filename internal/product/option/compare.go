package option

import (
	"slices"
	"strings"
)

// Line is one line of a comparison.
type Line struct {
	Text string
	// Differs is true when another option does not say it.
	Differs bool
}

// Row is one thing that options are compared by: the lines of each, in the order of the
// options.
type Row struct {
	Key     string
	Title   string
	Lines   [][]Line
	Differs bool
	Folded  bool // for developers
}

// Compare lays options side by side and marks what differs. One option has nothing to
// differ from.
func Compare(all []Option) []Row {
	list := func(key, title string, folded bool, of func(Option) []string) Row {
		return compared(Row{Key: key, Title: title, Folded: folded}, all, of)
	}
	return []Row{
		list("what_you_get", "What you get", false, func(o Option) []string { return o.WhatYouGet }),
		list("what_is_left_out", "What is left out", false, func(o Option) []string { return o.WhatIsLeftOut }),
		list("what_could_go_wrong", "What could go wrong", false, func(o Option) []string { return o.WhatCouldGoWrong }),
		list("risk_level", "How risky it is", false, func(o Option) []string { return []string{o.Risk.Words()} }),
		list("approach", "How it is made", true, func(o Option) []string { return []string{o.Technical.Approach} }),
		list("stack", "Made with", true, func(o Option) []string { return []string{o.Technical.Stack.Words()} }),
		list("trade_offs", "What is given up for what", true, func(o Option) []string { return o.Technical.TradeOffs }),
	}
}

func compared(r Row, all []Option, of func(Option) []string) Row {
	for n, o := range all {
		lines := []Line{}
		for _, text := range of(o) {
			l := Line{Text: text}
			for m, other := range all {
				l.Differs = l.Differs || m != n && !slices.ContainsFunc(of(other), func(s string) bool { return strings.EqualFold(plain(s), plain(text)) })
			}
			r.Differs = r.Differs || l.Differs
			lines = append(lines, l)
		}
		r.Lines = append(r.Lines, lines)
	}
	return r
}

// Words say a level of risk.
func (r Risk) Words() string {
	switch r {
	case LowRisk:
		return "Low: I expect no surprises"
	case MediumRisk:
		return "Medium: some of it could take a second try"
	case HighRisk:
		return "High: some of it may not come out as you hope"
	case NotExamined:
	}
	return "Not examined"
}

// Words say a stack.
func (s Stack) Words() string {
	switch s {
	case Go:
		return "Go, pages drawn on the server"
	case Node:
		return "Node.js, pages drawn on the server"
	case Python:
		return "Python, pages drawn on the server"
	case Static:
		return "Pages alone, without a server of their own"
	}
	return string(s)
}

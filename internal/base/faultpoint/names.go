package faultpoint

import "strings"

// Of lists the fault points of one package. A test of that package, built with the tag
// fault, goes through them and kills the process at each; a test of this one says which
// package has no such test.
func Of(pkg string) []string {
	var names []string
	for _, n := range Names() {
		if strings.HasPrefix(n, pkg+".") {
			names = append(names, n)
		}
	}
	return names
}

// Names lists all fault points of the tree, sorted. A test compares it with the source.
func Names() []string {
	return []string{
		"event.append.after",
		"flow.claim.after",
		"flow.commit.after",
		"flow.commit.before",
		"flow.commit.inside",
		"flow.dispatch.inside",
		"flow.step.after_do",
		"flow.step.before_do",
		"flow.takeover.after",
		"flow.wake.inside",
		"meter.reserve.after",
		"meter.settle.after",
		"meter.settle.before",
	}
}

package faultpoint

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

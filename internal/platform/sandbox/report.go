package sandbox

import "slices"

// Strength says how well a promise is kept on this machine.
type Strength uint8

// The strengths, from weak to strong.
const (
	Missing  Strength = iota // not at all
	Watched                  // by looking now and then: it can be passed for a moment
	Enforced                 // by the kernel
)

// String returns the strength as one word.
func (s Strength) String() string {
	switch s {
	case Missing:
		return "missing"
	case Watched:
		return "watched"
	case Enforced:
		return "enforced"
	}
	return "unknown"
}

// Isolation is what stands between a cage and the host.
type Isolation uint8

// The kinds of isolation, from weak to strong.
const (
	SharedKernel Isolation = iota + 1 // one kernel: a hole in it is a hole in the cage
	OwnKernel                         // a kernel of the cage's own, in user space
	OwnMachine                        // a virtual machine
)

// String returns the isolation in plain words.
func (i Isolation) String() string {
	switch i {
	case SharedKernel:
		return "shares the kernel of this computer"
	case OwnKernel:
		return "has a kernel of its own in user space"
	case OwnMachine:
		return "is a virtual machine"
	}
	return "is not known"
}

// Report is what a driver found out about this machine. Its texts are plain words for
// the start page and doctor.
type Report struct {
	Driver    string
	Isolation Isolation
	Promises  []Promise
	Tools     []Tool
}

// Promise is one thing a cage is to hold.
type Promise struct {
	Name     string // "memory", "workspace size"; stable
	Strength Strength
	How      string // by what, or why not
	Do       string // how to get more; empty when nothing is to be gained
}

// Tool is a program that cages offer to what runs in them.
type Tool struct {
	Name    string // "go", "node", "python", "git", "sh"
	Version string // as it says itself; empty when it is missing
	Path    string // inside; empty when it is missing
	Do      string // how to get it, when it is missing
}

// Weak returns the promises that the kernel does not enforce.
func (r Report) Weak() []Promise {
	var weak []Promise
	for _, p := range r.Promises {
		if p.Strength != Enforced {
			weak = append(weak, p)
		}
	}
	return weak
}

// Lacking returns the tools that are missing.
func (r Report) Lacking() []Tool {
	var lacking []Tool
	for _, t := range r.Tools {
		if t.Path == "" {
			lacking = append(lacking, t)
		}
	}
	return lacking
}

// Has reports whether a tool is there.
func (r Report) Has(tool string) bool {
	return slices.ContainsFunc(r.Tools, func(t Tool) bool { return t.Name == tool && t.Path != "" })
}

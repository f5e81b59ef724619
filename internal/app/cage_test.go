package app

import (
	"testing"

	"cofounder/internal/platform/sandbox"
	"cofounder/internal/product/option"

	"github.com/google/go-cmp/cmp"
)

// Only what can be built here is offered; while nobody has looked yet, all is.
func TestStacks(t *testing.T) {
	t.Parallel()
	m := &machine{cages: newCageState()}
	if diff := cmp.Diff(option.Stacks(), m.stacks()); diff != "" {
		t.Errorf("before anybody has looked (-want +got):\n%s", diff)
	}
	m.cages.set(sandbox.Report{Tools: []sandbox.Tool{
		{Name: "go", Path: "/usr/bin/go"}, {Name: "node"}, {Name: "python", Path: "/usr/bin/python3"}, {Name: "git", Path: "/usr/bin/git"},
	}}, nil)
	if diff := cmp.Diff([]option.Stack{option.Go, option.Python, option.Static}, m.stacks()); diff != "" {
		t.Errorf("without Node.js (-want +got):\n%s", diff)
	}
}

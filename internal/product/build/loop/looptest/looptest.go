// Package looptest makes what an agent does: loops, and honest work that looks alike.
// Both are generated from a seed, so that a false stop can be looked at again.
package looptest

import (
	"fmt"
	"math/rand/v2"

	"cofounder/internal/product/build/loop"
)

// Loop is a conversation that begins with honest work and then goes in circles.
type Loop struct {
	Name  string
	Calls []loop.Call
	// Begins is the index of the first call of the loop, Period how many calls one round
	// of it has.
	Begins, Period int
}

// agent writes down calls. Its tree is a number that changes with each edit.
type agent struct {
	random *rand.Rand
	turn   int
	tree   int
	fresh  int // trees made
	calls  []loop.Call
}

func newAgent(random *rand.Rand) *agent { return &agent{random: random} }

func hash(tree int) string { return fmt.Sprintf("%016x", uint64(tree)*0x9e3779b97f4a7c15) } //nolint:gosec // never negative

// look is a call that changes nothing.
func (a *agent) look(tool, input, result string) {
	a.turn++
	at := hash(a.tree)
	a.calls = append(a.calls, loop.Call{Turn: a.turn, Tool: tool, Input: input, Result: result, Before: at, After: at, Reads: true})
}

// run is a command or check: it reads nothing for the agent and changes nothing.
func (a *agent) run(input, result, failure string) {
	a.look("run", input, result)
	last := &a.calls[len(a.calls)-1]
	last.Reads, last.Failure = false, failure
}

// check is a full check; no failure is green.
func (a *agent) check(failure string) {
	result := fmt.Sprintf("check full %d.%d s: %s", a.random.IntN(30), a.random.IntN(10), failure)
	a.run(`{"scope":"full"}`, result, failure)
	last := &a.calls[len(a.calls)-1]
	last.Tool, last.Passed = "check", failure == ""
}

// edit goes to a tree that never was, or to one that was.
func (a *agent) edit(path, what string) {
	a.fresh++
	a.editTo(path, what, a.fresh)
}

func (a *agent) editTo(path, what string, tree int) {
	a.turn++
	before := hash(a.tree)
	a.tree = tree
	a.calls = append(a.calls, loop.Call{
		Turn: a.turn, Tool: "edit", Input: fmt.Sprintf(`{"path":%q,"edits":[%q]}`, path, what),
		Result: "ok edited " + path, Before: before, After: hash(tree),
	})
}

// refuse is an edit that fits nowhere.
func (a *agent) refuse(path, what string) {
	a.look("edit", fmt.Sprintf(`{"path":%q,"edits":[%q]}`, path, what), "error edit 1: old_string is not in the file.")
	last := &a.calls[len(a.calls)-1]
	last.Reads, last.Refused = false, path
}

func (a *agent) file() string {
	return fmt.Sprintf("%s%d.go", []string{"store", "page", "form", "list"}[a.random.IntN(4)], a.random.IntN(5))
}

// Healthy returns the calls of honest work: looking around, editing, checking again
// after each edit, other parts of one file, a retry with other arguments, a mistake
// undone once, a failure that takes two edits.
func Healthy(random *rand.Rand) []loop.Call {
	a := newAgent(random)
	for range 2 + random.IntN(4) {
		a.explore()
	}
	for i := range 2 + random.IntN(6) {
		a.work(i)
	}
	a.check("")
	return a.calls
}

func (a *agent) explore() {
	switch a.random.IntN(3) {
	case 0:
		a.look("read", fmt.Sprintf(`{"path":%q,"offset":%d}`, a.file(), 1+600*a.random.IntN(3)), fmt.Sprint("1\tpackage app ", a.random.Int()))
	case 1:
		a.look("search", fmt.Sprintf(`{"pattern":"func %d"}`, a.turn), "0 hits")
	default:
		a.look("list", fmt.Sprintf(`{"path":"dir%d"}`, a.turn), "3 files")
	}
}

// work is one thing done, as it is done well.
func (a *agent) work(round int) {
	failure := func(i int) string { return fmt.Sprintf("failure-%d-%d", round, i) }
	path := a.file()
	a.edit(path, fmt.Sprint("change ", a.random.Int()))
	switch a.random.IntN(8) {
	case 0: // the same check after each edit, each time another failure
		for i := range 1 + a.random.IntN(5) {
			a.check(failure(i))
			a.edit(path, fmt.Sprint("fix ", i, a.random.Int()))
		}
		a.check("")
	case 1: // one failure takes two edits
		a.check(failure(0))
		a.look("read", fmt.Sprintf(`{"path":%q}`, path), fmt.Sprint("1\tline ", a.random.Int()))
		a.edit(path, fmt.Sprint("fix ", a.random.Int()))
		a.check(failure(0))
		a.edit(path, fmt.Sprint("fix again ", a.random.Int()))
		a.check("")
	case 2: // parts of one long file
		for i := range 3 + a.random.IntN(6) {
			a.look("read", fmt.Sprintf(`{"path":%q,"offset":%d}`, path, 1+i*600), fmt.Sprintf("%d\tpart %d", 1+i*600, i))
		}
	case 3: // an edit that does not fit, then does
		a.refuse(path, "what is not there")
		a.look("read", fmt.Sprintf(`{"path":%q,"offset":1}`, path), fmt.Sprint("1\tpackage ", a.random.Int()))
		a.edit(path, "what is there")
		a.check("")
	case 4: // a way tried and given up
		before := a.tree
		a.edit(path, fmt.Sprint("experiment ", a.random.Int()))
		a.check(failure(0))
		a.editTo(path, "back", before)
		a.edit(path, fmt.Sprint("other way ", a.random.Int()))
		a.check("")
	case 5: // the app's log, while it does something
		for i := range 2 + a.random.IntN(5) {
			a.look("app", `{"action":"logs"}`, fmt.Sprintf("served %s after click number <%c>", a.file(), 'a'+i))
		}
	case 6: // reading and editing in turn, file by file
		for i := range 2 + a.random.IntN(5) {
			a.look("read", fmt.Sprintf(`{"path":"step%d-%d.go"}`, round, i), fmt.Sprintf("1\tpackage p%d", i))
			a.edit(fmt.Sprintf("step%d-%d.go", round, i), "rename")
		}
		a.check("")
	default: // a command again after each change, with the same good result
		for range 2 + a.random.IntN(4) {
			a.run(`{"command":"go vet ./..."}`, "exit 0 in 0.4 s", "")
			a.edit(path, fmt.Sprint("more ", a.random.Int()))
		}
	}
}

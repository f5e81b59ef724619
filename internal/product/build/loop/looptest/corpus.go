package looptest

import (
	"fmt"
	"math/rand/v2"
)

// rounds is how often a loop goes round: more than anybody should wait.
const rounds = 8

// Corpus returns the loops, each with honest work of its own before it. The same seed
// gives the same.
func Corpus(seed uint64) []Loop {
	var all []Loop
	add := func(name string, period int, round func(a *agent, i int)) {
		for variant := range uint64(3) {
			a := newAgent(rand.New(rand.NewPCG(seed+variant, uint64(len(all))))) //nolint:gosec // no secret
			for range variant * 2 {
				a.explore()
			}
			a.edit("main.go", "begin")
			begins := len(a.calls)
			for i := range rounds {
				round(a, i)
			}
			all = append(all, Loop{Name: fmt.Sprintf("%s (%d)", name, variant+1), Calls: a.calls, Begins: begins, Period: period})
		}
	}
	exact(add)
	inTurn(add)
	failing(add)
	undoing(add)
	return all
}

type adder func(name string, period int, round func(a *agent, i int))

// exact: the same call again.
func exact(add adder) {
	add("reads one file again", 1, func(a *agent, _ int) { a.look("read", `{"path":"a.go"}`, "1\tpackage app") })
	add("searches the same", 1, func(a *agent, _ int) { a.look("search", `{"pattern":"x"}`, "0 hits") })
	add("checks what did not change", 1, func(a *agent, _ int) { a.check("same") })
	add("runs a command again, slower each time", 1, func(a *agent, i int) {
		a.run(`{"command":"go test ./..."}`, fmt.Sprintf("exit 1 in %d.2 s: connection refused 127.0.0.1:%d", i, 40000+i), "")
	})
	add("an edit that fits nowhere", 1, func(a *agent, _ int) { a.refuse("a.go", "not there") })
	add("an error told in other colours and times", 1, func(a *agent, i int) {
		a.run(`{"command":"npm test"}`, fmt.Sprintf("\x1b[3%dmAssertionError\x1b[0m at 10:0%d:00.%d (%d ms)", i, i, i, 5+i), "")
	})
}

// inTurn: a few calls in a circle.
func inTurn(add adder) {
	add("two reads in turn", 2, func(a *agent, _ int) {
		a.look("read", `{"path":"a.go"}`, "1\tpackage a")
		a.look("read", `{"path":"b.go"}`, "1\tpackage b")
	})
	add("check and log in turn", 2, func(a *agent, i int) {
		a.run(`{"command":"go build"}`, fmt.Sprintf("exit 1 in 0.%d s", i), "")
		a.look("app", `{"action":"logs"}`, "not started")
	})
	add("three in turn", 3, func(a *agent, _ int) {
		a.look("list", `{}`, "3 files")
		a.look("read", `{"path":"a.go"}`, "1\tpackage a")
		a.look("search", `{"pattern":"x"}`, "0 hits")
	})
	add("four in turn", 4, func(a *agent, _ int) {
		for i := range 4 {
			a.look("read", fmt.Sprintf(`{"path":"%d.go"}`, i), fmt.Sprint("1\tpackage p", i))
		}
	})
}

// failing: edits that do not help.
func failing(add adder) {
	add("the same failure after each edit", 2, func(a *agent, i int) {
		a.edit("a.go", fmt.Sprint("try ", i))
		a.check("same")
	})
	add("the same failure, seen by other commands", 3, func(a *agent, i int) {
		a.edit("a.go", fmt.Sprint("try ", i))
		a.look("read", fmt.Sprintf(`{"path":"a.go","offset":%d}`, i), fmt.Sprint("try ", i))
		a.run(fmt.Sprintf(`{"command":"go test -run Test%d"}`, i), fmt.Sprintf("a_test.go:%d: got 1", i), "same")
	})
	add("two failures in turn", 4, func(a *agent, i int) {
		a.edit("a.go", fmt.Sprint("try ", i))
		a.check("one")
		a.edit("b.go", fmt.Sprint("try ", i))
		a.check("other")
	})
}

// undoing: there and back.
func undoing(add adder) {
	add("a change made and unmade", 4, func(a *agent, i int) {
		a.fresh = max(a.fresh, 100)
		a.editTo("a.go", "there", 101)
		a.check(fmt.Sprint("there ", i))
		a.editTo("a.go", "back", 1)
		a.check(fmt.Sprint("back ", i))
	})
}

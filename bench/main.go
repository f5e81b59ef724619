// Command bench measures what docs/PROOFS.md claims. ./do bench p12 runs one
// measurement, ./do bench all of them; flags of a measurement follow its name.
//
// Each prints its figures and ends with one line
//
//	p12: FIGURES target TARGETS ok
//
// or short in place of ok when a target was missed, or skipped and why when it
// could not run. The exit code is 0 only when nothing was short.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"cofounder/internal/platform/sandbox/sandboxtest"
)

// measurement is one proof. It returns its last line without the name.
type measurement struct {
	name string
	run  func(ctx context.Context, args []string, out io.Writer) (verdict, error)
}

func measurements() []measurement {
	return []measurement{
		{"p1", p1},
		{"p2", p2},
		{"p4", p4},
		{"p5", p5},
		{"p6", p6},
		{"p7", p7},
		{"p8", p8},
		{"p9", p9},
		{"p11", p11},
		{"p12", p12},
		{"p13", p13},
		{"p17", p17},
		{"overhead", overhead},
	}
}

// verdict is how a measurement came out.
type verdict struct {
	figures, targets string
	short            bool
	skipped          string // what could not be measured, and why
}

func (v verdict) String() string {
	end := "ok"
	switch {
	case v.short:
		end = "short"
	case v.skipped != "":
		end = "skipped " + v.skipped
	}
	return v.figures + " target " + v.targets + " " + end
}

func main() {
	sandboxtest.Init() // in cages this program is other things, and p11 needs some of them
	if len(os.Args) > 1 && os.Args[1] == naiveName {
		os.Exit(naive(os.Stderr))
	}
	if len(os.Args) > 1 && os.Args[1] == workName {
		os.Exit(workUntilTold(os.Stdin, os.Stdout, os.Stderr))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 1 && os.Args[1] == spenderName {
		os.Exit(spend(ctx, os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(run(ctx, os.Args[1:], os.Stdout))
}

// run carries out the named measurements, or all, and returns the exit code.
func run(ctx context.Context, args []string, out io.Writer) int {
	code := 0
	chosen, rest := choose(args)
	if chosen == nil {
		say(out, "bench: there is no measurement %s", args[0])
		return 64
	}
	for _, m := range chosen {
		v, err := m.run(ctx, rest, out)
		switch {
		case err != nil:
			say(out, "%s: failed: %v", m.name, err)
			code = 1
		default:
			say(out, "%s: %s", m.name, v)
			if v.short {
				code = 1
			}
		}
	}
	return code
}

// choose splits the arguments into measurements and what is left for them. It
// returns none when the first argument is neither a name nor a flag.
func choose(args []string) ([]measurement, []string) {
	if len(args) == 0 || args[0] == "" || args[0][0] == '-' {
		return measurements(), args
	}
	var chosen []measurement
	for i, arg := range args {
		found := false
		for _, m := range measurements() {
			if m.name == arg {
				chosen, found = append(chosen, m), true
			}
		}
		if !found {
			if len(chosen) == 0 {
				return nil, nil
			}
			return chosen, args[i:]
		}
	}
	return chosen, nil
}

// say prints one line. Nobody is left to tell when that fails.
func say(out io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(out, format+"\n", args...) //nolint:errcheck // see above
}

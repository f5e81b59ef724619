package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"cofounder/internal/product/build/loop"
	"cofounder/internal/product/build/loop/looptest"
)

// p6 measures whether an agent that goes in circles is stopped soon, and whether one
// that works honestly is left alone.
func p6(ctx context.Context, args []string, out io.Writer) (verdict, error) {
	seed, runs := rand.Uint64N(1<<32), 5000 //nolint:gosec // no secret
	flags := flag.NewFlagSet("p6", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Uint64Var(&seed, "seed", seed, "of loops and honest work")
	flags.IntVar(&runs, "runs", runs, "how many of honest work")
	if err := flags.Parse(args); err != nil {
		return verdict{}, err
	}
	say(out, "p6: seed %d", seed)
	loops := stopLoops(seed, out)
	honest, err := leaveAlone(ctx, seed, runs, out)
	if err != nil {
		return verdict{}, err
	}
	check := honest.spent / time.Duration(max(1, honest.calls))
	return verdict{
		figures: fmt.Sprintf("%d of %d loops stopped, after %d repeats at most; %d false stops in %d honest runs; %v a step",
			loops.stopped, loops.all, loops.most, honest.stops, runs, check),
		targets: "all stopped within 3 repeats, 0 false stops in ≥ 1000, < 50µs a step",
		short:   loops.stopped < loops.all || loops.most > 3 || honest.stops > 0 || runs < 1000 || check >= 50*time.Microsecond,
	}, nil
}

type stopping struct{ all, stopped, most int }

func stopLoops(seed uint64, out io.Writer) stopping {
	var s stopping
	for _, l := range looptest.Corpus(seed) {
		s.all++
		var d loop.Detector
		for i, c := range l.Calls {
			v := d.Observe(c)
			if v.Action != loop.Stop {
				continue
			}
			repeats := (i - l.Begins) / l.Period
			if i >= l.Begins {
				s.stopped++
				s.most = max(s.most, repeats)
			}
			say(out, "p6: %-46s stopped by %-12s at call %2d of the loop, repeat %d", l.Name, v.Rule, i-l.Begins+1, repeats)
			break
		}
	}
	return s
}

type working struct {
	calls, stops int
	spent        time.Duration
}

func leaveAlone(ctx context.Context, seed uint64, runs int, out io.Writer) (working, error) {
	var w working
	nudges := 0
	for n := range runs {
		if err := ctx.Err(); err != nil {
			return w, err
		}
		calls := looptest.Healthy(rand.New(rand.NewPCG(seed, uint64(n)))) //nolint:gosec // no secret
		var d loop.Detector
		begun := time.Now()
		for _, c := range calls {
			switch v := d.Observe(c); v.Action {
			case loop.Stop, loop.Force:
				w.stops++
				say(out, "p6: honest run %d stopped by %s", n, v.Rule)
			case loop.Nudge:
				nudges++
			case loop.GoOn:
			}
		}
		w.spent += time.Since(begun)
		w.calls += len(calls)
	}
	say(out, "p6: %d calls of honest work in %v, %d nudged", w.calls, w.spent.Round(time.Millisecond), nudges)
	return w, nil
}

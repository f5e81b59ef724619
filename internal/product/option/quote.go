package option

import (
	"math"
	"slices"
	"time"

	"cofounder/internal/platform/llm"
	"cofounder/internal/product/meter"
)

// Work is what there is to build, as far as a quote looks at it.
type Work struct {
	Must int `json:"must"` // criteria without which it is not done
	Also int `json:"also"` // other criteria
}

// Range is how much something takes: half of all times at most P50, four times out of
// five at most P80, never more than the Ceiling without the founder.
type Range struct {
	P50     int64 `json:"p50"`
	P80     int64 `json:"p80"`
	Ceiling int64 `json:"ceiling"`
}

// Quote is what a build will take. It is a pure function of the work, the tariff in
// force and the builds on record.
type Quote struct {
	Tokens  Range `json:"tokens"`  // of models, all classes together
	Nano    Range `json:"nano"`    // meter.NanoUSD
	Minutes Range `json:"minutes"` // of work, without waiting for the founder
	// Builds is how many builds on record it rests on; 0: it is a first estimate.
	Builds int `json:"builds"`
}

// First reports whether the quote rests on no build yet.
func (q Quote) First() bool { return q.Builds == 0 }

// Ceiling is what the build may cost without the founder.
func (q Quote) Ceiling() meter.NanoUSD { return meter.NanoUSD(q.Nano.Ceiling) }

// Free reports whether it costs nothing.
func (q Quote) Free() bool { return q.Nano.Ceiling == 0 }

// Past is one build on record: what it came to, as a multiple of what was expected of it
// then. 0: not known.
type Past struct {
	Tokens, Nano, Minutes float64
}

// expected is what a build takes before anything is known of how builds go.
type expected struct {
	tokens llm.Tokens
	cost   meter.NanoUSD
	took   time.Duration
}

// What a build takes without a build on record. These are estimates, not measurements;
// they are what recorded builds correct, and their source is the budget of context by
// which roles work: a step of the coder is twenty turns over a conversation of 36 000
// tokens, most of it read from the cache; a reviewer reads at most 40 000 tokens; every
// third step needs a debugger once.
const (
	stepsAtLeast   = 3    // a skeleton that runs, one slice, hardening
	stepsForAll    = 2    // skeleton and hardening, beside the slices
	stepsPerMust   = 0.75 // some slices serve two criteria
	stepsPerOther  = 0.25 // what need not work rides along
	repairsPerStep = 1.0 / 3

	// minutesPerStep: an app of eight steps is not to take more than forty minutes, and
	// typically takes four fifths of that.
	minutesPerStep = 4
	// freeMinutes is a whole build by fixed rules, which asks no model.
	freeMinutes = 1

	// headroom is what the ceiling allows beyond P80: a failing step is tried three times
	// before the founder is asked.
	headroom = 1.25
	// mostCriteria bounds what is counted, so that nothing overflows.
	mostCriteria = 1000
)

// perStep and perBuild are the tokens of the roles.
func perStep() map[meter.Role]llm.Usage {
	return map[meter.Role]llm.Usage{
		meter.Coder:    {Input: 10_000, CacheWrite5m: 70_000, CacheRead: 640_000, Output: 24_000},
		meter.Reviewer: {Input: 30_000, Output: 3_000},
		meter.Debugger: scaled(llm.Usage{Input: 20_000, CacheWrite5m: 20_000, CacheRead: 100_000, Output: 8_000}, repairsPerStep),
	}
}

func perBuild() map[meter.Role]llm.Usage {
	return map[meter.Role]llm.Usage{
		meter.Architect: {Input: 20_000, Output: 12_000},
		meter.Writer:    {Input: 20_000, Output: 4_000}, // the user guide
	}
}

// builders are the roles a build has models play.
func builders() []meter.Role {
	return []meter.Role{meter.Architect, meter.Coder, meter.Debugger, meter.Reviewer, meter.Writer}
}

// prior is how far off we take our expectation to be before any build is on record, as
// multiples of it: a build may come to half or to twice. Each build on record is one more
// of them, so that the band becomes what was measured as builds add up.
func prior() []float64 { return []float64{0.5, 0.75, 1, 4.0 / 3, 2} }

// unlikely bounds a single ratio: one odd build must not price all others.
const unlikely = 20

// Estimate returns the quote for work at a tariff, by what builds on record came to. More
// criteria never make it less, and P50 ≤ P80 ≤ Ceiling. At a free tariff it costs 0.
func Estimate(w Work, t meter.Tariff, past []Past) Quote {
	e := expect(w, t)
	ratios := func(of func(Past) float64) []float64 {
		all := prior()
		for _, p := range past {
			if r := of(p); r > 0 { // also false for NaN
				all = append(all, min(max(r, 1.0/unlikely), unlikely))
			}
		}
		slices.Sort(all)
		return all
	}
	const (
		thousand = 1000
		cent     = int64(meter.Dollar / 100)
	)
	return Quote{
		Tokens:  band(float64(e.tokens), ratios(func(p Past) float64 { return p.Tokens }), thousand, 100*thousand),
		Nano:    band(float64(e.cost), ratios(func(p Past) float64 { return p.Nano }), cent, 50*cent),
		Minutes: band(e.took.Minutes(), ratios(func(p Past) float64 { return p.Minutes }), 1, 5),
		Builds:  len(past),
	}
}

// expect is the expectation that ratios are multiples of.
func expect(w Work, t meter.Tariff) expected {
	must, also := min(max(w.Must, 0), mostCriteria), min(max(w.Also, 0), mostCriteria)
	steps := max(stepsAtLeast, stepsForAll+stepsPerMust*float64(must)+stepsPerOther*float64(also))
	e := expected{took: time.Duration(steps * minutesPerStep * float64(time.Minute))}
	if t.Free() {
		e.took = freeMinutes * time.Minute
	}
	add := func(role meter.Role, u llm.Usage) {
		e.tokens += u.Input + u.CacheWrite5m + u.CacheWrite1h + u.CacheRead + u.Output
		if p, ok := t.Prices[role]; ok && !p.Free() {
			e.cost += p.Cost(u).Nano
		}
	}
	for role, u := range perStep() {
		add(role, scaled(u, steps))
	}
	for role, u := range perBuild() {
		add(role, u)
	}
	return e
}

func scaled(u llm.Usage, by float64) llm.Usage {
	times := func(n llm.Tokens) llm.Tokens { return llm.Tokens(math.Ceil(float64(n) * by)) }
	return llm.Usage{
		Input: times(u.Input), CacheWrite5m: times(u.CacheWrite5m), CacheWrite1h: times(u.CacheWrite1h),
		CacheRead: times(u.CacheRead), Output: times(u.Output),
	}
}

// band is a range of multiples of what is expected, rounded up to fine units, the ceiling
// to coarse ones. ratios are sorted and not empty.
func band(expected float64, ratios []float64, fine, coarse int64) Range {
	p50, p80 := expected*quantile(ratios, 0.5), expected*quantile(ratios, 0.8)
	return Range{P50: roundUp(p50, fine), P80: roundUp(p80, fine), Ceiling: roundUp(p80*headroom, coarse)}
}

// quantile interpolates between the two nearest (Hyndman and Fan's type 7).
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

func roundUp(v float64, unit int64) int64 {
	// What only rounding has brought above a unit stays in it.
	const dust = 1e-9
	return int64(math.Ceil(v/float64(unit)-dust)) * unit
}

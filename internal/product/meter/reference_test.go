package meter_test

import (
	"time"

	"cofounder/internal/platform/llm"
	"cofounder/internal/product/meter"
)

// reference is what budgets must do, written as plainly as possible: a map of what is
// used in each window of each budget. It is compared with the real thing.
type reference struct {
	budgets map[meter.BudgetID]*refBudget
}

type refBudget struct {
	day, period               *meter.NanoUSD
	dayWeighed, periodWeighed *meter.Weighed
	monthly                   bool
	anchor                    int
	paced, borrows            bool

	byDay, byPeriod map[string]meter.Amount
}

func newReference() *reference { return &reference{map[meter.BudgetID]*refBudget{}} }

func (r *reference) budget(b meter.BudgetID) *refBudget {
	if r.budgets[b] == nil {
		r.budgets[b] = &refBudget{monthly: true, anchor: 1, byDay: map[string]meter.Amount{}, byPeriod: map[string]meter.Amount{}}
	}
	return r.budgets[b]
}

// windows names the day and the period an instant falls into.
func (b *refBudget) windows(at time.Time) (day, period string) {
	day = at.Format(time.DateOnly)
	if !b.monthly {
		return day, "ever"
	}
	first := at
	for first.Day() != b.anchor {
		first = first.AddDate(0, 0, -1)
	}
	return day, first.Format(time.DateOnly)
}

func (b *refBudget) add(at time.Time, sign int64, a meter.Amount) {
	day, period := b.windows(at)
	b.byDay[day] = plus(b.byDay[day], sign, a)
	b.byPeriod[period] = plus(b.byPeriod[period], sign, a)
}

func plus(a meter.Amount, sign int64, b meter.Amount) meter.Amount {
	return meter.Amount{Nano: a.Nano + meter.NanoUSD(sign)*b.Nano, Weighed: a.Weighed + meter.Weighed(sign)*b.Weighed}
}

// insideDay reports whether an amount more stays inside the limits of a day.
func (b *refBudget) insideDay(at time.Time, a meter.Amount) bool {
	day, _ := b.windows(at)
	d := plus(b.byDay[day], 1, a)
	return (b.day == nil || d.Nano <= *b.day) && (b.dayWeighed == nil || d.Weighed <= *b.dayWeighed)
}

// insidePeriod is the same for the period.
func (b *refBudget) insidePeriod(at time.Time, a meter.Amount) bool {
	_, period := b.windows(at)
	p := plus(b.byPeriod[period], 1, a)
	return (b.period == nil || p.Nano <= *b.period) && (b.periodWeighed == nil || p.Weighed <= *b.periodWeighed)
}

// granted is how long an answer may be, -1 for a call that is refused: the longest
// that fits everywhere, not below 4 096 or what was asked for.
func (r *reference) granted(ids []meter.BudgetID, at time.Time, m refModel, upper, most llm.Tokens) llm.Tokens {
	ahead := false
	for _, id := range ids {
		ahead = ahead || r.budget(id).borrows
	}
	fits := func(output llm.Tokens) bool {
		for _, id := range ids {
			b, a := r.budget(id), m.worst(upper, output)
			if !b.insidePeriod(at, a) || !b.insideDay(at, a) && (!b.paced || !ahead) {
				return false
			}
		}
		return true
	}
	least := min(4096, most)
	if !fits(least) {
		return -1
	}
	for least < most {
		middle := (least + most + 1) / 2
		if fits(middle) {
			least = middle
		} else {
			most = middle - 1
		}
	}
	return least
}

// refModel is a price as the provider's page has it, in nano-dollars a token and
// thousandths of it.
type refModel struct {
	name  string
	tiers []refTier
}

type refTier struct {
	over                                  llm.Tokens
	input, write5m, write1h, read, output int64
}

// refModels are rates.json once more, typed in by hand.
var refModels = []refModel{
	{sonnet, []refTier{{0, 2_000_000, 2_500_000, 4_000_000, 200_000, 10_000_000}}},
	{opus, []refTier{{0, 4_000_000, 5_000_000, 8_000_000, 200_000, 20_000_000}}},
	{haiku, []refTier{{0, 100_000, 125_000, 200_000, 10_000, 500_000}, {100_000, 500_000, 625_000, 1_000_000, 50_000, 2_500_000}}},
}

func (m refModel) worst(upper, output llm.Tokens) meter.Amount {
	most := refTier{}
	for _, t := range m.tiers {
		if upper > t.over {
			most = t // tiers get dearer
		}
	}
	return refAmount(int64(upper)*most.write1h + int64(output)*most.output)
}

func (m refModel) cost(u llm.Usage) meter.Amount {
	tier := m.tiers[0]
	for _, t := range m.tiers {
		if u.Input+u.CacheWrite5m+u.CacheWrite1h+u.CacheRead > t.over {
			tier = t
		}
	}
	return refAmount(int64(u.Input)*tier.input + int64(u.CacheWrite5m)*tier.write5m + int64(u.CacheWrite1h)*tier.write1h +
		int64(u.CacheRead)*tier.read + int64(u.Output)*tier.output)
}

// promptOnly is what a call is written off at.
func (m refModel) promptOnly(upper llm.Tokens) meter.Amount {
	return m.cost(llm.Usage{Input: upper})
}

// refAmount rounds up, money to nano-dollars and weight to sonnet's input.
func refAmount(thousandths int64) meter.Amount {
	up := func(by int64) int64 {
		n := thousandths / by
		if n*by < thousandths {
			n++
		}
		return n
	}
	return meter.Amount{Nano: meter.NanoUSD(up(1000)), Weighed: meter.Weighed(up(2_000_000))}
}

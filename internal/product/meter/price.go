package meter

import (
	"time"

	"cofounder/internal/platform/llm"
)

// Rates are prices of the five classes of token.
type Rates struct {
	Input        Rate
	CacheWrite5m Rate
	CacheWrite1h Rate
	CacheRead    Rate
	Output       Rate // thinking is output
}

// tier is a price that holds for prompts above a size.
type tier struct {
	over               llm.Tokens
	rates              Rates
	write1hUnconfirmed bool // the provider does not say; see rates.json
}

// Price is what one model costs from one day on.
type Price struct {
	Model string
	From  time.Time // midnight UTC; zero on a free card

	tiers []tier // by over, the first from 0
	unit  Rate   // what weighs 1; 0: nothing weighs anything
}

// Free reports whether the model costs nothing whatever it does.
func (p Price) Free() bool {
	for _, t := range p.tiers {
		if t.rates != (Rates{}) {
			return false
		}
	}
	return true
}

// Cost is what used tokens cost, and by which prices.
type Cost struct {
	Amount
	Rates Rates
	// Exact is false when a price had to be assumed that the provider does not
	// publish.
	Exact bool
}

// Cost prices the tokens of one answer. The size of the prompt, of all input classes
// together, decides the tier. Fractions of a nano-dollar, which no published price
// yields, are rounded up once.
func (p Price) Cost(u llm.Usage) Cost {
	t := p.tier(u.Input + u.CacheWrite5m + u.CacheWrite1h + u.CacheRead)
	return Cost{
		Amount: t.rates.cost(u).amount(p.unit),
		Rates:  t.rates,
		Exact:  !t.write1hUnconfirmed || u.CacheWrite1h == 0,
	}
}

func (p Price) tier(prompt llm.Tokens) tier {
	found := p.tiers[0]
	for _, t := range p.tiers[1:] {
		if prompt > t.over {
			found = t
		}
	}
	return found
}

func (r Rates) cost(u llm.Usage) pico {
	return times(u.Input, r.Input) + times(u.CacheWrite5m, r.CacheWrite5m) + times(u.CacheWrite1h, r.CacheWrite1h) +
		times(u.CacheRead, r.CacheRead) + times(u.Output, r.Output)
}

func times(n llm.Tokens, r Rate) pico { return pico(int64(n) * int64(r)) }

// worstCase is the least that no answer can cost more than: so much for the prompt, and
// so much for each token of output.
type worstCase struct {
	input  pico
	output Rate
	unit   Rate
}

// worst returns the worst case of a prompt of at most upper tokens: all of it in the
// dearest class, at the dearest tier it can reach.
func (p Price) worst(upper llm.Tokens) worstCase {
	var dearest, output Rate
	for _, t := range p.tiers {
		if t.over > 0 && t.over >= upper {
			break
		}
		r := t.rates
		dearest = max(dearest, r.Input, r.CacheWrite5m, r.CacheWrite1h, r.CacheRead)
		output = max(output, r.Output)
	}
	return worstCase{input: times(upper, dearest), output: output, unit: p.unit}
}

// amount is the worst case with at most output tokens of answer.
func (w worstCase) amount(output llm.Tokens) Amount {
	return (w.input + times(output, w.output)).amount(w.unit)
}

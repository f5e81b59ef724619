package option_test

import (
	"math"
	"testing"
	"time"

	"cofounder/internal/product/meter"
	"cofounder/internal/product/option"

	"pgregory.net/rapid"
)

// published are the prices that are built in.
func published(tb testing.TB) meter.Tariff {
	tb.Helper()
	models := map[meter.Role]string{
		meter.Architect: "claude-opus-5-5", meter.Reviewer: "claude-opus-5-5", meter.Coder: "claude-sonnet-5-5", meter.Debugger: "claude-sonnet-5-5",
		meter.Writer: "claude-sonnet-5-5",
	}
	return tariff(tb, meter.PublishedCard(), models)
}

func free(tb testing.TB) meter.Tariff {
	tb.Helper()
	return tariff(tb, meter.FreeCard(), map[meter.Role]string{meter.Coder: "any", meter.Writer: "any"})
}

func tariff(tb testing.TB, card *meter.Card, models map[meter.Role]string) meter.Tariff {
	tb.Helper()
	t := meter.Tariff{Payer: meter.OwnKey, Prices: map[meter.Role]meter.Price{}}
	for role, model := range models {
		p, err := card.Price(model, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
		if err != nil {
			tb.Fatal(err)
		}
		t.Prices[role] = p
	}
	return t
}

// What a typical first version of five things that must work is said to take, before any
// build is on record. The figures are those of the constants and the built-in prices.
func TestFirstEstimate(t *testing.T) {
	t.Parallel()
	q := option.Estimate(option.Work{Must: 5, Also: 5}, published(t), nil)
	if !q.First() || q.Free() {
		t.Errorf("quote %+v", q)
	}
	for what, tt := range map[string]struct{ got, least, most int64 }{
		"P50 in cents":     {q.Nano.P50 / int64(meter.Dollar/100), 400, 900},
		"ceiling in cents": {q.Nano.Ceiling / int64(meter.Dollar/100), 900, 1700},
		"P50 in minutes":   {q.Minutes.P50, 20, 40},
	} {
		if tt.got < tt.least || tt.got > tt.most {
			t.Errorf("%s: %d, want %d to %d", what, tt.got, tt.least, tt.most)
		}
	}
	if q.Nano.Ceiling%int64(meter.Dollar/2) != 0 {
		t.Errorf("the ceiling %s is not one that people say", q.Ceiling())
	}
}

func TestFreeOfCharge(t *testing.T) {
	t.Parallel()
	q := option.Estimate(option.Work{Must: 8}, free(t), []option.Past{{Tokens: 1, Minutes: 3}})
	if !q.Free() || q.Nano != (option.Range{}) || q.Minutes.P50 < 1 || q.Builds != 1 {
		t.Errorf("quote %+v", q)
	}
}

// Builds on record pull the quote to what they came to, and make the band as wide as they
// were.
func TestRecordedBuildsCorrect(t *testing.T) {
	t.Parallel()
	w, prices := option.Work{Must: 5, Also: 5}, published(t)
	first := option.Estimate(w, prices, nil)
	var past []option.Past
	for range 50 {
		past = append(past, option.Past{Tokens: 0.5, Nano: 0.5, Minutes: 2})
	}
	q := option.Estimate(w, prices, past)
	cent := int64(meter.Dollar / 100)
	if got, want := q.Nano.P50, first.Nano.P50/2; got < want-cent || got > want+cent {
		t.Errorf("P50 %d after builds at half the price, want %d", got, want)
	}
	if q.Nano.P80-q.Nano.P50 >= first.Nano.P80-first.Nano.P50 || q.Minutes.P50 <= first.Minutes.P50 || q.First() {
		t.Errorf("first %+v, then %+v", first, q)
	}
}

// Whatever is asked and recorded: P50 ≤ P80 ≤ ceiling, nothing negative, and never less
// for more criteria.
func TestQuoteHolds(t *testing.T) {
	t.Parallel()
	paid, nothing := published(t), free(t)
	odd := []float64{0, -1, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64}
	rapid.Check(t, func(r *rapid.T) {
		ratio := rapid.OneOf(rapid.Float64Range(0.01, 30), rapid.SampledFrom(odd))
		past := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) option.Past {
			return option.Past{Tokens: ratio.Draw(r, "tokens"), Nano: ratio.Draw(r, "nano"), Minutes: ratio.Draw(r, "minutes")}
		}), 0, 60).Draw(r, "past")
		count := rapid.OneOf(rapid.IntRange(0, 30), rapid.SampledFrom([]int{-5, 999, 1000, 1001, math.MaxInt, math.MinInt}))
		w := option.Work{Must: count.Draw(r, "must"), Also: count.Draw(r, "also")}
		for name, t := range map[string]meter.Tariff{"paid": paid, "free": nothing} {
			q := option.Estimate(w, t, past)
			for what, s := range map[string]option.Range{"tokens": q.Tokens, "nano": q.Nano, "minutes": q.Minutes} {
				if s.P50 < 0 || s.P50 > s.P80 || s.P80 > s.Ceiling {
					r.Fatalf("%s, %s of %+v: %+v", name, what, w, s)
				}
			}
			if q.Tokens.P50 == 0 || q.Minutes.P50 == 0 || (q.Nano.P50 == 0) != (name == "free") {
				r.Fatalf("%s: %+v takes nothing: %+v", name, w, q)
			}
			for _, more := range []option.Work{{Must: bigger(w.Must), Also: w.Also}, {Must: w.Must, Also: bigger(w.Also)}} {
				b := option.Estimate(more, t, past)
				if b.Nano.P50 < q.Nano.P50 || b.Nano.P80 < q.Nano.P80 || b.Nano.Ceiling < q.Nano.Ceiling || b.Minutes.Ceiling < q.Minutes.Ceiling || b.Tokens.Ceiling < q.Tokens.Ceiling {
					r.Fatalf("%s: %+v takes %+v, but %+v takes %+v", name, w, q, more, b)
				}
			}
		}
	})
}

func bigger(n int) int {
	if n == math.MaxInt {
		return n
	}
	return n + 1
}

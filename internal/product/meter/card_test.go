package meter_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"pgregory.net/rapid"
)

var day = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

func price(t *testing.T, card *meter.Card, model string, at time.Time) meter.Price {
	t.Helper()
	p, err := card.Price(model, at)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestCostIsTheReference compares prices with those typed in by hand, for random use.
func TestCostIsTheReference(t *testing.T) {
	t.Parallel()
	card := meter.PublishedCard()
	rapid.Check(t, func(rt *rapid.T) {
		m := rapid.SampledFrom(refModels).Draw(rt, "model")
		p, err := card.Price(m.name, day)
		if err != nil {
			rt.Fatal(err)
		}
		tokens := rapid.Map(rapid.Int64Range(0, 200_000), func(n int64) llm.Tokens { return llm.Tokens(n) })
		u := llm.Usage{
			Input: tokens.Draw(rt, "input"), CacheWrite5m: tokens.Draw(rt, "5m"), CacheWrite1h: tokens.Draw(rt, "1h"),
			CacheRead: tokens.Draw(rt, "read"), Output: tokens.Draw(rt, "output"), Known: true,
		}
		if got, want := p.Cost(u).Amount, m.cost(u); got != want {
			rt.Errorf("cost of %+v = %+v, want %+v", u, got, want)
		}
	})
}

func TestPriceByDate(t *testing.T) {
	t.Parallel()
	card, err := meter.ReadCard(strings.NewReader(`{"weighed_by": "m", "prices": [
		{"model": "m", "from": "2027-01-01", "over": 0, "input": 3, "cache_write_5m": 3, "cache_write_1h": 3, "cache_read": 3, "output": 3},
		{"model": "m", "from": "2026-11-23", "over": 0, "input": 2, "cache_write_5m": 2, "cache_write_1h": 2, "cache_read": 2, "output": 2.000001}]}`))
	if err != nil {
		t.Fatal(err)
	}
	used := llm.Usage{Input: 1000, Output: 1000, Known: true}
	for _, tt := range []struct {
		name string
		at   time.Time
		want meter.Amount
	}{
		// 1 000 × 2 and 1 000 × 2.000001 are 4 000 001 thousandths: rounded up once.
		{"on its first day", day, meter.Amount{Nano: 4_000_001, Weighed: 2001}},
		{"on its last instant", time.Date(2026, 12, 31, 23, 59, 59, 999, time.UTC), meter.Amount{Nano: 4_000_001, Weighed: 2001}},
		{"the next", time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), meter.Amount{Nano: 6_000_000, Weighed: 2000}},
	} {
		if got := price(t, card, "m", tt.at).Cost(used).Amount; got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
	if _, err := card.Price("m", day.Add(-time.Nanosecond)); !fault.Is(err, fault.Conflict) {
		t.Errorf("before its first day: %v, want a refusal", err)
	}
}

func TestUnknownModelIsRefused(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"", "claude-sonnet-5", "claude-sonnet-5-5-latest", "gpt"} {
		_, err := meter.PublishedCard().Price(model, day)
		if known := model == "claude-sonnet-5"; (err == nil) != known {
			t.Errorf("Price(%q): %v", model, err)
		}
		if err != nil && fault.Of(err).Code != "unknown_model" {
			t.Errorf("Price(%q): %v, want unknown_model", model, err)
		}
	}
}

func TestFreeCard(t *testing.T) {
	t.Parallel()
	card := meter.FreeCard("llama3.3:70b")
	p := price(t, card, "llama3.3:70b", day)
	if got := p.Cost(llm.Usage{Input: 1e6, Output: 1e6, Known: true}); got.Amount != (meter.Amount{}) || !p.Free() || !got.Exact {
		t.Errorf("a free model costs %+v", got)
	}
	if !price(t, meter.FreeCard(), "any", day).Free() {
		t.Error("where every model is free, one is not")
	}
	if _, err := card.Price("another", day); err == nil {
		t.Error("a model that is not on the free card has a price")
	}
	if price(t, meter.PublishedCard(), haiku, day).Free() {
		t.Error("a cheap model is free")
	}
}

// TestUnpublishedPriceIsNotExact pins the one price the provider's page leaves out.
func TestUnpublishedPriceIsNotExact(t *testing.T) {
	t.Parallel()
	p := price(t, meter.PublishedCard(), haiku, day)
	for _, tt := range []struct {
		name string
		use  llm.Usage
		want bool
	}{
		{"small prompt, written for an hour", llm.Usage{CacheWrite1h: 100_000}, true},
		{"large prompt, written for an hour", llm.Usage{CacheWrite1h: 100_001}, false},
		{"large prompt, read", llm.Usage{CacheRead: 100_001}, true},
	} {
		if got := p.Cost(tt.use).Exact; got != tt.want {
			t.Errorf("%s: exact %t, want %t", tt.name, got, tt.want)
		}
	}
}

func TestReadCardRefuses(t *testing.T) {
	t.Parallel()
	const row = `{"model": "m", "from": "2026-11-23", "over": 0, "input": 2, "cache_write_5m": 2, "cache_write_1h": 2, "cache_read": 2, "output": 2}`
	card := func(rows ...string) string { return `{"weighed_by": "m", "prices": [` + strings.Join(rows, ",") + `]}` }
	but := func(old, changed string) string { return card(strings.Replace(row, old, changed, 1)) }
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", ``, "EOF"},
		{"no prices", card(), "no price of"},
		{"unknown field", `{"weighted_by": "m"}`, "unknown field"},
		{"more than one", card(row) + card(row), "more after its end"},
		{"no model", but(`"m"`, `""`), "names no model"},
		{"no date", but("2026-11-23", "soon"), "not a day"},
		{"a price missing", but(`"input": 2, `, ""), "a price is missing"},
		{"a price that is nothing", but(`"input": 2`, `"input": null`), "a price is missing"},
		{"a negative price", but(`"input": 2`, `"input": -2`), "not a price"},
		{"a price in words", but(`"input": 2`, `"input": "2"`), "not a number"},
		{"seven decimals", but(`"input": 2`, `"input": 2.0000001`), "not a price"},
		{"a price of the moon", but(`"input": 2`, `"input": 1000.01`), "not a price"},
		{"a price with an exponent of a day", but(`"input": 2`, `"input": 1e-9999999999999999999`), "not a number"},
		{"large prompts only", but(`"over": 0`, `"over": 5`), "no price for small prompts"},
		{"negative size", but(`"over": 0`, `"over": -5`), "negative"},
		{"the same row twice", card(row, row), "two such rows"},
		{"free to weigh by", but(`"input": 2`, `"input": 0`), "costs nothing"},
		{"weighed by what comes later", card(row, strings.NewReplacer(`"m"`, `"n"`, "2026-11-23", "2026-11-22").Replace(row)), "only from"},
		{"unconfirmed what nobody knows", but(`"output": 2`, `"output": 2, "unconfirmed": ["luck"]`), "cache_write_1h only"},
	} {
		if _, err := meter.ReadCard(strings.NewReader(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func FuzzReadCard(f *testing.F) {
	f.Add(`{"weighed_by": "m", "prices": [{"model": "m", "from": "2026-11-23", "over": 0, "input": 2, "cache_write_5m": 2, "cache_write_1h": 2, "cache_read": 2, "output": 2}]}`)
	f.Add(`{"prices": [{"input": 1e308}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		card, err := meter.ReadCard(strings.NewReader(text))
		if err != nil {
			return
		}
		// What is read has prices that never go below zero.
		p, err := card.Price("m", day.AddDate(1, 0, 0))
		if err == nil && p.Cost(llm.Usage{Input: 1e6, CacheWrite5m: 1e6, CacheWrite1h: 1e6, CacheRead: 1e6, Output: 1e6}).Nano < 0 {
			t.Errorf("a negative price in %s", text)
		}
	})
}

func TestNanoUSDString(t *testing.T) {
	t.Parallel()
	for n, want := range map[meter.NanoUSD]string{
		0: "$0.00", 1: "$0.000000001", 10: "$0.00000001", 12_500_000: "$0.0125", meter.Dollar: "$1.00",
		-3 * meter.Dollar: "-$3.00", -1: "-$0.000000001", 1_230_000_000: "$1.23", 1234 * meter.Dollar: "$1234.00",
	} {
		if got := n.String(); got != want {
			t.Errorf("%d = %s, want %s", int64(n), got, want)
		}
	}
}

// TestAMonthHoldsThreeFirstVersions computes SPEC 8's promise from the card and the
// study's estimate of a typical build: eight steps of a coder, a plan, and a review of
// each step, by the models of each plan.
func TestAMonthHoldsThreeFirstVersions(t *testing.T) {
	t.Parallel()
	step := llm.Usage{CacheRead: 640_000, CacheWrite5m: 70_000, Input: 10_000, Output: 24_000, Known: true}
	plan := llm.Usage{Input: 15_000, CacheWrite5m: 10_000, Output: 20_000, Known: true}
	review := llm.Usage{Input: 30_000, CacheWrite5m: 10_000, Output: 4_000, Known: true}
	questions := llm.Usage{Input: 40_000, Output: 15_000, Known: true}
	for _, p := range account.Plans() {
		if p.ID == account.SelfHosted {
			continue
		}
		conn := meter.Connection{Endpoint: llm.Endpoint{Models: meter.DefaultModels()}, Payer: meter.OnPlan, Swap: p.Models}
		var version meter.Weighed
		for _, part := range []struct {
			role  meter.Role
			times int
			use   llm.Usage
		}{{meter.Interviewer, 1, questions}, {meter.Architect, 1, plan}, {meter.Coder, 8, step}, {meter.Reviewer, 8, review}} {
			model, err := conn.Model(part.role)
			if err != nil {
				t.Fatal(err)
			}
			version += meter.Weighed(part.times) * price(t, meter.PublishedCard(), model, day).Cost(part.use).Weighed
		}
		if month := meter.Weighed(p.MonthShare()); 3*version > month {
			t.Errorf("%s: a first version is %d weighed tokens, three are more than the month's %d", p.ID, version, month)
		} else {
			t.Logf("%s: a first version is %d weighed tokens, the month's %d hold %.1f", p.ID, version, month, float64(month)/float64(version))
		}
	}
}

// An operator's file stands beside the built-in prices, and goes before them for the
// models it names. The example of the documents is one.
func TestCardOfTheOperator(t *testing.T) {
	t.Parallel()
	example, err := os.Open("../../../docs/rates.example.json")
	if err != nil {
		t.Fatal(err)
	}
	defer example.Close() //nolint:errcheck // it was only read
	built := meter.PublishedCard()
	card, err := built.With(example)
	if err != nil {
		t.Fatal(err)
	}
	used := llm.Usage{Input: 200_001, Output: 1000, Known: true}
	if got := price(t, card, "example/long-reader", day).Cost(used).Amount; got != (meter.Amount{Nano: 203_001_000, Weighed: 101_501}) {
		t.Errorf("a long prompt costs %+v", got)
	}
	if got, want := price(t, card, opus, day).Cost(used), price(t, built, opus, day).Cost(used); got != want {
		t.Errorf("a built-in model costs %+v, want %+v", got, want)
	}
	if _, err := built.Price("example/long-reader", day); err == nil {
		t.Error("the built-in card has changed")
	}
	dearer, err := built.With(strings.NewReader(`{"prices": [
		{"model": "` + haiku + `", "from": "2026-11-23", "over": 0, "input": 9, "cache_write_5m": 9, "cache_write_1h": 9, "cache_read": 9, "output": 9}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := price(t, dearer, haiku, day).Cost(used).Nano; got != 201_001*9000 { // no tier of the built-in rows is left
		t.Errorf("the operator's price of a built-in model: %s", got)
	}
	for name, file := range map[string]string{
		"not JSON":           `prices`,
		"another form":       `{"rows": []}`,
		"a price is missing": `{"prices": [{"model": "x", "from": "2026-11-23", "over": 0, "input": 1}]}`,
		"no small prompts":   `{"prices": [{"model": "x", "from": "2026-11-23", "over": 5, "input": 1, "cache_write_5m": 1, "cache_write_1h": 1, "cache_read": 1, "output": 1}]}`,
		"before all others":  `{"prices": [{"model": "x", "from": "2020-01-01", "over": 0, "input": 1, "cache_write_5m": 1, "cache_write_1h": 1, "cache_read": 1, "output": 1}]}`,
	} {
		if _, err := built.With(strings.NewReader(file)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

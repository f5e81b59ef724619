package meter

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/llm"
)

//go:embed rates.json
var published []byte

// Card is a rate card: what each model costs per class of token, by size of the
// prompt, from which day on. A model that is not on it has no price and is not
// called. It is read-only and safe for concurrent use.
type Card struct {
	prices map[string][]Price // by model, newest first
	weigh  string             // the model whose uncached input weighs 1 a token; "" on a free card
	free   bool
}

// PublishedCard returns the card that is built in: the provider's list prices, with
// their source and date in rates.json.
func PublishedCard() *Card {
	c, err := ReadCard(bytes.NewReader(published))
	if err != nil {
		panic("meter: rates.json: " + err.Error()) // a mistake in the source tree, which a test finds
	}
	return c
}

// FreeCard returns a card on which the named models cost nothing, for the demo model,
// or, with no names, every model, for machines of one's own.
func FreeCard(models ...string) *Card {
	c := &Card{prices: map[string][]Price{}, free: true}
	for _, m := range models {
		c.prices[m] = []Price{{Model: m, tiers: []tier{{}}}}
	}
	return c
}

// cardFile is the form of a card in JSON; rates.json is the example.
type cardFile struct {
	About     string    `json:"about"`
	Source    string    `json:"source"`
	WeighedBy string    `json:"weighed_by"`
	Prices    []cardRow `json:"prices"`
}

type cardRow struct {
	Model       string     `json:"model"`
	From        string     `json:"from"`
	Over        llm.Tokens `json:"over"`
	Input       *Rate      `json:"input"`
	Write5m     *Rate      `json:"cache_write_5m"`
	Write1h     *Rate      `json:"cache_write_1h"`
	Read        *Rate      `json:"cache_read"`
	Output      *Rate      `json:"output"`
	Unconfirmed []string   `json:"unconfirmed"`
	Note        string     `json:"note"`
}

// ReadCard reads a card in the form of rates.json. Every row must give all five prices.
func ReadCard(r io.Reader) (*Card, error) {
	return (&Card{}).With(r)
}

// With returns the card with the prices of a file in the form of rates.json beside its
// own: for an operator whose provider has other models, or other prices. A model that
// the file names has the prices of the file only. weighed_by may be left out: what
// weighs 1 stays. The card itself does not change.
func (c *Card) With(r io.Reader) (*Card, error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	var file cardFile
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("read rate card: %w", err)
	}
	if d.More() {
		return nil, errors.New("read rate card: there is more after its end")
	}
	c = &Card{prices: maps.Clone(c.prices), weigh: cmp.Or(file.WeighedBy, c.weigh)}
	if c.prices == nil {
		c.prices = map[string][]Price{}
	}
	for _, row := range file.Prices {
		delete(c.prices, row.Model)
	}
	for i, row := range file.Prices {
		if err := c.add(row); err != nil {
			return nil, fmt.Errorf("read rate card: row %d (%s): %w", i+1, row.Model, err)
		}
	}
	for model, prices := range c.prices {
		for _, p := range prices {
			if p.tiers[0].over != 0 {
				return nil, fmt.Errorf("read rate card: %s has no price for small prompts from %s on", model, p.From.Format(time.DateOnly))
			}
		}
	}
	if err := c.checkWeight(); err != nil {
		return nil, fmt.Errorf("read rate card: weighed_by: %w", err)
	}
	return c, nil
}

// checkWeight makes sure that every price has something to be weighed by.
func (c *Card) checkWeight() error {
	by := c.prices[c.weigh]
	if len(by) == 0 {
		return fmt.Errorf("there is no price of %q", c.weigh)
	}
	first := by[len(by)-1].From
	for model, prices := range c.prices {
		if from := prices[len(prices)-1].From; from.Before(first) {
			return fmt.Errorf("%s has a price from %s on, %s only from %s", model, from.Format(time.DateOnly), c.weigh, first.Format(time.DateOnly))
		}
	}
	for _, p := range by {
		if p.tiers[0].rates.Input == 0 {
			return fmt.Errorf("the input of %q costs nothing, so nothing can be weighed by it", c.weigh)
		}
	}
	return nil
}

func (c *Card) add(row cardRow) error {
	from, err := time.Parse(time.DateOnly, row.From)
	switch {
	case err != nil:
		return fmt.Errorf("from is not a day like 2026-11-23: %q", row.From)
	case row.Model == "":
		return errors.New("it names no model")
	case row.Over < 0:
		return errors.New("over is negative")
	case row.Input == nil || row.Write5m == nil || row.Write1h == nil || row.Read == nil || row.Output == nil:
		return errors.New("a price is missing")
	}
	t := tier{over: row.Over, rates: Rates{Input: *row.Input, CacheWrite5m: *row.Write5m, CacheWrite1h: *row.Write1h, CacheRead: *row.Read, Output: *row.Output}}
	for _, class := range row.Unconfirmed {
		if class != "cache_write_1h" {
			return fmt.Errorf("unconfirmed can name cache_write_1h only, not %q", class)
		}
		t.write1hUnconfirmed = true
	}
	list := c.prices[row.Model]
	at := slices.IndexFunc(list, func(p Price) bool { return p.From.Equal(from) })
	if at < 0 {
		list = append(list, Price{Model: row.Model, From: from})
		at = len(list) - 1
	}
	p := &list[at]
	if slices.ContainsFunc(p.tiers, func(have tier) bool { return have.over == t.over }) {
		return errors.New("there are two such rows")
	}
	p.tiers = append(p.tiers, t)
	slices.SortFunc(p.tiers, func(a, b tier) int { return int(a.over - b.over) })
	slices.SortFunc(list, func(a, b Price) int { return b.From.Compare(a.From) })
	c.prices[row.Model] = list
	return nil
}

// Models lists the models that have a price, sorted.
func (c *Card) Models() []string { return slices.Sorted(maps.Keys(c.prices)) }

// Price returns what a model costs at an instant. A model that is not on the card is
// fault.Conflict with code unknown_model: it is refused, not guessed.
func (c *Card) Price(model string, at time.Time) (Price, error) {
	p, ok := c.at(model, at)
	if !ok {
		return Price{}, fault.Newf(fault.Conflict, "unknown_model",
			"I do not know what the model %q costs, so I will not use it. Choose another model, or have its price added to the price list of this installation.", model)
	}
	if c.free {
		return p, nil
	}
	by, ok := c.at(c.weigh, at)
	if !ok {
		return Price{}, fmt.Errorf("rate card: %s has no price at %s", c.weigh, at) // checkWeight has seen to it
	}
	p.unit = by.tiers[0].rates.Input
	return p, nil
}

func (c *Card) at(model string, at time.Time) (Price, bool) {
	for _, p := range c.prices[model] {
		if !p.From.After(at) {
			return p, true
		}
	}
	if c.free && len(c.prices) == 0 {
		return Price{Model: model, tiers: []tier{{}}}, true
	}
	return Price{}, false
}

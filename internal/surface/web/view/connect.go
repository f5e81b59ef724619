package view

import (
	"fmt"
	"strings"
	"time"

	"cofounder/internal/platform/llm"
	"cofounder/internal/product/meter"
)

// Connect is the page that connects an AI.
type Connect struct {
	Form   Form // of the connection and its limits
	Tasks  Form // of other models for tasks
	MayOwn bool
	Now    time.Time
	// Have is the present connection, nil for none.
	Have    *meter.Connected
	Presets []meter.Preset
	Chosen  meter.Preset
	Limits  meter.Limits // as they are, or as they are offered
	Set     bool         // somebody has confirmed limits
	Roles   []meter.Played
}

// choseRoles reports whether a task has, or was to get, a model of its own.
func (c Connect) choseRoles() bool {
	for _, p := range c.Roles {
		if p.Own != "" || c.Tasks.Value(string(p.Role)) != "" {
			return true
		}
	}
	return false
}

// same reports whether the form is about the connection there is.
func (c Connect) same() bool { return c.Have != nil && c.Have.Preset == c.Chosen.ID }

func (c Connect) address() string {
	if c.same() {
		return c.Have.BaseURL
	}
	return c.Chosen.BaseURL
}

func (c Connect) auth() string {
	if c.same() {
		return string(c.Have.Auth)
	}
	return string(c.Chosen.Auth)
}

func (c Connect) card() string {
	if c.same() {
		return c.Have.RateCard
	}
	return c.Chosen.RateCard
}

func (c Connect) model(class llm.Class) string {
	if c.same() {
		return c.Have.Models[class]
	}
	return c.Chosen.Models[class]
}

// asksKey reports whether the form has a field for the key.
func (c Connect) asksKey() bool {
	return c.Chosen.ID != meter.Installation && (!c.Chosen.Fixed || c.Chosen.Auth != llm.NoAuth)
}

func (c Connect) keyHint() string {
	switch {
	case c.same() && c.Have.HasKey:
		return "A key is kept, encrypted, and never shown again. Leave this empty to keep it; it goes to no other address."
	case c.Chosen.Auth == llm.NoAuth:
		return "Most servers of one's own want none. It is kept encrypted and never shown again."
	}
	to := "the address above"
	if c.Chosen.Fixed {
		to = c.Chosen.BaseURL
	}
	return "It is kept encrypted, never shown again, and sent to " + to + " and nowhere else."
}

// noLimit is the name of the box beside a limit's field.
func noLimit(field string) string { return field + "_none" }

func none(f Form, field string, c meter.Ceiling) bool {
	if f.Values != nil {
		return f.Value(noLimit(field)) != ""
	}
	return c == meter.NoLimit
}

func authChoices() []choice {
	return []choice{
		{string(llm.KeyHeader), "As x-api-key", "Anthropic and most servers like it."},
		{string(llm.Bearer), "As a bearer key", "Most gateways."},
		{string(llm.NoAuth), "No key", "Servers of one's own."},
	}
}

func cardChoices() []choice {
	return []choice{
		{meter.AnthropicCard, "By the price list", "Anthropic's prices, and those this installation has added. Models that are not on it are refused, because I could not count what they cost."},
		{meter.FreeOfCharge, "It costs nothing", "It runs on machines of my own, or somebody else pays."},
	}
}

// found lists what a test found out, as sentences.
func found(t meter.Test) []string {
	took := fmt.Sprintf("in %.1f seconds", float64(t.TookMS)/1000)
	if t.TookMS < 100 {
		took = "at once"
	}
	list := []string{fmt.Sprintf("%s answered %s.", t.Asked, took)}
	if t.Model != "" && t.Model != t.Asked {
		list[0] = fmt.Sprintf("I asked for %s and %s answered %s: the server puts its own in its place.", t.Asked, t.Model, took)
	}
	if t.Structured {
		list = append(list, "It keeps to a form when asked to, which makes answers dependable.")
	} else {
		list = append(list, "It does not keep to a form by itself; I check each answer and ask again once where it is none. Expect more mistakes.")
	}
	if !t.Counts {
		list = append(list, "It cannot tell the size of a question beforehand, so I keep a little more of the limit free for each.")
	}
	if len(t.Missing) > 0 {
		list = append(list, "Not on the server's list: "+strings.Join(t.Missing, ", ")+". Check the names of the models.")
	}
	if len(t.Ending) > 0 {
		list = append(list, "The server gives notice of "+strings.Join(t.Ending, ", ")+". Choose another model in time.")
	}
	return list
}

// firstVersion says what a first version may cost.
func firstVersion(e meter.Estimate) string {
	switch {
	case !e.Known:
		return "I cannot say what a first version will cost: not all of the chosen models are on the price list."
	case e.High == 0:
		return "A first version costs nothing here. How long it takes depends on the machine."
	}
	return fmt.Sprintf("A first version may cost %s to %s. That is a first estimate, based on no builds yet; your limits hold whatever happens.", Money(e.Low), Money(e.High))
}

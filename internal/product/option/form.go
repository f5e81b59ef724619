package option

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cofounder/internal/platform/llm/answer"
	"cofounder/internal/product/document"
)

// forms are the tasks we give to models, by the shape of their answers.
type forms struct {
	options *answer.Form[options]
	wish    *answer.Form[size]
}

func newForms() forms {
	return forms{options: answer.New[options]("options"), wish: answer.New[size]("wish")}
}

// options are ways to build as a model proposes them.
type options struct {
	Options []proposed `json:"options"`
	OnlyOne string     `json:"only_one" doc:"empty; or, where several were wanted and a second way would not really differ, one sentence to the founder why"`
}

type proposed struct {
	Name             string   `json:"name" doc:"two to five words that tell it from the others"`
	WhatYouGet       []string `json:"what_you_get" doc:"what people can do with it, one line each, in the founder's nouns"`
	WhatIsLeftOut    []string `json:"what_is_left_out" doc:"what they could expect and will not find, one line each; empty when nothing is"`
	WhatCouldGoWrong []string `json:"what_could_go_wrong" doc:"what may come out otherwise than hoped, the likeliest first, one line each"`
	Approach         string   `json:"approach" doc:"for developers: how it is made, one to three sentences"`
	Stack            string   `json:"stack" enum:"go,node,python,static" doc:"one of those that are here"`
	TradeOffs        []string `json:"trade_offs" doc:"for developers: what is given up for what, one line each"`
	RiskLevel        string   `json:"risk_level" enum:"low,medium,high,not_examined" doc:"how likely it does not come out as wished"`
	Covers           []string `json:"covers" doc:"the ids of the criteria that it does; all that must work are among them"`
	Recommended      bool     `json:"recommended" doc:"true for exactly one"`
	Because          string   `json:"because" doc:"one sentence to the founder: for whom this is the right way, and for whom not"`
}

// flaws collects what is wrong with an answer, in words for the model.
type flaws struct{ all []string }

func (f *flaws) say(format string, args ...any) { f.all = append(f.all, fmt.Sprintf(format, args...)) }

func (f *flaws) need(at, s string) {
	if strings.TrimSpace(s) == "" {
		f.say("%s: must not be empty", at)
	}
}

func (f *flaws) err() error {
	if len(f.all) == 0 {
		return nil
	}
	return errors.New(strings.Join(f.all, "\n"))
}

// How many options there are when they are to be compared.
const (
	fewest = 2
	most   = 3
)

// Validate is asked by answer: what holds whatever was asked.
func (o *options) Validate() error {
	var f flaws
	recommended := 0
	for n, one := range o.Options {
		at := fmt.Sprintf("/options/%d", n)
		one.check(&f, at)
		if one.Recommended {
			recommended++
		}
		for _, other := range o.Options[:n] {
			switch {
			case plain(other.Name) == plain(one.Name):
				f.say("%s/name: the same as another's", at)
			case other.Stack == one.Stack && same(other.Covers, one.Covers):
				f.say("%s: does the same as another, with the same stack; say only what really differs", at)
			}
		}
	}
	if recommended != 1 {
		f.say("/options: %d are recommended, wanted is exactly one", recommended)
	}
	return f.err()
}

func (p proposed) check(f *flaws, at string) {
	f.need(at+"/name", p.Name)
	f.need(at+"/approach", p.Approach)
	f.need(at+"/because", p.Because)
	if len(p.WhatYouGet) == 0 {
		f.say("%s/what_you_get: name at least one thing", at)
	}
	if len(p.WhatCouldGoWrong) == 0 {
		f.say("%s/what_could_go_wrong: name at least one thing", at)
	}
	for name, lines := range map[string][]string{
		"what_you_get": p.WhatYouGet, "what_is_left_out": p.WhatIsLeftOut, "what_could_go_wrong": p.WhatCouldGoWrong,
		"trade_offs": p.TradeOffs, "name": {p.Name}, "because": {p.Because},
	} {
		for n, l := range lines {
			here := fmt.Sprintf("%s/%s/%d", at, name, n)
			f.need(here, l)
			if strings.ContainsAny(l, "$€£") {
				f.say("%s: prices are worked out elsewhere, leave them out", here)
			}
		}
	}
}

// fits returns the rule for options of a scope: so many, with tools that are here, each
// doing all that must work.
func fits(plan document.Scope, compare bool, here []Stack) func(options) error {
	must, known := map[string]string{}, map[string]bool{}
	for _, c := range plan.Criteria() {
		known[c.ID] = true
		if c.Must {
			must[c.ID] = c.Text
		}
	}
	return func(o options) error {
		var f flaws
		n := len(o.Options)
		switch {
		case !compare && n != 1:
			f.say("/options: %d, wanted is one", n)
		case compare && (n > most || n < fewest && (n != 1 || strings.TrimSpace(o.OnlyOne) == "")):
			f.say("/options: %d, wanted are %d to %d", n, fewest, most)
		case n != 1 && o.OnlyOne != "":
			f.say("/only_one: there are several")
		}
		for n, one := range o.Options {
			one.fit(&f, fmt.Sprintf("/options/%d", n), must, known)
			if !slices.Contains(here, Stack(one.Stack)) {
				f.say("/options/%d/stack: the tools for %s are not here; choose one of %v", n, one.Stack, here)
			}
		}
		return f.err()
	}
}

func (p proposed) fit(f *flaws, at string, must map[string]string, known map[string]bool) {
	for n, id := range p.Covers {
		switch {
		case !known[id]:
			f.say("%s/covers/%d: there is no such criterion in this version", at, n)
		case slices.Contains(p.Covers[:n], id):
			f.say("%s/covers/%d: named twice", at, n)
		}
	}
	for id, text := range must {
		if !slices.Contains(p.Covers, id) {
			f.say("%s/covers: %s is missing, which must work: %s", at, id, text)
		}
	}
	if len(p.Covers) < len(known) && len(p.WhatIsLeftOut) == 0 {
		f.say("%s/what_is_left_out: not all criteria are covered, so say what is left out", at)
	}
}

func same(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

func plain(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// content is the option as it is stored.
func (p proposed) content() Content {
	return Content{
		Name: p.Name, WhatYouGet: p.WhatYouGet, WhatIsLeftOut: p.WhatIsLeftOut, WhatCouldGoWrong: p.WhatCouldGoWrong, Because: p.Because,
		Technical: Technical{Approach: p.Approach, Stack: Stack(p.Stack), TradeOffs: p.TradeOffs},
		Risk:      Risk(p.RiskLevel), Covers: p.Covers,
	}
}

// size is what a wish would take.
type size struct {
	Kind string `json:"kind" enum:"small,new,against" doc:"a small change; something new for this version; something the founder decided against"`
	Says string `json:"says" doc:"one sentence to the founder: what it is; where it is against a decision, which one"`
	Must int    `json:"must" doc:"how many new criteria it takes that must work"`
	Also int    `json:"also" doc:"how many others"`
}

// mostForWish is more criteria than one wish can be; beyond it is a product of its own.
const mostForWish = 20

// Validate is asked by answer.
func (s *size) Validate() error {
	var f flaws
	f.need("/says", s.Says)
	if s.Must < 0 || s.Also < 0 || s.Must+s.Also < 1 || s.Must+s.Also > mostForWish {
		f.say("/must: together with also 1 to %d are wanted", mostForWish)
	}
	return f.err()
}

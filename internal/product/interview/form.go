package interview

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/llm/answer"
	"cofounder/internal/product/document"
)

// forms are the tasks we give to models, by the shape of their answers.
type forms struct {
	reading   *answer.Form[reading]
	questions *answer.Form[questions]
	answers   *answer.Form[answersCheck]
	section   *answer.Form[sectionAnswer]
	scope     *answer.Form[scopeAnswer]

	milestones   *answer.Form[milestonesAnswer]
	risks        *answer.Form[risksAnswer]
	howItWorks   *answer.Form[howItWorksAnswer]
	architecture *answer.Form[architectureAnswer]
	file         *answer.Form[fileAnswer]
}

func newForms() forms {
	return forms{
		reading: answer.New[reading]("reading"), questions: answer.New[questions]("questions"), answers: answer.New[answersCheck]("answers"),
		section: answer.New[sectionAnswer]("brief"), scope: answer.New[scopeAnswer]("scope"),
		milestones: answer.New[milestonesAnswer]("milestones"), risks: answer.New[risksAnswer]("risks"),
		howItWorks: answer.New[howItWorksAnswer]("how_it_works"), architecture: answer.New[architectureAnswer]("architecture"),
		file: answer.New[fileAnswer]("file"),
	}
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

// reading is what we take from an idea.
type reading struct {
	Verdict  string     `json:"verdict" enum:"can,partly,cannot,decline" doc:"whether a web app that people open in a browser can be made of it"`
	Line     string     `json:"line" doc:"one honest sentence to the founder: what kind of thing we can build of this, or what we cannot, or why we decline"`
	FollowUp []followUp `json:"follow_up" doc:"empty; or the one question without whose answer nothing sensible can be asked or built"`
	Name     string     `json:"name" doc:"what to call the product, at most four words; the founder's own name for it where there is one"`
	People   []Noun     `json:"people" doc:"who uses it"`
	Things   []Noun     `json:"things" doc:"what it keeps track of, the main one first"`
	Language string     `json:"language" doc:"the language the founder writes in, as a BCP 47 tag such as en, de or pt-BR"`
}

type followUp struct {
	Text    string `json:"text"`
	Why     string `json:"why"`
	Example string `json:"example" doc:"how an answer could begin"`
}

// Validate is asked by answer.
func (r *reading) Validate() error {
	var f flaws
	f.need("/line", r.Line)
	if len(r.FollowUp) > 1 {
		f.say("/follow_up: at most one question")
	}
	for n, q := range r.FollowUp {
		f.need(fmt.Sprintf("/follow_up/%d/text", n), q.Text)
		f.need(fmt.Sprintf("/follow_up/%d/why", n), q.Why)
	}
	if (r.Verdict == string(Can) || r.Verdict == string(Partly)) && len(r.FollowUp) == 0 {
		f.need("/name", r.Name)
		if len(r.People)+len(r.Things) == 0 {
			f.say("/things: name at least one, or ask a follow-up question")
		}
	}
	return f.err()
}

// questions are what we ask next.
type questions struct {
	Questions   []newQuestion `json:"questions" doc:"the one first whose answer would change the first version most"`
	NothingMore bool          `json:"nothing_more" doc:"true when any further question would not change the product"`
}

type newQuestion struct {
	Text        string   `json:"text" doc:"one thing, answerable in a minute by somebody who does not program"`
	Why         string   `json:"why" doc:"one sentence to the founder: what the answer changes"`
	Kind        string   `json:"kind" enum:"short,long,one_of,many_of"`
	Suggestions []string `json:"suggestions" doc:"two to four answers the founder could give"`
	Hint        string   `json:"hint" doc:"may be empty"`
	Decides     string   `json:"decides" enum:"problem,target_user,value,how_it_works_in_one_paragraph,key_constraints,risks,cheapest_test,differentiation,money,market_context,competition,scalability,features,out_of_scope,success_metrics" doc:"the line of the page that the answer informs"`
	Assumes     string   `json:"assumes" doc:"one sentence that begins with “We assume”: what holds when the founder leaves this to us"`
}

const (
	fewestSuggestions = 2
	mostSuggestions   = 4
)

func (q newQuestion) check(f *flaws, at string) {
	f.need(at+"/text", q.Text)
	f.need(at+"/why", q.Why)
	f.need(at+"/assumes", q.Assumes)
	if n := len(q.Suggestions); n < fewestSuggestions || n > mostSuggestions {
		f.say("%s/suggestions: %d, wanted are two to four", at, n)
	}
	for n, s := range q.Suggestions {
		f.need(fmt.Sprintf("%s/suggestions/%d", at, n), s)
		if slices.Contains(q.Suggestions[:n], s) {
			f.say("%s/suggestions/%d: the same twice", at, n)
		}
	}
}

// round returns the rule for a round: so many, none asked before.
func round(d Depth, before []Question) func(questions) error {
	least, most := d.Count()
	return func(q questions) error {
		var f flaws
		n := len(q.Questions)
		if n > most || n < least && (d == Quick || !q.NothingMore) {
			f.say("/questions: %d, wanted are %d to %d", n, least, most)
		}
		seen := map[string]bool{}
		for _, b := range before {
			seen[plain(b.Text)] = true
		}
		for n, one := range q.Questions {
			at := fmt.Sprintf("/questions/%d", n)
			one.check(&f, at)
			if seen[plain(one.Text)] {
				f.say("%s/text: this was asked already", at)
			}
			seen[plain(one.Text)] = true
		}
		return f.err()
	}
}

func plain(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// answersCheck is whether answers go together, and whether open questions still fit.
type answersCheck struct {
	Contradictions []clash       `json:"contradictions" doc:"pairs that cannot both hold; empty when all can"`
	Unfit          []string      `json:"unfit" doc:"ids of open questions that make no sense any more after what was said"`
	Instead        []newQuestion `json:"instead" doc:"for each of unfit, in the same order, a question to take its place"`
}

type clash struct {
	First       string `json:"first" doc:"the id of an answered question, or idea"`
	Second      string `json:"second" doc:"the id of the later answered question"`
	FirstQuote  string `json:"first_quote" doc:"the founder's words, copied exactly"`
	SecondQuote string `json:"second_quote" doc:"the founder's words, copied exactly"`
	Clash       string `json:"clash" doc:"one neutral sentence: what does not go together"`
}

// check holds both sides to what the founder said, by the id of the answer.
func (c clash) check(f *flaws, at string, said map[string]string) {
	f.need(at+"/clash", c.Clash)
	for _, side := range []struct{ name, id, quote string }{{"first", c.First, c.FirstQuote}, {"second", c.Second, c.SecondQuote}} {
		words, ok := said[side.id]
		switch {
		case !ok:
			f.say("%s/%s: there is no answer with this id", at, side.name)
		case strings.TrimSpace(side.quote) == "" || !strings.Contains(words, side.quote):
			f.say("%s/%s_quote: not the founder's words", at, side.name)
		}
	}
	if c.First == c.Second {
		f.say("%s: both sides are the same answer", at)
	}
}

// together returns the rule for a check of answers: quotes are quotes, ids are ids.
func together(idea string, all []Question) func(answersCheck) error {
	said, open := map[string]string{"idea": idea}, map[string]bool{}
	for _, q := range all {
		switch {
		case q.Answer == nil:
			open[string(q.ID)] = true
		case !q.Answer.Ours:
			said[string(q.ID)] = q.Answer.Text
		}
	}
	return func(c answersCheck) error {
		var f flaws
		for n, one := range c.Contradictions {
			one.check(&f, fmt.Sprintf("/contradictions/%d", n), said)
		}
		if len(c.Unfit) != len(c.Instead) {
			f.say("/instead: one question for each of unfit")
		}
		for n, q := range c.Unfit {
			if !open[q] {
				f.say("/unfit/%d: not the id of an open question", n)
			}
		}
		for n, q := range c.Instead {
			q.check(&f, fmt.Sprintf("/instead/%d", n))
		}
		return f.err()
	}
}

// sectionAnswer is one section of the brief.
type sectionAnswer struct {
	Text    string   `json:"text" doc:"the section, where it is a text; else empty"`
	Lines   []string `json:"lines" doc:"the section, where it is a list, one sentence each; else empty"`
	Level   string   `json:"level" enum:"strong,moderate,needs_depth,none" doc:"how well supported it is by what the founder said"`
	Because string   `json:"because" doc:"one sentence why, in plain words, without per cents"`
}

// confidence returns what is known of the section; none is an answer too, of a model
// that has no opinion.
func (s sectionAnswer) confidence() (document.Confidence, bool) {
	return document.Confidence{Level: document.Level(s.Level), Reason: s.Because}, s.Level != "none"
}

// written returns the rule for a section: what document would refuse is refused here.
func written(docs *document.Documents, section string, said string) func(sectionAnswer) error {
	return func(s sectionAnswer) error {
		var f flaws
		list := isList(section)
		switch {
		case list && s.Text != "":
			f.say("/text: this section is a list, use lines")
		case !list && len(s.Lines) > 0:
			f.say("/lines: this section is a text")
		case !list:
			f.need("/text", s.Text)
		}
		for n, l := range s.Lines {
			f.need(fmt.Sprintf("/lines/%d", n), l)
		}
		if s.Level != "none" {
			f.need("/because", s.Because)
		}
		if err := f.err(); err != nil {
			return err
		}
		if len(s.Lines) == 0 && s.Text == "" {
			return nil // a list may have nothing on it
		}
		var b document.Brief
		put(&b, section, s)
		draft := document.Draft{Content: b, Said: said}
		if c, ok := s.confidence(); ok {
			draft.Confidence = map[string]document.Confidence{section: c}
		}
		return inWords(docs.Check(draft))
	}
}

// inWords turns a refusal into lines for the model.
func inWords(err error) error {
	refused := fault.Of(err)
	if refused == nil {
		return err
	}
	var f flaws
	if len(refused.Fields) == 0 {
		f.say("/: %s", refused.Detail)
	}
	for _, field := range refused.Fields {
		f.say("/%s: %s", strings.ReplaceAll(field.Name, ".", "/"), field.Detail)
	}
	return f.err()
}

// scopeAnswer is what the first version does.
type scopeAnswer struct {
	Features       []newFeature `json:"features"`
	OutOfScope     []string     `json:"out_of_scope" doc:"what is left out on purpose, one line each"`
	SuccessMetrics []string     `json:"success_metrics" doc:"how the founder sees that it works, without invented numbers"`
}

type newFeature struct {
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Priority    string         `json:"priority" enum:"must,should,later"`
	Criteria    []newCriterion `json:"criteria"`
}

type newCriterion struct {
	Text string `json:"text" doc:"one behaviour that can be tried: who does what, and what they then see"`
	Must bool   `json:"must" doc:"the first version is not done without it"`
}

const (
	fewestMusts = 2
	mostMusts   = 8
)

// untestable are words that no test can decide.
func untestable() []string {
	return []string{"fast", "quickly", "easy", "easily", "simple", "secure", "user-friendly", "intuitive", "seamless", "robust", "scalable"}
}

// vague returns the first word of text that no test can decide, or nothing.
func vague(text string) string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune(" ,.;:", r) })
	if i := slices.IndexFunc(words, func(word string) bool { return slices.Contains(untestable(), word) }); i >= 0 {
		return words[i]
	}
	return ""
}

// Validate is asked by answer.
func (s *scopeAnswer) Validate() error {
	var f flaws
	musts, seen := 0, map[string]bool{}
	for n, feature := range s.Features {
		at := fmt.Sprintf("/features/%d", n)
		f.need(at+"/name", feature.Name)
		if feature.Priority == string(document.Must) && len(feature.Criteria) == 0 {
			f.say("%s/criteria: a feature of the first version needs at least one", at)
		}
		for m, c := range feature.Criteria {
			here := fmt.Sprintf("%s/criteria/%d/text", at, m)
			f.need(here, c.Text)
			if seen[plain(c.Text)] {
				f.say("%s: the same twice", here)
			}
			seen[plain(c.Text)] = true
			if word := vague(c.Text); word != "" {
				f.say("%s: nobody can try whether something is %q; say what is seen", here, word)
			}
			if c.Must && feature.Priority != string(document.Later) {
				musts++
			}
		}
	}
	if musts < fewestMusts || musts > mostMusts {
		f.say("/features: %d criteria must work, wanted are %d to %d", musts, fewestMusts, mostMusts)
	}
	return f.err()
}

// scope returns the answer as a document.
func (s *scopeAnswer) scope() document.Scope {
	all := document.Scope{OutOfScope: s.OutOfScope, SuccessMetrics: s.SuccessMetrics}
	for _, f := range s.Features {
		feature := document.Feature{Name: f.Name, Description: f.Description, Priority: document.Priority(f.Priority)}
		for _, c := range f.Criteria {
			feature.Criteria = append(feature.Criteria, document.Criterion{Text: c.Text, Must: c.Must})
		}
		all.Features = append(all.Features, feature)
	}
	return all
}

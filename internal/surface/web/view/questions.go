package view

import (
	"fmt"
	"slices"
	"strings"

	"cofounder/internal/product/interview"

	"github.com/a-h/templ"
)

// Questions is the page of the questions about an idea.
type Questions struct {
	Talk *interview.Interview // nil: nobody has begun to ask
	// Shown is the question in the middle: the one that waits, or one that is answered
	// anew; nil: none.
	Shown *interview.Question
	Again bool // Shown was answered before
	Form  Form // of the answer
	Chips Form // of what was understood
	Clash Form // of a contradiction

	// Choices are those that were ticked in an answer that was refused.
	Choices []string
	MayEdit bool
	Live    bool // drawn for a page that is open, part by part
}

// QuestionsAddress is where the questions of a project are.
func QuestionsAddress(home string) string { return home + "questions" }

// oob is what makes a part of a page replace the one that is there.
func oob(live bool) templ.Attributes {
	return map[bool]templ.Attributes{true: {"hx-swap-oob": "true"}}[live]
}

// step says which question of how many is shown.
func (p Questions) step() string {
	if p.Shown.Round == 0 {
		return "Before we start"
	}
	at, of := 0, 0
	for _, q := range p.Talk.Questions {
		if q.Round != p.Shown.Round {
			continue
		}
		of++
		if q.ID == p.Shown.ID {
			at = of
		}
	}
	return fmt.Sprintf("Question %d of %d", at, of)
}

// before is the question before the one that is shown; nil on the first.
func (p Questions) before() *interview.Question {
	at := slices.IndexFunc(p.Talk.Questions, func(q interview.Question) bool { return q.ID == p.Shown.ID })
	if at < 1 {
		return nil
	}
	return &p.Talk.Questions[at-1]
}

// said are the questions the founder answered, assumed those that were left to us.
func (p Questions) said() []interview.Question {
	return answered(p.Talk, func(a interview.Answer) bool { return !a.Ours })
}

func (p Questions) assumed() []interview.Question {
	return answered(p.Talk, func(a interview.Answer) bool { return a.Ours })
}

func answered(t *interview.Interview, how func(interview.Answer) bool) []interview.Question {
	var all []interview.Question
	for _, q := range t.Questions {
		if q.Answer != nil && how(*q.Answer) {
			all = append(all, q)
		}
	}
	return all
}

// clashes are the contradictions nobody has chosen about.
func (p Questions) clashes() []interview.Contradiction {
	if p.Talk == nil {
		return nil
	}
	var all []interview.Contradiction
	for _, c := range p.Talk.Contradictions {
		if c.Choice == "" {
			all = append(all, c)
		}
	}
	return all
}

// ticked reports whether a suggestion is chosen: in a form that came back, else in the
// answer that is edited.
func (p Questions) ticked(suggestion string) bool {
	if p.Form.Values != nil {
		return slices.Contains(p.Choices, suggestion)
	}
	return p.Shown.Answer != nil && slices.Contains(strings.Split(p.Shown.Answer.Text, "\n"), suggestion)
}

// words are those of an answer that are no suggestion.
func (p Questions) words() string {
	if p.Form.Values != nil {
		return p.Form.Value("text")
	}
	if p.Shown.Answer == nil {
		return ""
	}
	lines := slices.DeleteFunc(strings.Split(p.Shown.Answer.Text, "\n"), func(l string) bool { return slices.Contains(p.Shown.Suggestions, l) })
	return strings.Join(lines, "\n")
}

// roomy reports whether the founder's own words get more than a line.
func (p Questions) roomy() bool {
	return p.Shown.Kind == interview.Long || p.Shown.Kind == interview.ManyOf || strings.Contains(p.words(), "\n")
}

// begins reports whether the words have the focus first.
func (p Questions) begins() bool {
	return len(p.Shown.Suggestions) == 0 && !p.Live && !p.Form.Failed()
}

// about says what explains the words, and whether they were refused.
func (p Questions) about() templ.Attributes {
	a := templ.Attributes{}
	if p.Shown.Hint != "" {
		a["aria-describedby"] = "text-hint"
	}
	if p.Form.Failed() {
		a["aria-invalid"] = "true"
	}
	return a
}

// picks is how suggestions are chosen: one, or several.
func picks(q interview.Question) (kind, name string) {
	if q.Kind == interview.ManyOf {
		return "checkbox", "choices"
	}
	return "radio", "choice"
}

// keeps names the answer in the browser's memory.
func keeps(q interview.QuestionID) string { return "answer-" + string(q) }

// details are those of a chip, in one line.
func details(c interview.Chip) string { return strings.Join(c.Details, ", ") }

// wantsDepth reports whether more questions can be asked for.
func (p Questions) wantsDepth() bool {
	return p.MayEdit && p.Talk != nil && p.Talk.Round > 0 && len(p.said())+len(p.assumed()) > 0 && (p.Talk.State == interview.Asking || p.Talk.State == interview.Written)
}

// waitingSteps are what happens while the founder waits, and how far it is.
func (p Questions) waitingSteps() []waitStep {
	read := p.Talk.Line != ""
	return []waitStep{
		{"Your idea is kept", true, false},
		{"I read it", read, !read},
		{"I think about what to ask", false, read},
	}
}

type waitStep struct {
	text      string
	done, now bool
}

// BriefAddress is where the page about an idea is.
func BriefAddress(home string) string { return home + "brief" }

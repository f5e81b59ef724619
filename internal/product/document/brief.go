package document

import (
	"fmt"

	"cofounder/internal/product/account/form"
)

// Brief is the founder's idea in order. The fields behind CheapestTest are written when
// the founder goes deeper.
type Brief struct {
	Problem     string   `json:"problem"`
	TargetUser  string   `json:"target_user"`
	Value       string   `json:"value"`
	HowItWorks  string   `json:"how_it_works_in_one_paragraph"`
	Constraints []string `json:"key_constraints"`
	// Assumptions are what was taken for granted where the founder did not say: the
	// list "What we assumed".
	Assumptions  []Assumption `json:"assumptions"`
	Risks        []string     `json:"risks"`
	CheapestTest string       `json:"cheapest_test"`

	Differentiation string `json:"differentiation"`
	Money           string `json:"money"`
	MarketContext   string `json:"market_context"`
	Competition     string `json:"competition"`
	Scalability     string `json:"scalability"`
}

// Assumption is one thing that was assumed. Its id stays the same over versions.
type Assumption struct {
	ID       string `json:"id"`
	Text     string `json:"text"`
	Question string `json:"question"` // the id of the question that was left to us; may be empty
}

// Kind implements Content.
func (Brief) Kind() Kind { return BriefKind }

func (b Brief) checked(f *form.Form) Content {
	for field, s := range map[string]*string{
		"problem": &b.Problem, "target_user": &b.TargetUser, "value": &b.Value,
		"how_it_works_in_one_paragraph": &b.HowItWorks, "cheapest_test": &b.CheapestTest,
		"differentiation": &b.Differentiation, "money": &b.Money, "market_context": &b.MarketContext,
		"competition": &b.Competition, "scalability": &b.Scalability,
	} {
		text(f, field, s)
	}
	lines(f, "key_constraints", &b.Constraints)
	lines(f, "risks", &b.Risks)
	limit(f, "assumptions", len(b.Assumptions))
	kept := make([]Assumption, 0, len(b.Assumptions))
	for i, a := range b.Assumptions {
		text(f, fmt.Sprintf("assumptions.%d.text", i), &a.Text)
		a.ID, a.Question = f.Line("assumptions", a.ID, 0, maxLine), f.Line("assumptions", a.Question, 0, maxLine)
		if a.Text != "" {
			kept = append(kept, a)
		}
	}
	b.Assumptions = kept
	return b
}

// Outline implements Content.
func (b Brief) Outline() []Section {
	says := map[string][]Line{
		"problem": paragraphs(b.Problem), "target_user": paragraphs(b.TargetUser), "value": paragraphs(b.Value),
		"how_it_works_in_one_paragraph": paragraphs(b.HowItWorks), "key_constraints": bullets(b.Constraints),
		"risks": bullets(b.Risks), "cheapest_test": paragraphs(b.CheapestTest),
		"differentiation": paragraphs(b.Differentiation), "money": paragraphs(b.Money), "market_context": paragraphs(b.MarketContext),
		"competition": paragraphs(b.Competition), "scalability": paragraphs(b.Scalability),
	}
	for _, a := range b.Assumptions {
		says["assumptions"] = append(says["assumptions"], Line{Style: Bullet, Text: a.Text, Item: a.ID})
	}
	return outlined(BriefKind, says)
}

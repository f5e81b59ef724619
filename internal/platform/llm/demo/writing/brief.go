package writing

import (
	"slices"
	"strings"

	"cofounder/internal/platform/llm/demo/blueprint"
	"cofounder/internal/platform/llm/demo/idea"
)

// Section is one field of the brief.
type Section struct {
	Text   string
	Origin idea.Origin // said: it consists of quotes; standard: it is ours
	Quotes []idea.Quote
}

// Confidence says what stands behind a section: there is no other in demo mode.
func (s Section) Confidence() string {
	if s.Origin == idea.Said {
		return "you said this"
	}
	return "not examined"
}

// Brief is the idea on one page.
type Brief struct {
	Problem, TargetUser, Value, HowItWorks, CheapestTest Section
	Constraints, Assumptions, Risks                      []Section
}

// Write returns the brief of the founder's words, as understood, with the answers.
func Write(u idea.Understanding, parts []idea.Part, answers []Answer) Brief {
	b := blueprint.Of(u)
	said := sentences(parts)
	return Brief{
		Problem:    problem(said, u, answers),
		TargetUser: target(u),
		Value:      value(said, u, answers),
		HowItWorks: Section{Text: works(b), Origin: idea.Standard},
		CheapestTest: Section{
			Text: "Show the first version to " + tester(b) + ", say nothing, and watch whether " + a(b.Things[0].Name) + " gets added.", Origin: idea.Standard,
		},
		Constraints: constraints(u, answers), Assumptions: assumptions(b, u, answers), Risks: risks(u, said),
	}
}

// quote makes a section of sentences.
func quote(of []idea.Quote) Section {
	var texts []string
	for _, q := range of {
		texts = append(texts, quoted(q.Text))
	}
	return Section{Text: strings.Join(texts, " "), Origin: idea.Said, Quotes: of}
}

// about takes the first sentences that have one of these words.
func about(said []idea.Quote, most int, words ...string) []idea.Quote {
	var out []idea.Quote
	for _, q := range said {
		text := " " + strings.Join(strings.FieldsFunc(strings.ToLower(q.Text), func(r rune) bool { return strings.ContainsRune(" ,.;:!?()\n\t", r) }), " ") + " "
		has := func(w string) bool { return strings.Contains(text, " "+w+" ") }
		if len(out) < most && slices.ContainsFunc(words, has) {
			out = append(out, q)
		}
	}
	return out
}

func problem(said []idea.Quote, u idea.Understanding, answers []Answer) Section {
	const most = 2
	found := about(said, most, "forget", "forgets", "never", "nobody", "lose", "loose", "lost", "chase", "takes months", "hard", "mess", "chaos", "problem",
		"can't", "cannot", "don't know", "hate", "too much", "too many", "paper", "spreadsheet", "wasted", "every week i", "missing")
	s := quote(found)
	if today := given(u, answers, "today"); today != "" {
		s.Text, s.Origin = strings.TrimSpace(s.Text+" Today it is done like this: "+quoted(today)), idea.Said
	}
	if s.Text == "" {
		return Section{Text: "You did not say what goes wrong today.", Origin: idea.Standard}
	}
	return s
}

// given is the founder's answer to the question with that key, or "".
func given(u idea.Understanding, answers []Answer, key string) string {
	for _, q := range Questions(u) {
		if q.Key == key {
			return answerTo(q, answers)
		}
	}
	return ""
}

func target(u idea.Understanding) Section {
	var names []string
	var quotes []idea.Quote
	for _, p := range u.People {
		names = append(names, lower(p.Plural))
		if p.Quote.Text != "" {
			quotes = append(quotes, p.Quote)
		}
	}
	if len(names) == 0 {
		return Section{Text: "You named nobody else, so it is made for you.", Origin: idea.Standard}
	}
	return Section{Text: upper(and(names)) + ".", Origin: idea.Said, Quotes: quotes}
}

func value(said []idea.Quote, u idea.Understanding, answers []Answer) Section {
	const most = 3
	said = slices.DeleteFunc(slices.Clone(said), func(q idea.Quote) bool { return len(about([]idea.Quote{q}, 1, "colour", "color", "called")) > 0 })
	s := quote(about(said, most, "want", "need", "should", "would like", "i'd like", "i'd love", "we'd like", "so that", "let", "must", "can"))
	if first := given(u, answers, "first"); first != "" {
		s.Text, s.Origin = strings.TrimSpace(s.Text+" A good first week: "+quoted(first)), idea.Said
	}
	if s.Text == "" && len(said) > 0 {
		return quote(said[:1])
	}
	if s.Text == "" {
		return Section{Text: "You did not say what it is worth to anybody.", Origin: idea.Standard}
	}
	return s
}

// works tells the product in one paragraph.
func works(b blueprint.Blueprint) string {
	const most = 4
	text := b.Name + " " + map[idea.Shape]string{
		idea.Bookings: "shows a calendar of ", idea.Board: "is a board of ", idea.Log: "is a log of ",
		idea.Catalogue: "is a catalogue of ", idea.Directory: "is a directory of ", idea.List: "is a list of ",
	}[b.Shape] + lower(b.Things[0].Plural) + ". Each has " + having(b.Things[0], b.Things[0].Fields, most) + "."
	var kept []string
	for _, t := range b.Things[1:] {
		if t.Role == idea.Side {
			kept = append(kept, lower(t.Plural))
		}
	}
	if order, ok := b.Thing(b.Screen.Orders); ok {
		text += " It keeps track of " + lower(order.Plural) + "."
	}
	if len(kept) > 0 {
		text += " It also keeps " + and(kept) + "."
	}
	return text
}

// tester is somebody to show it to.
func tester(b blueprint.Blueprint) string {
	for _, p := range b.People {
		if !p.Founder {
			return "one " + lower(p.Name)
		}
	}
	return "somebody who has not seen it"
}

func constraints(u idea.Understanding, answers []Answer) []Section {
	out := []Section{}
	for _, l := range u.LeftOut {
		text := "No " + lower(l.What) + ": "
		if l.Later {
			text = "Later, not now, " + lower(l.What) + ": "
		}
		out = append(out, Section{Text: text + quoted(l.Quote.Text), Origin: idea.Said, Quotes: []idea.Quote{l.Quote}})
	}
	for _, q := range Questions(u) {
		if text := answerTo(q, answers); text != "" && q.Key != "today" && q.Key != "first" {
			out = append(out, Section{Text: q.Text + " " + quoted(text), Origin: idea.Said})
		}
	}
	return out
}

// assumptions are what nobody said and the first version needs.
func assumptions(b blueprint.Blueprint, u idea.Understanding, answers []Answer) []Section {
	out := []Section{}
	add := func(text string) { out = append(out, Section{Text: text, Origin: idea.Standard}) }
	for _, t := range b.Things {
		ours := slices.DeleteFunc(slices.Clone(t.Fields), func(f blueprint.Field) bool { return !f.Standard })
		if len(ours) > 0 {
			add("Each " + lower(t.Name) + " has " + having(t, ours, len(ours)) + ".")
		}
	}
	for _, q := range Questions(u) {
		for _, answer := range answers {
			if (answer.Question == q.Text || answer.Question == q.Key) && answer.Ours && q.Kind != Long && len(q.Suggestions) > 0 {
				add(q.Text + " We assume: " + lower(q.Suggestions[0]) + ".")
			}
		}
	}
	if u.Name.Origin == idea.Standard {
		add("It is called " + b.Name + ".")
	}
	return out
}

// risks are what the first version cannot show: services of others.
func risks(u idea.Understanding, said []idea.Quote) []Section {
	out := []Section{}
	for _, r := range []struct {
		service string
		words   []string
	}{
		{"a payment service", []string{"pay", "pays", "payment", "payments", "paid online", "checkout"}},
		{"a mail or message service", []string{"reminder", "reminders", "remind", "email", "e-mail", "text", "sms", "notify", "notification", "notifications", "message"}},
		{"a map service", []string{"map", "maps", "near them", "near me", "nearby", "gps", "route"}},
	} {
		refused := func(q idea.Quote) bool {
			return slices.ContainsFunc(u.LeftOut, func(l idea.LeftOut) bool { return strings.Contains(q.Text, l.Quote.Text) })
		}
		if found := slices.DeleteFunc(about(said, 1, r.words...), refused); len(found) > 0 {
			out = append(out, Section{Text: "This may need " + r.service + "; a stand-in takes its place until you connect one: " + quoted(found[0].Text), Origin: idea.Standard, Quotes: found})
		}
	}
	return out
}

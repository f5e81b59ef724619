package writing

import (
	"slices"
	"strings"

	"cofounder/internal/platform/llm/demo/blueprint"
	"cofounder/internal/platform/llm/demo/idea"
)

// Kind is how a question is answered.
type Kind string

// The kinds.
const (
	Short  Kind = "short"
	Long   Kind = "long"
	OneOf  Kind = "one_of"
	ManyOf Kind = "many_of"
)

// Question is asked of the founder.
type Question struct {
	Key         string // "details.slot": what it is about
	Text        string
	Why         string
	Kind        Kind
	Suggestions []string // two to four
	rules       []string // the criterion that each suggestion makes, or ""
	detail      string   // of the thing with this ID each suggestion is a detail
}

// Answer is what the founder answered.
type Answer struct {
	Question string // its text or its key
	Text     string // of several suggestions one a line, or with commas
	Ours     bool   // "You decide"
}

// Questions returns what to ask, first what changes the first version most. Answers
// and corrections already in u are not asked for again.
func Questions(u idea.Understanding) []Question {
	q := asking{b: blueprint.Of(u), u: u}
	q.main = q.b.Things[0]
	q.noun, q.many = lower(q.main.Name), lower(q.main.Plural)
	q.unclear()
	q.called()
	q.shape()
	q.details(q.main)
	q.who()
	for _, t := range q.b.Things[1:] {
		if t.Role == idea.Side {
			q.details(t)
		}
	}
	q.rest()
	return q.out
}

// Corrections returns what answers change in u: details, steps, names. Other answers
// are rules, which Features and Brief take.
func Corrections(u idea.Understanding, answers []Answer) []idea.Correction {
	var out []idea.Correction
	for _, q := range Questions(u) {
		text := answerTo(q, answers)
		switch {
		case text == "":
		case q.Key == "called":
			out = append(out, idea.Correction{Chip: idea.ThingChip, From: u.Shape.Main, To: text})
		case q.Key == "steps":
			out = append(out, idea.Correction{Chip: idea.DetailChip, Of: u.Shape.Main, From: "Status", To: "Status", Type: idea.Options, Options: list(text)})
		case q.detail != "":
			for _, name := range list(text) {
				out = append(out, idea.Correction{Chip: idea.DetailChip, Of: q.detail, To: name})
			}
		}
	}
	return out
}

// answerTo is the founder's own answer to q, or "".
func answerTo(q Question, answers []Answer) string {
	text := ""
	for _, a := range answers {
		if (a.Question == q.Text || a.Question == q.Key) && !a.Ours {
			text = strings.TrimSpace(a.Text)
		}
	}
	return text
}

// list cuts an answer of several things.
func list(text string) []string {
	const most, longest = 8, 40
	out := []string{}
	for _, piece := range strings.FieldsFunc(strings.ReplaceAll(text, " and ", ","), func(r rune) bool { return strings.ContainsRune(",;\n→", r) }) {
		piece = strings.Trim(strings.TrimSpace(piece), ".-•")
		if piece != "" && len(piece) <= longest && len(out) < most && !slices.Contains(out, upper(piece)) {
			out = append(out, upper(piece))
		}
	}
	return out
}

// rules are the criteria that answers make.
func rules(u idea.Understanding, answers []Answer) Feature {
	f := Feature{ID: "rules", Name: "Your rules", Description: "What you answered.", Priority: Should}
	for _, q := range Questions(u) {
		chosen := append(list(answerTo(q, answers)), answerTo(q, answers))
		for i, s := range q.Suggestions {
			if i < len(q.rules) && q.rules[i] != "" && slices.Contains(chosen, s) {
				f.Criteria = append(f.Criteria, Criterion{q.Key, q.rules[i], true})
				break
			}
		}
	}
	return f
}

// asking makes the questions of one understanding.
type asking struct {
	u          idea.Understanding
	b          blueprint.Blueprint
	main       blueprint.Thing
	noun, many string
	out        []Question
}

// one adds a question with suggestions and the criteria they make.
func (q *asking) one(key, text, why string, pairs ...string) {
	question := Question{Key: key, Text: text, Why: why, Kind: OneOf}
	for i := 0; i+1 < len(pairs); i += 2 {
		question.Suggestions, question.rules = append(question.Suggestions, pairs[i]), append(question.rules, pairs[i+1])
	}
	q.out = append(q.out, question)
}

func (q *asking) unclear() {
	for _, c := range q.u.Unclear {
		q.one("unclear."+strings.ToLower(c.About), "You wrote "+quoted(c.First.Text)+" and in another place "+quoted(c.Second.Text)+". What about "+lower(c.About)+"?",
			"One text wants it and the other does not.", "Yes, in the first version", "", "No, leave it out", "", "Later", "")
	}
}

// called asks for the name of what nobody named.
func (q *asking) called() {
	at := slices.IndexFunc(q.u.Things, func(n idea.Noun) bool { return n.ID == q.u.Shape.Main && n.Origin == idea.Standard })
	if at < 0 {
		return
	}
	names := map[idea.Shape][]string{
		idea.Bookings: {"Booking", "Visit", "Appointment", "Lesson"}, idea.Board: {"Task", "Job", "Request", "Project"}, idea.Log: {"Entry", "Visit", "Payment", "Session"},
		idea.Catalogue: {"Product", "Offer", "Box", "Article"}, idea.Directory: {"Listing", "Profile", "Place", "Offer"}, idea.List: {"Piece", "Card", "Page", "Object"},
	}[q.b.Shape]
	q.out = append(q.out, Question{
		Key: "called", Text: "What do you call one " + q.noun + "?", Kind: OneOf, Suggestions: names,
		Why: "You gave it no name, and it is the word that people see everywhere.",
	})
}

// details asks what else is kept of t.
func (q *asking) details(t blueprint.Thing) {
	const enough, most = 7, 4
	offers := map[idea.Shape][]string{
		idea.Bookings: {"Place", "Price", "Notes", "Duration", "Paid"}, idea.Board: {"Deadline", "Priority", "Notes", "Photo"}, idea.Log: {"Category", "Notes", "Place", "Photo"},
		idea.Catalogue: {"Photo", "Description", "Stock", "Size"}, idea.Directory: {"Phone", "Address", "Photo", "Opening hours"}, idea.List: {"Photo", "Notes", "Place", "Date"},
	}[q.b.Shape]
	switch {
	case len(t.Fields) >= enough:
		return
	case t.Person:
		offers = []string{"Phone", "Email", "Address", "Notes"}
	case t.Role == idea.Side:
		offers = []string{"Photo", "Notes", "Place", "Price"}
	}
	var open []string
	for _, o := range offers {
		has := func(f blueprint.Field) bool {
			return strings.Contains(strings.ToLower(f.Label), strings.TrimSuffix(strings.ToLower(o), "s"))
		}
		if len(open) < most && !slices.ContainsFunc(t.Fields, has) {
			open = append(open, o)
		}
	}
	if len(open) < 2 {
		return
	}
	has := having(t, t.Fields, len(t.Fields))
	q.out = append(q.out, Question{
		Key: "details." + t.ID, Text: "What else do you want to note for each " + lower(t.Name) + "?", Kind: ManyOf, Suggestions: open, detail: q.id(t),
		Why: "So far it has " + has + ". It is what the form asks for.",
	})
}

// id is the ID of a thing of the blueprint in the understanding.
func (q *asking) id(t blueprint.Thing) string {
	for _, n := range slices.Concat(q.u.Things, q.u.People) {
		if n.Name == t.Name {
			return n.ID
		}
	}
	return t.ID
}

// onlyMe is an answer that takes something from others.
const onlyMe = "Only me"

// others is what the people beside the founder are called, or "".
func (q *asking) others() string {
	for _, p := range q.b.People {
		if !p.Founder && p.ID != q.main.ID {
			return lower(p.Plural)
		}
	}
	return ""
}

func (q *asking) who() {
	others := q.others()
	if others == "" {
		others = "people I invite"
	}
	alone := []string{onlyMe, "Only you can add " + q.many + "."}
	shared := []string{upper(others) + " too", upper(strings.Replace(others, "I invite", "you invite", 1)) + " can add " + q.many + "."}
	pairs := slices.Concat(alone, shared)
	if doer, _ := adder(q.b, q.main); !doer.Founder { // as you said
		pairs = slices.Concat(shared, alone)
	}
	q.one("who", "Who may add "+q.many+"?", "It decides who needs to sign in.",
		append(pairs, "Everybody who opens the page", "Everybody who opens the page can add "+q.many+", without an account.")...)
}

// shape asks what the shape depends on.
func (q *asking) shape() {
	one := a(q.main.Name)
	switch q.b.Shape {
	case idea.Bookings:
		pairs := []string{
			"No", "Adding " + one + " at a time that is taken is refused with a message that says so.",
			"Yes", "Two " + q.many + " at the same time can both be added.",
		}
		for _, f := range q.main.Fields {
			if t, ok := q.b.Thing(f.Of); ok && !t.Person {
				other := lower(f.Label)
				pairs = append(pairs, "Only with another "+other, "A second "+q.noun+" at the same time is refused for the same "+other+" and works for another "+other+".")
				break
			}
		}
		q.one("twice", "May two "+q.many+" be at the same time?", "A calendar must know when it has to say no.", pairs...)
	case idea.Board:
		q.steps()
	case idea.Log:
		q.sums()
	case idea.Catalogue:
		q.terms()
	case idea.Directory:
		q.found("search", "What do people search "+q.many+" by?", "You can search "+q.many+" by ")
	case idea.List:
		q.found("order", "How do you want to find "+one+" again?", "You can find "+one+" by ")
	}
}

func (q *asking) steps() {
	status, _ := q.main.Field(q.b.Screen.Status)
	if status.Standard {
		q.out = append(q.out, Question{
			Key: "steps", Text: "Which steps does " + a(q.main.Name) + " go through?", Kind: OneOf, Why: "They are the columns of the board.",
			Suggestions: []string{"New, In progress, Done", "To do, Doing, Waiting, Done", "Open, Closed"},
		})
		return
	}
	others := q.others()
	if others == "" {
		others = "everybody with access"
	}
	q.one("move", "Who may move "+a(q.main.Name)+" to another step?", "The board shows "+and(lowers(status.Options))+".",
		onlyMe, "Only you can move "+a(q.main.Name)+" to another step.", upper(others)+" too", upper(others)+" can move "+a(q.main.Name)+" to another step.")
}

func lowers(words []string) []string {
	var out []string
	for _, w := range words {
		out = append(out, lower(w))
	}
	return out
}

func (q *asking) sums() {
	pairs := []string{"How many " + q.many + " there were", "The page shows how many " + q.many + " there were in each month."}
	for _, f := range q.main.Fields {
		const most = 6
		sums := f.Type == idea.Number || f.Type == idea.Money || f.Type == idea.Duration
		if sums && len(pairs) < most {
			pairs = append(pairs, upper(lower(f.Label)), "The page shows the total of "+lower(f.Label)+" in each month.")
		}
	}
	if by, ok := q.main.Field(q.b.Screen.By); ok {
		pairs = append(pairs, "All of it for each "+lower(by.Label), "The page shows the totals for each "+lower(by.Label)+".")
	}
	if len(pairs) == 2 {
		pairs = append(pairs, "Nothing", "")
	}
	q.one("sums", "What do you want to see added up?", "It decides the totals and the chart on the first page.", pairs...)
}

// terms asks how things are paid for, or how long they may be kept.
func (q *asking) terms() {
	order, ok := q.b.Thing(q.b.Screen.Orders)
	if !ok {
		return
	}
	one := a(q.main.Name)
	if order.ID == "loan" || order.ID == "rental" {
		q.one("terms", "How long may somebody keep "+one+"?", "It is filled in when "+one+" goes out, and says what is overdue.",
			"One week", "Lending "+one+" fills in a day to bring it back that is one week later.",
			"Two weeks", "Lending "+one+" fills in a day to bring it back that is two weeks later.",
			"As agreed each time", "The day to bring "+one+" back is entered each time.")
		return
	}
	many := lower(order.Plural)
	q.one("terms", "How are "+many+" paid?", "Paying in the app needs a payment service of yours; the rest works without.",
		"When they are collected", "Each "+lower(order.Name)+" says that it is paid when it is collected.",
		"By a bill afterwards", "You can mark "+a(order.Name)+" as billed.",
		"In the app", "Paying for "+a(order.Name)+" in the app works with a stand-in until a payment service is connected.",
		"Not at all", "")
}

// found asks by which fields records are found.
func (q *asking) found(key, text, says string) {
	const most = 4
	question := Question{Key: key, Text: text, Why: "It decides what stands beside the search on the first page.", Kind: ManyOf}
	rank := []idea.Type{idea.Options, idea.Address, idea.Link, idea.Text, idea.YesNo, idea.Money, idea.Number, idea.Date, idea.Rating}
	fields := slices.Clone(q.main.Fields)
	slices.SortStableFunc(fields, func(x, y blueprint.Field) int { return slices.Index(rank, x.Type) - slices.Index(rank, y.Type) })
	for _, f := range fields {
		if slices.Contains(rank, f.Type) && len(question.Suggestions) < most {
			question.Suggestions, question.rules = append(question.Suggestions, upper(lower(f.Label))), append(question.rules, says+lower(f.Label)+".")
		}
	}
	if len(question.Suggestions) > 1 {
		q.out = append(q.out, question)
	}
}

// rest are questions that change less.
func (q *asking) rest() {
	q.one("told", "Should somebody be told about a new "+q.noun+"?", "Messages need a mail service of yours; until then they are kept in the app.",
		"No", "", "Yes, me", "A new "+q.noun+" shows up under News, until a mail service is connected.")
	q.one("removed", "What happens to "+a(q.main.Name)+" that is removed?", "It decides whether a mistake can be undone.",
		"It can be brought back", "A removed "+q.noun+" can be brought back.", "It is gone", "A removed "+q.noun+" is gone after a question whether that is meant.")
	q.one("table", "Do you want to take the "+q.many+" out as a table?", "A table opens in any spreadsheet.",
		"Yes", "You can download all "+q.many+" as a table.", "No", "")
	q.one("device", "Where is it used most?", "Both work; it decides which is designed first.", "On a phone", "", "On a computer", "")
	q.out = append(q.out, Question{
		Key: "today", Text: "How is this done today?", Kind: Long, Suggestions: []string{"On paper", "In a spreadsheet", "With messages", "From memory"},
		Why: "It goes into your idea on one page, as the problem.",
	})
	q.out = append(q.out, Question{
		Key: "first", Text: "What would make the first week with it a good one?", Kind: Long, Why: "It goes into your idea on one page, as what it is worth.",
		Suggestions: []string{"Nothing is forgotten", "Fewer messages", "Everybody sees the same", "I see it at a glance"},
	})
}

package writing

import (
	"slices"
	"strings"

	"cofounder/internal/platform/llm/demo/blueprint"
	"cofounder/internal/platform/llm/demo/idea"
)

// Priority is how much a feature matters.
type Priority string

// The priorities.
const (
	Must   Priority = "must"
	Should Priority = "should"
	Later  Priority = "later"
)

// Criterion is a sentence that can be tried.
type Criterion struct {
	ID   string
	Text string
	Must bool
}

// Feature is something the product does.
type Feature struct {
	ID, Name, Description string
	Priority              Priority
	Criteria              []Criterion
}

// Features returns what the product does, the most important first: what the shape
// shows, what others do, what else is kept, and the rules of the answers.
func Features(u idea.Understanding, answers []Answer) []Feature {
	b := blueprint.Of(u)
	if given(u, answers, "who") == onlyMe {
		b.Deeds = slices.DeleteFunc(b.Deeds, func(d blueprint.Deed) bool {
			return d.Who != idea.Founder && d.Thing == b.Things[0].ID && makes(d.Verb)
		})
	}
	out := []Feature{keep(b, b.Things[0]), show(b)}
	for _, f := range []Feature{orders(b), deeds(b)} {
		if len(f.Criteria) > 0 {
			out = append(out, f)
		}
	}
	for _, t := range b.Things[1:] {
		if t.Role == idea.Side {
			out = append(out, keep(b, t))
		}
	}
	if f := rules(u, answers); len(f.Criteria) > 0 {
		out = append(out, f)
	}
	for _, l := range u.LeftOut {
		if l.Later {
			out = append(out, Feature{ID: "later." + strings.ToLower(strings.ReplaceAll(l.What, " ", "_")), Name: l.What, Description: "Put off by you: " + quoted(l.Quote.Text), Priority: Later})
		}
	}
	return out
}

// keep is adding, changing and removing records of t.
func keep(b blueprint.Blueprint, t blueprint.Thing) Feature {
	const most = 6
	noun, many := lower(t.Name), lower(t.Plural)
	doer, verb := adder(b, t)
	fields := having(t, slices.DeleteFunc(slices.Clone(t.Fields), func(f blueprint.Field) bool {
		return f.Of != "" && f.Of == doer.Thing // who books need not say who books
	}), most)
	f := Feature{ID: t.ID, Name: t.Plural, Description: "Keeps " + many + " with " + fields + ".", Priority: Should}
	if t.Role == idea.Main {
		f.Priority = Must
	}
	f.Criteria = append(f.Criteria, Criterion{t.ID + ".add", someone(doer) + " can " + verb + " " + a(t.Name) + " with " + fields + ".", t.Role == idea.Main})
	f.Criteria = append(f.Criteria, Criterion{t.ID + ".change", "You can change " + a(t.Name) + " and remove it again.", false})
	if t.Role == idea.Main {
		f.Criteria = append(f.Criteria, Criterion{t.ID + ".page", "Opening " + a(t.Name) + " shows everything that was entered for it.", false})
	}
	if link := links(t); link != "" && t.Role == idea.Main {
		f.Criteria = append(f.Criteria, Criterion{t.ID + ".link", "Each " + noun + " says which " + link + " it belongs to, and leads there.", false})
	}
	return f
}

// links is what the first link of t is called, or "".
func links(t blueprint.Thing) string {
	for _, f := range t.Fields {
		if f.Type == idea.Link {
			return lower(f.Label)
		}
	}
	return ""
}

// makes reports whether a verb brings a record about.
func makes(verb string) bool {
	return slices.Contains([]string{"book", "add", "log", "enter", "submit", "upload", "report", "post", "record", "note", "write down", "request"}, verb)
}

// adder is who adds a t, and the verb for it: who was said to, else the founder.
func adder(b blueprint.Blueprint, t blueprint.Thing) (who blueprint.Person, verb string) {
	for _, d := range b.Deeds {
		if p, ok := b.Person(d.Who); ok && d.Thing == t.ID && makes(d.Verb) {
			return p, d.Verb
		}
	}
	return blueprint.Person{Founder: true}, "add"
}

// deeds is what people do besides, in the founder's verbs.
func deeds(b blueprint.Blueprint) Feature {
	const most = 4
	f := Feature{ID: "deeds", Name: "What people do", Description: "What you said that people do.", Priority: Should}
	for _, d := range b.Deeds {
		t, known := b.Thing(d.Thing)
		p, ok := b.Person(d.Who)
		if ok && known && !p.Founder && !makes(d.Verb) && p.ID != t.ID && len(f.Criteria) < most {
			id := "deed." + p.ID + "." + strings.ReplaceAll(d.Verb, " ", "_") + "." + t.ID
			f.Criteria = append(f.Criteria, Criterion{id, someone(p) + " can " + d.Verb + " " + a(t.Name) + ".", true})
		}
	}
	return f
}

// show is what the first page does, by the shape.
func show(b blueprint.Blueprint) Feature {
	t := b.Things[0]
	noun, many := lower(t.Name), lower(t.Plural)
	f := Feature{ID: "overview", Priority: Must}
	add := func(id, text string) { f.Criteria = append(f.Criteria, Criterion{t.ID + "." + id, text, true}) }
	switch b.Shape {
	case idea.Bookings:
		f.Name, f.Description = "Calendar", "Shows the "+many+" by day and week."
		add("calendar", "The calendar shows each "+noun+" on its day, at its time.")
		add("next", "The list of "+many+" shows the next ones first.")
	case idea.Board:
		status, _ := t.Field(b.Screen.Status)
		f.Name, f.Description = "Board", "Shows the "+many+" by step."
		add("board", "The board shows each "+noun+" under its step: "+and(status.Options)+".")
		add("move", "You can move "+a(t.Name)+" to another step, and it is there after reloading.")
	case idea.Log:
		f.Name, f.Description = "Totals", "Adds up the "+many+" and shows them as a chart."
		what := "how many " + many + " there were"
		if m, ok := t.Field(b.Screen.Measure); ok {
			what = "the total of " + lower(m.Label)
			if asks(m) { // "how much"
				what = "the total"
			}
		}
		add("total", "The page shows "+what+" per month.")
		add("chart", "A chart shows "+what+" for each month.")
		add("newest", "The list of "+many+" shows the newest ones first.")
		if by, ok := t.Field(b.Screen.By); ok {
			add("by", "You can see "+what+" for each "+lower(by.Label)+".")
		}
	case idea.Catalogue:
		f.Name, f.Description = "Catalogue", "Shows the "+many+" to everybody."
		add("catalogue", "Everybody can look through the "+many+", each with "+having(t, listed(t), 4)+".")
	case idea.Directory:
		f.Name, f.Description = "Search", "Finds "+many+"."
		add("search", "Typing a word shows the "+many+" that have it.")
	case idea.List:
		f.Name, f.Description = "List", "Shows the "+many+" with a search."
		add("list", "The list shows every "+noun+" with "+having(t, listed(t), 4)+".")
		add("search", "Typing a word shows the "+many+" that have it.")
	}
	if by := filters(t, b.Screen.Filters); len(by) > 0 && (b.Shape == idea.Directory || b.Shape == idea.List || b.Shape == idea.Catalogue) {
		add("filter", "You can show only "+many+" of one "+or(by)+".")
	}
	return f
}

func listed(t blueprint.Thing) []blueprint.Field {
	return slices.DeleteFunc(slices.Clone(t.Fields), func(f blueprint.Field) bool { return !f.Listed })
}

// filters are the names of what records can be told apart by.
func filters(t blueprint.Thing, ids []string) []string {
	const most = 3
	var out []string
	for _, id := range ids {
		if f, ok := t.Field(id); ok && f.Type != idea.YesNo && !asks(f) && len(out) < most {
			out = append(out, lower(f.Label))
		}
	}
	return out
}

func or(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " or " + words[n-1]
	}
	return strings.Join(words, "")
}

// orders is ordering from a catalogue, or borrowing.
func orders(b blueprint.Blueprint) Feature {
	order, ok := b.Thing(b.Screen.Orders)
	if !ok {
		return Feature{}
	}
	t := b.Things[0]
	who, verb := "Somebody", "order"
	for _, p := range b.People {
		if !p.Founder {
			who = someone(p)
			break
		}
	}
	switch order.ID {
	case "loan":
		verb = "borrow"
	case "rental":
		verb = "rent"
	case "offer", "request", "reservation":
		verb = "make " + a(order.Name) + " for"
	}
	f := Feature{ID: order.ID, Name: order.Plural, Description: upper(lower(order.Plural)) + " of " + lower(t.Plural) + ".", Priority: Must}
	f.Criteria = []Criterion{
		{order.ID + ".add", who + " can " + verb + " " + a(t.Name) + ".", true},
		{order.ID + ".list", "You can see every " + lower(order.Name) + ", the newest first.", true},
	}
	for _, field := range order.Fields {
		if field.Type == idea.Options && len(field.Options) > 0 || field.Type == idea.YesNo {
			f.Criteria = append(f.Criteria, Criterion{order.ID + "." + field.ID, "You can set whether " + a(order.Name) + " is " + state(field) + ".", false})
			break
		}
	}
	return f
}

// state is what a field can say of something.
func state(f blueprint.Field) string {
	if f.Type == idea.YesNo {
		return lower(f.Label)
	}
	var out []string
	for _, o := range f.Options {
		out = append(out, lower(o))
	}
	return or(out)
}

// LeftOut says what is not in this version, in the founder's words.
func LeftOut(u idea.Understanding) []string {
	out := []string{}
	for _, l := range u.LeftOut {
		text := "No " + lower(l.What)
		if l.Later {
			text = l.What + ", later"
		}
		out = append(out, text+". You said: "+quoted(l.Quote.Text))
	}
	return out
}

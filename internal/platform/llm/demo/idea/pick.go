package idea

import (
	"cmp"
	"slices"
	"strings"
)

// Most of each that a page can show as chips.
const (
	mostThings  = 6
	mostPeople  = 5
	mostDetails = 10
	mostActions = 8
	mostLeftOut = 8
)

// Founder is the ID of the founder among the people.
const Founder = "you"

// understanding puts together what was read.
func (g *reading) understanding(corrections []Correction) Understanding {
	g.removed = map[string]bool{}
	g.out = Understanding{Questions: []Question{}, Actions: []Action{}, LeftOut: []LeftOut{}, Unclear: []Unclear{}, Shape: Choice{Why: []Quote{}}}
	g.pick()
	g.colour()
	for _, c := range corrections {
		g.correct(c)
	}
	if !g.question() {
		g.shape()
		g.deeds()
		g.called()
	}
	g.link()
	g.leaveOut()
	g.out.People, g.out.Things = g.nouns(g.people), g.nouns(g.things)
	return g.out
}

// nouns are records as they are given out.
func (g *reading) nouns(in []*record) []Noun {
	out := make([]Noun, 0, len(in))
	for _, r := range in {
		r.Details = make([]Detail, 0, len(r.fields))
		for _, d := range r.fields {
			if d.Options == nil {
				d.Options = []string{}
			}
			r.Details = append(r.Details, *d)
		}
		out = append(out, r.Noun)
	}
	return out
}

// pick chooses the records that are things and people of the product.
func (g *reading) pick() {
	for _, r := range g.order {
		g.contradiction(r)
		if !r.holds() || r.points < g.bar(r) {
			continue
		}
		g.noun(r, r.lemma, Said)
		if len(r.names) == 1 {
			g.noun(r, r.names[0], Said)
		}
		if r.class.is(person) {
			g.people = append(g.people, r)
		} else {
			g.things = append(g.things, r)
		}
	}
	g.things = best(g.things, mostThings)
	acts := func(who string) bool {
		return slices.ContainsFunc(g.actions, func(a Action) bool { return a.Who == who })
	}
	if len(g.people) > 1 && !acts("person") {
		g.people = slices.DeleteFunc(g.people, func(r *record) bool { return r.ID == "person" && len(r.fields) == 0 })
	}
	g.people = best(g.people, mostPeople-1)
	if acts(Founder) || g.youAre != "" {
		r := &record{Noun: Noun{ID: Founder, Name: "You", Plural: "You", Role: Side, Origin: Said, Examples: []string{}}, sense: g.blank.sense}
		if g.youAre != "" {
			r.Name = "You, the " + g.youAre
		}
		g.people = append(g.people, r)
	}
}

// contradiction notes what is wanted in one place and not in another.
func (g *reading) contradiction(r *record) {
	if len(r.wanted) == 0 || len(r.refused) == 0 {
		return
	}
	both := []Quote{r.wanted[0], r.refused[len(r.refused)-1]}
	slices.SortFunc(both, func(a, b Quote) int { return a.order - b.order })
	g.out.Unclear = append(g.out.Unclear, Unclear{About: capital(r.lemma), First: both[0], Second: both[1]})
}

// noun names a record and puts its details in order: first those in lists.
func (g *reading) noun(r *record, name string, from Origin) {
	r.Noun = Noun{
		ID: slug(cmp.Or(r.lemma, name)), Name: capital(name), Plural: capital(g.lexicon.plural(name)), Role: Side, Origin: from,
		Examples: append([]string{}, r.Examples...), Quote: r.Quote,
	}
	slices.SortStableFunc(r.fields, func(a, b *Detail) int {
		switch {
		case a.sure == b.sure:
			return 0
		case a.sure:
			return -1
		}
		return 1
	})
	r.fields = r.fields[:min(len(r.fields), mostDetails)]
}

// slug makes an ID of a name.
func slug(name string) string { return strings.Join(strings.Fields(strings.ToLower(name)), "_") }

// holds reports whether the founder's last word on r is that it is wanted.
func (r *record) holds() bool {
	w, n := len(r.wanted), len(r.refused)
	return w > 0 && (n == 0 || r.wanted[w-1].order > r.refused[n-1].order)
}

// bar is how many points a record must have. Much text has much in it that is only
// told.
func (g *reading) bar(r *record) int {
	const short, long = 60, 400
	bar := met + known
	switch {
	case r.class.is(person):
		bar = met
	case len(r.fields) > 0:
		bar -= met
	case r.sense.lemma == "":
		bar += known
	}
	switch n := len(g.tokens); {
	case n > long:
		bar += 2 * met
	case n > short:
		bar += met
	}
	return bar
}

// best keeps those with the most points, in the order they were met.
func best(all []*record, most int) []*record {
	ranked := slices.Clone(all)
	slices.SortStableFunc(ranked, func(a, b *record) int { return cmp.Compare(b.points, a.points) })
	ranked = ranked[:min(len(ranked), most)]
	return slices.DeleteFunc(all, func(r *record) bool { return !slices.Contains(ranked, r) })
}

// link ties details to the records they name.
func (g *reading) link() {
	all := slices.Concat(g.things, g.people)
	for _, r := range all {
		for _, d := range r.fields {
			to := slices.IndexFunc(all, func(other *record) bool {
				if d.Of == whoever {
					return other != r && other.ID != Founder && slices.Contains(g.people, other)
				}
				return d.Of != "" && other.ID == slug(d.Of)
			})
			switch {
			case to >= 0 && (all[to] != r || d.Type == Link):
				d.Type, d.Of = Link, all[to].ID
			case d.Type == Link:
				d.Type, d.Of = Text, ""
			default:
				d.Of = ""
			}
			if d.Type == Options && len(d.Options) == 0 && among(d.Name, "Category", "Kind", "Type") {
				d.Options = g.examples
			}
		}
	}
}

func (g *reading) leaveOut() {
	kept := func(l LeftOut) bool { // "a list with vaccinations … reminders for vaccinations later"
		return slices.ContainsFunc(slices.Concat(g.things, g.people), func(r *record) bool {
			return slices.ContainsFunc(r.fields, func(d *Detail) bool {
				return strings.EqualFold(d.Name, l.What) || strings.EqualFold(d.Name, g.lexicon.plural(l.What))
			})
		})
	}
	for _, l := range g.leftOut {
		if !kept(l) && !g.records[l.lemma].holds() && len(g.out.LeftOut) < mostLeftOut {
			g.out.LeftOut = append(g.out.LeftOut, l)
		}
	}
}

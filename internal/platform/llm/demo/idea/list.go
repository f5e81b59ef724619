package idea

import (
	"slices"
	"strings"
)

// meet takes the nouns and clauses of the sentence as records and details.
func (g *reading) meet() {
	g.meetDays()
	g.first, g.last, g.here = nil, nil, g.here[:0]
	var run []item
	for _, it := range g.items() {
		if n := len(run); n > 0 && !g.joined(run[n-1], it) {
			g.meetRun(run, it.from)
			run = nil
		}
		run = append(run, it)
	}
	if len(run) > 0 {
		g.meetRun(run, g.s.to)
	}
	best := g.first
	for _, r := range g.here {
		if things := r.class.is(thing); things && !best.class.is(thing) || things == best.class.is(thing) && r.points > best.points {
			best = r
		}
	}
	if best != nil && (g.topic == nil || !best.class.is(person) || best.points >= g.topic.points && (best.kept || g.topic.class.is(person))) {
		g.topic = best
	}
}

// meetDays makes events of the days in "for each Sunday I need to know who comes".
func (g *reading) meetDays() {
	asks := false
	for i := g.s.to - 1; i > g.s.from+1; i-- {
		t := g.at(i)
		asks = asks || t.class.is(wh)
		if asks && t.class.is(when) && among(g.at(i-1).word, "each", "every") && g.at(i-2).word == "for" {
			t.class, t.sense = noun|thing, g.lexicon.nouns["event"]
		}
	}
}

// meetRun takes a list, after which comes next, as details or as records.
func (g *reading) meetRun(run []item, next int) {
	first := run[0]
	g.forEach = g.first != nil && g.at(g.s.from).word == "for" && among(g.at(g.s.from+1).word, "each", "every")
	lead := g.lead(first.from)
	if g.areDetails(run, lead) {
		g.meetDetails(run, lead, next)
		return
	}
	for _, it := range run {
		switch {
		case it.clause:
			g.clause(it, g.owner())
		case lead == ":" && len(run) > 2 && g.last != nil && g.last.Quote.order < first.from && !first.clause:
			g.examples = append(g.examples, g.label(it.from, it.to)) // "my costs: fuel, repairs, taxes"
		case len(run) > 2:
			g.meetPhrase(it, listed)
		default:
			g.meetPhrase(it, 0)
		}
	}
}

// lead returns what a list that begins at token i comes after: "(", ":", "with",
// "has", "by" as in "search by", or "".
func (g *reading) lead(i int) string {
	t := g.at(i - 1)
	switch {
	case g.at(i).gap.is(open):
		return "("
	case g.at(i).gap.is(colon):
		return ":"
	case among(t.word, "with", "including", "such as") && (g.last == nil || g.lastAt == i-2):
		return "with"
	case t.word == "by" && g.at(i-2).class.is(verb):
		return "by"
	case g.last == nil || g.at(i-2).class.is(pron):
	case among(t.lemma, "has", "have", "contain", "include", "require"), t.lemma == "need" && g.last.class.is(thing):
		return "has"
	}
	return ""
}

// areDetails reports whether a list is one of details rather than of things.
func (g *reading) areDetails(run []item, lead string) bool {
	fields := 0
	for _, it := range run {
		if g.isField(it) || lead == ":" && g.records[g.at(it.head).lemma] != nil { // "Loans: tool, worker, due date"
			fields++
		}
	}
	first := run[0]
	switch {
	case len(run) == 1 && (first.clause || fields == 0 || g.at(first.head).class.is(stop|thing)):
		return false
	case len(run) == 1:
		return among(lead, "with", "has", "by") || among(first.det, "its", "their")
	case among(lead, ":", "(") && 2*fields < len(run):
		return false
	case lead == "" && !g.forEach:
		return fields > 1 && 2*fields >= len(run)
	}
	return g.forEach || fields > 0 || lead == "has" && g.last != nil && g.last.class.is(thing)
}

// owner is the record that a detail belongs to when nothing says which.
func (g *reading) owner() *record {
	for _, r := range []*record{g.last, g.topic} {
		if r != nil && (!r.class.is(person) || r.kept) {
			return r
		}
	}
	return nil
}

// meetDetails adds a list of details to what they belong to.
func (g *reading) meetDetails(run []item, lead string, next int) { //nolint:gocognit // one rule after another, in the order a reader would try them
	owner, first, end := g.owner(), run[0], run[len(run)-1].to
	switch {
	case g.forEach, lead == "has" && (g.at(first.from-1).gap.is(comma) || g.at(first.from-2).class.is(conj)):
		owner = g.first // "an application goes to a foundation, has a deadline"
	case first.det == "their" && g.last != nil && !g.last.class.is(person) && !g.at(g.lastAt).plural:
		if at := slices.IndexFunc(g.here, func(r *record) bool { return r.class.is(person) }); at >= 0 {
			owner = g.here[at] // "customers choose a package and give their address"
		}
	case g.last != nil && (!among(lead, "", "by") || among(first.det, "its", "their")):
		owner = g.last
	}
	if p := g.phrase(end+1, g.s.to); end < next && p.to > 0 && (among(g.at(end).word, "for", "per") || g.at(end).word == "of" && g.isField(run[len(run)-1])) && (p.det != "" || g.at(p.head).plural) {
		if r := g.mention(p, 0); r != nil { // "the key and the vet for every cat"
			owner = r
		}
	}
	const long = 4
	if len(run) >= long {
		g.speak(List, "details", detailsWeight, span{first.from, end})
	}
	for i, it := range run {
		if it.clause {
			owner = g.clause(it, owner)
			continue
		}
		if g.at(it.head).class.is(tool) && !g.isField(it) {
			continue // "a list of jobs"
		}
		d := g.detail(it, owner, true)
		if i > 0 && run[i-1].clause && among(it.det, "a", "an") && d.Type == Text && g.at(run[i-1].from).word == "whether" {
			d.Type = YesNo // "whether there is a ramp and a toilet"
		}
		if i+1 == len(run) || run[i+1].clause || g.isField(it) || g.at(it.head).class.is(thing) || !g.isField(run[i+1]) || g.at(run[i+1].from-1).word != "and" {
			continue
		}
		if words := strings.Fields(g.name(run[i+1])); len(words) > 1 { // "birth and death dates"
			d.Name, d.Type, d.Of = d.Name+" "+words[len(words)-1], g.at(run[i+1].head).sense.typ, ""
		}
	}
}

// aside takes lists in parentheses out of the sentence: after a detail they are its
// options, after a thing they are names of some.
func (g *reading) aside() {
	const furthest, fewest, most = 24, 2, 9
	clear(g.asides)
	for i := g.s.from + 1; i < g.s.to; i++ {
		if !g.at(i).gap.is(open) {
			continue
		}
		end := i + 1
		for end < min(g.s.to, i+furthest) && !g.at(end).gap.is(shut|open) {
			end++
		}
		names := g.stepNames(i, end, when|num)
		fields := 0
		for _, t := range g.tokens[i:end] {
			if t.class.is(field) && !t.class.is(thing) {
				fields++
			}
		}
		says := func(t token) bool { return t.class.is(pron | aux | modal | wh) }
		if len(names) < fewest || len(names) > most || 2*fields >= len(names) || slices.ContainsFunc(g.tokens[i:end], says) {
			continue
		}
		g.asides[i] = names
		for k := i; k < end; k++ {
			g.at(k).class, g.at(k).sense = adv, g.blank.sense
		}
	}
}

// meetPhrase takes a phrase that is in no list of details.
func (g *reading) meetPhrase(it item, points int) {
	t, before := g.at(it.head), g.at(it.from-1)
	named := t.class.is(field) && !t.class.is(thing|person|stop)
	switch {
	case before.word == "of" && g.at(it.from-2).class.is(tool|stop|field):
		if g.s.from == 0 {
			g.subjects[g.at(it.from-2).sense.shape] = g.name(it)
		}
		g.mention(it, points+keeping)
	case before.owner && g.last != nil && g.lastAt == it.from-1 && !t.class.is(person|stop|thing):
		g.detail(it, g.last, true)
	case it.of > 0 && among(t.lemma, "number", "amount", "quantity", "count"):
		g.put(g.owner(), &Detail{Name: g.label(it.head, it.to), Type: Number, Quote: g.quote(it.from, it.to), sure: true}, it.to)
	case it.of > 0:
		if owner := g.mention(g.phrase(it.of, it.to), 0); owner != nil {
			it.of = 0
			g.detail(it, owner, true)
		}
	case named && it.each():
		t.class |= thing
		g.mention(it, points)
	case among(t.lemma, "colour", "color") && g.asksColour(): // of the product
	case named && (t.lemma == "number" && t.plural || among(g.at(it.from).word, "weekly", "monthly", "yearly", "daily", "total", "average")): // figures to show
	case named && !t.class.is(setting) && !among(it.det, "my", "our"):
		g.detail(it, g.owner(), false)
	case !named:
		g.mention(it, points)
	}
}

// detail makes a phrase a detail of owner.
func (g *reading) detail(it item, owner *record, sure bool) *Detail {
	t := g.at(it.head)
	d := &Detail{Name: g.name(it), Type: Text, Quote: g.quote(it.from, it.to), sure: sure}
	if t.plural {
		d.Name = g.lexicon.plural(d.Name)
	}
	if it.of > 0 {
		d.Name += " " + g.text(it.of-1, it.to)
	}
	d.Name = capital(d.Name)
	switch {
	case t.none || t.late:
		g.refuse(it, g.record(it))
		return d
	case t.sense.typ == "person":
		d.Of = t.lemma
	case t.sense.typ == Time && len(it.nouns) > 0 && hasSuffix(g.at(it.nouns[0]).word, "ing"): // "flowering time"
	case t.sense.typ != "":
		d.Type = t.sense.typ
	case t.class.is(thing|person) || !t.class.is(nouns) && g.records[t.lemma] != nil:
		d.Type, d.Of = Link, t.lemma
		last, points := g.last, 0
		if it.det == "" && !t.plural && t.sense.shape == Log {
			points = -known // "a name, dose and time": maybe no record of its own
		}
		g.mention(it, points)
		g.last = last
	}
	return g.put(owner, d, it.to)
}

// put adds a detail that ends before token end.
func (g *reading) put(owner *record, d *Detail, end int) *Detail {
	d.Origin = Said
	switch {
	case owner != nil:
		d = owner.add(d)
	case len(g.orphans) < mostDetails:
		g.orphans = append(g.orphans, d)
	}
	if names := g.asides[end]; names != nil {
		d.Type, d.Of, d.Options = Options, "", names // "what they eat (meat, fish, vegetarian)"
	}
	return d
}

package idea

import (
	"slices"
	"strings"
)

// record is a noun that may become a thing or a person of the product.
type record struct {
	Noun
	lemma   string
	class   class
	sense   *sense
	names   []string // as it was called, with the nouns before it
	points  int
	fields  []*Detail
	object  map[Shape]bool // of the verbs that do something with it
	kept    bool           // of a person: somebody to keep a record of, not only who acts
	kinds   *Detail        // of articles put together: which there are
	wanted  []Quote        // where it is, and where it is not: the first two
	refused []Quote
}

// Points of a mention.
const (
	met     = 2
	known   = 1 // to the lexicon
	many    = 1 // in the plural
	had     = 1 // after a verb like have or need
	listed  = 2 // in a list of things
	handled = 3 // after a verb that says something
	every   = 3 // "for every dog"
	keeping = 4 // "list of dogs", "dog tracker"
)

// mention notes a phrase and returns its record, or nil when it is none: the
// product itself, a detail, a time, something refused.
func (g *reading) mention(p item, points int) *record {
	wrapped := g.unwrap(&p)
	points += wrapped
	t := g.at(p.head)
	for len(p.nouns) > 0 && t.class.is(person) && g.at(p.nouns[0]).class.is(setting) { // "repair café people"
		g.settings = append(g.settings, item{from: p.from, head: p.nouns[0]})
		p.nouns = p.nouns[1:]
	}
	r := g.record(p)
	switch {
	case t.none || t.late:
		g.refuse(p, r)
		return nil
	case t.class.is(setting) && !t.plural && !p.each():
		g.settings = append(g.settings, p)
		return nil
	case t.lemma == "record" && g.at(p.to).word == "of", g.example(p), g.isFounder(p), t.class.is(verb), wrapped > 0 && strings.HasSuffix(t.lemma, "ing") && t.sense.lemma == "", t.class.is(stop) && !t.plural && among(g.at(p.to).word, "where", "that", "for", "to", "with", "like"):
		return nil
	}
	if len(r.wanted) < 2 {
		r.wanted = append(r.wanted, g.quote(p.from, p.head+1))
	}
	if t.class.is(nouns) && !t.class.is(thing|person|setting) {
		return nil
	}
	v := g.handler(p)
	points += g.weigh(p, v)
	r.points += points
	r.object[v.shape] = true
	r.kept = r.kept || points >= met+handled
	if name := g.name(p); len(r.names) < 2 && !among(name, r.names...) {
		r.names = append(r.names, name)
	}
	g.last, g.lastAt, g.here = r, p.head, append(g.here, r)
	if g.first == nil {
		g.first = r
	}
	if names := g.asides[p.to]; names != nil && len(r.Examples) == 0 {
		r.Examples = names
	}
	return r
}

// each reports whether every one is meant.
func (p item) each() bool { return p.det == "each" || p.det == "every" }

// unwrap takes the way of keeping off a phrase, "guest list" to "guest", and returns
// the points that gives.
func (g *reading) unwrap(p *item) int {
	points := 0
	for n, k := range slices.Backward(p.nouns) {
		t, of := g.at(p.head), g.at(k)
		if !t.class.is(tool|stop) || t.class.is(thing|person) || t.class.is(field) && !t.class.is(tool) || !t.class.is(tool) && of.class.is(person) {
			return points
		}
		p.head, p.nouns = k, p.nouns[:n]
		if t.class.is(tool) {
			points = keeping
			if g.subjects[t.sense.shape] == "" && !t.none {
				g.subjects[t.sense.shape] = g.name(*p)
			}
		}
	}
	return points
}

// example reports whether a phrase only illustrates: "triggers like red wine".
func (g *reading) example(p item) bool {
	return among(g.at(p.from-1).word, "like", "such as", "eg", "than", "as")
}

// isFounder reports whether a phrase says what the founder is: "I'm the treasurer".
func (g *reading) isFounder(p item) bool {
	t, before := g.at(p.head), g.at(p.from-1).word
	am := among(before, "i'm", "im") || before == "am" && g.at(p.from-2).word == "i"
	if !t.class.is(person) || t.plural || t.lemma == "group" || !am && (p.from > 0 || p.det != "") {
		return false
	}
	if g.youAre == "" {
		g.youAre = g.name(p)
	}
	return g.youAre == g.name(p)
}

// record returns the record of a phrase's head.
func (g *reading) record(p item) *record {
	t := g.at(p.head)
	r := g.records[t.lemma]
	if r == nil {
		r = g.records[g.lexicon.table["alias"][t.lemma]]
	}
	if r == nil {
		r = g.heads[t.lemma] // "board games", then "which game"
	}
	if r == nil {
		r = &record{lemma: t.lemma, class: t.class, sense: t.sense, object: map[Shape]bool{}}
		if at := strings.LastIndexByte(t.lemma, ' '); at > 0 && t.class.is(thing) {
			g.heads[t.lemma[at+1:]] = r
		}
		r.Quote = g.quote(p.from, p.head+1)
		g.records[t.lemma] = r
		g.order = append(g.order, r)
	}
	return r
}

// weigh is what the words around a phrase say of how much it matters.
func (g *reading) weigh(p item, handler *sense) int {
	t, w := g.at(p.head), met
	for _, rule := range []struct {
		holds  bool
		points int
	}{
		{t.plural, many},
		{t.class.is(thing | person), known},
		{!t.class.is(thing | person), -known},
		{p.counted && t.plural, known},
		{t.class.is(person) && !t.plural && p.det == "", -met - known}, // "baby swimming"
		{t.class.is(family) && !t.plural, -met - known},
		{t.class.is(setting), -known},
		{p.each(), every},
		{g.at(p.from-1).word == "per", every},
		{!t.plural && g.at(p.from-1).class.is(prep) && !p.each(), -known},
		{handler.class.is(light), had},
		{handler.class.is(verb) && !handler.class.is(light), handled},
	} {
		if rule.holds {
			w += rule.points
		}
	}
	return w
}

// handler returns the verb that a phrase is the object of, or a blank.
func (g *reading) handler(p item) *sense {
	const near = 3
	for k := p.from - 1; k >= p.from-near; k-- {
		switch t := g.at(k); {
		case g.at(k+1).gap != 0, t.class.is(noun | pron | modal), t.word == "by":
			return g.blank.sense
		case t.class.is(aux), t.class.is(verb) && t.sense.lemma == "":
			return &sense{class: light}
		case t.class.is(verb):
			return t.sense
		}
	}
	return g.blank.sense
}

// refuse notes what is not wanted, or not yet.
func (g *reading) refuse(p item, r *record) {
	t, q := g.at(p.head), g.quote(p.from, p.head+1)
	if t.class.is(stop) && !t.class.is(tool|thing|person|field) && among(t.lemma, "version", "start", "moment", "time", "thing", "stuff") {
		return // "in the first version"
	}
	if t.none && len(r.refused) < 2 {
		r.refused = append(r.refused, q)
	}
	for _, l := range g.leftOut {
		if l.lemma == t.lemma {
			return
		}
	}
	g.leftOut = append(g.leftOut, LeftOut{What: capital(g.name(p)), Later: !t.none, Quote: q, lemma: t.lemma})
}

// add gives r a detail, unless it has one of that name, and returns the one it has.
func (r *record) add(d *Detail) *Detail {
	for _, have := range r.fields {
		if strings.TrimSuffix(have.Name, "s") == strings.TrimSuffix(d.Name, "s") {
			have.sure = have.sure || d.sure
			return have
		}
	}
	if len(r.fields) < 2*mostDetails {
		r.fields = append(r.fields, d)
	}
	return d
}

package idea

import (
	"cmp"
	"slices"
	"strings"
)

// clauseEnd returns where the clause ends that begins at i and asks for something to
// be kept, "how much it costs", or 0. Clauses that only say which noun is meant,
// "people who sing", do not.
func (g *reading) clauseEnd(i int) int {
	const longest = 9
	t := g.at(i)
	if !t.class.is(wh) && !among(t.word, "whether", "if") || t.none || t.late || !g.asks(i) {
		return 0
	}
	end := i + 1
	for e := g.at(end); end < i+longest && e != &g.blank && e.gap == 0 && (!e.class.is(wh|conj) || e.word == "plus"); e = g.at(end) {
		if among(e.word, "most", "best", "top", "least") {
			return 0 // asks for a view, not for a detail
		}
		end++
	}
	alone := end == i+1 && t.word != "how" && (!t.gap.is(comma) || !g.at(end).gap.is(comma))
	if alone || i == g.s.from && end == g.s.to {
		return 0
	}
	return end
}

// asks reports whether the question word i asks.
func (g *reading) asks(i int) bool {
	word, prior, next, gap := g.at(i).word, g.at(i-1), g.at(i+1), g.at(i).gap
	goesOn := gap.is(comma) || prior.class.is(conj)
	switch {
	case word == "how" && among(g.at(i+2).word, "each", "every"): // asks for a total
		return false
	case prior == &g.blank:
		return g.asksFirst(i)
	case prior.class.is(adv) && word == "what" && g.cleft(i), prior.lemma == "know" && next.word == "to":
		return false
	case among(word, "how", "whether", "what", "what's", "whats"), gap.is(colon | open):
		return true
	case gap.is(comma) && next.gap.is(comma): // "species, where, when"
		return true
	case word == "if":
		return prior.class.is(verb) && gap == 0 && prior.form != past
	case goesOn && among(word, "when", "where") && among(next.word, "it", "to"),
		goesOn && word == "who" && (among(next.word, "it", "they") || among(g.at(i+2).word, "it", "them")):
		return true
	case prior.class.is(prep) && gap == 0, word == "which" && goesOn:
		return next.class.is(noun)
	case prior.class.is(verb) && gap == 0:
		return among(prior.lemma, "know", "see", "say", "tell", "note", "write down", "record", "enter", "track", "remember", "show", "mark", "choose", "pick",
			"log", "keep track of", "keep track", "find out", "check", "decide", "ask", "forget", "learn", "understand", "calculate")
	}
	return g.asked && goesOn
}

// asksFirst reports whether the question word i, which begins the sentence, asks.
func (g *reading) asksFirst(i int) bool {
	switch word := g.at(i).word; {
	case among(word, "when", "if", "where", "why"): // unless a list of questions begins
		const near = 8
		for k := i + 1; k < i+near; k++ {
			if g.at(k).gap.is(comma) {
				return g.at(k).class.is(wh)
			}
		}
		return false
	case word == "what" && g.cleft(i):
		return false
	}
	t := g.tokens[g.s.to-1]
	return !strings.HasPrefix(g.parts[t.part].Text[t.end:], "?")
}

// cleft reports whether a clause with what only leads up to what is meant: "what I'd
// love is a list".
func (g *reading) cleft(i int) bool {
	const near = 6
	for k := i + 2; k < i+near; k++ {
		if among(g.at(k).word, "is", "was", "happened") {
			return true
		}
	}
	return g.at(i+1).word == "happened"
}

// clause makes a clause a detail of owner, or of what it names itself, and returns
// that. What else it names is met.
func (g *reading) clause(it item, owner *record) *record {
	first, last := g.first, g.last
	owner = g.ask(it, owner)
	for _, p := range it.inner {
		if g.records[g.at(p.head).lemma] == nil {
			g.mention(p, 0)
		}
	}
	if last != nil {
		g.first, g.last = first, last
	}
	return owner
}

func (g *reading) ask(it item, owner *record) *record {
	t, rest := g.at(it.from), it.from+1
	d := &Detail{Type: Text, Name: g.label(it.from, it.to), Quote: g.quote(it.from, it.to), sure: true}
	p := g.phrase(rest, it.to)
	if among(t.word, "where", "when", "whether", "if") && p.det != "" && p.det != "any" && p.to > 0 && p.to < it.to {
		if r := g.mention(p, 0); r != nil { // "whether the bike is ready"
			owner, rest = r, p.to
		}
	}
	switch t.word {
	case "how":
		g.how(it, d)
	case "when":
		d.Type, d.Name = Date, g.label(g.skip(rest, it.to), it.to)
		if g.at(rest).word == "to" {
			d.Name = g.label(it.from, min(it.to, rest+2))
		}
	case "where":
		d.Name = "Where"
	case "whether", "if":
		if g.at(rest).word == "any" || g.at(g.skip(rest, it.to)).class.is(pron) {
			return owner
		}
		d.Type, d.Name = YesNo, g.label(g.skip(rest, it.to), it.to)
	case "who":
		switch {
		case p.det != "" && p.to > 0: // "who their parents are"
			g.detail(p, owner, true)
			return owner
		case owner != nil && owner.class.is(person), owner == nil && g.at(rest).class.is(aux) && !g.at(it.to-1).class.is(pron):
			d.Type, d.Name = YesNo, g.label(g.skip(rest, it.to), it.to) // "who was invited" of a guest
		default:
			d.Of = whoever
		}
	default:
		return g.what(it, p, d, owner)
	}
	d.Name = cmp.Or(d.Name, capital(t.word))
	g.put(owner, d, it.to)
	return owner
}

// whoever the people of the product are: what a detail links to until they are known.
const whoever = "*"

// what reads "what they eat", "which table", "what each dish costs".
func (g *reading) what(it, p item, d *Detail, owner *record) *record {
	rest := it.from + 1
	next := g.at(p.to)
	are := p.to > 0 && p.to < it.to && next.class.is(aux)
	switch {
	case p.to == 0 && (g.idle(rest, it.to) || g.at(it.from).word != "what" && g.at(rest).word != "wrong"):
		return owner
	case p.to == 0:
		owner = g.made(rest, it.to, owner)
		g.put(owner, d, it.to)
		return owner
	case p.det == "" && !are && (owner != nil || !g.at(p.head).class.is(thing)):
		g.detail(p, owner, true)
		return owner
	}
	if r := g.mention(p, 0); r != nil {
		owner = r
	}
	switch {
	case p.to >= it.to, are && !g.at(g.skip(p.to, it.to)).class.is(adj|verb):
		return owner
	case are: // "which invoices are unpaid"
		d.Type, d.Name = YesNo, g.label(g.skip(p.to, it.to), it.to)
	case next.lemma == "cost":
		d.Type, d.Name = Money, "Cost"
	default:
		d.Name = g.label(p.to, it.to)
	}
	g.put(owner, d, it.to)
	return owner
}

// idle reports whether a clause only says how things are: "what is due today".
func (g *reading) idle(from, to int) bool {
	if g.at(from).class.is(aux) && g.at(from+1).class.is(adj) && from+1 < to {
		return true
	}
	says := func(t token) bool { return t.class.is(verb) || !t.class.is(adj|adv) && t.class.is(pron|modal) }
	return to-from > 1 && !slices.ContainsFunc(g.tokens[from:to], says)
}

// made returns the record that the verb of a clause makes, a harvest of "what was
// harvested", or else owner.
func (g *reading) made(from, to int, owner *record) *record {
	for i := from; i < to; i++ {
		t := g.at(i)
		if n := g.lexicon.nouns[t.sense.makes]; n != nil && n.class.is(thing) && n.lemma == t.lemma {
			t.class, t.sense = noun|n.class, n
			return g.mention(item{from: i, to: i + 1, head: i}, handled)
		}
	}
	return owner
}

// how reads "how much honey", "how long", "how bad".
func (g *reading) how(it item, d *Detail) {
	end := min(it.from+2, it.to)
	for end < it.to && (g.at(end).class.is(noun|adj|num) || g.at(end).word == "of" || g.at(end-1).word == "of") {
		end++
	}
	d.Name = g.label(it.from, end)
	money := func(t token) bool {
		return among(t.lemma, "pay", "cost", "spend", "donate", "owe", "outstanding", "money", "earn")
	}
	next := g.at(it.from + 1)
	switch {
	case next.word == "much" && slices.ContainsFunc(g.tokens[it.from:it.to], money):
		d.Type = Money
	case among(next.word, "much", "many"), next.class.is(adj) && next.word != "long":
		d.Type = Number
	case next.word == "long":
		d.Type = Duration
	case next.word != "often":
		d.Type, d.Name = Note, g.label(it.from, it.to)
	}
}

// skip passes over who does it and how the verb is made: "it has been paid".
func (g *reading) skip(i, to int) int {
	for i < to-1 && g.at(i).class.is(pron|aux|modal|adv) {
		i++
	}
	return i
}

// label is the words from one token to another as the name of a detail.
func (g *reading) label(from, to int) string {
	const most = 5
	if from >= to {
		return ""
	}
	small := det | prep | conj
	if g.tokens[from].word == "who" {
		small |= aux | modal
	}
	if g.tokens[from].class.is(det) && from+1 < to {
		from++
	}
	to = min(to, from+most)
	for to > from+1 && g.tokens[to-1].class.is(small) && g.tokens[to-2].word != "how" {
		to--
	}
	return capital(strings.TrimSpace(strings.ReplaceAll(" "+g.text(from, to)+" ", " i ", " I ")))
}

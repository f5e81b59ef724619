package idea

import "strings"

// item is a noun phrase, "each new food truck", or a clause, "how much it costs".
type item struct {
	from, to int
	head     int
	nouns    []int // before the head: "food"
	det      string
	counted  bool // "three rooms"
	clause   bool
	inner    []item // the phrases of a clause
	of       int    // where "the children" begins in "age of the children", or 0
}

// items returns the phrases and clauses of the sentence in order.
func (g *reading) items() []item {
	var out []item
	g.asked = false
	for i := g.s.from; i < g.s.to; {
		if end := g.clauseEnd(i); end > i {
			it := item{from: i, to: end, clause: true}
			for k := i + 1; k < end; k++ {
				if p := g.phrase(k, end); p.to > 0 {
					it.inner = append(it.inner, p)
					k = p.to - 1
				}
			}
			out, i, g.asked = append(out, it), end, true
			continue
		}
		p := g.phrase(i, g.s.to)
		if p.to == 0 {
			i++
			continue
		}
		i = p.to
		if n := len(out) - 1; n >= 0 && out[n].to+1 == p.from && g.at(p.from-1).word == "of" && !out[n].clause && g.isField(out[n]) {
			out[n].to, out[n].of = p.to, p.from
			continue
		}
		out = append(out, p)
	}
	return out
}

// phrase returns the noun phrase that begins at i and ends before end at the latest;
// its to is 0 when none does.
func (g *reading) phrase(i, end int) item {
	const longest = 12
	p := item{from: i, head: -1}
	k := i
	for ; k < min(end, i+longest); k++ {
		t := g.at(k)
		if k > i && (t.gap != 0 || g.at(k-1).owner) {
			break
		}
		switch {
		case t.class.is(noun):
			if p.head >= 0 {
				p.nouns = append(p.nouns, p.head)
			}
			p.head = k
			continue
		case p.head >= 0:
		case t.class.is(det):
			p.det = t.word
			continue
		case t.class.is(num):
			p.counted = true
			continue
		case t.class.is(adj | proper | when):
			continue
		case t.form == gerund && g.at(k+1).gap == 0 && (g.at(k+1).class.is(tool) || g.at(k+1).class.is(noun) && g.at(k-1).class.is(det|adj|num|prep)) && !strings.Contains(t.word, " "):
			p.nouns = append(p.nouns, k) // "two washing machines", not "tracking workouts"
			continue
		case t.class.is(verb) && k == i && (t.gap.is(comma) || g.at(k-1).class.is(conj)) && (t.form == gerund || t.form == base) && g.at(k+1).gap == 0 && among(g.at(k+1).word, "date", "time", "price", "number", "notes"):
			p.nouns = append(p.nouns, k) // "…, brew date and tasting notes"
			continue
		}
		break
	}
	if p.head >= 0 {
		p.to = k
	}
	return p
}

// name is what a phrase calls its noun, in the singular.
func (g *reading) name(p item) string {
	var s strings.Builder
	for _, k := range p.nouns {
		s.WriteString(g.tokens[k].word + " ")
	}
	return s.String() + g.tokens[p.head].lemma
}

// isField reports whether an item names a detail.
func (g *reading) isField(it item) bool {
	t := g.at(it.head)
	agents := it.counted && t.class.is(person) // "an agency with six agents"
	return it.clause || t.class.is(field) && !agents
}

// joined reports whether b goes on with the list that a is in: "the age of the
// children they look after, the rate and whether they drive".
func (g *reading) joined(a, b item) bool {
	const aside = 4
	parted, and := false, false
	if g.leaves(a, b) || b.from-a.to > aside || g.at(b.from).gap&^comma != 0 {
		return false
	}
	for k := a.to; k < b.from; k++ {
		t := g.at(k)
		and = and || t.class.is(conj)
		parted = parted || and || t.gap.is(comma)
		if k == a.to && t.gap == 0 && !t.class.is(pron|conj) || among(t.word, "with", "including") ||
			t.gap&^comma != 0 || t.class.is(noun) || parted && !t.class.is(conj|prep|adv|num) {
			return false
		}
	}
	t := g.at(b.to)
	begins := t.gap == 0 && (t.class.is(modal|aux) || t.class.is(verb) && (t.form == base || t.form == third)) // "…, the secretary approves"
	if and && begins && !b.clause && g.at(b.head).class.is(person) {                                           // "…, and residents can see"
		return false
	}
	return and || (parted || g.at(b.from).gap.is(comma)) && (b.clause || !begins)
}

// leaves reports whether b begins something of its own after a.
func (g *reading) leaves(a, b item) bool {
	with := g.at(b.to)
	switch {
	case b.clause: // "every bill, whether it is paid"
		return a.each() && !g.isField(a)
	case a.clause && with.word == "with" && with.gap == 0: // "whether it is paid, and tasks with a deadline"
		return true
	case among(b.det, "their", "its") && a.each() && !g.isField(a): // "every plumber, their phone number"
		return true
	}
	return b.each()
}

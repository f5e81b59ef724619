package idea

// around is what stands next to a word.
type around struct {
	prior, next *token
	before      class // of the word before, adverbs apart; 0 at the start of a clause
	after       class // that the next may have; 0 at the end
	to          bool  // "to" is before
	acts        bool  // a verb is to be expected
	named       bool  // a noun is
}

// tag decides what kind of word each token of the sentence is here.
func (g *reading) tag() {
	prior := g.s.from - 1 // the last that is no adverb
	capitals := 0
	for _, t := range g.tokens[g.s.from:g.s.to] {
		if t.capital {
			capitals++
		}
	}
	g.unsaid, g.titled = false, 2*capitals > g.s.to-g.s.from
	for i := g.s.from; i < g.s.to; i++ {
		t := g.at(i)
		w := g.lexicon.words[t.word]
		c := w.class & speech
		switch a := g.around(i, prior); {
		case t.number:
			c = num
		case c == 0:
			c = g.guess(t, a)
		case t.word == "like" && a.acts:
			c = verb
		case c&(c-1) != 0:
			c = g.choose(i, w, a)
		}
		g.mean(t, c, w)
		if c != adv {
			prior = i
		}
	}
}

// around looks at what stands next to token i.
func (g *reading) around(i, prior int) around {
	a := around{prior: g.at(prior), next: g.at(i + 1)}
	if g.at(i).gap.is(dash | colon | open) {
		a.prior = &g.blank
	}
	a.before, a.to = a.prior.class, a.prior.word == "to"
	if a.prior.owner {
		a.before = det
	}
	if a.next.gap == 0 {
		a.after = g.lexicon.words[a.next.word].class
		if n := g.lexicon.words[a.next.word].noun; n != nil {
			a.after |= n.class
		}
		if a.after&speech == 0 {
			a.after = noun
		}
	}
	a.named = a.before.is(det|num|adj|prep) && !a.to || a.before.is(noun) && !a.before.is(person)
	switch {
	case a.to, a.before.is(modal | pron), a.prior.word == "who":
		a.acts = true
	case a.before.is(person):
		a.acts = a.prior.plural && !g.at(i).gap.is(comma)
	case a.before.is(conj):
		a.acts = g.at(prior - 1).class.is(verb)
		for k := prior - 1; k > prior-8 && !a.acts; k-- {
			a.acts = g.at(k).class.is(modal) || g.at(k).word == "to"
		}
	}
	return a
}

// mean gives a token its class and what goes with it.
func (g *reading) mean(t *token, c class, w word) {
	t.class, t.lemma = c, t.word
	switch {
	case c == noun && w.noun == nil:
		t.lemma, t.plural = g.lexicon.singular(t.word)
	case c == noun, c == when && w.noun != nil:
		t.sense, t.plural = w.noun, w.plural
	case c == verb && w.verb != nil:
		t.sense, t.form = w.verb, w.form
	case c == verb:
		t.class |= light
	}
	if t.sense.lemma != "" {
		t.lemma = t.sense.lemma
	}
	if c == noun || c == verb {
		t.class |= t.sense.class
	}
	switch {
	case c.is(verb | aux | modal), t.gap.is(comma | dash | colon | open):
		g.unsaid = false
	case t.class.is(person) && t.plural:
		g.unsaid = true
	}
}

// choose decides between the kinds of a known word.
func (g *reading) choose(i int, w word, a around) class {
	c := w.class & speech
	for _, f := range []class{modal, aux, wh, pron, det, prep, conj} {
		if c.is(f) {
			return f
		}
	}
	switch {
	case c.is(adj) && (!c.is(verb|noun|when) || !c.is(verb) && a.after.is(noun) || !a.acts && (a.after.is(noun) || !c.is(noun))):
		return adj
	case c.is(when):
		listed := g.at(i).gap.is(comma) || among(a.prior.word, "with", "has", "have") || a.before == 0 && (a.next.gap.is(comma) || g.at(i).gap.is(colon))
		if w.noun != nil && (listed || a.before.is(verb) && !a.before.is(light)) {
			return noun
		}
		return when
	case !c.is(verb | noun):
		return adv
	case !c.is(verb):
		return noun
	case !c.is(noun), w.form == past:
		return verb
	}
	if g.conjugated(w, a) {
		return verb
	}
	return noun
}

// conjugated reports whether a word that is a verb and a noun is the verb.
func (g *reading) conjugated(w word, a around) bool {
	switch w.form {
	case gerund:
		return !a.named && a.after.is(det|pron|noun|num)
	case third:
		return a.before.is(pron|modal) || a.prior.word == "that" && a.after.is(det|wh|pron) || a.after.is(pron|det) && a.before.is(noun|num) ||
			a.after.is(noun|num|prep) && a.before.is(person) && !a.prior.plural
	case base, past:
		begins := a.after.is(det|pron|num|wh) || a.after.is(noun) && g.lexicon.words[a.next.word].plural
		if a.before.is(conj) && a.after.is(det|pron) && !w.plural { // "… and print the list"
			return true
		}
		return a.acts || a.before.is(noun) && g.unsaid && a.after.is(det|noun) || !a.named && a.before == 0 && begins && !w.plural
	}
	return false
}

// guess decides what kind a word is that is not in the lexicon.
func (g *reading) guess(t *token, a around) class {
	switch {
	case t.capital && !g.shouted && !t.gap.is(period) && !g.titled:
		return proper
	case hasSuffix(t.word, "ly"):
		return adv
	case hasSuffix(t.word, "ing") && a.after.is(tool):
		return noun
	case a.acts && !a.before.is(conj), hasSuffix(t.word, "ing") && (!a.named || a.before.is(noun) || a.after.is(det|pron)):
		return verb
	case hasSuffix(t.word, "eed", "ing"):
		return noun
	case hasSuffix(t.word, "ed"):
		if a.after.is(noun) {
			return adj
		}
		return verb
	case hasSuffix(t.word, "able", "ible", "ful", "ous", "ive", "less", "ish", "ic", "ary") && (a.after.is(noun) || !a.named):
		return adj
	}
	return noun
}

package idea

import "slices"

// act finds who does what in the sentence.
func (g *reading) act() {
	who := ""
	for i := g.s.from; i < g.s.to; i++ {
		t := g.at(i)
		switch {
		case among(t.word, "i", "we", "i'd", "we'd", "i'll", "we'll"):
			who = Founder
		case t.class.is(pron|modal) && (among(t.word, "they", "he", "she", "everybody", "everyone", "anyone", "they'd", "they'll") || t.word == "them" && g.at(i+1).word == "to") && (who == "" || who == Founder):
			if at := slices.IndexFunc(g.here, func(r *record) bool { return r.class.is(person) }); at >= 0 {
				who = slug(g.here[at].lemma)
			} else if g.person != "" {
				who = g.person
			}
		case t.class.is(person) && !t.owner && g.records[t.lemma] != nil && (!g.at(i-1).class.is(verb) || g.at(i-1).class.is(noun)):
			who = slug(t.lemma)
			g.person = who
		case t.class.is(verb) && !t.class.is(light) && !t.none && !t.late && t.form != past:
			g.does(i, who)
		}
	}
}

// does notes the verb i and what it is done to.
func (g *reading) does(i int, who string) {
	if who == "" {
		who = Founder
	}
	a := Action{Who: who, Does: g.at(i).lemma}
	if key := "by others " + a.Does; who != Founder && g.counted[key] == 0 { // what others do is what the product is for
		g.counted[key]++
		g.weight[g.at(i).sense.shape] += verbWeight
	}
	to := i + 1
	const near = 3
	for k := i + 1; k <= i+near && a.What == ""; k++ {
		p := g.phrase(k, g.s.to)
		if p.to > 0 {
			g.unwrap(&p)
			a.What, to = slug(g.at(p.head).lemma), p.head+1
		}
		if t := g.at(k); t.gap != 0 || t.class.is(verb|wh|conj|modal) {
			break
		}
	}
	a.Quote = g.quote(i, to)
	g.actions = append(g.actions, a)
}

// deeds lists what people do with what was found, once each.
func (g *reading) deeds() {
	ids := []string{Founder}
	for _, r := range slices.Concat(g.things, g.people) {
		ids = append(ids, r.ID)
	}
	for _, a := range g.actions {
		if !slices.Contains(ids, a.What) {
			a.What = ""
		}
		same := func(have Action) bool {
			return have.Who == a.Who && have.Does == a.Does && (have.What == a.What || a.What == "")
		}
		v := g.lexicon.verbs[a.Does]
		if slices.Contains(ids, a.Who) && (a.What != "" || v.shape != "") && !slices.ContainsFunc(g.out.Actions, same) && len(g.out.Actions) < mostActions {
			g.out.Actions = append(g.out.Actions, a)
		}
	}
}

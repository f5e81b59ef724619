package idea

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strings"
)

// called names the product as the founder does, or by its place or subject and what it
// is: "Dance School Planner".
func (g *reading) called() { //nolint:gocognit // one rule after another, in the order a reader would try them
	if g.out.Name.Origin == Corrected {
		return
	}
	for i := range g.tokens {
		if from := g.names(i); from > 0 {
			const most = 4
			to := from + 1
			for to < len(g.tokens) && to < from+most && g.tokens[to].capital && g.tokens[to].gap == 0 {
				to++
			}
			g.out.Name = Name{Text: capital(g.text(from, to)), Origin: Said, Quote: g.quote(from, to)}
			return
		}
	}
	shape := g.out.Shape.Name
	kind := plans()[slices.IndexFunc(plans(), func(p plan) bool { return p.shape == shape })].noun
	var main, other string
	for _, r := range g.things {
		switch {
		case r.Role == Orders && among(r.ID, "loan", "rental"):
			kind = "Library"
		case r.Role == Side && other == "":
			other = r.Name
		}
	}
	for _, r := range slices.Concat(g.things, g.people) {
		if other == "" && r.ID != Founder && r.Role == Side {
			other = r.Name
		}
		switch {
		case r.Role != Main || r.Origin != Corrected && among(r.ID, "slot", "time_slot", "event", "booking", "reservation", "entry", "item", "value"):
		case r.kinds != nil:
			main, _ = g.lexicon.singular(strings.ToLower(r.kinds.Options[0]))
		case r.ID == "person":
			main = r.Plural
		default:
			main = r.Name
		}
	}
	if shape == Bookings || shape == Catalogue {
		main = cmp.Or(g.place("in", "at", "from", "near", "for", "to"), main) // a place only gone to is somebody else's
	}
	words := strings.Fields(cmp.Or(g.subjects[shape], main, g.place(), other) + " " + kind)
	for i := range words {
		words[i] = capital(words[i])
	}
	g.out.Name = Name{Text: strings.Join(slices.Compact(words), " "), Origin: Standard}
}

// names returns where the founder's name for the product begins if token i announces
// it, "an app called Pawbook", or 0.
func (g *reading) names(i int) int {
	t, prior, next := g.tokens[i], g.tokens[max(0, i-1)], g.tokens[min(i+1, len(g.tokens)-1)]
	announces := among(t.word, "called", "named") && prior.class.is(stop|tool|setting|aux) ||
		t.word == "it" && among(prior.lemma, "call", "name") || t.word == "name" && i < 2 && next.gap.is(colon)
	if !announces || i+1 == len(g.tokens) || next.gap.is(period) || next.none || !next.capital && next.class.is(det|pron|prep|conj|aux|modal) {
		return 0
	}
	return i + 1
}

// place is the first that the founder runs or belongs to, if it says anything and is
// not after one of these words.
func (g *reading) place(not ...string) string {
	for _, p := range g.settings {
		before := ""
		if !g.tokens[p.from].gap.is(period) {
			before = g.tokens[p.from-1].word
		}
		if (g.tokens[p.head].sense.colour != "none" || len(p.nouns) > 0) && !among(before, not...) {
			return g.name(p)
		}
	}
	return ""
}

// asksColour reports whether the sentence says which colour something is to have.
func (g *reading) asksColour() bool {
	return slices.ContainsFunc(g.tokens[g.s.from:g.s.to], func(t token) bool { return g.lexicon.table["colour"][t.word] != "" })
}

// colour takes the colour the founder asks for, or else one that goes with the
// subject, always the same for the same things.
func (g *reading) colour() {
	hexes, topics := g.lexicon.table["colour"], g.lexicon.table["topic"]
	looks := func(t token) bool {
		return among(t.lemma, "colour", "color", "theme", "brand", "branding", "logo", "design", "palette", "look")
	}
	for i, t := range g.tokens {
		const near = 5
		if hex := hexes[t.word]; hex != "" && !t.none && slices.ContainsFunc(g.tokens[max(0, i-near):min(len(g.tokens), i+near)], looks) {
			g.out.Colour = Colour{Name: g.lexicon.names[hex], Hex: hex, Origin: Said}
			return
		}
	}
	var name string
	for _, p := range g.settings {
		if c := g.tokens[p.head].sense.colour; name == "" && c != "none" {
			name = c
		}
	}
	seed := fnv.New32a()
	for _, r := range slices.Concat(g.things, g.people) {
		seed.Write([]byte(r.ID))
		for w := range strings.FieldsSeq(strings.ToLower(r.Name)) {
			if name == "" {
				name = topics[w]
			}
		}
	}
	if name == "" {
		all := sorted(topics)
		name = topics[all[int(seed.Sum32()%uint32(len(all)))]] //nolint:gosec // there are not that many
	}
	g.out.Colour = Colour{Name: name, Hex: hexes[name], Origin: Standard}
}

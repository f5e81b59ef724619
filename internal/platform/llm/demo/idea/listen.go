package idea

import "slices"

// negate marks what the founder does not want in the sentence, or does not want yet.
// It runs before tagging. "I never know who paid" is a complaint, not a wish.
func (g *reading) negate() {
	for i := g.s.from; i < g.s.to; i++ {
		if from := g.refusal(i); from > 0 {
			g.markRefused(from)
		}
		if t := g.at(i); g.lexicon.table["late"][t.word] != "" || t.late {
			g.markLate(i)
		}
	}
}

// exclude marks what stands under a heading like "Out of scope", to the next heading
// or, where headings are not marked, to the end of the list.
func (g *reading) exclude() {
	first := g.at(g.s.from)
	begins := g.lexicon.table["out"][first.word] != "" && (g.s.to == g.s.from+1 || g.at(g.s.from+1).gap.is(colon)) ||
		g.s.to == g.s.from+2 && g.lexicon.table["out"][g.at(g.s.from+1).word] != ""
	switch {
	case begins:
		g.listed = true
	case first.gap.is(title), !g.marked && !first.gap.is(dash|comma):
		g.listed = false
	}
	if begins || first.gap.is(title) {
		g.marked = first.gap.is(title)
	}
	puts := func(t token) bool { return g.lexicon.table["late"][t.word] != "" }
	if !g.listed || slices.ContainsFunc(g.tokens[g.s.from:g.s.to], puts) {
		return // that is not left out but put off
	}
	for i := g.s.from; i < g.s.to; i++ {
		g.at(i).none = true
	}
}

// tells reports whether the sentence is more than the heading of a chapter.
func (g *reading) tells() bool {
	says := func(t token) bool { return t.class.is(thing | person | setting | tool) }
	return !g.at(g.s.from).gap.is(title) || slices.ContainsFunc(g.tokens[g.s.from:g.s.to], says)
}

// refusal returns where what is refused begins if token i refuses, or 0.
func (g *reading) refusal(i int) int {
	next := g.at(i + 1).word
	switch g.at(i).word {
	case "no":
		if next == "need" && g.at(i+2).word == "for" {
			return i + 3
		}
		if g.at(i-1).word != "yes" && !among(next, "", "matter", "one", "longer", "idea", "way", "more", "time", "problem", "clue", "doubt", "need", "show", "shows", "less") {
			return i + 1
		}
	case "without", "instead of", "rather than", "skip", "leave out", "avoid":
		return i + 1
	case "not", "don't", "dont", "doesn't", "won't":
		for k := i + 1; k < i+3; k++ {
			if among(g.at(k).word, "want", "need", "like", "require") {
				return g.unwanted(k)
			}
		}
		if among(next, "a", "an", "another") {
			return i + 2
		}
	}
	return 0
}

// unwanted returns where what is not wanted begins after the verb k. Not wanting to
// lose or forget something is wanting it.
func (g *reading) unwanted(k int) int {
	switch {
	case g.at(k+1).word != "to":
		return k + 1
	case among(g.at(k+2).word, "use", "take", "have", "offer", "sell", "handle", "accept", "include", "add", "see"):
		return k + 3
	}
	return 0
}

func (g *reading) markRefused(from int) {
	const furthest = 7
	for i := from; i < from+furthest && i < g.s.to; i++ {
		t := g.at(i)
		c := g.lexicon.words[t.word].class
		if i > from && t.gap != 0 && t.word != "or" || c.is(pron|modal|wh|aux) || c.is(conj) && t.word != "or" {
			return
		}
		t.none = true
	}
}

// markLate marks the clause around what says: not yet.
func (g *reading) markLate(i int) {
	for k := i; k >= g.s.from && !g.at(k).late; k-- {
		g.at(k).late = true
		if g.at(k).gap.is(comma | dash | colon) {
			break
		}
	}
	g.at(i).late = true
	if next := g.at(i + 1); next != &g.blank && !next.gap.is(comma|dash|colon) {
		next.late = true
	}
}

// What words speak for a shape with, once or twice each.
const (
	loudest       = 2
	verbWeight    = 2
	toolWeight    = 3
	detailsWeight = 3
	stepsWeight   = 4
)

// evidence is what spoke for a shape.
type evidence struct {
	weight int
	quote  Quote
}

// hear weighs what the sentence says for each shape.
func (g *reading) hear() {
	aside := false
	for i := g.s.from; i < g.s.to; i++ {
		t := g.at(i)
		aside = t.gap.is(open) || aside && !t.gap.is(shut)
		for n := 1; n <= max(1, g.lexicon.starts[t.word]) && i+n <= g.s.to; n++ {
			words := joined(g.tokens[i : i+n])
			if n == 1 && t.plural {
				words = t.lemma
			}
			if h := g.lexicon.table["hint"][words]; h != "" {
				g.speak(Shape(h[:len(h)-2]), words, int(h[len(h)-1]-'0'), span{i, i + n})
			}
		}
		if !aside {
			g.speak(t.sense.shape, t.lemma, t.weight(), span{i, i + 1})
		}
	}
}

// weight is what a word alone says for the shape of its sense.
func (t *token) weight() int {
	switch {
	case t.sense.shape == "" || t.class.is(light):
	case t.class.is(verb) && t.form != past:
		return verbWeight
	case t.class.is(tool) && t.sense.shape == List:
		return toolWeight - 1 // everything is a list
	case t.class.is(tool):
		return toolWeight
	case t.class.is(verb), t.class.is(thing) && !t.class.is(setting|stop): // "school" is a place, "site" the product
		return 1
	}
	return 0
}

// speak counts words for a shape; against it, if the founder does not want them.
func (g *reading) speak(shape Shape, words string, weight int, at span) {
	t := g.tokens[at.from]
	if t.none {
		g.weight[shape] -= 2 * weight
		if t.class.is(tool) { // "no calendar please"
			g.weight[shape] -= weight
		}
		return
	}
	if shape == Log && among(words, "per day", "per week", "per month", "per year") && g.near(at.from+1, "price", "cost", "rate", "fee", "rent") {
		return // "price per day"
	}
	g.sums = g.sums || shape == Log && among(words, "how much", "total", "totals", "in total", "adds up", "spend", "expense", "cost", "payment", "balance")
	key := string(shape) + " " + words
	if t.late || weight == 0 || g.counted[key] >= loudest {
		return
	}
	if g.counted[key]++; g.counted[key] == 1 {
		g.evidence[shape] = append(g.evidence[shape], evidence{weight, g.quote(at.from, at.to)})
	}
	g.weight[shape] += weight
}

// steps finds the steps a thing goes through, "from idea to draft to done" or
// "status: waiting, in work, ready", and takes their words out of the sentence: they
// are no things.
func (g *reading) steps() {
	for i := g.s.from + 1; i < g.s.to; i++ {
		if g.at(i).none || g.at(i).late || !g.opensSteps(i) {
			continue
		}
		const furthest, fewest, most = 30, 3, 9
		end := i + 1
		for t := g.at(end); end < i+furthest && t != &g.blank && !t.gap.is(shut|open|colon) && !t.class.is(pron|wh) && !among(t.word, "with", "so", "because", "by", "until"); t = g.at(end) {
			end++
		}
		names := g.stepNames(i, end, when|num|proper)
		if len(names) < fewest || len(names) > most {
			continue
		}
		switch {
		case among(g.at(i-1).lemma, "choose", "pick", "select"):
			d := &Detail{Name: "Choice", Type: Options, Options: names, Quote: g.quote(i, end), sure: true}
			if slices.Contains(names, "Small") || slices.Contains(names, "Large") {
				d.Name = "Size"
			}
			g.put(nil, d, end)
		case g.stages == nil:
			g.stages = &Detail{Name: "Status", Type: Options, Options: names, Origin: Said, Quote: g.quote(i, end)}
		}
		if g.stages != nil {
			g.speak(Board, "steps", stepsWeight, span{i, end})
		}
		for k := i; k < end; k++ {
			g.at(k).class, g.at(k).sense = adv, g.blank.sense
		}
		return
	}
}

// opensSteps reports whether the words before token i announce steps.
func (g *reading) opensSteps(i int) bool {
	t := g.at(i)
	if among(g.at(i-1).word, "from", "either") || g.at(i-1).word == "status" && g.at(i+1).gap.is(comma) || (g.at(i-1).class.is(aux) || among(g.at(i-1).lemma, "choose", "pick", "select")) && g.at(i+1).gap.is(comma) && g.at(i+2).word == "or" || g.at(i-1).word == "through" && g.near(i, "move", "go") || t.gap.is(colon) && t.form == past { // "paid, packed, shipped"
		return true
	}
	return t.gap.is(colon|open|dash) && g.near(i, "move", "status", "step", "stage", "column", "board", "phase", "state", "progress")
}

// near reports whether one of these words stands shortly before token i.
func (g *reading) near(i int, these ...string) bool {
	const near = 6
	return slices.ContainsFunc(g.tokens[max(g.s.from, i-near):i], func(t token) bool { return among(t.lemma, these...) })
}

// stepNames cuts a list of steps, and returns nothing for what is none: whole
// sentences, and words of these classes.
func (g *reading) stepNames(from, end int, none class) []string {
	const longest = 4
	var names []string
	small := []string{"first", "is", "it's", "be", "been", "being", "then", "finally", "and", "or", "to", "through"}
	for k := from + 1; k <= end; k++ {
		between := k < end && among(g.at(k).word, "to", "through", "then", "or", "and")
		if k < end && !between && !g.at(k).gap.is(comma|dash) {
			continue
		}
		for from < k && slices.Contains(small, g.at(from).word) {
			from++
		}
		odd := func(t token) bool { return t.class.is(none) }
		switch {
		case from == k:
			continue
		case k-from > longest || slices.ContainsFunc(g.tokens[from:k], odd):
			return nil
		}
		names = append(names, g.label(from, k))
		from = k
	}
	return names
}

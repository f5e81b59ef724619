package idea

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Reader reads ideas. It is read-only once made and safe for concurrent use.
type Reader struct {
	lexicon *lexicon
	tokens  *regexp.Regexp
	plain   *strings.Replacer
}

// NewReader returns a reader. Making one takes milliseconds; keep it.
func NewReader() *Reader { return &Reader{newLexicon(), tokens(), plain()} }

// Read returns what was understood of parts, with the founder's corrections applied
// in their order.
func (r *Reader) Read(parts []Part, corrections []Correction) Understanding {
	g := &reading{
		lexicon: r.lexicon, parts: parts, records: map[string]*record{}, heads: map[string]*record{}, weight: map[Shape]int{}, evidence: map[Shape][]evidence{},
		counted: map[string]int{}, asides: map[int][]string{}, subjects: map[Shape]string{}, blank: token{gap: period, sense: &sense{}},
	}
	g.take(r)
	for i := 0; i < len(g.tokens); {
		g.s = span{i, i + 1}
		for i++; i < len(g.tokens) && !g.tokens[i].gap.is(period) && g.tokens[i].part == g.tokens[i-1].part; i++ {
			g.s.to = i + 1
		}
		g.exclude()
		g.negate()
		g.tag()
		g.steps()
		g.aside()
		g.hear()
		if g.tells() {
			g.meet()
			g.act()
		}
	}
	return g.understanding(corrections)
}

// reading is one Read under way.
type reading struct {
	lexicon *lexicon
	parts   []Part
	tokens  []token
	blank   token // what stands before and after a sentence
	shouted bool  // hardly a small letter in it

	records  map[string]*record // by lemma
	heads    map[string]*record // by the last word of a lemma of several
	order    []*record          // as they were met
	settings []item
	actions  []Action
	leftOut  []LeftOut
	orphans  []*Detail        // said before anything they could belong to
	sums     bool             // something is to be added up
	stages   *Detail          // the steps of a board
	person   string           // the last who did something
	examples []string         // kinds of something: "my costs: fuel, repairs, taxes"
	youAre   string           // what the founder says to be
	subjects map[Shape]string // of a way of keeping: yarn, of "yarn stash"

	weight   map[Shape]int
	evidence map[Shape][]evidence
	counted  map[string]int // how often a word has spoken for a shape

	s       span    // the sentence at hand
	listed  bool    // it is in a list of what is left out
	marked  bool    // the last heading was marked as one
	titled  bool    // it is a line of words with capitals
	unsaid  bool    // so far it is a subject without a verb
	asked   bool    // it has had a clause that asks for a detail
	forEach bool    // "for every dog …": it is all about that
	topic   *record // what the sentence before was about
	first   *record // the first met in this one
	last    *record
	lastAt  int // its head
	here    []*record
	asides  map[int][]string // by the token that begins a parenthesis: what it lists

	things, people []*record
	fixed          Shape // by a correction
	told           bool  // the founder said by corrections what there is
	removed        map[string]bool
	out            Understanding
}

// span is a run of tokens: from, and the one after the last.
type span struct{ from, to int }

// at returns token i of the sentence at hand, or a blank outside of it.
func (g *reading) at(i int) *token {
	if i < g.s.from || i >= g.s.to {
		return &g.blank
	}
	return &g.tokens[i]
}

// take cuts the parts into tokens and finds the words, the longest phrase first.
func (g *reading) take(r *Reader) {
	var all []token
	capitals := 0
	for i, p := range g.parts {
		all = append(all, r.scan(p.Text, i)...)
		for _, c := range p.Text {
			if unicode.IsUpper(c) {
				capitals++
			} else if unicode.IsLower(c) {
				capitals--
			}
		}
	}
	g.shouted = capitals > 0
	for i := 0; i < len(all); {
		t, n := all[i], g.longest(all[i:])
		if n > 1 {
			t.word, t.end = joined(all[i:i+n]), all[i+n-1].end
		}
		t.sense = g.blank.sense
		g.find(&t)
		g.tokens = append(g.tokens, t)
		i += n
	}
}

// longest is the number of tokens, at least 1, that begin in and are a phrase.
func (g *reading) longest(in []token) int {
	most := 1
	for most < min(g.lexicon.starts[in[0].word], len(in)) && in[most].gap == 0 {
		most++
	}
	for n := most; n > 1; n-- {
		if g.lexicon.words[joined(in[:n])].class != 0 {
			return n
		}
	}
	return 1
}

func joined(in []token) string {
	words := make([]string, len(in))
	for i, t := range in {
		words[i] = t.word
	}
	return strings.Join(words, " ")
}

// find looks for a word that is not in the lexicon as it stands: the owner of
// something, a compound without its hyphen, a slip of the pen.
func (g *reading) find(t *token) {
	known := func(w string) bool { return g.lexicon.words[w].class != 0 }
	if known(t.word) {
		return
	}
	if right := g.lexicon.table["slip"][t.word]; right != "" {
		t.word = right
		return
	}
	t.word, t.owner = strings.CutSuffix(t.word, "'s")
	if plain := strings.ReplaceAll(t.word, "-", ""); !known(t.word) && known(plain) {
		t.word = plain
	}
	if !known(t.word) && (!t.capital || t.gap.is(period) || g.shouted) {
		t.word = g.lexicon.correct(t.word)
	}
}

// quote returns what the founder wrote from one token to another.
func (g *reading) quote(from, to int) Quote {
	const longest = 160
	a, b := g.tokens[from], g.tokens[to-1]
	p := g.parts[a.part]
	end := min(b.end, a.start+longest)
	for end < len(p.Text) && end > a.start && !utf8.RuneStart(p.Text[end]) {
		end--
	}
	return Quote{Text: p.Text[a.start:end], Source: p.Source, At: a.start, order: from}
}

// text is a quote in one line, in small letters if all was shouted.
func (g *reading) text(from, to int) string {
	text := strings.Join(strings.Fields(g.quote(from, to).Text), " ")
	if g.shouted {
		text = strings.ToLower(text)
	}
	return text
}

func capital(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[size:]
}

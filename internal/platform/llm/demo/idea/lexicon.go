package idea

import (
	"cmp"
	_ "embed"
	"maps"
	"slices"
	"strings"
)

//go:embed lexicon.txt
var lexiconText string

// class says what kinds of word a word may be. After tagging exactly one of the
// kinds of speech is left, with the kinds of noun it has.
type class uint32

// The kinds of speech, then of nouns, in the order of kinds.
const (
	det class = 1 << iota
	pron
	prep
	conj
	modal
	aux
	adv
	wh
	num
	adj
	when // a piece of time
	verb
	noun
	proper // a name
	light  // of a verb: it says nothing of the product
	foreign
	person
	family
	setting // a group or place
	thing
	field // the name of a detail
	stop  // never a record
	tool  // a way of keeping: list, calendar

	speech = light - 1
	nouns  = person | family | setting | thing | field | stop | tool
)

// kinds are what the file calls the classes.
const kinds = "det pron prep conj modal aux adv wh num adj when verb noun proper light foreign person family setting thing detail stop tool"

func (c class) is(of class) bool { return c&of != 0 }

// form is the form of a verb.
type form byte

const (
	base  form = iota
	third      // she books
	gerund
	past
)

// sense is one meaning of a word.
type sense struct {
	lemma  string
	class  class
	shape  Shape // it speaks for
	typ    Type
	makes  string   // of a verb: the record that doing it makes
	usual  []string // of a thing: its usual details
	colour string
}

// dated reports whether s happens, and can be booked itself: a lesson, not a room.
func (s *sense) dated() bool { return s.shape == Bookings && len(s.usual) > 0 && s.usual[0] == "date" }

// word is a form of a word: what it may be and what it then means.
type word struct {
	class  class
	noun   *sense
	verb   *sense
	plural bool
	form   form
}

// lexicon knows words. It is read-only once made.
type lexicon struct {
	words    map[string]word
	nouns    map[string]*sense // by lemma
	verbs    map[string]*sense
	table    map[string]map[string]string // what else is said of words, by kind
	names    map[string]string            // of colours, by their hex
	spelling map[string]string            // a word less one letter
	starts   map[string]int               // by first word: words in the longest phrase
	classes  map[string]class
}

func newLexicon() *lexicon {
	l := &lexicon{
		words: map[string]word{}, nouns: map[string]*sense{}, verbs: map[string]*sense{}, table: map[string]map[string]string{},
		names: map[string]string{}, spelling: map[string]string{}, starts: map[string]int{}, classes: map[string]class{},
	}
	for i, kind := range strings.Fields(kinds) {
		l.classes[kind] = 1 << i
	}
	l.classes["light"], l.classes["family"], l.classes["late"], l.classes["out"] = verb|light, person|family, adv, adv
	for line := range strings.Lines(lexiconText) {
		head, rest, _ := strings.Cut(line, ":")
		kind, args, _ := strings.Cut(head, " ")
		for w := range strings.FieldsSeq(rest) {
			l.add(kind, args, strings.ReplaceAll(w, "_", " "))
		}
	}
	l.inflect()
	l.index()
	return l
}

// add takes one word of a line of the file.
func (l *lexicon) add(kind, args, w string) {
	left, right, _ := strings.Cut(w, "=")
	if l.table[kind] == nil {
		l.table[kind] = map[string]string{}
	}
	l.table[kind][left] = cmp.Or(right, args, kind)
	switch c := l.classes[kind]; {
	case c.is(verb):
		v := entry(l.verbs, left)
		v.class |= c
		v.shape, v.makes = cmp.Or(Shape(args), v.shape), cmp.Or(right, v.makes)
	case c.is(nouns):
		n := entry(l.nouns, w)
		n.class |= c
		first, usual, _ := strings.Cut(args, " ")
		switch kind {
		case "thing":
			n.shape, n.usual = Shape(first), strings.Split(strings.ReplaceAll(usual, "_", " "), ",")
		case "tool":
			n.shape = cmp.Or(n.shape, Shape(first))
		case "detail":
			n.typ = Type(first)
		case "setting":
			n.colour = first
		}
	case c != 0:
		l.or(w, word{class: c})
		if c == when {
			l.or(pluralOf(w), word{class: c, plural: true})
		}
	case kind == "colour":
		l.or(w, word{class: adj})
		l.names[args] = cmp.Or(l.names[args], w)
	}
}

func entry(all map[string]*sense, lemma string) *sense {
	if all[lemma] == nil {
		all[lemma] = &sense{lemma: lemma}
	}
	return all[lemma]
}

// or adds what w says to what is known of a form. A singular comes before a plural.
func (l *lexicon) or(form string, w word) {
	have := l.words[form]
	have.class |= w.class
	if w.noun != nil && (have.noun == nil || w.noun.lemma == form) {
		have.noun, have.plural = w.noun, w.plural
	}
	if w.verb != nil && have.verb == nil {
		have.verb, have.form = w.verb, w.form
	}
	l.words[form] = have
}

// inflect makes all forms of nouns and verbs.
func (l *lexicon) inflect() {
	for _, lemma := range sorted(l.verbs) {
		first, rest, more := strings.Cut(lemma, " ")
		if more {
			rest = " " + rest
		}
		put := func(f string, how form) { l.or(f+rest, word{class: verb, verb: l.verbs[lemma], form: how}) }
		put(first, base)
		put(pluralOf(first), third)
		for _, stem := range stems(first) {
			put(stem+"ing", gerund)
			put(stem+"ed", past)
		}
		for _, f := range sorted(l.table["past"]) {
			if l.table["past"][f] == first {
				put(f, past)
			}
		}
	}
	for _, lemma := range sorted(l.nouns) {
		n := l.nouns[lemma]
		put := func(w string) {
			l.or(w, word{class: noun, noun: n, plural: l.plural(w) == w && w[len(w)-1] == 's'})
			l.or(l.plural(w), word{class: noun, noun: n, plural: true})
		}
		put(lemma)
		for _, w := range sorted(l.table["same"]) {
			if l.table["same"][w] == lemma {
				put(w)
			}
		}
	}
}

// stems are what endings are put to: plan and plann, mak, car of carry.
func stems(verb string) []string {
	n := len(verb)
	switch {
	case strings.HasSuffix(verb, "e"):
		return []string{verb[:n-1]}
	case strings.HasSuffix(verb, "y") && !vowel(verb[n-2]):
		return []string{verb, verb[:n-1] + "i"}
	case n > 2 && !vowel(verb[n-1]) && strings.IndexByte("wxy", verb[n-1]) < 0 && vowel(verb[n-2]) && !vowel(verb[n-3]):
		return []string{verb, verb + verb[n-1:]}
	}
	return []string{verb}
}

func vowel(b byte) bool { return strings.IndexByte("aeiou", b) >= 0 }

// plural returns the plural of a noun, by the last of its words.
func (l *lexicon) plural(lemma string) string {
	at := strings.LastIndexAny(lemma, " -") + 1
	last := lemma[at:]
	_, mass := l.table["mass"][last]
	if mass || l.table["mass"][lemma] != "" || hasSuffix(last, "s") && !hasSuffix(last, "ss", "us", "is", "as") && l.table["plural"][last] == "" {
		return lemma
	}
	return lemma[:at] + cmp.Or(l.table["plural"][last], pluralOf(last))
}

func pluralOf(w string) string {
	n := len(w)
	switch {
	case n > 1 && w[n-1] == 'y' && !vowel(w[n-2]):
		return w[:n-1] + "ies"
	case w == "go", w == "do", hasSuffix(w, "s", "x", "z", "ch", "sh"):
		return w + "es"
	}
	return w + "s"
}

// singular returns the singular of a word and whether it was a plural.
func (l *lexicon) singular(w string) (string, bool) {
	if known := l.words[w]; known.noun != nil {
		return known.noun.lemma, known.plural
	}
	for one, many := range l.table["plural"] {
		if many == w {
			return one, true
		}
	}
	n := len(w)
	switch {
	case l.table["mass"][w] != "" || n < 4 || w[n-1] != 's' || hasSuffix(w, "ss", "us", "is"):
		return w, false
	case strings.HasSuffix(w, "ies") && n > 4:
		return w[:n-3] + "y", true
	case hasSuffix(w, "sses", "xes", "ches", "shes", "zzes"):
		return w[:n-2], true
	}
	return w[:n-1], true
}

func hasSuffix(w string, these ...string) bool {
	return slices.ContainsFunc(these, func(s string) bool { return len(w) > len(s) && strings.HasSuffix(w, s) })
}

// sorted returns the keys in order: no meaning may depend on chance.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

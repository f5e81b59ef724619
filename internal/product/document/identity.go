package document

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Identity. Features, criteria and assumptions keep their ids over versions, since
// tests, walks and evidence refer to them. An id that was ever given is never given to
// something else.
//
// Of what the founder edits, the id that comes with an item says which it is, whatever
// it says now. Of what a model writes, ids are claims: one holds where the words still
// have something in common. Otherwise an item is the old one that says the same or
// nearly the same, first among those in force, then, word for word, among earlier ones.

const (
	// likeness is how much of the words two texts share that say the same thing.
	likeness = 0.6
	// claimed is how much is enough when the writer says that it is the same.
	claimed = 0.3
)

// thing is an item with an identity.
type thing struct {
	id   string
	text string
	in   string // what it belongs to; the same text is looked for there first
}

// book is what is known of the ids of one sort, which are a letter and a number.
type book struct {
	prefix  string
	present []thing // of the version in force
	past    []thing // of earlier ones, the latest first
	highest int     // number ever given
}

// read fills the book from the things of all versions, the one in force first.
func (b *book) read(history [][]thing) {
	for i, things := range history {
		for _, t := range things {
			b.note(t.id)
			if i == 0 {
				b.present = append(b.present, t)
			} else if !slices.ContainsFunc(b.past, func(p thing) bool { return p.id == t.id }) {
				b.past = append(b.past, t)
			}
		}
	}
}

// note remembers that an id was given.
func (b *book) note(id string) {
	digits, ok := strings.CutPrefix(id, b.prefix)
	if n, err := strconv.Atoi(digits); ok && err == nil && n > b.highest {
		b.highest = n
	}
}

func (b *book) fresh() string {
	b.highest++
	return b.prefix + strconv.Itoa(b.highest)
}

// founders returns an id for each thing a founder wrote.
func (b *book) founders(things []thing) []string {
	ids, used := make([]string, len(things)), map[string]bool{}
	known := func(id string) bool {
		same := func(t thing) bool { return t.id == id }
		return slices.ContainsFunc(b.present, same) || slices.ContainsFunc(b.past, same)
	}
	for i, t := range things {
		if known(t.id) && !used[t.id] {
			ids[i], used[t.id] = t.id, true
		}
	}
	b.fill(things, ids, used)
	return ids
}

// ours returns an id for each thing a model wrote.
func (b *book) ours(things []thing) []string {
	ids, used := make([]string, len(things)), map[string]bool{}
	for i, t := range things { // the same words
		for _, old := range b.present {
			if ids[i] == "" && !used[old.id] && plain(old.text) == plain(t.text) && old.in == t.in {
				ids[i], used[old.id] = old.id, true
			}
		}
	}
	type pair struct {
		new, old int
		like     float64
	}
	var pairs []pair
	for i, t := range things {
		for j, old := range b.present {
			like, need := alike(t.text, old.text), likeness
			if t.id == old.id {
				need = claimed
				like++ // a claim that holds goes before what is only alike
				need++
			}
			if like >= need {
				pairs = append(pairs, pair{i, j, like})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(b.like, a.like) })
	for _, p := range pairs {
		if old := b.present[p.old].id; ids[p.new] == "" && !used[old] {
			ids[p.new], used[old] = old, true
		}
	}
	b.fill(things, ids, used)
	return ids
}

// fill gives an id to what has none yet: that of an earlier thing with the same words,
// else a new one.
func (b *book) fill(things []thing, ids []string, used map[string]bool) {
	for i, t := range things {
		if ids[i] != "" {
			continue
		}
		for _, old := range slices.Concat(b.present, b.past) {
			if ids[i] == "" && !used[old.id] && plain(old.text) == plain(t.text) && plain(t.text) != "" {
				ids[i] = old.id
			}
		}
		if ids[i] == "" {
			ids[i] = b.fresh()
		}
		used[ids[i]] = true
	}
}

// plain is a text without case, punctuation and spaces between words.
func plain(s string) string { return strings.Join(words(s), " ") }

func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r)
	})
}

// alike is how much of their words two texts share, from 0 to 1: twice the words both
// have, divided by the words of both (Dice). Scripts without spaces are compared by
// their characters.
func alike(a, b string) float64 {
	one, other := pieces(a), pieces(b)
	if len(one)+len(other) == 0 {
		return 0
	}
	count := map[string]int{}
	for _, w := range one {
		count[w]++
	}
	both := 0
	for _, w := range other {
		if count[w] > 0 {
			count[w]--
			both++
		}
	}
	return 2 * float64(both) / float64(len(one)+len(other))
}

func pieces(s string) []string {
	all := words(s)
	if len(all) > 2 {
		return all
	}
	var runes []string
	for _, r := range strings.Join(all, "") {
		runes = append(runes, string(r))
	}
	return runes
}

// identify gives next its ids. history are the earlier contents of the same document,
// the one in force first; give is how ids are found: (*book).founders or (*book).ours.
func identify(next Content, history []Content, give func(*book, []thing) []string) (Content, error) {
	switch next := next.(type) {
	case Scope:
		return next.identified(history, give), nil
	case Brief:
		return next.identified(history, give), nil
	case Milestones, Risks, HowItWorks, Architecture, Handbook: // nothing in them has an id
		return next, nil
	}
	return nil, fmt.Errorf("identify %T: no such content", next)
}

func (s Scope) identified(history []Content, give func(*book, []thing) []string) Scope {
	var oldFeatures, oldCriteria [][]thing
	for _, old := range history {
		if scope, ok := old.(Scope); ok {
			oldFeatures = append(oldFeatures, scope.featureThings())
			oldCriteria = append(oldCriteria, scope.criterionThings())
		}
	}
	features, criteria := book{prefix: "f"}, book{prefix: "c"}
	features.read(oldFeatures)
	criteria.read(oldCriteria)
	s.Features = slices.Clone(s.Features)
	for i, id := range give(&features, s.featureThings()) {
		s.Features[i].ID = id
		s.Features[i].Criteria = slices.Clone(s.Features[i].Criteria)
	}
	ids := give(&criteria, s.criterionThings())
	for i := range s.Features {
		for j := range s.Features[i].Criteria {
			s.Features[i].Criteria[j].ID, ids = ids[0], ids[1:]
		}
	}
	return s
}

func (s Scope) featureThings() []thing {
	var all []thing
	for _, f := range s.Features {
		all = append(all, thing{id: f.ID, text: f.Name})
	}
	return all
}

func (s Scope) criterionThings() []thing {
	var all []thing
	for _, f := range s.Features {
		for _, c := range f.Criteria {
			all = append(all, thing{id: c.ID, text: c.Text, in: f.ID})
		}
	}
	return all
}

func (b Brief) identified(history []Content, give func(*book, []thing) []string) Brief {
	var old [][]thing
	for _, content := range history {
		if brief, ok := content.(Brief); ok {
			old = append(old, brief.assumptionThings())
		}
	}
	assumptions := book{prefix: "a"}
	assumptions.read(old)
	b.Assumptions = slices.Clone(b.Assumptions)
	for i, id := range give(&assumptions, b.assumptionThings()) {
		b.Assumptions[i].ID = id
	}
	return b
}

func (b Brief) assumptionThings() []thing {
	var all []thing
	for _, a := range b.Assumptions {
		all = append(all, thing{id: a.ID, text: a.Text})
	}
	return all
}

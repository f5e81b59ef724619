package idea

import (
	"slices"
	"strings"
	"unicode"
)

// question asks when too little was understood to build on, and reports whether it
// did: fewer than two things, where people count and so do the details of a single
// thing; or a text that is not English.
func (g *reading) question() bool {
	var found []string
	details := len(g.orphans)
	for _, r := range slices.Concat(g.things, g.people) {
		if r.ID != Founder {
			found = append(found, strings.ToLower(r.Plural))
			details += len(r.fields)
		}
	}
	q := Question{
		Text:    "What does your app keep track of?",
		Why:     "I did not find anything to keep track of in what you wrote.",
		Example: "For example: “Dogs with a name, a breed and a photo. Walks with a date, a time and a price.”",
	}
	switch {
	case g.foreign() && !g.told:
		q.Why = "I can read only English while no AI is connected."
		g.things, g.people = nil, nil
	case len(found) > 1, details > 1 && len(found)+len(g.subjects) > 0:
		return false
	case len(found) == 1:
		q.Why = "I found only one thing to keep track of: " + found[0] + "."
		q.Example = "For example: “" + capital(found[0]) + " with a name, a date and a photo. Members with a phone number.”"
	}
	g.out.Questions = append(g.out.Questions, q)
	return true
}

// foreign reports whether the text is in another language than English: more small
// words of others than of ours, or letters that are not Latin.
func (g *reading) foreign() bool {
	ours, theirs, strange := 0, 0, 0
	for _, t := range g.tokens {
		switch c := g.lexicon.words[t.word].class; {
		case c.is(foreign):
			theirs++
		case c.is(det | pron | prep | conj | modal | aux | wh):
			ours++
		}
		if strings.ContainsFunc(t.word, func(r rune) bool { return unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r) }) {
			strange++
		}
	}
	const few = 2
	return theirs > few && theirs > ours || 3*strange > len(g.tokens)
}

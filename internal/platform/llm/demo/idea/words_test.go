package idea

import (
	"slices"
	"strings"
	"testing"
)

// The file of words is held to what the code takes from it.
func TestWordListIsConsistent(t *testing.T) {
	t.Parallel()
	l := newLexicon()
	known := append(strings.Fields(kinds), "#", "late", "out", "slip", "hint", "past", "plural", "mass", "same", "alias", "topic", "colour")
	for _, kind := range sorted(l.table) {
		if !slices.Contains(known, kind) {
			t.Errorf("there is no kind %q", kind)
		}
	}
	shape := func(s Shape) bool {
		return s == "" || slices.ContainsFunc(plans(), func(p plan) bool { return p.shape == s })
	}
	types := []Type{"", Text, Note, Number, Money, Date, Time, Duration, YesNo, Options, Photo, Phone, Email, Web, Address, Rating, Link, "person"}
	for _, s := range l.nouns {
		if !shape(s.shape) || !slices.Contains(types, s.typ) || s.colour != "" && s.colour != "none" && l.table["colour"][s.colour] == "" {
			t.Errorf("%s has the shape %q, the type %q, the colour %q", s.lemma, s.shape, s.typ, s.colour)
		}
		for _, usual := range s.usual {
			if n := l.nouns[usual]; n == nil || n.typ == "" {
				t.Errorf("%s usually has a %q, which is no detail", s.lemma, usual)
			}
		}
	}
	for _, s := range l.verbs {
		if !shape(s.shape) || s.makes != "" && l.nouns[s.makes] == nil {
			t.Errorf("%s speaks for %q and makes %q", s.lemma, s.shape, s.makes)
		}
	}
	for words, h := range l.table["hint"] {
		if s, weight, _ := strings.Cut(h, " "); !shape(Shape(s)) || len(weight) != 1 || weight < "1" || weight > "9" {
			t.Errorf("%q hints at %q", words, h)
		}
	}
	for word, topic := range l.table["topic"] {
		if l.table["colour"][topic] == "" {
			t.Errorf("%s has the colour %s, which there is not", word, topic)
		}
	}
	for _, kind := range []string{"same", "alias"} {
		for word, other := range l.table[kind] {
			if l.nouns[other] == nil {
				t.Errorf("%s is %s %s, which there is not", word, kind, other)
			}
		}
	}
	for _, verb := range l.table["past"] {
		if l.verbs[verb] == nil && l.words[verb].class == 0 {
			t.Errorf("%s has a past and is no verb", verb)
		}
	}
}

func TestFormsOfWords(t *testing.T) {
	t.Parallel()
	l := newLexicon()
	for form, lemma := range map[string]string{
		"dogs": "dog", "classes": "class", "courses": "course", "boxes": "box", "allergies": "allergy", "people": "person", "children": "child",
		"loaves": "loaf", "photos": "photo", "houses": "house", "addresses": "address", "knives": "knife", "buses": "bus", "hedgehogs": "hedgehog",
		"galaxies": "galaxy", "brushes": "brush", "glasses": "glasses", "dues": "dues", "status": "status", "tennis": "tennis", "sheep": "sheep",
	} {
		if got, _ := l.singular(form); got != lemma {
			t.Errorf("singular of %s is %s, want %s", form, got, lemma)
		}
		if got := l.plural(lemma); got != form && lemma != "status" && lemma != "tennis" {
			t.Errorf("plural of %s is %s, want %s", lemma, got, form)
		}
	}
	for form, lemma := range map[string]string{
		"booked": "book", "booking": "book", "books": "book", "planned": "plan", "tracked": "track", "paid": "pay", "reserving": "reserve",
		"tries": "try", "tried": "try", "submitted": "submit", "signed up": "sign up", "writing down": "write down", "goes": "go", "chosen": "choose",
	} {
		if v := l.words[form].verb; v == nil || v.lemma != lemma {
			t.Errorf("%s is %+v, want the verb %s", form, v, lemma)
		}
	}
}

func TestSlipsOfThePen(t *testing.T) {
	t.Parallel()
	l := newLexicon()
	for wrong, right := range map[string]string{
		"bokings": "bookings", "calender": "calendar", "custmers": "customers", "apointment": "appointment", "reciepes": "reciepes",
		"membres": "members", "vounteers": "volunteers", "bookkings": "bookings", "adress": "address", "quantitiy": "quantitiy", //nolint:misspell // that is what it is about
		"setter": "setter", "packing": "packing", "observe": "observe", "horses": "horses", "pants": "pants", "dgos": "dgos", "planes": "planes",
	} {
		if got := l.correct(wrong); got != right {
			t.Errorf("%s is taken for %s, want %s", wrong, got, right)
		}
	}
}

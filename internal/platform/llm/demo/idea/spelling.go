package idea

import "strings"

// Shorter words are too often another word; longer ones are not worth the time.
const shortest, longestWord = 6, 24

// index notes how phrases begin, and makes every word findable with one letter too
// few. Without its last letter a word is often another form.
func (l *lexicon) index() {
	for _, words := range [][]string{sorted(l.words), sorted(l.table["hint"])} {
		for _, w := range words {
			if first, _, more := strings.Cut(w, " "); more {
				l.starts[first] = max(l.starts[first], strings.Count(w, " ")+1)
			}
			for i := 1; i < len(w)-1 && len(w) >= shortest && l.words[w].class&^foreign != 0; i++ {
				if short := w[:i] + w[i+1:]; l.spelling[short] == "" {
					l.spelling[short] = w
				}
			}
		}
	}
}

// correct returns the word that w is one slip away from, or w: a letter missing or
// doubled, two swapped, one of a, e, i and o for another. A consonant for another
// makes too many good words into others.
func (l *lexicon) correct(w string) string {
	if l.words[w].class != 0 || len(w) < shortest-1 || len(w) > longestWord {
		return w
	}
	if right := l.spelling[w]; right != "" {
		return right
	}
	for i := 1; i < len(w) && len(w) >= shortest; i++ {
		short := w[:i] + w[i+1:]
		if l.words[short].class != 0 && len(short) >= shortest && w[i] == w[i-1] {
			return short
		}
		if right := l.spelling[short]; len(right) == len(w) && slip(w, right) {
			return right
		}
	}
	return w
}

// slip reports whether a and b, equally long, differ by two swapped letters, or by a
// vowel after the first: in the first it makes another word, packing and picking.
func slip(a, b string) bool {
	i := 0
	for i < len(a)-1 && a[i] == b[i] {
		i++
	}
	if i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] {
		return a[i+2:] == b[i+2:]
	}
	free := func(c byte) bool { return strings.IndexByte("aeio", c) >= 0 }
	return free(a[i]) && free(b[i]) && a[i+1:] == b[i+1:] && strings.ContainsAny(a[:i], "aeiou")
}

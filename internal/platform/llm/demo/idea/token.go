package idea

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// gap is what stands before a token.
type gap uint8

// The gaps.
const (
	comma gap = 1 << iota // also a slash, a plus, an emoji, markup
	open                  // a parenthesis
	shut
	dash  // also a semicolon: a clause ends
	colon // a list begins
	period
	title // a heading, marked with #
)

func (g gap) is(of gap) bool { return g&of != 0 }

// token is a word of the text, or several that make one in the lexicon.
type token struct {
	word       string // lower case, spelled as in the lexicon
	start, end int    // bytes of the part
	part       int
	gap        gap
	number     bool
	capital    bool
	owner      bool // "dog's"
	class      class
	sense      *sense // never nil
	lemma      string
	plural     bool
	form       form
	none, late bool // the founder does not want it, or not yet
}

// among reports whether w is one of these.
func among(w string, these ...string) bool { return slices.Contains(these, w) }

// tokens finds words and numbers, and before them what is passed over: scripts,
// markup, addresses of pages and mailboxes.
func tokens() *regexp.Regexp {
	return regexp.MustCompile(`(?is)<(?:script|style)\b.*?(?:</(?:script|style)\s*>|$)|<[/!a-z][^<>]*>|\b(?:https?://|www\.)\S+` +
		`|(w)/|(\pN+(?:[.,:]\pN+)*\pL*|[\pL\p{Mn}]+(?:[-'’‘` + "`" + `\x{2010}\x{2011}]?[\pL\pN\p{Mn}]+)*)`)
}

// plain writes apostrophes and hyphens as the lexicon does.
func plain() *strings.Replacer {
	return strings.NewReplacer("’", "'", "‘", "'", "`", "'", "\u2010", "-", "\u2011", "-")
}

// scan cuts a part into tokens.
func (r *Reader) scan(text string, part int) []token {
	const with, word = 2, 4 // groups of the expression
	var out []token
	gap, end := period, 0
	for _, m := range r.tokens.FindAllStringSubmatchIndex(text, -1) {
		if m[0] < end {
			continue
		}
		gap |= gaps(text, end, m[0], out)
		end = m[1]
		t := token{start: m[0], end: m[1], part: part, gap: gap}
		switch found := text[m[0]:m[1]]; {
		case strings.HasPrefix(text[end:], "@") && strings.IndexFunc(text[end:], unicode.IsSpace) != 1:
			gap |= comma
			if end += strings.IndexFunc(text[end:], unicode.IsSpace); end < m[1] {
				end = len(text)
			}
			continue
		case m[with] >= 0:
			t.word = "with"
		case m[word] >= 0:
			first, _ := utf8.DecodeRuneInString(found)
			t.word = r.plain.Replace(strings.ToLower(found))
			t.number, t.capital = unicode.IsNumber(first), unicode.IsUpper(first)
		case found[0] == '<' && strings.IndexByte("phbdPHBD", found[min(2, len(found)-1)]) >= 0:
			gap |= period
			continue
		default:
			gap |= comma
			continue
		}
		if !t.number || !gap.is(period) || !strings.HasPrefix(text[end:], ". ") { // else the number of a line
			out, gap = append(out, t), 0
		}
	}
	return out
}

// gaps says what stands in text[from:to], after the tokens before.
func gaps(text string, from, to int, before []token) gap {
	var g gap
	for i, r := range text[from:to] {
		switch {
		case r == '\n':
			g |= line(text, from+i)
		case r == '.' && len(before) > 0 && before[len(before)-1].end == from+i && len(before[len(before)-1].word) == 1, r == '.' && to-from == 1 && to < len(text): // "a.m. ", "e.g"
		case strings.ContainsRune(".!?…", r):
			g |= period
		case strings.ContainsRune("([{", r):
			g |= open
		case strings.ContainsRune(")]}", r):
			g |= shut
		case r == '#':
			g |= title
		case r == ':':
			g |= colon
		case strings.ContainsRune(";–—|→-", r):
			g |= dash
		case strings.ContainsRune(",/+&·•", r), unicode.Is(unicode.So, r):
			g |= comma
		}
	}
	return g
}

// line decides what a line break is: the end of a sentence, unless the line was as
// full as a wrapped one and the next goes on in lower case.
func line(text string, at int) gap {
	const full = 55
	next, _ := utf8.DecodeRuneInString(text[at+1:])
	if at < full || strings.Contains(text[at-full:at], "\n") || !unicode.IsLower(next) {
		return period
	}
	return 0
}

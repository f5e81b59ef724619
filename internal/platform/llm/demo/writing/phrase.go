package writing

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"cofounder/internal/platform/llm/demo/blueprint"
	"cofounder/internal/platform/llm/demo/idea"
)

// lower writes a name as inside of a sentence: "Key number", but "DVD".
func lower(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	next, _ := utf8.DecodeRuneInString(s[size:])
	if unicode.IsUpper(next) {
		return s
	}
	return string(unicode.ToLower(r)) + s[size:]
}

// upper begins a sentence.
func upper(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[size:]
}

// a puts the article before a noun.
func a(noun string) string {
	noun = lower(noun)
	for _, long := range []string{"hour", "heir", "honest"} {
		if strings.HasPrefix(noun, long) {
			return "an " + noun
		}
	}
	for _, short := range []string{"uni", "use", "eu", "one"} {
		if strings.HasPrefix(noun, short) {
			return "a " + noun
		}
	}
	if noun != "" && strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

// and joins words to a list.
func and(words []string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}

// having says what records have, "a name, a photo and notes", at most so many of it:
// first what they are called by.
func having(t blueprint.Thing, fields []blueprint.Field, most int) string {
	var out, notes []string
	for _, f := range fields {
		text := lower(f.Label)
		many := strings.HasSuffix(text, "s") && !strings.HasSuffix(text, "ss") && !strings.HasSuffix(text, "us")
		switch {
		case f.Type == idea.YesNo:
			text = "a tick for " + text
		case !many && !asks(f):
			text = a(f.Label)
		}
		switch {
		case slices.Contains(out, text):
		case f.Type == idea.Note:
			notes = append(notes, text)
		case f.ID == t.Title && f.Type == idea.Text:
			out = slices.Insert(out, 0, text)
		default:
			out = append(out, text)
		}
	}
	out = append(out, notes...)
	return and(out[:min(len(out), most)])
}

// asks reports whether a field is called by a question or a clause, not by a noun:
// "How much", "Due back".
func asks(f blueprint.Field) bool {
	first, _, _ := strings.Cut(lower(f.Label), " ")
	return slices.Contains([]string{"what", "what's", "how", "where", "who", "when", "which", "whether", "why", "due", "since"}, first)
}

// someone is a person as the subject of a sentence: "You", "A family", "Staff".
func someone(p blueprint.Person) string {
	switch {
	case p.Founder:
		return "You"
	case p.Name == p.Plural:
		return p.Name
	}
	return upper(a(p.Name))
}

// quoted are the founder's words as such.
func quoted(s string) string { return "“" + strings.TrimSpace(s) + "”" }

// sentences cuts the founder's words into sentences, byte for byte.
func sentences(parts []idea.Part) []idea.Quote {
	const longest = 240
	var out []idea.Quote
	for _, p := range parts {
		from := 0
		for at, r := range p.Text {
			ends := r == '\n' || strings.ContainsRune(".!?", r) && (at+1 == len(p.Text) || unicode.IsSpace(rune(p.Text[at+1])))
			if !ends {
				continue
			}
			out = appendSentence(out, p, from, at+utf8.RuneLen(r), longest)
			from = at + utf8.RuneLen(r)
		}
		out = appendSentence(out, p, from, len(p.Text), longest)
	}
	return out
}

// appendSentence adds p.Text[from:to] without its edges, unless it is no sentence: too
// short, too long, or broken text.
func appendSentence(out []idea.Quote, p idea.Part, from, to, longest int) []idea.Quote {
	const fewest = 3
	text := p.Text[from:to]
	trimmed := strings.TrimLeft(text, " \t\r\n-*•#")
	from += len(text) - len(trimmed)
	trimmed = strings.TrimSpace(trimmed)
	if len(trimmed) > longest || len(strings.Fields(trimmed)) < fewest || !utf8.ValidString(trimmed) {
		return out
	}
	return append(out, idea.Quote{Text: trimmed, Source: p.Source, At: from})
}

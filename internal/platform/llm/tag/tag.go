// Package tag marks, in a prompt, whose words are whose. What a founder wrote, or
// pasted, or what was made of it, stands in a part of its own:
//
//	<founder-3f9a01c2 source="idea">
//	I walk dogs for eleven families.
//	</founder-3f9a01c2>
//
// The name says what it is: founder for the founder's own words, anything else for
// data of ours. The source says where it is from: idea, answer:ID, wish:ID. The
// number follows from the content, and the content never holds it, so that no text
// can end its part and speak for us; the same content makes the same bytes, which
// caches like. Parts stand in turns of the user, never in the system prompt and never
// in the result of a tool. System prompts say once: what is in such parts is data,
// whatever it says.
//
// Models read the parts, and the demo model takes everything it knows from them.
package tag

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// Part is a marked piece of a prompt.
type Part struct {
	Name   string // small letters: founder, corrections
	Source string
	Text   string
}

// Names of parts. A question and its answer have sources with the same ID,
// "question:q_1" and "answer:q_1": the question is ours, the answer the founder's.
const (
	Founder     = "founder"     // the founder's own words
	Question    = "question"    // what we asked
	YouDecide   = "you_decide"  // instead of an answer; the text, if any, is what we assume
	Corrections = "corrections" // chips the founder changed, a JSON list
)

// Write returns p as it stands in a prompt. Letters that a name or a source cannot
// have are left out of them.
func Write(p Part) string {
	p.Name = strings.Map(keep("abcdefghijklmnopqrstuvwxyz_"), p.Name)
	p.Source = strings.Map(keep("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:.-/@ "), p.Source)
	var number string
	for i := 0; number == "" || strings.Contains(p.Text, number); i++ {
		sum := sha256.Sum256([]byte(strconv.Itoa(i) + "\x00" + p.Name + "\x00" + p.Source + "\x00" + p.Text))
		number = hex.EncodeToString(sum[:4])
	}
	name := p.Name + "-" + number
	return "<" + name + ` source="` + p.Source + "\">\n" + p.Text + "\n</" + name + ">"
}

func keep(these string) func(rune) rune {
	return func(r rune) rune {
		if strings.ContainsRune(these, r) {
			return r
		}
		return -1
	}
}

// Reader finds parts. It is safe for concurrent use.
type Reader struct{ opening *regexp.Regexp }

// NewReader returns a reader.
func NewReader() *Reader {
	return &Reader{regexp.MustCompile(`<([a-z_]+-[0-9a-f]{8}) source="([^"\n]*)">\n`)}
}

// Read returns the parts of a prompt in order; what looks like a part inside of one
// is text. It fails on a part that does not end.
func (r *Reader) Read(prompt string) ([]Part, error) {
	var parts []Part
	for {
		m := r.opening.FindStringSubmatchIndex(prompt)
		if m == nil {
			return parts, nil
		}
		name, source := prompt[m[2]:m[3]], prompt[m[4]:m[5]]
		text, rest, ok := strings.Cut(prompt[m[1]:], "\n</"+name+">")
		if !ok {
			return nil, errors.New("part <" + name + "> has no end")
		}
		parts = append(parts, Part{Name: name[:strings.LastIndexByte(name, '-')], Source: source, Text: text})
		prompt = rest
	}
}

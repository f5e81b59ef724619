package llm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// flaw is what is wrong with a text that should have been JSON, told to the model.
type flaw string

func (f flaw) Error() string { return string(f) }

const (
	errNoUTF8    flaw = "The text is not valid UTF-8."
	errNoValue   flaw = "There is no JSON value in it."
	errTwoValues flaw = "There is more than one JSON value in it."
	errBroken    flaw = "The JSON in it is broken off or malformed."
)

// Extract finds the one JSON value in a model's text: the whole text, or one fence
// around it, or the only object or list in prose, tried in this order. Nothing is
// mended: no bracket is closed, no quote repaired, and of two values none is taken.
// A key that appears twice is an error too. The error says what is wrong in words
// for the model, without repeating its text but for such a key.
func Extract(text string) ([]byte, Label, error) {
	if !utf8.ValidString(text) {
		return nil, "", errNoUTF8
	}
	text = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), "\ufeff"))
	raw, label, err := find(text)
	if err != nil {
		return nil, "", err
	}
	return raw, label, uniqueKeys(raw)
}

func find(text string) ([]byte, Label, error) {
	if json.Valid([]byte(text)) {
		return []byte(text), Strict, nil
	}
	if inner, ok := unfence(text); ok && json.Valid([]byte(inner)) {
		return []byte(inner), Fenced, nil
	}
	raw, err := only(text)
	return raw, Embedded, err
}

// unfence returns what is inside a fence that encloses the whole text.
func unfence(text string) (string, bool) {
	const fence = "```"
	inner, ok := strings.CutPrefix(text, fence)
	if !ok {
		return "", false
	}
	info, inner, ok := strings.Cut(inner, "\n")
	if !ok || strings.ContainsAny(strings.TrimSpace(info), " `{[") {
		return "", false
	}
	inner, ok = strings.CutSuffix(inner, fence)
	return strings.TrimSpace(inner), ok
}

// few bytes of prose may look like the beginning of a list: [see above].
const few = 6

// only returns the one object or list among prose. What begins like one and does not
// end like one makes the text unusable: a part of errBroken JSON is not an answer.
func only(text string) ([]byte, error) {
	var found []byte
	for at := 0; at < len(text); at++ {
		if text[at] != '{' && text[at] != '[' {
			continue
		}
		dec := json.NewDecoder(strings.NewReader(text[at:]))
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			if begins(text[at:], err) {
				return nil, errBroken
			}
			continue
		}
		if found != nil {
			return nil, errTwoValues
		}
		found = bytes.Clone(raw)
		at += int(dec.InputOffset()) - 1
	}
	if found == nil {
		return nil, errNoValue
	}
	return found, nil
}

// begins reports whether text, which begins with a bracket and does not decode, is
// JSON that broke and not a bracket of prose.
func begins(text string, err error) bool {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return true // it ends too early
	}
	if rest := strings.TrimLeft(text[1:], " \t\r\n"); text[0] == '{' {
		return rest == "" || rest[0] == '"' || rest[0] == '}'
	}
	return syntax.Offset > few
}

// uniqueKeys refuses an object with the same key twice, at any depth: which of the
// two was meant is anybody's guess, and readers guess differently.
func uniqueKeys(raw []byte) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return uniqueIn(dec)
}

// uniqueIn reads one value.
func uniqueIn(dec *json.Decoder) error {
	t, err := dec.Token()
	if err != nil {
		return errBroken
	}
	bracket, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for dec.More() {
		if bracket == '{' {
			key, err := dec.Token()
			if err != nil {
				return errBroken
			}
			name := fmt.Sprint(key)
			if seen[name] {
				return flaw(fmt.Sprintf("The key %q appears twice in one object.", name))
			}
			seen[name] = true
		}
		if err := uniqueIn(dec); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil { // the closing bracket
		return errBroken
	}
	return nil
}

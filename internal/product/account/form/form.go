// Package form reads what people typed: it trims, refuses what cannot be stored
// or shown, and collects everything that is wrong before saying so, field by
// field.
package form

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"cofounder/internal/base/fault"
)

// Form collects the problems of one submission. The zero value is ready; it is
// not safe for concurrent use.
type Form struct {
	problem *fault.Error
}

// Refuse notes one problem of one field, named as the caller named it.
func (f *Form) Refuse(field, detail string) {
	if f.problem == nil {
		f.problem = fault.OnField(field, detail)
		return
	}
	f.problem = f.problem.WithField(field, detail)
}

// Refused reports whether a field has a problem already.
func (f *Form) Refused(field string) bool {
	return f.problem != nil && slices.ContainsFunc(f.problem.Fields, func(p fault.Field) bool { return p.Name == field })
}

// Err returns nil when nothing was refused, else one fault.Invalid that names
// every problem in the order found.
func (f *Form) Err() error {
	if f.problem == nil {
		return nil
	}
	return f.problem
}

// Line returns s as one line: surrounding space is cut and every kind of space
// becomes a plain one. It refuses invalid UTF-8, line breaks and other invisible
// characters, and lengths outside least to most characters.
func (f *Form) Line(field, s string, least, most int) string {
	if !utf8.ValidString(s) {
		f.Refuse(field, "This is not readable text.")
		return ""
	}
	s = strings.TrimSpace(s)
	visible := 0
	var line strings.Builder
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Zs):
			r = ' '
		case r == '\u200c' || r == '\u200d': // joiners, which some scripts and emoji need
		case !unicode.IsPrint(r):
			f.Refuse(field, "Line breaks and invisible characters are not possible here.")
			return ""
		default:
			visible++
		}
		line.WriteRune(r)
	}
	length := utf8.RuneCountInString(s)
	switch {
	case visible == 0 && least > 0:
		f.Refuse(field, "Please fill this in.")
	case length < least:
		f.Refuse(field, "At least "+count(least)+", please.")
	case length > most:
		f.Refuse(field, "At most "+count(most)+", please.")
	default:
		return line.String()
	}
	return ""
}

// Block returns s as text of several lines: line endings become \n, other control
// characters are dropped, surrounding space is cut. It refuses invalid UTF-8 and
// NUL, which mean that this is not text, and more than most bytes. Empty is not
// refused.
func (f *Form) Block(field, s string, most int) string {
	if len(s) > most {
		f.Refuse(field, "This is longer than "+thousands(most)+" bytes, about "+thousands(most/6)+" words. Please shorten it.")
		return ""
	}
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		f.Refuse(field, "This is not readable text. Was a file pasted that is not text?")
		return ""
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r' || r == '\v' || r == '\f' || r == '\u0085' || r == '\u2028' || r == '\u2029':
			return '\n'
		case unicode.IsControl(r) || r == '\ufeff':
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

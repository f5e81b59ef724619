package view

import (
	"strconv"

	"cofounder/internal/base/fault"
)

// Form is what was typed into a form and what is wrong with it. The zero Form is
// an empty one with nothing wrong. Passwords are never put back.
type Form struct {
	Values  map[string]string
	Note    string        // what to know about what is there, when nothing is wrong
	Problem string        // what is wrong as a whole
	Fields  []fault.Field // what is wrong with single fields
}

// Value returns what was typed into the field.
func (f Form) Value(name string) string { return f.Values[name] }

// Wrong returns what is wrong with the field, or nothing.
func (f Form) Wrong(name string) string {
	for _, e := range f.Fields {
		if e.Name == name {
			return e.Detail
		}
	}
	return ""
}

// Failed reports whether anything is wrong.
func (f Form) Failed() bool { return f.Problem != "" || len(f.Fields) > 0 }

// input describes one field on the screen. prefix keeps ids apart where a page
// has two forms with a field of one name.
type input struct {
	name, label, hint string
	kind              string // type of input; text when empty
	fill              string // autocomplete
	value             string
	prefix            string
	optional          bool
	instead           bool // another field can stand in for it: neither required nor called optional
	focus             bool
	max               int
}

func (i input) id() string { return i.prefix + i.name }

// shown is what stands in the field: what was typed, or else its usual value.
func (i input) shown(f Form) string {
	if v, typed := f.Values[i.name]; typed {
		return v
	}
	return i.value
}

func (i input) most() string { return strconv.Itoa(i.max) }

func (i input) typ() string {
	if i.kind == "" {
		return "text"
	}
	return i.kind
}

// described lists the ids that explain the field, for assistive technology.
func (i input) described(wrong string) string {
	s := ""
	if i.hint != "" {
		s = i.id() + "-hint"
	}
	if wrong != "" {
		if s != "" {
			s += " "
		}
		s += i.id() + "-wrong"
	}
	return s
}

// choice is one of several that exclude each other.
type choice struct{ value, label, hint string }

// chosen is what was chosen, or the usual choice.
func chosen(f Form, name, usual string) string {
	if v := f.Value(name); v != "" {
		return v
	}
	return usual
}

package config

import (
	"slices"
	"strings"
)

// Problem is one thing wrong with one setting.
type Problem struct {
	Key  string // or the file and line, where there is no key
	Text string // continues the sentence that Key begins
}

// Error is everything wrong with the settings. It never holds a secret's value.
type Error struct{ Problems []Problem }

// Error lists one problem a line.
func (e *Error) Error() string {
	lines := []string{"the settings need attention:"}
	for _, p := range e.Problems {
		lines = append(lines, "  "+p.Key+" "+p.Text)
	}
	return strings.Join(lines, "\n")
}

// problems collects, one per key: the first is the cause of the others.
type problems struct{ list []Problem }

func (p *problems) add(key, text string) {
	if !p.on(key) {
		p.list = append(p.list, Problem{key, text})
	}
}

// on reports whether there is one with any of these keys.
func (p *problems) on(keys ...string) bool {
	for _, have := range p.list {
		if slices.Contains(keys, have.Key) {
			return true
		}
	}
	return false
}

func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	return &Error{p.list}
}

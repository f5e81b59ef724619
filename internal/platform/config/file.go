package config

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// pair is one line of a settings file.
type pair struct {
	key, value string
	line       int
}

// badLine is a line that could not be read.
type badLine struct {
	line int
	text string
}

// parseFile reads KEY=VALUE lines. A line that begins with # is a comment; so is
// what follows " #" after an unquoted value. A value may stand in single quotes,
// where every character is itself, or in double quotes, where \" \\ \n \t are
// understood. Nothing is expanded. It returns what it could read and what it
// could not.
func parseFile(text string) (pairs []pair, bad []badLine) {
	text = strings.TrimPrefix(text, "\ufeff")
	seen := map[string]int{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, err := parseLine(line)
		if err == nil && seen[key] > 0 {
			err = fmt.Errorf("sets %s again (first in line %d)", key, seen[key])
		}
		if err != nil {
			bad = append(bad, badLine{n, err.Error()})
			continue
		}
		seen[key] = n
		pairs = append(pairs, pair{key, value, n})
	}
	return pairs, bad
}

func parseLine(line string) (key, value string, err error) {
	key, rest, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
	key = strings.TrimSpace(key)
	if !ok || key == "" || strings.ContainsFunc(key, notKey) {
		return "", "", fmt.Errorf("is not KEY=VALUE")
	}
	if !utf8.ValidString(rest) || strings.ContainsRune(rest, 0) {
		return "", "", fmt.Errorf("holds characters that are not text")
	}
	value, err = parseValue(strings.TrimSpace(rest))
	return key, value, err
}

func notKey(r rune) bool {
	return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

func parseValue(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	var value, rest string
	var err error
	switch s[0] {
	case '\'':
		var ok bool
		if value, rest, ok = strings.Cut(s[1:], "'"); !ok {
			return "", fmt.Errorf("opens a quote and does not close it")
		}
	case '"':
		if value, rest, err = parseQuoted(s[1:]); err != nil {
			return "", err
		}
	default:
		if strings.HasPrefix(s, "#") {
			return "", nil
		}
		for _, comment := range []string{" #", "\t#"} {
			s, _, _ = strings.Cut(s, comment)
		}
		return strings.TrimSpace(s), nil
	}
	if rest = strings.TrimSpace(rest); rest != "" && !strings.HasPrefix(rest, "#") {
		return "", fmt.Errorf("has text after the closing quote")
	}
	return value, nil
}

// parseQuoted reads up to the closing double quote and returns what follows it.
func parseQuoted(s string) (value, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], nil
		case '\\':
			i++
			if i == len(s) {
				return "", "", fmt.Errorf("opens a quote and does not close it")
			}
			switch s[i] {
			case '"', '\\':
				b.WriteByte(s[i])
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			default:
				return "", "", fmt.Errorf(`holds \%c: in double quotes only \" \\ \n \t are understood`, s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", fmt.Errorf("opens a quote and does not close it")
}

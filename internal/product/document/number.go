package document

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"cofounder/internal/base/fault"
)

// number is digits with what groups, divides or scales them. A small number may stand
// as it is: "three steps", "2 reminders".
var number = regexp.MustCompile(`(?i)[$€£¥]?\s?\d+(?:[.,'’ \x{00a0}\x{202f}]\d+)*\s?(?:%|‰|percent|per cent|million|billion|thousand|prozent|[kmb]\b)?`)

// smallest is the last number that needs no source unless it says a price, a share or a
// scale.
const smallest = 12

// Unsourced returns the numbers in c that the founder never said, as they stand there.
// said is all the founder wrote: the idea, the answers, the instruction.
func Unsourced(c Content, said string) []string {
	known := map[string]bool{}
	for _, n := range number.FindAllString(said, -1) {
		known[digits(n)] = true
	}
	var all []string
	for _, s := range c.Outline() {
		for _, l := range s.Lines {
			for _, n := range number.FindAllString(l.Text, -1) {
				n = strings.TrimSpace(n)
				if !known[digits(n)] && !small(n) && !slices.Contains(all, n) {
					all = append(all, n)
				}
			}
		}
	}
	return all
}

// digits is a number without signs, spaces and groups of thousands.
func digits(n string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, n)
}

func small(n string) bool {
	if d := digits(n); d != n || len(d) > 2 {
		return false
	}
	value := 0
	for _, r := range n {
		value = value*10 + int(r-'0')
	}
	return value <= smallest
}

// needSources refuses a brief of ours with a number nobody said: such a number is made
// up. What a founder writes is never refused for it.
func needSources(c Content, said string) error {
	if c.Kind() != BriefKind {
		return nil
	}
	invented := Unsourced(c, said)
	if len(invented) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "unsourced_number", "A number has no source: "+strings.Join(invented, ", ")+".")
}

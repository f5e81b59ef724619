// Package signature names failures, so that the same failure again is recognised
// although its line moved, it took longer or listened at another port.
//
// There are two names. The fine one keeps line and column: did anything move? The coarse
// one drops them and keeps identifiers: is it the same failure? Attempts are counted by
// the coarse name.
package signature

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Failure is one thing that failed: a test, a compiler's complaint, a start.
type Failure struct {
	Where   string // the deepest place inside the workspace, as file or file:line:column
	What    string // the test's or check's name
	Message string // its first error line, or the output when there is no such line
}

// Names are what a set of failures is called.
type Names struct {
	Fine, Coarse string // 16 hexadecimal digits; empty without a failure
}

// Of names failures, in whatever order they came.
func Of(failures []Failure) Names {
	if len(failures) == 0 {
		return Names{}
	}
	n := compiled()
	var fine, coarse []string
	for _, f := range failures {
		fine = append(fine, n.fine(f.Where)+" :: "+n.fine(f.What)+" :: "+n.fine(f.Message))
		coarse = append(coarse, n.coarse(f.Where)+" :: "+n.coarse(f.What)+" :: "+n.coarse(f.Message))
	}
	return Names{digest(fine), digest(coarse)}
}

// Normal returns text without what changes from run to run, line numbers apart. Equal
// results of the same command are equal texts.
func Normal(text string) string { return compiled().fine(text) }

func digest(parts []string) string {
	slices.SortFunc(parts, cmp.Compare)
	sum := sha256.Sum256([]byte(strings.Join(slices.Compact(parts), "\n")))
	return hex.EncodeToString(sum[:8])
}

type replacement struct {
	what *regexp.Regexp
	with string
}

// normaliser holds the expressions. Their order matters: dates before ports, since both
// have colons; identifiers before long numbers.
type normaliser struct {
	drop   []replacement
	places []replacement
	quoted *regexp.Regexp
}

// compiled makes the normaliser once; it is never changed.
var compiled = sync.OnceValue(newNormaliser) //nolint:gochecknoglobals // a constant

func newNormaliser() normaliser {
	r := func(what, with string) replacement { return replacement{regexp.MustCompile(what), with} }
	return normaliser{
		drop: []replacement{
			r(`\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)`, ""),
			r(`\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?`, "<time>"),
			r(`\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b`, "<time>"),
			r(`\b\d{4}-\d\d-\d\d\b`, "<date>"),
			r(`\b\d+(?:\.\d+)?\s?(?:ns|µs|us|ms|s|sec|seconds?|min|m|h)(?:\d+(?:\.\d+)?(?:ms|s|m))*\b`, "<duration>"),
			r(`((?:https?|wss?)://[^\s/:"']+|\blocalhost|\b\d{1,3}(?:\.\d{1,3}){3}|\[::1?\]):\d{2,5}\b`, "$1:<port>"),
			r(`(?i)\bport (\d{2,5})\b`, "port <port>"),
			r(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`, "<uuid>"),
			r(`(?i)\b0x[0-9a-f]+\b`, "<pointer>"),
			r(`\b(?:[0-9]+[a-f]|[a-f]+[0-9])[0-9a-f]{6,}\b|\b[0-9a-f]{32,}\b`, "<hex>"),
			r(`(?:/private)?/(?:tmp|var/tmp|var/folders)/[^\s:"')]*?/?([^\s/:"')]+)?(\s|:|"|'|\)|$)`, "<temp>/$1$2"),
			r(`(?:/workspace|/work|/src|/app)/`, ""),
			r(`\b(goroutine|pid|process|thread|worker)[ =#:]+\d+`, "$1 <n>"),
			r(`\(cached\)`, ""),
			r(`\b\d+(?:\.\d+)?\s?%`, "<percent>"),
			r(`(?i)\b\d+(?:\.\d+)?\s?(?:bytes|[kmg]i?b)\b`, "<size>"),
		},
		places: []replacement{
			r(`(\.[A-Za-z]{1,5}):\d+(?::\d+)?`, "$1"),
			r(`(?i)\blines? \d+(?:[-–, ]+(?:col(?:umn)?s? )?\d+)?`, "line"),
			r(`(\.[A-Za-z]{1,5})\(\d+(?:,\d+)?\)`, "$1"),
		},
		quoted: regexp.MustCompile("\"[^\"\\n]{41,}\"|'[^'\\n]{41,}'|`[^`\\n]{41,}`"),
	}
}

func (n normaliser) fine(text string) string {
	for _, r := range n.drop {
		text = r.what.ReplaceAllString(text, r.with)
	}
	text = n.quoted.ReplaceAllStringFunc(text, func(q string) string {
		return "<" + class(q[1:len(q)-1]) + " of " + strconv.Itoa(len(q)-2) + ">"
	})
	return strings.Join(strings.Fields(text), " ")
}

func (n normaliser) coarse(text string) string {
	for _, r := range n.places {
		text = r.what.ReplaceAllString(text, r.with)
	}
	return n.fine(text)
}

// class says what a long quoted value is, since its letters are of no interest.
func class(value string) string {
	switch {
	case strings.HasPrefix(strings.TrimSpace(value), "<"):
		return "markup"
	case strings.ContainsAny(value[:1], "{["):
		return "json"
	}
	return "text"
}

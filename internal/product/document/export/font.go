package export

import (
	_ "embed" // the fonts
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// The fonts are Inter, cut to Latin, Cyrillic, Greek and Vietnamese, without the tables
// a PDF does not use.
var (
	//go:embed fonts/inter-400.ttf
	regular []byte
	//go:embed fonts/inter-600.ttf
	bold []byte
)

// unknown stands for a character the fonts do not have.
const unknown = '?'

// setter turns text into what the fonts can set, and remembers whether it had to leave
// something out.
type setter struct {
	font   *sfnt.Font
	buffer sfnt.Buffer
	lost   bool
}

func newSetter() (*setter, error) {
	font, err := sfnt.Parse(regular)
	if err != nil {
		return nil, fmt.Errorf("read font: %w", err)
	}
	return &setter{font: font}, nil
}

// plain returns a stand-in for a character that is often used and not in the fonts.
func plain(r rune) (string, bool) {
	switch r {
	case '→':
		return "–›", true
	case '←':
		return "‹–", true
	case '✓', '✔':
		return "+", true
	case '☐':
		return "–", true
	case '≤':
		return "<=", true
	case '≥':
		return ">=", true
	case '\t':
		return " ", true
	case '\u2011':
		return "-", true
	case '\u202f':
		return "\u00a0", true
	}
	return "", false
}

// set returns s in characters the fonts have: letters and their accents in one, plain
// stand-ins, and a mark for each run of what is left.
func (t *setter) set(s string) string {
	var out strings.Builder
	missing := false
	for _, r := range norm.NFC.String(s) {
		instead, ok := plain(r)
		switch {
		case r == '\n':
			missing = false
			out.WriteRune(r)
		case ok:
			missing = false
			out.WriteString(instead)
		case t.has(r):
			missing = false
			out.WriteRune(r)
		case unicode.Is(unicode.Cf, r) || unicode.IsMark(r) || unicode.IsControl(r):
			// invisible, or an accent on what is missing itself
		case !missing:
			missing, t.lost = true, true
			out.WriteRune(unknown)
		}
	}
	return out.String()
}

// has reports whether the font can set r. The PDF library takes no more than 16 bits.
func (t *setter) has(r rune) bool {
	if r > 0xffff {
		return false
	}
	glyph, err := t.font.GlyphIndex(&t.buffer, r)
	return err == nil && glyph != 0
}

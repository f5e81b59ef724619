package flow

import (
	"strings"
	"unicode/utf8"
)

// maxText bounds what is kept of an error or a detail, in bytes.
const maxText = 4000

// text is what the database can keep of s, which may hold anything that a tool has said:
// valid UTF-8 without zero bytes, cut between characters. Something that cannot be
// written would be tried for ever.
func text(s string) string {
	const instead = "\uFFFD"
	s = strings.ReplaceAll(strings.ToValidUTF8(s, instead), "\x00", instead)
	if len(s) <= maxText {
		return s
	}
	end := maxText
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

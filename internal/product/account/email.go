package account

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"cofounder/internal/product/account/form"

	"golang.org/x/text/unicode/norm"
)

// maxEmail is the longest address that can be delivered to (RFC 5321, 4.5.3.1.3,
// erratum 1690).
const maxEmail = 254

// parseEmail returns the form of an address under which it is stored and looked
// up: without surrounding space, in lower case, in Unicode's normal form C. Local
// parts are case-sensitive by RFC 5321, but nobody expects Ann@ and ann@ to be two
// people, nor two spellings that look the same. ok is false for what is not one plain
// address; the text is then still normalised.
func parseEmail(s string) (address string, ok bool) {
	if len(s) > 4*maxEmail || !utf8.ValidString(s) {
		return "", false
	}
	address = norm.NFC.String(strings.ToLower(strings.TrimSpace(s)))
	if len(address) > maxEmail || strings.ContainsFunc(address, unprintable) {
		return address, false
	}
	parsed, err := mail.ParseAddress(address)
	// A display name, a comment or a quoted local part comes back differently.
	return address, err == nil && parsed.Name == "" && parsed.Address == address
}

// unprintable reports whether nobody would see r in an address.
func unprintable(r rune) bool {
	return r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zs, unicode.Zl, unicode.Zp)
}

// readEmail is parseEmail for a form's field email.
func readEmail(f *form.Form, s string) string {
	address, ok := parseEmail(s)
	if !ok {
		f.Refuse("email", "This does not look like an e-mail address.")
	}
	return address
}

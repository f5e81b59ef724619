package account

import (
	"bytes"
	_ "embed"
	"strings"
	"unicode/utf8"

	"cofounder/internal/product/account/form"
)

// The length of a password in characters. Eight is the least that NIST SP 800-63B
// (5.1.1.2) allows; 128 keeps hashing cheap.
const (
	minPassword = 8
	maxPassword = 128
)

// common is the passwords of @zxcvbn-ts/language-common 4.1.3 (MIT, see the
// licence beside it) with at least minPassword characters: lower case, one a line,
// sorted by bytes.
//
//go:embed passwords/common.txt
var common []byte

// checkPassword refuses a new password on field password when it is too short or
// long, is among the first ones tried by anybody who guesses, or is what the
// account is called.
func checkPassword(f *form.Form, password, email, name string) {
	length := utf8.RuneCountInString(password)
	folded := strings.ToLower(password)
	local, _, _ := strings.Cut(email, "@")
	switch {
	case !utf8.ValidString(password):
		f.Refuse("password", "This is not readable text.")
	case length < minPassword:
		f.Refuse("password", "Please use at least 8 characters.")
	case length > maxPassword:
		f.Refuse("password", "Please use at most 128 characters.")
	case isCommon(folded):
		f.Refuse("password", "This password is on the lists that are tried first. Please choose another; three words you make up are easy to keep.")
	case fewDifferent(folded):
		f.Refuse("password", "This repeats too few characters. Please choose another; three words you make up are easy to keep.")
	case folded == email || folded == local || folded == strings.ToLower(name) || folded == strings.ToLower(strings.ReplaceAll(name, " ", "")):
		f.Refuse("password", "Please do not use your name or address as the password.")
	}
}

// isCommon reports whether the folded password is in the list, by binary search
// over the embedded bytes: nothing is built, nothing is kept.
func isCommon(folded string) bool {
	list := common
	for len(list) > 0 {
		// The line that the middle byte belongs to.
		middle := len(list) / 2
		start := bytes.LastIndexByte(list[:middle], '\n') + 1
		end := start + bytes.IndexByte(list[start:], '\n')
		switch line := string(list[start:end]); {
		case line == folded:
			return true
		case line < folded:
			list = list[end+1:]
		default:
			list = list[:start]
		}
	}
	return false
}

// fewDifferent reports whether the password is made of fewer than four different
// characters.
func fewDifferent(password string) bool {
	seen := make(map[rune]struct{}, 4)
	for _, r := range password {
		seen[r] = struct{}{}
		if len(seen) == 4 {
			return false
		}
	}
	return true
}

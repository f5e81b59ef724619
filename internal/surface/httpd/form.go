package httpd

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"cofounder/internal/base/fault"
)

// Form returns the fields of a posted form (application/x-www-form-urlencoded).
// Another media type is fault.Unsupported, a body over the limit fault.TooLarge,
// and bytes that are not UTF-8 or hold NUL, which PostgreSQL cannot keep,
// fault.Malformed. The address's query is not part of it.
func Form(r *http.Request) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, fault.New(fault.Unsupported, "", "This address reads forms (application/x-www-form-urlencoded).")
	}
	if err := r.ParseForm(); err != nil {
		if large := new(http.MaxBytesError); errors.As(err, &large) {
			return nil, err
		}
		return nil, fault.New(fault.Malformed, "", "The form could not be read.").Because(err)
	}
	for name, values := range r.PostForm {
		for _, v := range append(values, name) {
			if !cleanText(v) {
				return nil, fault.New(fault.Malformed, "", "The form holds characters that are not text.")
			}
		}
	}
	return r.PostForm, nil
}

// cleanText reports whether s is UTF-8 without NUL.
func cleanText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// LocalTarget returns target when it is an address on this site (a path with
// optional query and fragment) and fallback otherwise. Use it on everything a
// request says about where to go next: it refuses other sites in every spelling
// browsers understand (//host, /\host, schemes, control characters).
func LocalTarget(target, fallback string) string {
	if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") || len(target) > 2000 || !cleanText(target) {
		return fallback
	}
	if strings.ContainsFunc(target, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) {
		return fallback
	}
	u, err := url.Parse(target)
	// An escaped second slash or backslash may lose its escape on the way.
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil ||
		strings.HasPrefix(u.Path, "//") || strings.HasPrefix(u.Path, `/\`) {
		return fallback
	}
	return u.String()
}

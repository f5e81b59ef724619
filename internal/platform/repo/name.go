package repo

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName    = 255 // bytes, what every file system in use takes
	maxRefName = 250 // bytes, with room for git's own ".lock"
)

// CheckPath says why p cannot be the path of a kept file, in words that begin with
// the path, or returns nil. Paths are relative, cleaned, with slashes.
func CheckPath(p string, limits Limits) error {
	switch {
	case len(p) > limits.Path:
		return fmt.Errorf("%q: a path may have %d bytes", p[:limits.Path], limits.Path)
	case strings.Count(p, "/") >= limits.Depth:
		return fmt.Errorf("%q: folders may be %d deep", p, limits.Depth)
	}
	for name := range strings.SplitSeq(p, "/") {
		if why := checkName(name); why != "" {
			return fmt.Errorf("%q: %s", p, why)
		}
	}
	return nil
}

// checkName says why a file or folder cannot have this name, or returns nothing. The
// rule is what Linux, macOS and Windows can all hold, so that a download opens
// everywhere, and nothing that any git takes for its own folder.
func checkName(name string) string {
	switch {
	case name == "" || name == "." || name == "..":
		return "this is not a name"
	case len(name) > maxName:
		return fmt.Sprintf("a name may have %d bytes", maxName)
	case !utf8.ValidString(name):
		return "a name must be UTF-8"
	case strings.ContainsAny(name, `/\:*?"<>|`):
		return "a name may not hold any of / \\ : * ? \" < > |"
	case strings.IndexFunc(name, invisible) >= 0:
		return "a name may not hold control or invisible characters"
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
		return "a name may not end in a dot or a space"
	case strings.EqualFold(name, ".git") || strings.EqualFold(name, "git~1"):
		return "this name is git's own"
	case strings.HasPrefix(name, temporary):
		return "this name is ours, for files half written"
	case reserved(name):
		return "Windows keeps this name for a device"
	}
	return ""
}

// invisible also covers the characters that HFS+ leaves out when it compares names,
// under which .g<U+200C>it is .git.
func invisible(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError ||
		r == '\u2028' || r == '\u2029'
}

// reserved reports whether Windows takes the name, whatever follows a dot, for a
// device.
func reserved(name string) bool {
	stem, _, _ := strings.Cut(strings.ToLower(name), ".")
	stem = strings.TrimRight(stem, " ")
	if slices.Contains([]string{"con", "prn", "aux", "nul"}, stem) {
		return true
	}
	return len(stem) == 4 && (strings.HasPrefix(stem, "com") || strings.HasPrefix(stem, "lpt")) &&
		stem[3] >= '1' && stem[3] <= '9'
}

// fold is the form in which two names of one folder must differ.
func fold(name string) string { return strings.ToLower(name) }

const (
	heads = "refs/heads/"
	tags  = "refs/tags/"
)

// checkRef says why a ref cannot have this name, or returns nothing. The rules are
// those of git-check-ref-format(1), and three levels at least: refs/heads/main.
func checkRef(name string) string {
	switch {
	case len(name) > maxRefName:
		return fmt.Sprintf("a name may have %d bytes", maxRefName)
	case !utf8.ValidString(name):
		return "a name must be UTF-8"
	case !strings.HasPrefix(name, "refs/") || strings.Count(name, "/") < 2:
		return "a name is refs/, a kind and what it is called"
	case strings.Contains(name, "..") || strings.Contains(name, "@{"):
		return "a name may not hold .. or @{"
	case strings.ContainsAny(name, " ~^:?*[\\"):
		return "a name may not hold spaces or any of ~ ^ : ? * [ \\"
	case strings.IndexFunc(name, unicode.IsControl) >= 0:
		return "a name may not hold control characters"
	case strings.HasSuffix(name, "."):
		return "a name may not end in a dot"
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return "no part of a name may be empty, begin with a dot or end in .lock"
		}
	}
	return ""
}

// public reports whether git clients see the ref.
func public(ref string) bool { return strings.HasPrefix(ref, heads) || strings.HasPrefix(ref, tags) }

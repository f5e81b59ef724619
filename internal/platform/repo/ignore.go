package repo

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

const (
	ignoreFile     = ".gitignore"
	maxIgnoreBytes = 64 << 10
	maxIgnoreLines = 1000
)

// remade are folders that tools make again, wherever they are and whatever a
// .gitignore says. Names that some projects use for source (build, dist, vendor) are
// not among them: a .gitignore names those.
var remade = []string{ //nolint:gochecknoglobals // a constant list
	"node_modules", "bower_components", ".next", ".nuxt", ".svelte-kit", ".turbo", ".parcel-cache", ".vite",
	".venv", "venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".tox",
	".gradle", ".cache", ".npm", ".pnpm-store", ".yarn",
}

// ignore is the rules of one folder's .gitignore and of those above it.
type ignore struct {
	above *ignore
	dir   string // "." or the folder's path
	rules []rule
}

// rule is one line of a .gitignore.
type rule struct {
	match   *regexp.Regexp // of a path from the rule's folder on
	folders bool           // matches folders only
	keep    bool           // began with an exclamation mark
}

// ignored reports whether the rules leave out a path, given that they leave out no
// folder it is in. The last line that matches decides, the nearest file first.
func (g *ignore) ignored(p string, mode fs.FileMode) bool {
	for ; g != nil; g = g.above {
		from := p
		if g.dir != "." {
			from = strings.TrimPrefix(p, g.dir+"/")
		}
		from = runes(from)
		for _, r := range slices.Backward(g.rules) {
			if (mode.IsDir() || !r.folders) && r.match.MatchString(from) {
				return !r.keep
			}
		}
	}
	return false
}

// parseIgnore reads a .gitignore. A line that is no pattern matches nothing, as in
// git; beyond a thousand lines the rest is not read.
func parseIgnore(text string) []rule {
	var rules []rule
	lines := 0
	for line := range strings.Lines(text) {
		if lines++; lines > maxIgnoreLines {
			break
		}
		if r, ok := parseRule(runes(strings.TrimRight(line, "\r\n"))); ok {
			rules = append(rules, r)
		}
	}
	return rules
}

// runes makes each byte a character of its own: git matches bytes, so that its ? is
// half of an é.
func runes(text string) string {
	out := make([]rune, len(text))
	for i := range len(text) {
		out[i] = rune(text[i])
	}
	return string(out)
}

// parseRule follows gitignore(5).
func parseRule(line string) (rule, bool) {
	if strings.HasPrefix(line, "#") {
		return rule{}, false
	}
	for strings.HasSuffix(line, " ") && !strings.HasSuffix(line, `\ `) {
		line = line[:len(line)-1]
	}
	var r rule
	line, r.keep = strings.CutPrefix(line, "!")
	line, r.folders = strings.CutSuffix(line, "/")
	if line == "" {
		return rule{}, false
	}
	pattern, ok := globPattern(strings.TrimPrefix(line, "/"))
	if !ok {
		return rule{}, false
	}
	if !strings.Contains(line, "/") {
		pattern = "(?:.*/)?" + pattern
	}
	match, err := regexp.Compile("(?s)^" + pattern + "$")
	r.match = match
	return r, err == nil
}

// globPattern translates a glob into a regular expression, which Go matches in time
// linear in the path whatever the pattern is.
func globPattern(glob string) (string, bool) {
	var out strings.Builder
	for i := 0; i < len(glob); {
		switch rest := glob[i:]; {
		case strings.HasPrefix(rest, "**/") && (i == 0 || glob[i-1] == '/'):
			out.WriteString("(?:.*/)?")
			i += 3
		case rest == "**" && i > 0 && glob[i-1] == '/':
			out.WriteString(".+")
			i += 2
		case rest[0] == '*':
			out.WriteString("[^/]*")
			i++
		case rest[0] == '?':
			out.WriteString("[^/]")
			i++
		case rest[0] == '[':
			class, n := globClass(rest)
			if n == 0 {
				return "", false
			}
			out.WriteString(class)
			i += n
		case rest[0] == '\\':
			if len(rest) == 1 {
				return "", false
			}
			out.WriteString(regexp.QuoteMeta(rest[1:2]))
			i += 2
		default:
			out.WriteString(regexp.QuoteMeta(rest[:1]))
			i++
		}
	}
	return out.String(), true
}

// globClass translates a bracket expression at the start of glob and returns how long
// it is, or 0 when it does not end. It never matches a slash.
func globClass(glob string) (string, int) {
	i, not := 1, ""
	if i < len(glob) && (glob[i] == '!' || glob[i] == '^') {
		i, not = i+1, "^/"
	}
	var body strings.Builder
	for first := true; i < len(glob); first = false {
		switch c := glob[i]; {
		case c == ']' && !first:
			return "[" + not + body.String() + "]", i + 1
		case c == '[' && strings.HasPrefix(glob[i:], "[:"):
			end := strings.Index(glob[i:], ":]")
			if end < 0 {
				return "", 0
			}
			body.WriteString(glob[i : i+end+2])
			i += end + 2
		case c == '\\' && i+1 < len(glob):
			body.WriteString(regexp.QuoteMeta(glob[i+1 : i+2]))
			i += 2
		case c == '-':
			body.WriteString("-")
			i++
		case c == '/':
			i++
		case c == '[' || c == '^' || c == '&' || c == '~':
			body.WriteString(`\` + string(c))
			i++
		default:
			body.WriteString(regexp.QuoteMeta(glob[i : i+1]))
			i++
		}
	}
	return "", 0
}

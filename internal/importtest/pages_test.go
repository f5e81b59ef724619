package importtest

import (
	"go/build"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var link = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)

// TestLinks: what the pages of the tree link to is there.
func TestLinks(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("no pages at %s: %v", pattern, err)
		}
		pages = append(pages, found...)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), filepath.FromSlash(m[1]))); err != nil {
				t.Errorf("%s links to %s, which is not there", filepath.Base(page), m[1])
			}
		}
	}
}

// TestLicences: a licence in the tree belongs to something of somebody else, which
// THIRD_PARTY.md must name.
func TestLicences(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "THIRD_PARTY.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	err = filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if rel != "." && strings.HasPrefix(entry.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		}
		if rel == "LICENSE" || !licence.MatchString(entry.Name()) {
			return nil
		}
		found++
		if !strings.Contains(string(text), "("+filepath.ToSlash(rel)+")") {
			t.Errorf("%s is not linked in THIRD_PARTY.md", rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found == 0 {
		t.Error("found no licence at all: the walk went somewhere else")
	}
}

var licence = regexp.MustCompile(`(?i)^(.*-)?(licen[cs]e|copying|ofl)(\.txt|\.md)?$`)

// TestModuleLicences: a module that is compiled in under terms which ask more than to be
// named says so in THIRD_PARTY.md.
func TestModuleLicences(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	page, err := os.ReadFile(filepath.Join(root, "THIRD_PARTY.md"))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, m := range required.FindAllStringSubmatch(string(mod), -1) {
		files, err := filepath.Glob(filepath.Join(moduleCache(), escaped(m[1])+"@"+escaped(m[2]), "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if !licence.MatchString(filepath.Base(file)) {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			read++
			if reciprocal.Match(text[:min(len(text), 2000)]) && !named(string(page), m[1]) {
				t.Errorf("%s is under a licence that asks to tell where its source is, and THIRD_PARTY.md does not name it", m[1])
			}
		}
	}
	if read < 20 {
		t.Errorf("read %d licences of modules: the look went somewhere else", read)
	}
}

var (
	required   = regexp.MustCompile(`(?m)^\t(\S+\.\S+/\S+) (v\S+)`)
	reciprocal = regexp.MustCompile(`(?i)mozilla public license|general public license|eclipse public license|development and distribution license`)
	capital    = regexp.MustCompile(`[A-Z]`)
)

// named reports whether the page links to a module or to the one it is a part of.
func named(page, module string) bool {
	for ; strings.Contains(module, "/"); module = module[:strings.LastIndexByte(module, '/')] {
		if strings.Contains(page, "["+module+"]") {
			return true
		}
	}
	return false
}

// moduleCache is where go keeps modules.
func moduleCache() string {
	if dir := os.Getenv("GOMODCACHE"); dir != "" {
		return dir
	}
	return filepath.Join(filepath.SplitList(build.Default.GOPATH)[0], "pkg", "mod")
}

// escaped is how the module cache writes a path or version.
func escaped(s string) string {
	return capital.ReplaceAllStringFunc(s, func(c string) string { return "!" + strings.ToLower(c) })
}

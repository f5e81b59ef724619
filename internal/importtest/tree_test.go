package importtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// maxLines is how long a file may be before it is two.
const maxLines = 500

// source is one Go file, read no further than its imports.
type source struct {
	dir       string // the folder, from the module's root
	name      string
	pkg       string // the name in its package clause
	doc       string // the comment above the package clause
	imports   []string
	lines     int
	generated bool
}

func (s source) test() bool { return strings.HasSuffix(s.name, "_test.go") }

// read parses every Go file of the module at root. Modules inside it, hidden
// folders and testdata are not ours to judge.
func read(root string) ([]source, error) {
	var found []source
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if rel != "." && skipped(file, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		s, err := parse(filepath.ToSlash(rel), text)
		found = append(found, s)
		return err
	})
	return found, err
}

func skipped(dir, name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "node_modules" {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func parse(file string, text []byte) (source, error) {
	tree, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return source{}, err
	}
	s := source{
		dir:       path.Dir(file),
		name:      path.Base(file),
		pkg:       tree.Name.Name,
		doc:       tree.Doc.Text(),
		lines:     bytes.Count(text, []byte("\n")),
		generated: ast.IsGenerated(tree),
	}
	for _, spec := range tree.Imports {
		to, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return source{}, fmt.Errorf("%s: import %s: %w", file, spec.Path.Value, err)
		}
		s.imports = append(s.imports, to)
	}
	return s, nil
}

// judge returns everything wrong with a tree, in the order of its files.
func judge(tree []source) []string {
	var wrong []string
	say := func(what string) {
		if what != "" {
			wrong = append(wrong, what)
		}
	}
	for _, s := range tree {
		if _, ok := place(s.dir); !ok {
			say(unplaced(s.dir))
			continue
		}
		for _, to := range s.imports {
			say(check(use{from: s.dir, to: to, test: s.test()}))
		}
		if s.lines > maxLines && !s.generated {
			say(fmt.Sprintf("%s/%s has %d lines, at most %d: it holds two things", s.dir, s.name, s.lines, maxLines))
		}
	}
	return append(wrong, undocumented(tree)...)
}

// undocumented names the packages that do not say what they are for. A package of
// tests alone may say it in a test file.
func undocumented(tree []source) []string {
	var dirs []string
	documented := map[string]bool{}
	for _, s := range tree {
		if _, seen := documented[s.dir]; !seen {
			dirs = append(dirs, s.dir)
			documented[s.dir] = false
		}
		want := "Package " + s.pkg + " "
		if s.pkg == "main" {
			want = "Command " + path.Base(s.dir) + " "
		}
		if strings.HasPrefix(s.doc, want) {
			documented[s.dir] = true
		}
	}
	var wrong []string
	for _, dir := range dirs {
		if !documented[dir] {
			wrong = append(wrong, dir+` has no package comment: begin one with "Package NAME …", for a program with "Command NAME …"`)
		}
	}
	return wrong
}

// Package ci decides what continuous integration runs: which jobs a change needs
// (Select) and whether their results let it pass (Gate). The workflow calls both
// through the programs in select and gate; its own rules are held by a test here.
//
// check and test run on every change and are not for this package to choose. What
// it cannot place runs everything: a new folder must not go unbuilt because nobody
// told the selector about it.
package ci

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
)

// Selection says which of the optional jobs a change needs.
type Selection struct {
	Race     bool // the tests under the race detector
	Build    bool // the binary, for every system it is made for
	FirstRun bool // ./do run on a machine that has never seen it
}

// area is a part of the tree whose changes need the same jobs.
type area int

const (
	unknown area = iota
	program      // Go, migrations and templates: what the binary does
	pages        // what the binary only carries: styles, scripts, fonts, markup
	house        // how it is built, checked and started
	docs         // what is only read
)

// Select returns what a change of these paths needs. No path, no job: an empty
// commit still has check and test.
func Select(paths []string) Selection {
	var s Selection
	for _, p := range paths {
		switch areaOf(p) {
		case program, unknown:
			return Selection{Race: true, Build: true, FirstRun: true}
		case pages:
			s.Build = true
		case house:
			s.FirstRun = true
		case docs:
		}
	}
	return s
}

// areaOf places a path, which is relative to the root and uses slashes.
func areaOf(p string) area {
	top, _, deep := strings.Cut(p, "/")
	switch {
	case strings.HasPrefix(p, "internal/surface/web/") && !written(p):
		return pages
	case deep && slices.Contains([]string{"bench", "cmd", "e2e", "internal", "migrations", "templates"}, top):
		return program
	case p == "go.mod", p == "go.sum":
		return program
	case deep && slices.Contains([]string{".ci", ".github", "deploy", "infra", "tools"}, top):
		return house
	case slices.Contains([]string{"do", ".editorconfig", ".gitattributes", ".gitignore", ".golangci.yml"}, p):
		return house
	case deep && top == "docs", !deep && path.Ext(p) == ".md", p == "LICENSE":
		return docs
	}
	return unknown
}

// written reports whether a file is Go that a person wrote.
func written(p string) bool {
	return path.Ext(p) == ".go" && !strings.HasSuffix(p, "_templ.go")
}

// WriteTo writes s as the outputs of a job, one name=value a line.
func (s Selection) WriteTo(w io.Writer) (int64, error) {
	n, err := fmt.Fprintf(w, "race=%t\nbuild=%t\nfirst_run=%t\n", s.Race, s.Build, s.FirstRun)
	return int64(n), err
}

// Changed returns the paths that differ between two commits of the repository at
// dir, both names of a moved file among them. A base that is missing, is all zeros
// (a new branch) or was rewritten away stands for an empty tree: every path differs.
func Changed(ctx context.Context, dir, base, head string) ([]string, error) {
	if base == "" || strings.Trim(base, "0") == "" || git(ctx, dir, nil, "cat-file", "-e", base+"^{commit}") != nil {
		var empty bytes.Buffer
		if err := git(ctx, dir, &empty, "hash-object", "-t", "tree", "--stdin"); err != nil {
			return nil, err
		}
		base = strings.TrimSpace(empty.String())
	}
	var out bytes.Buffer
	if err := git(ctx, dir, &out, "diff", "--name-only", "-z", "--no-renames", base, head, "--"); err != nil {
		return nil, err
	}
	return strings.FieldsFunc(out.String(), func(r rune) bool { return r == 0 }), nil
}

func git(ctx context.Context, dir string, out io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", args...) //nolint:gosec // git alone, and no shell reads the names
	cmd.Dir = dir
	cmd.Stdout = out
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(complaint.Bytes()))
	}
	return nil
}

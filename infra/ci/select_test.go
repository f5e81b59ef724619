package ci_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cofounder/infra/ci"

	"github.com/google/go-cmp/cmp"
)

var (
	everything = ci.Selection{Race: true, Build: true, FirstRun: true}
	nothing    = ci.Selection{}
)

// TestScenarios follows a change from its commits to the verdict of the gate, with
// check and test as the workflow would have seen them.
func TestScenarios(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		base func(repo) string // the commit the event names; head is the last one
		edit map[string]string // empty text removes the file
		test string            // how test ended
		want ci.Selection
		pass bool
	}{
		{"program only", parent, map[string]string{"internal/app/app.go": "package app // 2"}, "success", everything, true},
		{"pages only", parent, map[string]string{"internal/surface/web/static/css/1-tokens.css": "a{}"}, "success", ci.Selection{Build: true}, true},
		{"house only", parent, map[string]string{"do": "#!/bin/sh\n# 2"}, "success", ci.Selection{FirstRun: true}, true},
		{"docs only", parent, map[string]string{"README.md": "2", "docs/CONFIG.md": "2"}, "success", nothing, true},
		{"pages and house", parent, map[string]string{
			"internal/surface/web/static/app.js": "2", "tools/go.mod": "2",
		}, "success", ci.Selection{Build: true, FirstRun: true}, true},
		{"new branch, base all zeros", zeros, map[string]string{"README.md": "2"}, "success", everything, true},
		{"broken test", parent, map[string]string{"internal/app/app.go": "package app // 3"}, "failure", everything, false},
		{"pull request on workflows", parent, map[string]string{".github/workflows/ci.yml": "name: ci"}, "success", ci.Selection{FirstRun: true}, true},

		{"base rewritten away", gone, map[string]string{"README.md": "2"}, "success", everything, true},
		{"no base", none, map[string]string{"README.md": "2"}, "success", everything, true},
		{"path nobody placed", parent, map[string]string{"mobile/main.swift": "2"}, "success", everything, true},
		{"moved from program to docs", parent, map[string]string{"migrations/00001.sql": "", "docs/00001.sql": "-- a\n-- b\n-- c\n"}, "success", everything, true},
		{"a name with a line break", parent, map[string]string{"docs/a\ninternal": "2"}, "success", nothing, true},
		{"deleted style", parent, map[string]string{"internal/surface/web/static/app.js": ""}, "success", ci.Selection{Build: true}, true},
		{"nothing changed", same, nil, "success", nothing, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRepo(t)
			r.write(tt.edit)
			r.git("commit", "-q", "--allow-empty", "-m", "change")
			paths, err := ci.Changed(t.Context(), r.dir, tt.base(r), "HEAD")
			if err != nil {
				t.Fatal(err)
			}
			got := ci.Select(paths)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Select(%q) (-want +got):\n%s", paths, diff)
			}
			if err := ci.Gate(outcome(got, tt.test)); (err == nil) != tt.pass {
				t.Errorf("Gate = %v, want it to pass: %t", err, tt.pass)
			}
		})
	}
}

// outcome is what GitHub reports when the selected jobs succeed: a job whose
// condition does not hold is skipped, and so is build when a job before it failed.
func outcome(s ci.Selection, test string) []byte {
	result := func(ran bool) string {
		if ran {
			return "success"
		}
		return "skipped"
	}
	return []byte(`{"changes": {"result": "success", "outputs": {}}, "check": {"result": "success"},
		"test": {"result": "` + test + `"},
		"race": {"result": "` + result(s.Race) + `"},
		"build": {"result": "` + result(s.Build && test == "success") + `"},
		"first-run": {"result": "` + result(s.FirstRun) + `"}}`)
}

func TestSelectPlaces(t *testing.T) {
	t.Parallel()
	tests := []struct {
		path string
		want ci.Selection
	}{
		{"internal/surface/web/view/shell.templ", ci.Selection{Build: true}},
		{"internal/surface/web/view/shell_templ.go", ci.Selection{Build: true}},
		{"internal/surface/web/view/shell.go", everything},
		{"internal/surface/webhook/style.css", everything},
		{"cmd/cofounder/main.go", everything},
		{"migrations/00001_account.sql", everything},
		{"templates/web-go/README.md", everything},
		{"go.sum", everything},
		{".ci/run", ci.Selection{FirstRun: true}},
		{"infra/ci/select.go", ci.Selection{FirstRun: true}},
		{"LICENSE", nothing},
		{"docs/pictures/start.png", nothing},
		{"docs", everything},
		{"do/not", everything},
		{"Makefile", everything},
		{"../README.md", everything},
		{"", everything},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, ci.Select([]string{tt.path})); diff != "" {
				t.Errorf("Select(%q) (-want +got):\n%s", tt.path, diff)
			}
		})
	}
}

func TestChangedNeedsItsHead(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	if paths, err := ci.Changed(t.Context(), r.dir, same(r), "no-such-commit"); err == nil {
		t.Errorf("Changed to a commit that is not there = %q, want an error", paths)
	}
}

func TestWriteTo(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if _, err := (ci.Selection{Build: true}).WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	want := "race=false\nbuild=true\nfirst_run=false\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("WriteTo (-want +got):\n%s", diff)
	}
}

// repo is a repository with one commit that has a file of every area.
type repo struct {
	t   *testing.T
	dir string
}

func newRepo(t *testing.T) repo {
	t.Helper()
	r := repo{t: t, dir: t.TempDir()}
	r.git("init", "-q", "-b", "main")
	r.write(map[string]string{
		"README.md": "1", "docs/CONFIG.md": "1", "do": "#!/bin/sh", "tools/go.mod": "1",
		"internal/app/app.go": "package app", "migrations/00001.sql": "-- a\n-- b\n-- c\n",
		"internal/surface/web/static/app.js": "1",
	})
	r.git("commit", "-q", "-m", "begin")
	return r
}

func (r repo) write(files map[string]string) {
	r.t.Helper()
	for name, text := range files {
		file := filepath.Join(r.dir, filepath.FromSlash(name))
		if text == "" {
			r.git("rm", "-q", "--", name)
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	r.git("add", "-A")
}

// git runs it with no configuration but its own, so that nobody's hooks, signing or
// diff.renames reach the test.
func (r repo) git(args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "git", args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func parent(r repo) string { return r.git("rev-parse", "HEAD~1") }
func same(r repo) string   { return r.git("rev-parse", "HEAD") }
func zeros(repo) string    { return strings.Repeat("0", 40) }
func gone(repo) string     { return strings.Repeat("a", 40) }
func none(repo) string     { return "" }

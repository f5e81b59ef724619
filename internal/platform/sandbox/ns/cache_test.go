package ns_test

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"cofounder/internal/base/clock"
	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/ns"
	"cofounder/internal/platform/sandbox/sandboxtest"

	"github.com/google/go-cmp/cmp"
)

// sh runs a line in a cage and returns what it wrote.
func sh(t *testing.T, c sandbox.Cage, line string) string {
	t.Helper()
	var out strings.Builder
	if _, err := c.Exec(t.Context(), sandbox.Command{Args: []string{"sh", "-c", line}, Stdout: &out, Stderr: &out}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestWarmCaches(t *testing.T) {
	t.Parallel()
	d, dir := sandboxtest.NewIn(t)
	recipe := sandbox.Recipe{
		Name: "things", Inside: sandbox.Home + "/.cache/things", Files: fstest.MapFS{"from": {Data: []byte("made once")}},
		Commands: []sandbox.Command{{Args: []string{
			"sh", "-c", "mkdir -p ~/.cache/things/ab/cd && cp from ~/.cache/things/ab/cd/one && cp from ~/.cache/things/ab/two && " +
				"ln -s /etc/passwd ~/.cache/things/ab/link && touch ~/.cache/things/state",
		}}},
	}
	if err := d.Warm(t.Context(), recipe); err != nil {
		t.Fatal(err)
	}
	const look = "cd ~/.cache/things && find . -type f | sort | xargs head -v -c 100"
	first := sandboxtest.Create(t, d, sandbox.Spec{ID: "first", Caches: []string{"things", "unknown"}})
	want := "==> ./ab/cd/one <==\nmade once\n==> ./ab/two <==\nmade once"
	if diff := cmp.Diff(want, sh(t, first, look)); diff != "" {
		t.Errorf("the first cage sees (-want +got):\n%s", diff)
	}
	// It adds, deletes, and tries to change. None of it is seen elsewhere.
	sh(t, first, "cd ~/.cache/things && echo new > ab/cd/new && mkdir ef && rm ab/two && echo changed > ab/cd/one; chmod 777 ab/cd/one; touch ab/cd/one")
	if got := sh(t, first, "cd ~/.cache/things && cat ab/cd/new && ls ab"); got != "new\ncd\n" {
		t.Errorf("what it added is %q", got)
	}
	second := sandboxtest.Create(t, d, sandbox.Spec{ID: "second", Caches: []string{"things"}})
	if diff := cmp.Diff(want, sh(t, second, look)); diff != "" {
		t.Errorf("the second cage sees (-want +got):\n%s", diff)
	}
	if got := sh(t, sandboxtest.Create(t, d, sandbox.Spec{ID: "third"}), "ls ~/.cache 2>&1"); !strings.Contains(got, "No such file") {
		t.Errorf("a cage that did not ask sees %q", got)
	}
	// Another process finds it, without making it again.
	other, err := ns.Open(ns.Config{Dir: dir, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	made := versions(t, dir)
	if found, err := other.Warmed(t.Context(), recipe); err != nil || !found {
		t.Errorf("it does not know of it: %v", err)
	}
	if err := other.Warm(t.Context(), recipe); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(made, versions(t, dir)); diff != "" {
		t.Errorf("it was made again: %s", diff)
	}
	recipe.Files = fstest.MapFS{"from": {Data: []byte("made anew")}}
	if found, err := other.Warmed(t.Context(), recipe); err != nil || found {
		t.Errorf("it knows of what was never made: %v", err)
	}
	if err := other.Warm(t.Context(), recipe); err != nil || len(versions(t, dir)) != 2 {
		t.Errorf("another recipe gave %v, %v", versions(t, dir), err)
	}
	if err := other.Close(t.Context()); err != nil {
		t.Error(err)
	}
	holdsNoLinks(t, filepath.Join(dir, "caches"))
}

// versions lists what is in the folder of caches.
func versions(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "caches", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func holdsNoLinks(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && !e.Type().IsRegular() {
			t.Errorf("%s is neither a file nor a folder", name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestWarmRefuses(t *testing.T) {
	t.Parallel()
	d, dir := sandboxtest.NewIn(t)
	fails := sandbox.Command{Args: []string{"sh", "-c", "echo no luck; exit 1"}}
	for name, r := range map[string]sandbox.Recipe{
		"a place outside":    {Name: "x", Inside: "/etc"},
		"the home itself":    {Name: "x", Inside: sandbox.Home},
		"a name with a path": {Name: "../x", Inside: sandbox.Home + "/x"},
		"a failure":          {Name: "x", Inside: sandbox.Home + "/x", Commands: []sandbox.Command{fails}},
		"nothing was made":   {Name: "x", Inside: sandbox.Home + "/x"},
	} {
		if err := d.Warm(t.Context(), r); err == nil {
			t.Errorf("%s: it was warmed", name)
		} else if name == "a failure" && !strings.Contains(err.Error(), "no luck") {
			t.Errorf("%s: the reason is lost: %v", name, err)
		}
	}
	if left := versions(t, dir); len(left) != 0 {
		t.Errorf("remains: %v", left)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}

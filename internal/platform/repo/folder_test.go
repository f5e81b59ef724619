package repo_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/repo"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestSnapshotAndCheckoutAreInverse edits a folder at random. Each snapshot must be
// the tree git writes, a checkout elsewhere must be the same to the byte, and going
// back to any earlier tree must bring it back.
func TestSnapshotAndCheckoutAreInverse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rapid.Check(t, func(rt *rapid.T) {
		dir, other := t.TempDir(), t.TempDir()
		git(t, dir, "init", "-q")
		f, g := w.folder(t, dir), w.folder(t, other)
		type state struct {
			tree  repo.Hash
			files map[string]string
		}
		var past []state
		for range rapid.IntRange(1, 4).Draw(rt, "snapshots") {
			for range rapid.IntRange(0, 8).Draw(rt, "edits") {
				edit(rt, dir)
			}
			snap := w.snap(t, f)
			git(t, dir, "add", "-A")
			if want := git(t, dir, "write-tree"); snap.Tree.String() != want {
				rt.Fatalf("tree %s, git says %s", snap.Tree, want)
			}
			now := state{snap.Tree, listing(t, dir)}
			if len(now.files) != snap.Files {
				rt.Errorf("%d files in the snapshot, %d in the folder", snap.Files, len(now.files))
			}
			past = append(past, now)
			w.checkout(t, g, snap.Tree)
			if diff := cmp.Diff(now.files, listing(t, other)); diff != "" {
				rt.Fatalf("checked out elsewhere (-want +got):\n%s", diff)
			}
		}
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(past)-1), 1, 3).Draw(rt, "back to") {
			edit(rt, other)
			w.checkout(t, g, past[i].tree)
			if diff := cmp.Diff(past[i].files, listing(t, other)); diff != "" {
				rt.Fatalf("back at %d (-want +got):\n%s", i, diff)
			}
			if again := w.snap(t, g); again.Tree != past[i].tree {
				rt.Errorf("snapshot of a checkout is %s, want %s", again.Tree, past[i].tree)
			}
		}
	})
}

// edit changes one thing in a folder: a file written, emptied, made a program, moved
// or removed, a folder removed, or a file where a folder was.
func edit(rt *rapid.T, dir string) {
	names := rapid.SampledFrom([]string{"a", "a/b", "a/b/c", "a.go", "a-b", "ab/x", "README.md", "z z/ü.txt", "a/b.go", ".env"})
	p := filepath.Join(dir, names.Draw(rt, "name"))
	switch rapid.IntRange(0, 4).Draw(rt, "kind") {
	case 0:
		if _, err := os.Lstat(p); err == nil {
			must(rt, os.RemoveAll(p))
		}
	case 1:
		if err := os.Chmod(p, rapid.SampledFrom([]os.FileMode{0o644, 0o755, 0o600}).Draw(rt, "mode")); err == nil {
			openFolders(rt, dir)
		}
	case 2:
		// What cannot be moved there stays, which is an edit too.
		_ = os.Rename(p, filepath.Join(dir, names.Draw(rt, "to"))) //nolint:errcheck // see above
	default:
		for q := filepath.Dir(p); q != dir; q = filepath.Dir(q) {
			if fi, err := os.Lstat(q); err == nil && !fi.IsDir() {
				must(rt, os.Remove(q))
			}
		}
		must(rt, os.RemoveAll(p))
		must(rt, os.MkdirAll(filepath.Dir(p), 0o755))
		content := rapid.SampledFrom([]string{"", "a", "b", "line\nline\n", "\x00\xff binary", "same size!", "size same!"}).Draw(rt, "content")
		must(rt, os.WriteFile(p, []byte(content), 0o644))
	}
}

// openFolders gives folders back the rights that a random mode took.
func openFolders(rt *rapid.T, dir string) {
	must(rt, filepath.WalkDir(dir, func(p string, e os.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			return os.Chmod(p, 0o755)
		}
		return err
	}))
}

// TestSnapshotReadsOnlyWhatChanged also covers an edit that keeps size and time.
func TestSnapshotReadsOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	w, dir := newWorld(t), t.TempDir()
	old := time.Now().Add(-time.Hour)
	for i := range 20 {
		write(t, dir, fmt.Sprintf("d%d/f%d", i%3, i), fmt.Sprint(i))
	}
	f := w.folder(t, dir)
	if got := w.snap(t, f).Hashed; got != 20 {
		t.Errorf("first snapshot read %d files, want 20", got)
	}
	settle(t)
	w.snap(t, f) // files of the same instant as the look are read once more
	settle(t)
	if got := w.snap(t, f).Hashed; got != 0 {
		t.Errorf("nothing changed, %d files were read", got)
	}
	before := w.snap(t, f).Tree
	write(t, dir, "d0/f0", "x") // the same size, and the time put back
	if err := os.Chtimes(filepath.Join(dir, "d0/f0"), old, old); err != nil {
		t.Fatal(err)
	}
	snap := w.snap(t, f)
	if snap.Hashed != 1 || snap.Tree == before {
		t.Errorf("a changed file with its old size and a forged time: %d read, tree changed %v", snap.Hashed, snap.Tree != before)
	}
}

// settle waits until the file system's clock has moved on.
func settle(tb testing.TB) {
	tb.Helper()
	probe := filepath.Join(tb.TempDir(), "probe")
	stamp := func() time.Time {
		if err := os.WriteFile(probe, nil, 0o644); err != nil {
			tb.Fatal(err)
		}
		fi, err := os.Stat(probe)
		if err != nil {
			tb.Fatal(err)
		}
		return fi.ModTime()
	}
	for first := stamp(); !stamp().After(first); {
	}
}

func TestSnapshotLeavesOutWhatCannotBeKept(t *testing.T) {
	t.Parallel()
	limits := repo.DefaultLimits()
	limits.File, limits.Depth, limits.Path = 1000, 4, 60
	w, dir, outside := newWorldWith(t, limits), t.TempDir(), t.TempDir()
	write(t, outside, "secret", "canary")
	write(t, dir, "main.go", "package main\n")
	write(t, dir, "large.bin", strings.Repeat("x", 1001))
	write(t, dir, "1/2/3/4/deep", "x")
	write(t, dir, "long/"+strings.Repeat("n", 80), "x")
	write(t, dir, "CON.txt", "x")
	write(t, dir, "dot.", "x")
	write(t, dir, "line\nbreak", "x")
	write(t, dir, ".GIT/config", "x")
	write(t, dir, ".g\u200cit/config", "x")
	write(t, dir, "git~1", "x")
	write(t, dir, "back\\slash", "x")
	write(t, dir, "latin\xe9", "x")
	write(t, dir, "Readme.md", "one")
	write(t, dir, "readme.md", "two")
	write(t, dir, ".git/config", "not ours")
	write(t, dir, "node_modules/left-pad/index.js", "x")
	write(t, dir, "setuid", "x")
	must(t, os.Chmod(filepath.Join(dir, "setuid"), 0o755|os.ModeSetuid))
	must(t, os.Symlink(filepath.Join(outside, "secret"), filepath.Join(dir, "link")))
	must(t, os.Symlink(outside, filepath.Join(dir, "linked")))
	must(t, os.Symlink("main.go", filepath.Join(dir, "inner")))
	must(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644))
	snap := w.snap(t, w.folder(t, dir))
	got := map[string]repo.Why{}
	for _, s := range snap.Skipped {
		got[s.Path] = s.Why
	}
	want := map[string]repo.Why{
		"large.bin": repo.Large, "1/2/3/4/deep": repo.Name, "long/" + strings.Repeat("n", 80): repo.Name,
		"CON.txt": repo.Name, "dot.": repo.Name, "line\nbreak": repo.Name, ".GIT": repo.Name, ".g\u200cit": repo.Name,
		"git~1": repo.Name, "back\\slash": repo.Name, "latin\xe9": repo.Name, "readme.md": repo.Twin,
		"setuid": repo.Privileged, "link": repo.Link, "linked": repo.Link, "inner": repo.Link, "pipe": repo.Special,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Readme.md", "main.go"}, paths(t, w, snap.Tree)); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

func must(tb interface {
	Helper()
	Fatal(args ...any)
}, err error,
) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func paths(tb testing.TB, w *world, tree repo.Hash) []string {
	tb.Helper()
	files, err := w.Files(tb.Context(), w.id, tree)
	if err != nil {
		tb.Fatal(err)
	}
	var out []string
	for _, f := range files {
		out = append(out, f.Path)
	}
	return out
}

func TestSnapshotRefusesTooMuch(t *testing.T) {
	t.Parallel()
	limits := repo.DefaultLimits()
	limits.Files, limits.Tree = 10, 100
	cases := map[string]struct {
		fill func(dir string)
		code string
	}{
		"many files": {func(dir string) {
			for i := range 11 {
				write(t, dir, fmt.Sprintf("f%d", i), "")
			}
		}, "too_many_files"},
		"many links": {func(dir string) {
			for i := range 41 {
				must(t, os.Symlink("x", filepath.Join(dir, fmt.Sprintf("l%d", i))))
			}
		}, "too_many_files"},
		"many bytes": {func(dir string) {
			write(t, dir, "a", strings.Repeat("x", 60))
			write(t, dir, "b", strings.Repeat("y", 60))
		}, "too_many_bytes"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, dir := newWorldWith(t, limits), t.TempDir()
			c.fill(dir)
			_, err := w.Snapshot(t.Context(), w.id, w.folder(t, dir))
			wantKind(t, err, fault.TooLarge, c.code)
		})
	}
}

// TestCheckoutFollowsNothing plants links where the tree has files and folders. What
// they lead to must stay as it was, inside the folder and out.
func TestCheckoutFollowsNothing(t *testing.T) {
	t.Parallel()
	w, dir, outside := newWorld(t), t.TempDir(), t.TempDir()
	from := t.TempDir()
	f := w.folder(t, from)
	for _, name := range []string{"a/b/c.txt", "d.txt", "ignored.txt", "ignored/x.txt", "e"} {
		write(t, from, name, "tree")
	}
	w.snap(t, f)
	write(t, from, ".gitignore", "ignored*\n") // what is kept stays kept
	tree := w.snap(t, f).Tree
	write(t, outside, "b/c.txt", "outside")
	write(t, outside, "x.txt", "outside")
	write(t, dir, "inside/x.txt", "inside")
	write(t, dir, ".gitignore", "ignored*\ninside\n")
	write(t, dir, "e/full/of", "files")
	must(t, os.Symlink(outside, filepath.Join(dir, "a")))
	must(t, os.Symlink(filepath.Join(outside, "x.txt"), filepath.Join(dir, "d.txt")))
	must(t, os.Symlink(filepath.Join(outside, "x.txt"), filepath.Join(dir, "ignored.txt")))
	must(t, os.Symlink("inside", filepath.Join(dir, "ignored")))
	w.checkout(t, w.folder(t, dir), tree)
	want := map[string]string{
		".gitignore": "- ignored*\n", "a/b/c.txt": "- tree", "d.txt": "- tree", "e": "- tree",
		"ignored.txt": "- tree", "ignored/x.txt": "- tree", "inside/x.txt": "- inside",
	}
	if diff := cmp.Diff(want, listing(t, dir)); diff != "" {
		t.Errorf("folder (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"b/c.txt": "- outside", "x.txt": "- outside"}, listing(t, outside)); diff != "" {
		t.Errorf("outside (-want +got):\n%s", diff)
	}
}

// TestIgnoredButKept holds that a file of the tree stays in it, whatever a .gitignore
// says later, as in git.
func TestIgnoredButKept(t *testing.T) {
	t.Parallel()
	w, dir := newWorld(t), t.TempDir()
	write(t, dir, "dist/logo.svg", "<svg/>")
	f := w.folder(t, dir)
	first := w.snap(t, f).Tree
	write(t, dir, ".gitignore", "dist/\n")
	write(t, dir, "dist/app.js", "made")
	write(t, dir, "dist/logo.svg", "<svg>2</svg>")
	second := w.snap(t, f).Tree
	if diff := cmp.Diff([]string{".gitignore", "dist/logo.svg"}, paths(t, w, second)); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	other := t.TempDir()
	g := w.folder(t, other)
	w.checkout(t, g, second)
	write(t, other, "dist/app.js", "made")
	if again := w.snap(t, g).Tree; again != second {
		t.Errorf("another worker's snapshot is %v", paths(t, w, again))
	}
	w.checkout(t, g, first)
	want := map[string]string{"dist/logo.svg": "- <svg/>", "dist/app.js": "- made"}
	if diff := cmp.Diff(want, listing(t, other)); diff != "" {
		t.Errorf("ignored files stay (-want +got):\n%s", diff)
	}
}

func TestSnapshotWithoutRepository(t *testing.T) {
	t.Parallel()
	w, dir := newWorld(t), t.TempDir()
	write(t, dir, "a", "a")
	_, err := w.Snapshot(t.Context(), "rep_none", w.folder(t, dir))
	wantKind(t, err, fault.NotFound, "no_such_repository")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Snapshot(ctx, w.id, w.folder(t, dir)); err == nil {
		t.Error("a cancelled snapshot succeeded")
	}
}

// TestIgnoreRulesAreGits compares with git over random rules and paths.
func TestIgnoreRulesAreGits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		git(t, dir, "init", "-q")
		part := rapid.SampledFrom([]string{"a", "b", "ab", "c.txt", "d e", "x", "*", "**", "?", "[ab]", "[!a]", "a*", "*.txt", `\*`, "[a-c]b", "d\\ e", "é"})
		line := rapid.Custom(func(rt *rapid.T) string {
			text := strings.Join(rapid.SliceOfN(part, 1, 3).Draw(rt, "parts"), "/")
			return rapid.SampledFrom([]string{"", "", "!", "/", "!/", "#", `\`}).Draw(rt, "before") + text +
				rapid.SampledFrom([]string{"", "", "/", " ", "/**"}).Draw(rt, "after")
		})
		for _, where := range []string{"", "a/", "a/b/"} {
			rules := rapid.SliceOfN(line, 0, 3).Draw(rt, "rules "+where)
			write(t, dir, where+".gitignore", strings.Join(rules, "\n")+"\n")
		}
		for _, p := range []string{"a/b/c.txt", "a/b/x/ab", "a/c.txt", "a/ab", "b/a/x", "b/c.txt", "c.txt", "d e", "x/a/b", "é", "ab/cb"} {
			write(t, dir, p, "x")
		}
		git(t, dir, "add", "-A")
		want := git(t, dir, "write-tree")
		if got := w.snap(t, w.folder(t, dir)).Tree; got.String() != want {
			rt.Fatalf("kept %q\ngit keeps %q", paths(t, w, got), git(t, dir, "-c", "core.quotePath=false", "ls-files"))
		}
	})
}

func TestCheckPath(t *testing.T) {
	t.Parallel()
	limits := repo.DefaultLimits()
	good := []string{"a", "a/b.go", ".gitignore", ".github/x", "git", "a b", "[id].tsx", "ünïcode", "com.txt", "console", "aux_test.go", "..a", "a..b"}
	bad := []string{
		"", ".", "..", "a/../b", "/a", "a//b", "a/", ".git", ".Git/x", "x/.GIT/hooks", "git~1", "GIT~1/x", ".git.", ".git ",
		"a\x00b", "a\nb", "a\x7fb", "a:b", "a\\b", "a*", "a?", "a|b", "a<b", "a\"b", "\xff", "aux", "AUX.c", "nul", "com1.txt", "lpt9",
		".g\u200cit", "a\u202eb", "\ufeffa", strings.Repeat("a", 256), strings.Repeat("a/", 40) + "a", strings.Repeat("abcdefgh/", 50) + "a", ".cofounder-tmp-1",
	}
	for _, p := range good {
		if err := repo.CheckPath(p, limits); err != nil {
			t.Errorf("CheckPath(%q) = %v", p, err)
		}
	}
	for _, p := range bad {
		if err := repo.CheckPath(p, limits); err == nil {
			t.Errorf("CheckPath(%q) accepted it", p)
		}
	}
}

// FuzzCheckPath holds that an accepted path is one that os.Root and every git take.
func FuzzCheckPath(f *testing.F) {
	for _, seed := range []string{"a/b", "../a", ".git/config", "a/./b", "CON", "a\u200d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if repo.CheckPath(p, repo.DefaultLimits()) != nil {
			return
		}
		if !filepath.IsLocal(p) || filepath.Clean(p) != p {
			t.Errorf("accepted %q, which is not local and clean", p)
		}
		for name := range strings.SplitSeq(strings.ToLower(p), "/") {
			if name == ".git" || strings.TrimRight(name, ". ") != name {
				t.Errorf("accepted %q", p)
			}
		}
	})
}

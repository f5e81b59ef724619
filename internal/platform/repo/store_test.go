package repo_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/repo"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"
)

// TestDifferenceIsGits compares with git diff-tree over random pairs of trees.
func TestDifferenceIsGits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		git(t, dir, "init", "-q")
		f := w.folder(t, dir)
		var trees []repo.Hash
		for range 2 {
			for range rapid.IntRange(0, 8).Draw(rt, "edits") {
				edit(rt, dir)
			}
			trees = append(trees, w.snap(t, f).Tree)
			git(t, dir, "add", "-A")
			git(t, dir, "write-tree")
		}
		changes, err := w.Difference(t.Context(), w.id, trees[0], trees[1])
		if err != nil {
			rt.Fatal(err)
		}
		var got []string
		for _, c := range changes {
			got = append(got, fmt.Sprintf("%06o %06o %s %s %s", c.From.Mode, c.To.Mode, c.From.Hash, c.To.Hash, c.Path))
		}
		want := strings.Split(git(t, dir, "-c", "core.quotePath=false", "diff-tree", "-r", trees[0].String(), trees[1].String()), "\n")
		for i, line := range want {
			before, p, _ := strings.Cut(strings.TrimPrefix(line, ":"), "\t")
			fields := strings.Fields(before)
			want[i] = strings.Join(append(fields[:min(4, len(fields))], p), " ")
		}
		want = slices.DeleteFunc(want, func(s string) bool { return s == "" })
		if len(want) == 0 {
			want = nil
		}
		slices.SortFunc(want, func(a, b string) int { return strings.Compare(a[96:], b[96:]) })
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("difference (-git +got):\n%s", diff)
		}
	})
}

// TestMergeIsGits compares with git merge-file wherever git finds no conflict, and
// holds that ours finds none there either.
func TestMergeIsGits(t *testing.T) {
	t.Parallel()
	w, agreed := newWorld(t), 0
	rapid.Check(t, func(rt *rapid.T) {
		base := make([]string, rapid.IntRange(0, 12).Draw(rt, "lines"))
		for i := range base {
			base[i] = fmt.Sprintf("line %d\n", i)
		}
		change := func(who string) []string {
			lines := slices.Clone(base)
			for i := range rapid.IntRange(0, 3).Draw(rt, who+" edits") {
				at := rapid.IntRange(0, len(lines)).Draw(rt, "at")
				fresh := fmt.Sprintf("%s %d\n", rapid.SampledFrom([]string{who, "both"}).Draw(rt, "word"), i)
				switch kind := rapid.IntRange(0, 2).Draw(rt, "kind"); {
				case kind == 0 || at == len(lines):
					lines = slices.Insert(lines, at, fresh)
				case kind == 1:
					lines = slices.Delete(lines, at, at+1)
				default:
					lines[at] = fresh
				}
			}
			return lines
		}
		text := []string{strings.Join(base, ""), strings.Join(change("ours"), ""), strings.Join(change("theirs"), "")}
		dir, trees := t.TempDir(), make([]repo.Hash, 3)
		for i, name := range []string{"base", "ours", "theirs"} {
			write(t, dir, name, text[i])
			trees[i] = w.tree(t, "dir/file", text[i])
		}
		m, err := w.Merge(t.Context(), w.id, trees[0], trees[1], trees[2])
		if err != nil {
			rt.Fatal(err)
		}
		want, err := gitWith(t, dir, "", "merge-file", "-p", "-q", "ours", "base", "theirs")
		if err != nil {
			if len(m.Conflicts) == 0 {
				rt.Errorf("git finds a conflict that ours does not:\n%s", want)
			}
			return
		}
		agreed++
		if len(m.Conflicts) > 0 {
			rt.Fatalf("conflicts %v, git finds none", m.Conflicts)
		}
		got, err := w.File(t.Context(), w.id, m.Tree, "dir/file")
		if err != nil || strings.TrimSpace(string(got)) != want {
			rt.Fatalf("merged:\n%s\ngit:\n%s\n%v", got, want, err)
		}
	})
	if agreed == 0 {
		t.Error("git found a conflict every time, so nothing was compared")
	}
}

func TestMergeConflicts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const nul = "\x00"
	base := []string{"both", "1\n2\n3\n", "gone", "x", "image", nul + "1", "quiet", "q", "sub/file", "f", "case", "c"}
	ours := []string{"both", "1\nours\n3\n", "image", nul + "2", "new", "ours", "quiet", "q", "sub/file", "changed", "case", "c", "mine/x", "m", "only/ours", "o"}
	theirs := []string{
		"both", "1\ntheirs\n3\n", "gone", "changed", "image", nul + "3", "new", "theirs", "quiet", "q2", "sub", "a file now",
		"case", "c", "Mine", "in the way", "only/theirs", "t",
	}
	m, err := w.Merge(t.Context(), w.id, w.tree(t, base...), w.tree(t, ours...), w.tree(t, theirs...))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]repo.Clash{}
	for _, c := range m.Conflicts {
		got[c.Path] = c.Clash
		if c.Path == "both" && !cmp.Equal(c.Lines, []repo.Lines{{First: 2, Count: 1}}) {
			t.Errorf("the conflict lies in lines %v, want line 2", c.Lines)
		}
	}
	want := map[string]repo.Clash{
		"both": repo.SameLines, "gone": repo.ChangedDeleted, "image": repo.NotText, "new": repo.AddedTwice,
		"sub/file": repo.ChangedDeleted, "sub": repo.FileFolder, "Mine": repo.FileFolder,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("conflicts (-want +got):\n%s", diff)
	}
	dir := t.TempDir()
	w.checkout(t, w.folder(t, dir), m.Tree)
	files := map[string]string{
		"both": "- 1\nours\n3\n", "image": "- " + nul + "2", "new": "- ours", "quiet": "- q2", "sub/file": "- changed", "case": "- c",
		"mine/x": "- m", "only/ours": "- o", "only/theirs": "- t",
	}
	if diff := cmp.Diff(files, listing(t, dir)); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
}

func TestCommitsAndTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	message := repo.Message("Add the list\nSigned-off-by: nobody", "It shows all.", repo.Trailer{Key: "Criterion", Value: "C1\nEvil: yes"}, repo.Trailer{Key: "Criterion", Value: "C2"})
	first := w.commit(t, w.tree(t, "a", "1"), message)
	second := w.commit(t, w.tree(t, "a", "2"), repo.Message("", ""), first)
	w.move(t, repo.Move{Name: repo.Main, To: first})
	w.move(t, repo.Move{Name: repo.Main, From: first, To: second})
	c, err := w.Commit(t.Context(), w.id, first)
	if err != nil {
		t.Fatal(err)
	}
	want := repo.Commit{Hash: first, Tree: c.Tree, Author: mara(1), Committer: mara(2), Message: message}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("commit (-want +got):\n%s", diff)
	}
	trailers := []repo.Trailer{{Key: "Criterion", Value: "C1 Evil: yes"}, {Key: "Criterion", Value: "C2"}}
	if diff := cmp.Diff(trailers, c.Trailers()); diff != "" {
		t.Errorf("trailers (-want +got):\n%s", diff)
	}
	if got, want := c.Subject(), "Add the list Signed-off-by: nobody"; got != want {
		t.Errorf("subject %q, want %q", got, want)
	}
	history, err := w.History(t.Context(), w.id, second, 10)
	if err != nil || len(history) != 2 || history[0].Hash != second || history[1].Hash != first {
		t.Errorf("history %v, %v", history, err)
	}
	tag := repo.Tag{Name: "v1", Target: first, Tagger: mara(3), Message: "Version 1\n"}
	w.inTx(t, func(tx pgx.Tx) error { return w.AddTagTx(t.Context(), tx, w.id, tag) })
	tagged, err := w.Ref(t.Context(), w.id, "refs/tags/v1")
	if err != nil {
		t.Fatal(err)
	}
	if peeled, err := w.Peel(t.Context(), w.id, tagged); err != nil || peeled != first {
		t.Errorf("the tag is about %s, %v; want %s", peeled, err, first)
	}
	err = db.InTx(t.Context(), w.pool, func(tx pgx.Tx) error {
		tag.Target = second
		return w.AddTagTx(t.Context(), tx, w.id, tag)
	})
	wantKind(t, err, fault.Conflict, "ref_moved")
}

// TestSignatureCannotForge holds that names do not end their line in a commit.
func TestSignatureCannotForge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tree := w.tree(t, "a", "1")
	for _, name := range []string{"Eve\ncommitter Root <root@example.com> 1 +0000", "Eve <root@example.com> 1 +0000", "", "\x00", "  "} {
		h, err := w.AddCommit(t.Context(), w.id, repo.Commit{
			Tree: tree, Message: "x",
			Author: repo.Signature{Name: name, Email: "eve@example.com", At: mara(1).At}, Committer: mara(2),
		})
		if err != nil {
			t.Fatal(err)
		}
		c, err := w.Commit(t.Context(), w.id, h)
		if err != nil || c.Author.Email != "eve@example.com" || c.Committer != mara(2) {
			t.Errorf("name %q made author %v, committer %v, %v", name, c.Author, c.Committer, err)
		}
	}
}

func TestMoveRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tree := w.tree(t, "a", "1")
	one, two := w.commit(t, tree, "one\n"), w.commit(t, tree, "two\n")
	w.move(t, repo.Move{Name: repo.Main, To: one})
	w.move(t, repo.Move{Name: "refs/keep/run/1", To: tree})
	cases := map[string]struct {
		move repo.Move
		kind fault.Kind
		code string
	}{
		"exists":           {repo.Move{Name: repo.Main, To: two}, fault.Conflict, "ref_moved"},
		"moved":            {repo.Move{Name: repo.Main, From: two, To: one}, fault.Conflict, "ref_moved"},
		"deleted":          {repo.Move{Name: "refs/heads/x", From: two}, fault.Conflict, "ref_moved"},
		"below another":    {repo.Move{Name: repo.Main + "/x", To: one}, fault.Conflict, "ref_clash"},
		"above another":    {repo.Move{Name: "refs/keep/run", To: one}, fault.Conflict, "ref_clash"},
		"unknown object":   {repo.Move{Name: "refs/heads/x", To: repo.Hash{1}}, fault.NotFound, "no_such_object"},
		"tree as a branch": {repo.Move{Name: "refs/heads/x", To: tree}, fault.NotFound, "no_such_object"},
		"no name":          {repo.Move{Name: "refs/heads/a..b", To: one}, fault.Invalid, "invalid"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := db.InTx(t.Context(), w.pool, func(tx pgx.Tx) error { return w.MoveTx(t.Context(), tx, w.id, c.move) })
			wantKind(t, err, c.kind, c.code)
		})
	}
}

// TestRefNamesAreGits compares with git check-ref-format.
func TestRefNamesAreGits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.commit(t, w.tree(t, "a", "1"), "one\n")
	dir := t.TempDir()
	errUndo := errors.New("undo")
	rapid.Check(t, func(rt *rapid.T) {
		name := "refs/heads/" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(
			[]string{"a", "B", ".", "..", "/", "@", "{", "@{", "~", "^", ":", "?", "*", "[", "\\", " ", "\x01", "\x7f", ".lock", "é", "-"}), 1, 5).Draw(rt, "name"), "")
		_, want := tryGit(t, dir, "check-ref-format", name)
		err := db.InTx(t.Context(), w.pool, func(tx pgx.Tx) error {
			if err := w.MoveTx(t.Context(), tx, w.id, repo.Move{Name: name, To: h}); err != nil {
				return err
			}
			return errUndo
		})
		if got := errors.Is(err, errUndo); got != (want == nil) {
			rt.Errorf("%q: taken %v (%v), git takes it %v", name, got, err, want == nil)
		}
	})
}

func TestScopedToTheirRepository(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tree := w.tree(t, "a", "1")
	c := w.commit(t, tree, "one\n")
	other := id.Mint[repo.ID](id.NewSource(time.Now))
	w.inTx(t, func(tx pgx.Tx) error { return w.CreateTx(t.Context(), tx, other) })
	_, err := w.Files(t.Context(), other, tree)
	wantKind(t, err, fault.NotFound, "no_such_object")
	_, err = w.File(t.Context(), other, tree, "a")
	wantKind(t, err, fault.NotFound, "no_such_object")
	_, err = w.Commit(t.Context(), other, c)
	wantKind(t, err, fault.NotFound, "no_such_object")
	_, err = w.History(t.Context(), other, c, 1)
	wantKind(t, err, fault.NotFound, "no_such_object")
	_, err = w.AddCommit(t.Context(), other, repo.Commit{Tree: tree, Author: mara(1), Committer: mara(1)})
	wantKind(t, err, fault.NotFound, "no_such_object")
	err = db.InTx(t.Context(), w.pool, func(tx pgx.Tx) error {
		return w.MoveTx(t.Context(), tx, other, repo.Move{Name: repo.Main, To: c})
	})
	wantKind(t, err, fault.NotFound, "no_such_object")
}

func TestFilesAndTheirContent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tree := w.tree(t, "a/b/c", "deep", "a/d", "", "z", "last")
	want := []string{"a/b/c", "a/d", "z"}
	if diff := cmp.Diff(want, paths(t, w, tree)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for p, content := range map[string]string{"a/b/c": "deep", "a/d": "", "z": "last"} {
		if got, err := w.File(t.Context(), w.id, tree, p); err != nil || string(got) != content {
			t.Errorf("File(%q) = %q, %v", p, got, err)
		}
	}
	for _, p := range []string{"", "a", "a/b", "x", "a/x", "z/x", "../z", "/z"} {
		_, err := w.File(t.Context(), w.id, tree, p)
		wantKind(t, err, fault.NotFound, "no_such_file")
	}
	if got := paths(t, w, w.tree(t)); got != nil {
		t.Errorf("the empty tree has %v", got)
	}
}

func TestUnified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	changes, err := w.Difference(t.Context(), w.id, w.tree(t, "a", "1\n2\n3\n", "b", "\x00"), w.tree(t, "a", "1\ntwo\n3\n", "b", "\x00\x00"))
	if err != nil || len(changes) != 2 {
		t.Fatalf("changes %v, %v", changes, err)
	}
	got, err := w.Unified(t.Context(), w.id, changes[0], 1)
	if want := "--- a/a\n+++ b/a\n@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n"; err != nil || got != want {
		t.Errorf("Unified = %q, %v; want %q", got, err, want)
	}
	if got, err := w.Unified(t.Context(), w.id, changes[1], 1); err != nil || got != "" {
		t.Errorf("Unified of bytes = %q, %v", got, err)
	}
}

func TestZip(t *testing.T) {
	t.Parallel()
	w, dir := newWorld(t), t.TempDir()
	write(t, dir, "run.sh", "#!/bin/sh\n")
	must(t, os.Chmod(filepath.Join(dir, "run.sh"), 0o755))
	write(t, dir, "src/main.go", "package main\n")
	tree := w.snap(t, w.folder(t, dir)).Tree
	var one, two bytes.Buffer
	for _, out := range []*bytes.Buffer{&one, &two} {
		if err := w.Zip(t.Context(), w.id, tree, "app", mara(0).At, out); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("the same tree made two different files")
	}
	r, err := zip.NewReader(bytes.NewReader(one.Bytes()), int64(one.Len()))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		got[f.Name] = f.Mode().String() + " " + f.Modified.UTC().Format(time.RFC3339) + " " + string(data)
	}
	at := mara(0).At.Format(time.RFC3339)
	want := map[string]string{"app/run.sh": "-rwxr-xr-x " + at + " #!/bin/sh\n", "app/src/main.go": "-rw-r--r-- " + at + " package main\n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("zip (-want +got):\n%s", diff)
	}
}

// TestSweepKeepsWhatIsNeeded sweeps at once: everything a ref reaches stays, all else
// goes, and what is young keeps what it needs.
func TestSweepKeepsWhatIsNeeded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tree := w.tree(t, "kept/a", "1", "b", "2")
	c := w.commit(t, tree, "kept\n")
	w.move(t, repo.Move{Name: repo.Main, To: c})
	w.inTx(t, func(tx pgx.Tx) error {
		return w.AddTagTx(t.Context(), tx, w.id, repo.Tag{Name: "v1", Target: c, Tagger: mara(1), Message: "v1\n"})
	})
	held := w.tree(t, "held", "by a ref to a tree")
	w.move(t, repo.Move{Name: "refs/keep/run_1", To: held})
	lost := w.tree(t, "lost/x", "orphan", "kept/a", "1")
	w.commit(t, lost, "lost\n", c)
	before, err := w.Size(t.Context(), w.id)
	if err != nil || before.Objects != 12 || before.Bytes == 0 || before.Stored == 0 {
		t.Errorf("Size = %+v, %v; want 12 objects", before, err)
	}
	if n, err := w.Sweep(t.Context(), w.id, time.Hour); err != nil || n != 0 {
		t.Errorf("a sweep of what is young deleted %d, %v", n, err)
	}
	n, err := w.Sweep(t.Context(), w.id, -time.Minute)
	if err != nil || n != 4 {
		t.Errorf("the sweep deleted %d objects, %v; want commit, two trees and a blob", n, err)
	}
	for _, tree := range []repo.Hash{tree, held} {
		w.checkout(t, w.folder(t, t.TempDir()), tree)
	}
	_, err = w.Files(t.Context(), w.id, lost)
	wantKind(t, err, fault.NotFound, "no_such_object")
	if again := w.tree(t, "lost/x", "orphan", "kept/a", "1"); again != lost {
		t.Errorf("stored again as %s, want %s", again, lost)
	}
}

// TestSnapshotOfWhatIsOldIsNotSwept makes everything old, snapshots the same files
// again, and sweeps: what was snapshot is young again.
func TestSnapshotOfWhatIsOldIsNotSwept(t *testing.T) {
	t.Parallel()
	w, dir := newWorld(t), t.TempDir()
	write(t, dir, "a/b", "1")
	f := w.folder(t, dir)
	tree := w.snap(t, f).Tree
	w.tree(t, "other", "2")
	if _, err := w.pool.Exec(t.Context(), `UPDATE repo_object SET seen_at = now() - interval '2 days'`); err != nil {
		t.Fatal(err)
	}
	if again := w.snap(t, f).Tree; again != tree {
		t.Errorf("snapshot again is %s, want %s", again, tree)
	}
	if n, err := w.Sweep(t.Context(), w.id, repo.Grace); err != nil || n != 2 {
		t.Errorf("swept %d, %v; want the other tree and its file", n, err)
	}
	w.checkout(t, w.folder(t, t.TempDir()), tree)
}

func TestDelete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.move(t, repo.Move{Name: repo.Main, To: w.commit(t, w.tree(t, "a", "1"), "one\n")})
	w.inTx(t, func(tx pgx.Tx) error { return w.DeleteTx(t.Context(), tx, w.id) })
	if size, err := w.Size(t.Context(), w.id); err != nil || size.Objects != 0 {
		t.Errorf("after deletion %+v, %v", size, err)
	}
	if refs, err := w.Refs(t.Context(), w.id); err != nil || len(refs) != 0 {
		t.Errorf("after deletion %v, %v", refs, err)
	}
	_, err := w.Sweep(t.Context(), w.id, repo.Grace)
	wantKind(t, err, fault.NotFound, "no_such_repository")
}

// Each night all repositories are swept.
func TestSweepAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inTx(t, func(tx pgx.Tx) error { return w.CreateTx(t.Context(), tx, "another") })
	w.move(t, repo.Move{Name: repo.Main, To: w.commit(t, w.tree(t, "kept", "1"), "one\n")})
	w.tree(t, "lost", "2")
	if _, err := w.pool.Exec(t.Context(), `INSERT INTO repo_object (repo_id, oid, kind, size, data, seen_at)
		SELECT 'another', oid, kind, size, data, seen_at FROM repo_object WHERE repo_id = $1`, w.id); err != nil {
		t.Fatal(err)
	}
	if n, err := w.SweepAll(t.Context(), repo.Grace); err != nil || n != 0 {
		t.Errorf("swept %d of what is young, %v", n, err)
	}
	if _, err := w.pool.Exec(t.Context(), `UPDATE repo_object SET seen_at = now() - interval '2 days'`); err != nil {
		t.Fatal(err)
	}
	if n, err := w.SweepAll(t.Context(), repo.Grace); err != nil || n != 2+5 {
		t.Errorf("swept %d, %v; want the 2 lost here and the 5 of a repository without refs", n, err)
	}
}

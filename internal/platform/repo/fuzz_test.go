package repo_test

import (
	"bufio"
	"strings"
	"testing"

	"cofounder/internal/platform/repo"
	"cofounder/internal/platform/repo/wire"
)

func FuzzRequests(f *testing.F) {
	h := strings.Repeat("a", 40)
	f.Add("0032want " + h + "\n00000009done\n")
	f.Add("000fdeepen 2000\n0000")
	f.Add("0067" + h + " " + h + " refs/heads/x\x00report-status0000PACK")
	f.Fuzz(func(t *testing.T, body string) {
		read := func() *bufio.Reader { return bufio.NewReader(strings.NewReader(body)) }
		if _, err := repo.ParseWant(read()); err == nil {
			return
		}
		if _, err := repo.ParsePush(read()); err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
	})
}

func FuzzObjects(f *testing.F) {
	f.Add(int16(wire.Tree), "100644 a\x00"+strings.Repeat("x", 20))
	f.Add(int16(wire.Commit), "tree "+strings.Repeat("a", 40)+"\nauthor A <a@b> 1 +0100\ncommitter A <a@b> 1 +0100\n\nx\n")
	f.Add(int16(wire.Tag), "object "+strings.Repeat("a", 40)+"\ntype commit\ntag v1\n")
	f.Fuzz(func(t *testing.T, kind int16, data string) {
		if repo.CheckObject(wire.Kind(kind), []byte(data)) != nil || wire.Kind(kind) != wire.Tree {
			return
		}
		for _, name := range []string{"..", "/", "\\", "\n"} {
			if strings.Contains(data, " "+name+"\x00") {
				t.Errorf("a tree with the name %q was accepted", name)
			}
		}
	})
}

func FuzzIgnore(f *testing.F) {
	f.Add("*.log\n!keep.log\n/a/**/b\n[!a-z]?\\*\n")
	f.Fuzz(func(_ *testing.T, text string) { repo.ParseIgnore(text) })
}

// FuzzMergeLines holds what any merge must: one side unchanged gives the other, and
// two that agree give that.
func FuzzMergeLines(f *testing.F) {
	f.Add("1\n2\n3\n", "1\ntwo\n3\n", "1\n2\nthree\n")
	f.Add("", "a", "b")
	f.Fuzz(func(t *testing.T, base, ours, theirs string) {
		for _, c := range []struct{ ours, theirs, want string }{{base, theirs, theirs}, {ours, base, ours}, {ours, ours, ours}} {
			if got, clashes := repo.MergeLines(base, c.ours, c.theirs); got != c.want || len(clashes) > 0 {
				t.Errorf("base %q, ours %q, theirs %q: got %q with conflicts %v", base, c.ours, c.theirs, got, clashes)
			}
		}
		one, a := repo.MergeLines(base, ours, theirs)
		other, b := repo.MergeLines(base, theirs, ours)
		if len(a) != len(b) || len(a) == 0 && one != other {
			t.Errorf("which side is ours changes a merge without conflicts: %q, %q", one, other)
		}
	})
}

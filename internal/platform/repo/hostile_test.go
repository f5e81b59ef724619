package repo_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"cofounder/internal/platform/repo"
	"cofounder/internal/platform/repo/wire"
)

// call makes one request of the protocol and returns status and answer.
func (s *served) call(t *testing.T, service string, body []byte, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/"+service, bytes.NewReader(body))
	must(t, err)
	r.Header.Set("Content-Type", "application/x-"+service+"-request")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	text, err := io.ReadAll(answer.Body)
	must(t, err)
	must(t, answer.Body.Close())
	return answer.StatusCode, string(text)
}

// lines is a request of pkt-lines; an empty one is a flush.
func lines(all ...string) []byte {
	var out bytes.Buffer
	for _, l := range all {
		if l == "" {
			out.WriteString("0000")
		} else {
			fmt.Fprintf(&out, "%04x%s\n", len(l)+5, l)
		}
	}
	return out.Bytes()
}

type piece struct {
	kind wire.Kind
	data string
}

func packed(t *testing.T, all ...piece) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := wire.NewPackWriter(&out, len(all))
	must(t, err)
	for _, p := range all {
		must(t, w.Add(p.kind, []byte(p.data)))
	}
	must(t, w.Close())
	return out.Bytes()
}

// TestFetchShowsOnlyWhatRefsReach asks for objects by name that clients do not see.
func TestFetchShowsOnlyWhatRefsReach(t *testing.T) {
	t.Parallel()
	s := serve(t, repo.DefaultLimits())
	tip := s.history(t, 2)
	hidden := s.commit(t, s.tree(t, "secret", "canary"), "hidden\n", tip)
	s.move(t, repo.Move{Name: "refs/keep/run_1", To: hidden})
	orphan := s.commit(t, s.tree(t, "b", "b"), "orphan\n")
	c, err := s.Commit(t.Context(), s.id, tip)
	must(t, err)
	for name, h := range map[string]repo.Hash{"hidden": hidden, "orphan": orphan, "tree": c.Tree, "parent": c.Parents[0], "nothing": {7}} {
		_, answer := s.call(t, "git-upload-pack", lines("want "+h.String(), "", "done"))
		if !strings.Contains(answer, "not one of our refs") || strings.Contains(answer, "PACK") {
			t.Errorf("%s: answered %.80q", name, answer)
		}
	}
	if _, answer := s.call(t, "git-upload-pack", lines("want "+tip.String(), "", "done")); !strings.Contains(answer, "PACK") {
		t.Errorf("a tip: answered %.80q", answer)
	}
}

// TestPushNeedsEverythingBelowIt pushes commits whose tree, file or parent is not
// there, also where another repository has it.
func TestPushNeedsEverythingBelowIt(t *testing.T) {
	t.Parallel()
	s := serve(t, repo.DefaultLimits())
	s.history(t, 1)
	zero, gone := repo.Hash{}, repo.Hash{1, 2, 3}
	commitOf := func(tree repo.Hash, parents ...repo.Hash) piece {
		text := "tree " + tree.String() + "\n"
		for _, p := range parents {
			text += "parent " + p.String() + "\n"
		}
		return piece{wire.Commit, text + "author A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n"}
	}
	treeOf := func(file repo.Hash) piece { return piece{wire.Tree, "100644 a\x00" + string(file[:])} }
	empty := piece{wire.Tree, ""}
	cases := map[string][]piece{
		"no tree":        {commitOf(gone)},
		"no file":        {treeOf(gone), commitOf(nameOf(treeOf(gone)))},
		"no parent":      {empty, commitOf(nameOf(empty), gone)},
		"a tree as file": {empty, treeOf(nameOf(empty)), commitOf(nameOf(treeOf(nameOf(empty))))},
		"a tag of one":   {{wire.Tag, "object " + gone.String() + "\ntype commit\ntag v1\ntagger A <a@b> 1 +0000\n\nx\n"}},
		"a lone tree":    {empty},
	}
	for name, pieces := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			last := nameOf(pieces[len(pieces)-1])
			body := append(lines(zero.String()+" "+last.String()+" refs/tags/x\x00 report-status", ""), packed(t, pieces...)...)
			_, answer := s.call(t, "git-receive-pack", body)
			if !strings.Contains(answer, "ng refs/tags/x objects are missing") {
				t.Errorf("answered %q", answer)
			}
			if _, err := s.Ref(t.Context(), s.id, "refs/tags/x"); err == nil {
				t.Error("the ref moved")
			}
		})
	}
}

func nameOf(p piece) repo.Hash { return repo.NameOf(p.kind, []byte(p.data)) }

// TestHostilePushes sends what no client sends. Each is answered, none moves a ref.
func TestHostilePushes(t *testing.T) {
	t.Parallel()
	limits := repo.DefaultLimits()
	limits.Push, limits.File, limits.Objects = 1<<20, 1<<18, 100
	s := serve(t, limits)
	tip := s.history(t, 1)
	command := lines(tip.String()+" "+repo.Hash{9}.String()+" refs/heads/main\x00 report-status", "")
	many := make([]string, 1002)
	for i := range many {
		many[i] = fmt.Sprintf("%s %s refs/heads/b%d", repo.Hash{}, tip, i)
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, err := z.Write(append(bytes.Clone(command), make([]byte, 64<<20)...))
	must(t, err)
	must(t, z.Close())
	blobs := make([]piece, 101)
	for i := range blobs {
		blobs[i] = piece{wire.Blob, fmt.Sprint(i)}
	}
	cases := map[string]struct {
		body   []byte
		words  string
		header []string
	}{
		"no pack":             {command, "the pack ends early", nil},
		"half a pack":         {append(bytes.Clone(command), packed(t, piece{wire.Blob, "hello"})[:20]...), "the pack ends early", nil},
		"garbage":             {append(bytes.Clone(command), strings.Repeat("garbage", 9)...), "not a pack", nil},
		"a large object":      {append(bytes.Clone(command), packed(t, piece{wire.Blob, strings.Repeat("\x00", 1<<18+1)})...), "bytes of one object", nil},
		"many objects":        {append(bytes.Clone(command), packed(t, blobs...)...), "100 objects", nil},
		"a large body":        {append(bytes.Clone(command), packed(t, piece{wire.Blob, string(noise(1 << 18))}, piece{wire.Blob, string(noise(1<<18 - 1))}, piece{wire.Blob, string(noise(1<<18 - 2))}, piece{wire.Blob, string(noise(1<<18 - 3))})...), "bytes in one push", nil},
		"a gzip bomb":         {bomb.Bytes(), "not a pack", []string{"Content-Encoding", "gzip"}},
		"many refs":           {lines(many...), "1000 refs in one push", nil},
		"no command":          {lines("delete everything", ""), "no command of a push", nil},
		"a command cut short": {[]byte("00ff" + tip.String()), "ends early", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, answer := s.call(t, "git-receive-pack", c.body, c.header...)
			if status != http.StatusOK || !strings.Contains(answer, c.words) {
				t.Errorf("answered %d %.200q, want words %q", status, answer, c.words)
			}
			if got, err := s.Ref(t.Context(), s.id, repo.Main); err != nil || got != tip {
				t.Errorf("main is %s, %v", got, err)
			}
		})
	}
}

// TestFullRepository refuses more of a repository that holds all it may.
func TestFullRepository(t *testing.T) {
	t.Parallel()
	limits := repo.DefaultLimits()
	limits.Repository = 10
	s := serve(t, limits)
	s.history(t, 1)
	dir := s.clone(t)
	commitFile(t, dir, "a", "1")
	refused(t, dir, "all it may", "push", "origin", "main")
}

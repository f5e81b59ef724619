package repo_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/repo"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

const hasRefSQL = `SELECT EXISTS (SELECT FROM repo_ref WHERE repo_id = $1 AND name = $2)`

// served is a repository behind HTTP.
type served struct {
	*world
	url string
	// What the hooks were asked and told. Set admit before the first request.
	admit  func(repo.Update) error
	pushed func([]repo.Update) error
	mu     sync.Mutex
	moved  []string
}

// serve makes a repository with a few commits on main and serves it.
func serve(t *testing.T, limits repo.Limits) *served {
	t.Helper()
	s := &served{world: newWorldWith(t, limits)}
	access := repo.Access{
		ID: s.id, Push: true,
		AdmitTx: func(_ context.Context, _ pgx.Tx, u repo.Update) error {
			if s.admit == nil {
				return nil
			}
			return s.admit(u)
		},
		PushedTx: func(ctx context.Context, tx pgx.Tx, moved []repo.Update) error {
			for _, u := range moved {
				var there bool
				err := tx.QueryRow(ctx, hasRefSQL, s.id, u.Name).Scan(&there) //nolint:unqueryvet // one or two refs
				if err != nil || there == u.To.IsZero() {
					return fmt.Errorf("told of %s before it moved: %w", u.Name, err)
				}
				s.mu.Lock()
				s.moved = append(s.moved, u.Name)
				s.mu.Unlock()
			}
			if s.pushed == nil {
				return nil
			}
			return s.pushed(moved)
		},
	}
	s.url = s.listen(t, access)
	return s
}

func (s *served) listen(t *testing.T, access repo.Access) string {
	t.Helper()
	server := repo.NewServer(s.Store, slog.New(slog.DiscardHandler))
	mux := http.NewServeMux()
	handle := func(w http.ResponseWriter, r *http.Request) {
		if err := server.Serve(w, r, access); err != nil {
			status := http.StatusInternalServerError
			if fault.Is(err, fault.Forbidden) {
				status = http.StatusForbidden
			}
			http.Error(w, err.Error(), status)
		}
	}
	mux.HandleFunc("GET /r.git/info/refs", handle)
	mux.HandleFunc("/r.git/{service}", handle)
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	return web.URL + "/r.git"
}

// history stores n commits of a few files on main and returns the last.
func (s *served) history(t *testing.T, n int) repo.Hash {
	t.Helper()
	dir := t.TempDir()
	f := s.folder(t, dir)
	var tip repo.Hash
	for i := range n {
		write(t, dir, fmt.Sprintf("dir%d/file%d.txt", i%3, i), fmt.Sprintf("file %d\n", i))
		write(t, dir, "README.md", strings.Repeat(fmt.Sprintf("line %d\n", i), 20))
		var parents []repo.Hash
		if i > 0 {
			parents = append(parents, tip)
		}
		next := s.commit(t, s.snap(t, f).Tree, fmt.Sprintf("commit %d\n", i), parents...)
		s.move(t, repo.Move{Name: repo.Main, From: tip, To: next})
		tip = next
	}
	return tip
}

// clone clones into a new folder.
func (s *served) clone(t *testing.T, args ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "clone")
	git(t, t.TempDir(), append(append([]string{"clone", "-q"}, args...), s.url, dir)...)
	return dir
}

// commitFile writes a file and commits it with the client.
func commitFile(t *testing.T, dir, name, content string) {
	t.Helper()
	write(t, dir, name, content)
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-qm", "add "+name)
}

func count(t *testing.T, dir string) string {
	t.Helper()
	return git(t, dir, "rev-list", "--count", "HEAD")
}

// refused runs a git command that must fail and say so.
func refused(t *testing.T, dir, words string, args ...string) {
	t.Helper()
	out, err := tryGit(t, dir, args...)
	if err == nil || !strings.Contains(out, words) {
		t.Errorf("git %s: error %v, want one that says %q:\n%s", strings.Join(args, " "), err, words, out)
	}
}

func TestCloneWithTheRealClient(t *testing.T) {
	t.Parallel()
	s := serve(t, repo.DefaultLimits())
	tip := s.history(t, 12)
	s.inTx(t, func(tx pgx.Tx) error {
		return s.AddTagTx(t.Context(), tx, s.id, repo.Tag{Name: "v1", Target: tip, Tagger: mara(9), Message: "Version 1\n"})
	})
	s.move(t, repo.Move{Name: "refs/keep/run_1", To: s.commit(t, s.tree(t, "private", "x"), "private\n")})

	full := s.clone(t)
	git(t, full, "fsck", "--full", "--strict")
	if got := count(t, full); got != "12" {
		t.Errorf("clone has %s commits, want 12", got)
	}
	if got := git(t, full, "describe", "--tags"); got != "v1" {
		t.Errorf("describe says %q, want v1", got)
	}
	if out := git(t, full, "ls-remote", "origin"); strings.Contains(out, "keep") {
		t.Errorf("a client sees our own refs:\n%s", out)
	}
	here := t.TempDir()
	c, err := s.Commit(t.Context(), s.id, tip)
	must(t, err)
	s.checkout(t, s.folder(t, here), c.Tree)
	if diff := cmp.Diff(listing(t, here), listing(t, full)); diff != "" {
		t.Errorf("clone (-checkout +clone):\n%s", diff)
	}

	t.Run("shallow, deeper, whole", func(t *testing.T) {
		t.Parallel()
		shallow := s.clone(t, "--depth", "1")
		for _, step := range []struct{ fetch, commits string }{{"", "1"}, {"--deepen=5", "6"}, {"--depth=3", "3"}, {"--deepen=2", "5"}, {"--unshallow", "12"}} {
			if step.fetch != "" {
				git(t, shallow, "fetch", "-q", step.fetch)
			}
			git(t, shallow, "fsck")
			if got := count(t, shallow); got != step.commits {
				t.Errorf("after %q: %s commits, want %s", step.fetch, got, step.commits)
			}
		}
	})
	t.Run("mirror and older protocols", func(t *testing.T) {
		t.Parallel()
		git(t, s.clone(t, "--mirror"), "fsck", "--full", "--strict")
		for _, version := range []string{"0", "1", "2"} {
			git(t, s.clone(t, "-c", "protocol.version="+version), "fsck")
		}
	})
}

func TestCloneOfAnEmptyRepository(t *testing.T) {
	t.Parallel()
	s := serve(t, repo.DefaultLimits())
	dir := s.clone(t)
	git(t, dir, "checkout", "-qB", "main")
	commitFile(t, dir, "first.txt", "1")
	git(t, dir, "push", "-q", "origin", "main")
	if got := count(t, s.clone(t)); got != "1" {
		t.Errorf("cloned %s commits, want 1", got)
	}
}

func TestPushWithTheRealClient(t *testing.T) {
	t.Parallel()
	s := serve(t, repo.DefaultLimits())
	s.history(t, 8)
	one, two := s.clone(t), s.clone(t, "--depth", "2")

	commitFile(t, one, "one.txt", "1")
	git(t, one, "push", "-q", "origin", "main")
	commitFile(t, two, "two.txt", "2")
	refused(t, two, "rejected", "push", "origin", "HEAD:main") // it does not know of one
	refused(t, two, "history only goes forward", "push", "-f", "origin", "HEAD:main")
	git(t, two, "update-ref", "refs/remotes/origin/main", "HEAD~1")
	refused(t, two, "rejected", "push", "--force-with-lease", "origin", "HEAD:main")
	git(t, two, "fetch", "-q")
	git(t, two, "rebase", "-q", "origin/main")
	git(t, two, "push", "-q", "origin", "HEAD:main") // out of a shallow clone
	git(t, one, "pull", "-q", "--ff-only")           // with local commits, little is fetched
	git(t, one, "fsck", "--strict")

	git(t, one, "branch", "topic", "HEAD~1")
	git(t, one, "tag", "-am", "version 1", "v1")
	git(t, one, "push", "-q", "origin", "topic", "v1")
	git(t, one, "tag", "-fam", "another", "v1")
	refused(t, one, "a tag is for good", "push", "-f", "origin", "v1")
	refused(t, one, "a tag is for good", "push", "origin", ":v1")
	refused(t, one, "only refs/heads/ and refs/tags/", "push", "origin", "HEAD:refs/keep/x")
	refused(t, one, "checks out", "push", "origin", ":main")
	refused(t, one, "only refs/heads/", "push", "--atomic", "origin", "HEAD~2:refs/heads/good", "HEAD:refs/keep/x")
	if out := git(t, one, "ls-remote", "origin"); strings.Contains(out, "good") {
		t.Errorf("part of an atomic push was done:\n%s", out)
	}
	refused(t, one, "only refs/heads/", "push", "origin", "HEAD~2:refs/heads/good", "HEAD:refs/keep/x")
	if out := git(t, one, "ls-remote", "origin"); !strings.Contains(out, "heads/good") {
		t.Errorf("the good part of a push was not done:\n%s", out)
	}
	git(t, one, "push", "-q", "origin", ":topic", ":good")
	if out := git(t, one, "ls-remote", "origin"); strings.Contains(out, "topic") {
		t.Errorf("a deleted branch is there:\n%s", out)
	}
	want := []string{"refs/heads/main", "refs/heads/main", "refs/heads/topic", "refs/tags/v1", "refs/heads/good", "refs/heads/good", "refs/heads/topic"}
	if diff := cmp.Diff(want, s.moved); diff != "" {
		t.Errorf("told of (-want +got):\n%s", diff)
	}
	git(t, s.clone(t, "--mirror"), "fsck", "--full", "--strict")
}

func TestHooksDecide(t *testing.T) {
	t.Parallel()
	s := serve(t, repo.DefaultLimits())
	before := s.history(t, 2)
	dir := s.clone(t)
	commitFile(t, dir, "a.txt", "1")
	s.admit = func(u repo.Update) error {
		if strings.HasPrefix(u.Name, "refs/heads/ours/") {
			return fault.New(fault.Forbidden, "", "that branch belongs to somebody")
		}
		return nil
	}
	refused(t, dir, "that branch belongs to somebody", "push", "origin", "HEAD:refs/heads/ours/x")
	s.pushed = func([]repo.Update) error { return errors.New("the disk is on fire") }
	refused(t, dir, "something went wrong here, and nothing was changed", "push", "origin", "main")
	if got, err := s.Ref(t.Context(), s.id, repo.Main); err != nil || got != before {
		t.Errorf("main is %s, %v; want %s as before", got, err, before)
	}
	s.pushed = nil
	git(t, dir, "push", "-q", "origin", "main")

	reader := s.listen(t, repo.Access{ID: s.id})
	git(t, dir, "fetch", "-q", reader)
	refused(t, dir, "403", "push", reader, "HEAD:refs/heads/x")
}

// TestPushRefusesWhatCannotBeKept pushes trees that a checkout would stumble over,
// made with git's own plumbing.
func TestPushRefusesWhatCannotBeKept(t *testing.T) {
	t.Parallel()
	limits := repo.DefaultLimits()
	limits.Files, limits.Depth, limits.File = 50, 6, 10_000
	s := serve(t, limits)
	s.history(t, 1)
	cases := map[string]struct{ mode, kind, name, words string }{
		"dot git":    {"100644", "blob", ".git", "git's own"},
		"DOT GIT":    {"100644", "blob", ".GiT", "git's own"},
		"short name": {"040000", "tree", "git~1", "git's own"},
		"invisible":  {"100644", "blob", ".g\u200cit", "invisible"},
		"parent":     {"100644", "blob", "..", "not a name"},
		"device":     {"100644", "blob", "aux.c", "device"},
		"backslash":  {"100644", "blob", `..\..\x`, "may not hold"},
		"control":    {"100644", "blob", "a\x1b[2Jb", "control"},
		"link":       {"120000", "blob", "link", "links are not kept"},
		"submodule":  {"160000", "commit", "sub", "submodules are not kept"},
		"odd mode":   {"100666", "blob", "odd", "mode"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := s.clone(t)
			hash := git(t, dir, "rev-parse", "HEAD:README.md")
			switch c.kind {
			case "tree":
				hash = git(t, dir, "rev-parse", "HEAD:dir0")
			case "commit":
				hash = git(t, dir, "rev-parse", "HEAD")
			}
			raw := c.mode + " " + c.name + "\x00" + unhex(t, hash)
			raw = strings.TrimPrefix(raw, "0")
			tree, err := gitWith(t, dir, raw, "hash-object", "-t", "tree", "-w", "--literally", "--stdin")
			must(t, err)
			push(t, dir, tree, c.words)
		})
	}
	t.Run("two names in one spelling", func(t *testing.T) {
		t.Parallel()
		dir := s.clone(t)
		commitFile(t, dir, "a", "1")
		commitFile(t, dir, "A", "2")
		refused(t, dir, "differs only in case", "push", "origin", "main")
	})
	t.Run("a tree of more files than there are", func(t *testing.T) {
		t.Parallel()
		dir := s.clone(t)
		tree := git(t, dir, "rev-parse", "HEAD^{tree}")
		for range 5 {
			var list strings.Builder
			for i := range 20 {
				fmt.Fprintf(&list, "040000 tree %s\td%d\n", tree, i)
			}
			var err error
			tree, err = gitWith(t, dir, list.String(), "mktree")
			must(t, err)
		}
		push(t, dir, tree, "more than 50 files")
	})
	t.Run("too deep", func(t *testing.T) {
		t.Parallel()
		dir := s.clone(t)
		commitFile(t, dir, "1/2/3/4/5/6/7", "x")
		refused(t, dir, "folders may be 6 deep", "push", "origin", "main")
	})
	t.Run("a large file", func(t *testing.T) {
		t.Parallel()
		dir := s.clone(t)
		commitFile(t, dir, "zeros", strings.Repeat("\x00", 10_001))
		refused(t, dir, "10000 bytes of one object", "push", "origin", "main")
	})
}

// push commits a tree on a new branch and pushes it, which must be refused.
func push(t *testing.T, dir, tree, words string) {
	t.Helper()
	c := git(t, dir, "commit-tree", "-m", "x", "-p", "HEAD", tree)
	refused(t, dir, words, "push", "origin", c+":refs/heads/x")
}

func unhex(t *testing.T, s string) string {
	t.Helper()
	h, err := repo.ParseHash(s)
	must(t, err)
	return string(h[:])
}

// TestBigPush sends 60 MB that do not compress, and 500 small files.
func TestBigPush(t *testing.T) {
	t.Parallel()
	s := serve(t, repo.DefaultLimits())
	s.history(t, 1)
	dir := s.clone(t)
	must(t, os.WriteFile(filepath.Join(dir, "big.bin"), noise(60_000_000), 0o644))
	for i := range 500 {
		write(t, dir, fmt.Sprintf("many/%d", i), fmt.Sprint(i))
	}
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-qm", "big")
	git(t, dir, "push", "-q", "origin", "main")
	back := s.clone(t)
	git(t, back, "fsck")
	if got, want := git(t, back, "rev-parse", "HEAD^{tree}"), git(t, dir, "rev-parse", "HEAD^{tree}"); got != want {
		t.Errorf("cloned back %s, want %s", got, want)
	}
}

// noise is bytes that do not compress, the same each time.
func noise(n int) []byte {
	out := make([]byte, n)
	x := uint64(88172645463325252)
	for i := range out {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		out[i] = byte(x >> 32)
	}
	return out
}

// TestConcurrentPushes lets eight clients push to one branch: one wins.
func TestConcurrentPushes(t *testing.T) {
	t.Parallel()
	s := serve(t, repo.DefaultLimits())
	s.history(t, 3)
	const clients = 8
	dirs := make([]string, clients)
	for i := range dirs {
		dirs[i] = s.clone(t)
		commitFile(t, dirs[i], "race.txt", fmt.Sprint(i))
	}
	var won atomic.Int32
	var all sync.WaitGroup
	for _, dir := range dirs {
		all.Go(func() {
			if _, err := tryGit(t, dir, "push", "-q", "origin", "HEAD:main"); err == nil {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d pushes won, want 1", won.Load())
	}
	git(t, s.clone(t, "--mirror"), "fsck", "--full", "--strict")
	if got := count(t, s.clone(t)); got != "4" {
		t.Errorf("%s commits, want 4", got)
	}
}

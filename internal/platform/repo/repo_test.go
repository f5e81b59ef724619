package repo_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/repo"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// TestMain makes fewer random checks than usual unless told otherwise: each starts a
// handful of git processes.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "25"); err != nil {
		panic(err)
	}
	dbtest.Main(m)
}

// world is one test's database with one repository in it.
type world struct {
	*repo.Store
	pool *pgxpool.Pool
	id   repo.ID
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	return newWorldWith(tb, repo.DefaultLimits())
}

func newWorldWith(tb testing.TB, limits repo.Limits) *world {
	tb.Helper()
	pool := dbtest.New(tb)
	store, err := repo.New(pool, limits)
	if err != nil {
		tb.Fatal(err)
	}
	w := &world{store, pool, id.Mint[repo.ID](id.NewSource(time.Now))}
	w.inTx(tb, func(tx pgx.Tx) error { return store.CreateTx(tb.Context(), tx, w.id) })
	return w
}

func (w *world) inTx(tb testing.TB, f func(pgx.Tx) error) {
	tb.Helper()
	if err := db.InTx(tb.Context(), w.pool, f); err != nil {
		tb.Fatal(err)
	}
}

func (w *world) move(tb testing.TB, m repo.Move) {
	tb.Helper()
	w.inTx(tb, func(tx pgx.Tx) error { return w.MoveTx(tb.Context(), tx, w.id, m) })
}

// folder opens a directory as the store's.
func (w *world) folder(tb testing.TB, dir string) *repo.Folder {
	tb.Helper()
	f, err := repo.OpenFolder(dir, w.Limits())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := f.Close(); err != nil {
			tb.Error(err)
		}
	})
	return f
}

// tree stores files, given as path and content by turns, and returns their tree.
func (w *world) tree(tb testing.TB, files ...string) repo.Hash {
	tb.Helper()
	dir := tb.TempDir()
	for i := 0; i < len(files); i += 2 {
		write(tb, dir, files[i], files[i+1])
	}
	return w.snap(tb, w.folder(tb, dir)).Tree
}

func (w *world) snap(tb testing.TB, f *repo.Folder) repo.Snapshot {
	tb.Helper()
	s, err := w.Snapshot(tb.Context(), w.id, f)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func (w *world) checkout(tb testing.TB, f *repo.Folder, tree repo.Hash) repo.Checkout {
	tb.Helper()
	c, err := w.Checkout(tb.Context(), w.id, f, tree)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func (w *world) commit(tb testing.TB, tree repo.Hash, message string, parents ...repo.Hash) repo.Hash {
	tb.Helper()
	h, err := w.AddCommit(tb.Context(), w.id, repo.Commit{
		Tree: tree, Parents: parents, Author: mara(1), Committer: mara(2), Message: message,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

func mara(second int64) repo.Signature {
	return repo.Signature{Name: "Mara Lind", Email: "mara@example.com", At: time.Unix(1_790_000_000+second, 0).UTC()}
}

// write makes a file and the folders above it.
func write(tb testing.TB, dir, name, content string) {
	tb.Helper()
	p := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// listing is every file below dir with its content, and every other thing with its
// kind; .git is left out.
func listing(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, e os.DirEntry, err error) error {
		rel := strings.TrimPrefix(p, dir+"/")
		switch {
		case err != nil:
			return err
		case e.Name() == ".git" && e.IsDir():
			return filepath.SkipDir
		case e.IsDir():
			return nil
		case !e.Type().IsRegular():
			found[rel] = e.Type().String()
			return nil
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		fi, err := e.Info()
		if err != nil {
			return err
		}
		mark := "- "
		if fi.Mode()&0o100 != 0 {
			mark = "x "
		}
		found[rel] = mark + string(data)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return found
}

// git runs the real client in dir and returns what it printed.
func git(tb testing.TB, dir string, args ...string) string {
	tb.Helper()
	out, err := tryGit(tb, dir, args...)
	if err != nil {
		tb.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func tryGit(tb testing.TB, dir string, args ...string) (string, error) {
	tb.Helper()
	return gitWith(tb, dir, "", args...)
}

func gitWith(tb testing.TB, dir, stdin string, args ...string) (string, error) {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + tb.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C",
		"GIT_AUTHOR_NAME=Mara Lind", "GIT_AUTHOR_EMAIL=mara@example.com",
		"GIT_COMMITTER_NAME=Mara Lind", "GIT_COMMITTER_EMAIL=mara@example.com",
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return strings.TrimSpace(out.String()), err
}

func wantKind(tb testing.TB, err error, kind fault.Kind, code string) {
	tb.Helper()
	if f := fault.Of(err); f == nil || f.Kind != kind || f.Code != code {
		tb.Errorf("got error %v, want kind %s with code %s", err, kind, code)
	}
}

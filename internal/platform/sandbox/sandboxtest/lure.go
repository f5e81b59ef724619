package sandboxtest

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"cofounder/internal/platform/sandbox"
)

// A lure is an attack that needs the host to do something: read what was planted,
// start what was written, write where something is being swapped.

// Lure tries all of them.
func Lure(t *testing.T, driver sandbox.Driver) {
	t.Helper()
	d := stage{driver, Puppet(t)}
	for _, l := range []struct {
		name string
		test func(*testing.T, stage)
	}{
		{"start process 1 by another name", startFirst},
		{"read what is swapped", readSwapped},
		{"write into what is swapped", writeSwapped},
		{"read what never ends", readEndless},
		{"names that are no names", oddNames},
		{"a deep hole", deepHole},
		{"folders nobody may open", lockedFolders},
		{"bombs", bombs},
		{"a share of the processor", spin},
	} {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			l.test(t, d)
		})
	}
}

// startFirst: what the host starts is looked up by process 1, whose own program is ours
// and lies on the host. This is how runc was broken out of.
func startFirst(t *testing.T, d stage) {
	t.Helper()
	c := cage(t, d, small())
	if err := c.Files().Write("script", []byte("#!/proc/self/exe\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, _, err := run(t, c, sh("ln -s /proc/self/exe link && ln -s /proc/1/exe one")); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"/proc/self/exe", "/proc/1/exe", "/workspace/script", "/workspace/link", "/workspace/one"} {
		out, exit, err := run(t, c, sandbox.Command{Args: []string{program, "-test.run=^$"}})
		if sandbox.CauseOf(err) != sandbox.Refused {
			t.Errorf("canary: %s started our program: exit %d, %v\n%s", program, exit.Code, err, out)
		}
	}
}

// spell is how long a race is run.
const spell = time.Second

// swap lets the inside swap a name between what is honest and a link to the host, over
// and over, while the host does something.
func swap(t *testing.T, d stage, kind, to string, do func(*sandbox.Files)) {
	t.Helper()
	c := cage(t, d, small())
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	swapping := make(chan struct{})
	wait.Go(func() {
		cmd := Pull("swap", kind, to)
		cmd.Stdout = onFirst(func() { close(swapping) })
		if _, err := c.Exec(ctx, cmd); sandbox.CauseOf(err) != sandbox.Killed {
			t.Errorf("the race ended early: %v", err)
		}
	})
	<-swapping
	end := time.After(spell)
	rounds := 0
	for ; ; rounds++ {
		select {
		case <-end:
			t.Logf("%d rounds", rounds)
			cancel()
			wait.Wait()
			return
		default:
			do(c.Files())
		}
	}
}

// secretFolder is a folder of the host with a secret and room for more.
func secretFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "name"), []byte("canary"), 0o644), os.Chmod(dir, 0o777)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func readSwapped(t *testing.T, d stage) {
	t.Helper()
	dir := secretFolder(t)
	honest := 0
	read := func(f *sandbox.Files, name string) {
		text, err := f.Read(name, 100)
		if err == nil {
			honest++
		}
		if string(text) == "canary" {
			t.Fatalf("canary: the host read its own file through %s", name)
		}
	}
	swap(t, d, "file", filepath.Join(dir, "name"), func(f *sandbox.Files) { read(f, "name") })
	swap(t, d, "folder", dir, func(f *sandbox.Files) {
		read(f, "folder/name")
		if err := fs.WalkDir(f, ".", func(string, fs.DirEntry, error) error { return nil }); err != nil {
			t.Error(err)
		}
	})
	if honest == 0 {
		t.Error("the host never read anything, so there was no race")
	}
}

func writeSwapped(t *testing.T, d stage) {
	t.Helper()
	dir := secretFolder(t)
	written := 0
	swap(t, d, "folder", dir, func(f *sandbox.Files) {
		if f.Write("folder/written", []byte("x"), 0o644) == nil {
			written++
		}
		_ = f.Mkdir("folder/made/deep")
		_ = f.Rename("folder/written", "folder/renamed")
		_ = f.Import(t.Context(), fstest.MapFS{"folder/imported": {Data: []byte("x")}})
		_ = f.Remove("folder/name")
	})
	swap(t, d, "file", filepath.Join(dir, "name"), func(f *sandbox.Files) { _ = f.Write("name", []byte("x"), 0o644) })
	if written == 0 {
		t.Error("the host never wrote anything, so there was no race")
	}
	left, err := os.ReadDir(dir)
	text, readErr := os.ReadFile(filepath.Join(dir, "name"))
	if len(left) != 1 || string(text) != "canary" {
		t.Errorf("canary: the host changed its own folder: %v, %q, %v %v", left, text, err, readErr)
	}
}

// swapping is the puppet's part of a race.
func swapping(args []string) error {
	kind, to := args[0], args[1]
	name, honest := "name", func() error { return os.WriteFile("fresh", []byte("honest"), 0o644) }
	if kind == "folder" {
		name, honest = "folder", func() error {
			return errors.Join(os.Mkdir("fresh", 0o755), os.WriteFile("fresh/name", []byte("honest"), 0o644))
		}
	}
	if _, err := io.WriteString(os.Stdout, "swapping\n"); err != nil {
		return err
	}
	for {
		// What the host does at the same moment makes some of these fail.
		_ = honest()
		_ = os.RemoveAll(name)
		_ = os.Rename("fresh", name)
		_ = os.Symlink(to, "link")
		_ = os.RemoveAll(name)
		_ = os.Rename("link", name)
		_ = os.RemoveAll("fresh")
	}
}

func readEndless(t *testing.T, d stage) {
	t.Helper()
	c := cage(t, d, small())
	out, exit, err := run(t, c, sh("mkfifo pipe && ln -s /dev/zero zero && ln -s ./loop loop && truncate -s 60M big && ln -s . dir && echo ok"))
	if err != nil || exit.Code != 0 {
		t.Fatal(out, err)
	}
	for _, name := range []string{"pipe", "zero", "loop", "big"} {
		if text, err := c.Files().Read(name, 1<<20); err == nil {
			t.Errorf("canary: %s gave %d bytes", name, len(text))
		}
	}
	count := 0
	err = fs.WalkDir(c.Files(), ".", func(_ string, _ fs.DirEntry, err error) error {
		count++
		return err
	})
	if err != nil || count > 10 {
		t.Errorf("walking found %d things, %v", count, err)
	}
}

// oddNames: what a person cannot type and a path cannot hold.
func oddNames(t *testing.T, d stage) {
	t.Helper()
	c := cage(t, d, small())
	out, exit, err := run(t, c, sh(`printf x > "$(printf 'a\nb')"; printf x > "$(printf '\377')"; printf x > "$(printf '\033[31m')"; mkdir -- -rf; printf x > '*'; ls | wc -l`))
	if err != nil || exit.Code != 0 {
		t.Fatal(out, err)
	}
	err = fs.WalkDir(c.Files(), ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			_, readErr := c.Files().Read(name, 10)
			if fs.ValidPath(name) != (readErr == nil) {
				t.Errorf("%q: %v", name, readErr)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// deepHole: folders in folders, on which a careless walk spends its life.
func deepHole(t *testing.T, d stage) {
	t.Helper()
	c := cage(t, d, small())
	if out, exit, err := run(t, c, Pull("dig", "3000")); err != nil || exit.Code != 0 {
		t.Fatal(out, err)
	}
	began := time.Now()
	deepest := 0
	err := fs.WalkDir(c.Files(), ".", func(name string, _ fs.DirEntry, err error) error {
		deepest = max(deepest, strings.Count(name, "/"))
		if err != nil {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil || deepest > 200 || time.Since(began) > 10*time.Second {
		t.Errorf("walked %d deep in %s, %v", deepest, time.Since(began), err)
	}
	if err := c.Files().Remove("d"); err != nil {
		t.Error(err)
	}
}

// dig makes so many folders in one another.
func dig(args []string) error {
	depth, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	for range depth {
		if err := errors.Join(os.Mkdir("d", 0o755), os.Chdir("d")); err != nil {
			return err
		}
	}
	return nil
}

// lockedFolders: what is left must go, whatever the inside did to it. Create checks
// that Destroy succeeds.
func lockedFolders(t *testing.T, d stage) {
	t.Helper()
	c := cage(t, d, small())
	if out, exit, err := run(t, c, sh("mkdir -p a/b/c && touch a/b/c/file && chmod 000 a/b/c a/b a && chmod 000 . ~")); err != nil || exit.Code != 0 {
		t.Fatal(out, err)
	}
}

// bombs hit limits and nothing else: each ends in time, and the cage is there after.
func bombs(t *testing.T, d stage) {
	t.Helper()
	for name, cmd := range map[string]sandbox.Command{
		"fork":            sh("bomb() { bomb | bomb & }; bomb; sleep 1; bomb"),
		"threads":         Pull("bomb", "threads"),
		"descriptors":     Pull("bomb", "descriptors"),
		"pipes":           Pull("bomb", "pipes"),
		"files in temp":   Pull("bomb", "files", "/tmp"),
		"files in memory": Pull("bomb", "files", "/dev/shm"),
		"files":           Pull("bomb", "files", "/workspace"),
		"shared memory":   Pull("bomb", "memory"),
		"orphans":         sh("for i in $(seq 300); do (sleep 0.01 &) ; done; sleep 0.5"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cage(t, d, small())
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			var out said
			cmd.Stdout, cmd.Stderr = &out, &out
			exit, err := c.Exec(ctx, cmd)
			t.Logf("exit %d after %s, %v: %.100s", exit.Code, exit.Took, err, out.String())
			if exit.Took > 20*time.Second {
				t.Errorf("it took %s to end", exit.Took)
			}
			if s, err := c.Stats(t.Context()); err != nil || s.Processes != 0 || s.Memory > s.Limits.Memory {
				t.Errorf("left are %d processes and %d bytes, %v", s.Processes, s.Memory, err)
			}
			if strings.HasPrefix(name, "files") {
				return // there may be no room left
			}
			if out, _, err := run(t, c, sh("echo alive")); err != nil || out != "alive\n" {
				t.Errorf("the cage did not survive: %q, %v", out, err)
			}
		})
	}
}

// spin: four that calculate get no more than the cage's share.
func spin(t *testing.T, d stage) {
	t.Helper()
	report, err := d.Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range report.Weak() {
		if p.Name == "processor" {
			t.Skipf("the report says that this is not held here: %s", p.How)
		}
	}
	l := small()
	l.CPU = 300
	c := cage(t, d, l)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	exit, err := c.Exec(ctx, sh("for i in 1 2 3 4; do while :; do :; done & done; wait"))
	if sandbox.CauseOf(err) != sandbox.OutOfTime {
		t.Fatal(err)
	}
	s, err := c.Stats(t.Context())
	if share := s.CPU.Seconds() / exit.Took.Seconds(); err != nil || share > 0.45 {
		t.Errorf("canary: %.2f processors, %v", share, err)
	}
}

package sandbox_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/fstest"

	"cofounder/internal/platform/sandbox"

	"github.com/google/go-cmp/cmp"
)

// workspace returns files over a folder, the folder, and a secret beside it.
func workspace(t *testing.T) (*sandbox.Files, string) {
	t.Helper()
	dir := t.TempDir()
	inside := filepath.Join(dir, "inside")
	if err := os.Mkdir(inside, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("canary"), 0o644); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(inside)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := root.Close(); err != nil {
			t.Error(err)
		}
	})
	return sandbox.NewFiles(root, -1, -1), inside
}

func TestFilesRefuseWhatWasPlanted(t *testing.T) {
	t.Parallel()
	f, dir := workspace(t)
	plant := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	plant(os.Symlink(filepath.Join(filepath.Dir(dir), "secret"), filepath.Join(dir, "absolute")))
	plant(os.Symlink("../secret", filepath.Join(dir, "relative")))
	plant(os.Symlink("..", filepath.Join(dir, "up")))
	plant(syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o666))
	plant(os.WriteFile(filepath.Join(dir, "long"), make([]byte, 100), 0o644))
	plant(os.Symlink("long", filepath.Join(dir, "within")))

	for _, name := range []string{"absolute", "relative", "up/secret", "../secret", "/etc/passwd", "pipe", "up"} {
		if data, err := f.Read(name, 1000); err == nil {
			t.Errorf("%s was read: %q", name, data)
		}
	}
	if _, err := f.Read("long", 99); !errors.Is(err, sandbox.ErrTooLarge) {
		t.Errorf("a file above the limit: %v", err)
	}
	if data, err := f.Read("within", 100); err != nil || len(data) != 100 {
		t.Errorf("a link within the workspace: %d bytes, %v", len(data), err)
	}
	for _, name := range []string{"up/secret", "../secret", "up/new", ".", "", "/tmp/x"} {
		if err := f.Write(name, []byte("x"), 0o644); err == nil {
			t.Errorf("%q was written", name)
		}
	}
	// Replaced, not followed and not filled.
	for _, name := range []string{"absolute", "relative", "pipe"} {
		if err := f.Write(name, []byte("new"), 0o644); err != nil {
			t.Errorf("write over %s: %v", name, err)
		}
		if data, err := f.Read(name, 10); err != nil || string(data) != "new" {
			t.Errorf("%s holds %q, %v", name, data, err)
		}
	}
	if data, err := os.ReadFile(filepath.Join(filepath.Dir(dir), "secret")); err != nil || string(data) != "canary" {
		t.Errorf("the secret is now %q, %v", data, err)
	}
	if err := f.Remove("up"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("removing a link removed what it points to: %v", err)
	}
}

func TestFilesImport(t *testing.T) {
	t.Parallel()
	f, _ := workspace(t)
	src := fstest.MapFS{
		"main.go":        {Data: []byte("package main")},
		"bin/run":        {Data: []byte("#!/bin/sh"), Mode: 0o4755},
		"deep/down/here": {Data: []byte("x"), Mode: 0o600},
	}
	if err := f.Write("main.go", []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := f.Import(t.Context(), src); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	err := fs.WalkDir(f, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := f.Read(name, 100)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		got[name] = info.Mode().String() + " " + string(data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"main.go":        "-rw-r--r-- package main",
		"bin/run":        "-rwxr-xr-x #!/bin/sh",
		"deep/down/here": "-rw-r--r-- x",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("imported (-want +got):\n%s", diff)
	}
	if err := f.Rename("deep/down", "other/place"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read("other/place/here", 10); err != nil {
		t.Error(err)
	}
}

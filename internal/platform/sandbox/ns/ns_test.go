package ns_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"cofounder/internal/platform/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	sandboxtest.Init()
	m.Run()
}

func TestConforms(t *testing.T) {
	t.Parallel()
	sandboxtest.Conform(t, sandboxtest.New(t))
}

func TestResistsLures(t *testing.T) {
	t.Parallel()
	sandboxtest.Lure(t, sandboxtest.New(t))
}

// TestHolds is not parallel: its canary is in the environment.
func TestHolds(t *testing.T) {
	known := map[string]string{}
	if os.Geteuid() != 0 {
		known["host paths in mountinfo"] = "without root the disk is a folder of the host, whose path the kernel tells; it says nothing else"
	}
	d, dir := sandboxtest.NewIn(t)
	sandboxtest.Attack(t, d, dir, known)
}

// ordinary is a user of no importance.
const ordinary = 54321

// TestWithoutRoot runs the tests again as an ordinary user, for whom cages are built
// in other ways.
func TestWithoutRoot(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("this is without root already")
	}
	dir, err := os.MkdirTemp("", "cage") //nolint:usetesting // t.TempDir is for root only
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	for _, err := range []error{os.Chmod(dir, 0o755), os.Mkdir(filepath.Join(dir, "tmp"), 0o700), os.Chown(filepath.Join(dir, "tmp"), ordinary, ordinary)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "ns.test")
	copySelf(t, program)
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^(TestConforms|TestHolds|TestResistsLures|TestNothingRemains.*|TestWarm.*)$", "-test.timeout=5m")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, t.Output(), t.Output()
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + filepath.Join(dir, "tmp"), "HOME=" + filepath.Join(dir, "tmp")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: ordinary, Gid: ordinary}}
	if err := cmd.Run(); err != nil {
		t.Errorf("as an ordinary user: %v", err)
	}
}

// copySelf copies the test program to where an ordinary user may start it.
func copySelf(t *testing.T, to string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	from, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close() //nolint:errcheck // only read
	file, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(file, from); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

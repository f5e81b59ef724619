package ns_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/ns"
	"cofounder/internal/platform/sandbox/sandboxtest"
)

// The same with greater numbers is a measurement: ./do bench p11.
const (
	cycles = 30
	deaths = 5
)

func TestNothingRemains(t *testing.T) {
	// Not parallel: it counts its own descriptors. Go opens two of them for good when the
	// first pipe is made.
	if r, w, err := os.Pipe(); err != nil || r.Close() != nil || w.Close() != nil {
		t.Fatal(err)
	}
	files, processes := sandboxtest.Descriptors(), len(sandboxtest.Descendants(os.Getpid()))
	d, dir := sandboxtest.NewIn(t)
	for i := range cycles {
		c, err := d.Create(t.Context(), sandbox.Spec{ID: fmt.Sprint("cycle-", i%3)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Exec(t.Context(), sandbox.Command{Args: []string{"sh", "-c", "echo x > file; sleep 100 & true"}}); err != nil {
			t.Error(err)
		}
		if l, err := c.Listen(t.Context(), 5000); err != nil {
			t.Error(err)
		} else if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := c.Destroy(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := d.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if now := sandboxtest.Descriptors(); now != files {
		t.Errorf("%d descriptors before, %d after", files, now)
	}
	if now := sandboxtest.Descendants(os.Getpid()); len(now) != processes {
		t.Errorf("processes remain: %v", now)
	}
	remains(t, dir)
}

func remains(t *testing.T, dir string) {
	t.Helper()
	left, err := sandboxtest.Remains(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("remains: %v %v", left, err)
	}
}

// TestNothingRemainsOfTheKilled kills processes that have cages, at any moment.
func TestNothingRemainsOfTheKilled(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cages")
	for range deaths {
		killOne(t, dir)
	}
	// Without another word from us the processes are gone; a sweep takes the rest.
	d, err := ns.Open(ns.Config{Dir: dir, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.Create(t.Context(), sandbox.Spec{ID: "living"})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := c.Exec(t.Context(), sandbox.Command{Args: []string{"true"}}); err != nil {
		t.Errorf("a living cage was swept: %v", err)
	}
	if err := d.Close(t.Context()); err != nil {
		t.Error(err)
	}
	remains(t, dir)
}

func killOne(t *testing.T, dir string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, sandboxtest.Keep(dir)...)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "keeping" {
		t.Fatalf("the keeper says %q, %v", lines.Text(), lines.Err())
	}
	<-time.After(time.Duration(rand.IntN(50)) * time.Millisecond) // any moment
	below := sandboxtest.Descendants(cmd.Process.Pid)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	below = append(below, sandboxtest.Descendants(cmd.Process.Pid)...)
	if err := cmd.Wait(); err == nil {
		t.Error("it was not killed")
	}
	if len(below) < 2 { // its cages; what runs in them may have been about to start
		t.Errorf("it had only %d processes", len(below))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	slices.Sort(below)
	if err := sandboxtest.Gone(ctx, slices.Compact(below)); err != nil {
		t.Error(err)
	}
}

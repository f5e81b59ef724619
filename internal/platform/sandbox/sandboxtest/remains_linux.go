package sandboxtest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/ns"

	"golang.org/x/sys/unix"
)

// Remains returns everything on this machine that cages of the driver in dir made and
// did not take back: files, control groups, loop devices, mounts, and descriptors of
// this process.
func Remains(dir string) ([]string, error) {
	var left []string
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if e.Name() != "lock" && e.Name() != "caches" {
			left = append(left, "file "+e.Name())
		}
	}
	sum := sha256.Sum256([]byte(dir))
	groups, err := filepath.Glob(fmt.Sprintf("/sys/fs/cgroup/*/cofounder/cage-%x-*", sum[:3]))
	if err != nil {
		return nil, err
	}
	left = append(left, groups...)
	backing, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		return nil, err
	}
	for _, file := range backing {
		// One that is freed just now cannot be read any more.
		if text, err := os.ReadFile(file); err == nil && strings.HasPrefix(string(text), dir+"/") {
			left = append(left, filepath.Dir(filepath.Dir(file)))
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, dir+"/") {
			left = append(left, "mount "+line)
		}
	}
	return left, nil
}

// Descriptors returns how many files this process has open.
func Descriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(entries)
}

// Descendants returns the living processes below one.
func Descendants(pid int) []int {
	parents := map[int][]int{}
	for _, p := range pids() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if parent, err := strconv.Atoi(fields[1]); err == nil {
			parents[parent] = append(parents[parent], p)
		}
	}
	found := parents[pid]
	for i := 0; i < len(found); i++ {
		found = append(found, parents[found[i]]...)
	}
	return found
}

// Gone waits until these processes are.
func Gone(ctx context.Context, pids []int) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var alive []int
		for _, pid := range pids {
			if unix.Kill(pid, 0) == nil {
				alive = append(alive, pid)
			}
		}
		if len(alive) == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("processes %v live on: %w", alive, ctx.Err())
		}
	}
}

// keeper is a process of the host that has cages, in which programs run, and makes and
// destroys more of them until it is killed. Its argument is the driver's folder.
func keeper(args []string) error {
	ctx := context.Background()
	d, err := ns.Open(ns.Config{Dir: args[0], Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	for i := range 2 {
		c, err := d.Create(ctx, sandbox.Spec{ID: fmt.Sprint("kept-", i), Limits: small()})
		if err != nil {
			return err
		}
		if err := c.Files().Write("file", []byte("x"), 0o644); err != nil {
			return err
		}
		go func() {
			_, _ = c.Exec(ctx, sh("(trap '' TERM HUP; setsid sleep 1000) & sleep 1000"))
		}()
	}
	fmt.Println("keeping")
	for i := 0; ; i++ {
		c, err := d.Create(ctx, sandbox.Spec{ID: fmt.Sprint("more-", i), Limits: small()})
		if err != nil {
			return err
		}
		if _, err := c.Exec(ctx, sh("echo x > file")); err != nil {
			return err
		}
		if err := c.Destroy(ctx); err != nil {
			return err
		}
	}
}

// Keep is the command line of a keeper, for this program to start itself with.
func Keep(dir string) []string { return []string{puppetArg, "keeper", dir} }

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/ns"
	"cofounder/internal/platform/sandbox/sandboxtest"
)

// cycles makes, uses and destroys cages with a driver of their own, and looks at what
// is left of them and of it.
func (b *cageBench) cycles(ctx context.Context) error {
	began := time.Now()
	files, processes := sandboxtest.Descriptors(), len(sandboxtest.Descendants(os.Getpid()))
	dir := filepath.Join(b.dir, "cycles")
	d, err := ns.Open(ns.Config{Dir: dir, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	for i := range b.plan.cycles {
		var c sandbox.Cage
		if c, err = d.Create(ctx, sandbox.Spec{ID: fmt.Sprint("cycle-", i%5)}); err != nil {
			break
		}
		err = insideCage(ctx, c, []string{"sh", "-c", "echo x > file; setsid sleep 1000 & true"})
		if err = errors.Join(err, c.Destroy(ctx)); err != nil {
			break
		}
	}
	if err = errors.Join(err, d.Close(ctx)); err != nil {
		return err
	}
	b.say("%d cages made, used and destroyed in %s", b.plan.cycles, time.Since(began).Round(time.Second))
	if now := sandboxtest.Descriptors(); now != files {
		b.remains = append(b.remains, fmt.Sprintf("%d descriptors where there were %d", now, files))
	}
	if below := sandboxtest.Descendants(os.Getpid()); len(below) > processes {
		b.remains = append(b.remains, fmt.Sprint("processes ", below))
	}
	return b.inspect(dir)
}

// inspect adds what is left of the cages of a driver's folder.
func (b *cageBench) inspect(dir string) error {
	left, err := sandboxtest.Remains(dir)
	if err != nil {
		return err
	}
	b.remains = append(b.remains, left...)
	for _, r := range b.remains {
		b.say("remains: %s", r)
	}
	return nil
}

// kills ends processes that have cages, at any moment, and sweeps after them.
func (b *cageBench) kills(ctx context.Context) error {
	dir := filepath.Join(b.dir, "cages")
	self, err := os.Executable()
	if err != nil {
		return err
	}
	processes, slowest := 0, time.Duration(0)
	for range b.plan.kills {
		below, err := killKeeper(ctx, self, dir)
		if err != nil {
			return err
		}
		began := time.Now()
		limited, cancel := context.WithTimeout(ctx, 30*time.Second)
		err = sandboxtest.Gone(limited, below)
		cancel()
		if err != nil {
			b.remains = append(b.remains, err.Error())
		}
		processes, slowest = processes+len(below), max(slowest, time.Since(began))
	}
	began := time.Now()
	if err := b.driver.Sweep(ctx); err != nil {
		return err
	}
	b.say("%d processes with cages killed: their %d processes were gone after at most %s, sweeping took %s",
		b.plan.kills, processes, slowest.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	return b.inspect(dir)
}

// killKeeper starts a process with cages, kills it, and returns the processes it had.
func killKeeper(ctx context.Context, self, dir string) ([]int, error) {
	cmd := exec.CommandContext(ctx, self, sandboxtest.Keep(dir)...) //nolint:gosec // our own program
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	said := lines.Scan() && lines.Text() == "keeping"
	<-time.After(time.Duration(rand.IntN(100)) * time.Millisecond) //nolint:gosec // any moment
	below := sandboxtest.Descendants(cmd.Process.Pid)
	err = cmd.Process.Kill()
	below = append(below, sandboxtest.Descendants(cmd.Process.Pid)...)
	if waitErr := cmd.Wait(); waitErr == nil || !said {
		err = errors.Join(err, errors.New("a process with cages did not come up"))
	}
	slices.Sort(below)
	return slices.Compact(below), err
}

// attacks runs the suites that every driver passes, from the source, and counts.
func (b *cageBench) attacks(ctx context.Context) error {
	if b.plan.skipAttacks {
		return nil
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-json", "-count=1", "-run", "TestHolds|TestResistsLures|TestWithoutRoot", "cofounder/internal/platform/sandbox/ns")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	passed, failed := map[string]bool{}, map[string]bool{}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event struct{ Action, Test, Output string }
		if json.Unmarshal(lines.Bytes(), &event) != nil {
			continue
		}
		name := strings.TrimPrefix(event.Test, "TestWithoutRoot/")
		switch {
		case event.Action == "pass" && strings.Contains(name, "/"):
			passed[name] = true
		case event.Action == "fail":
			failed[event.Test] = true
		}
	}
	err = cmd.Wait()
	b.attempts, b.lost = len(passed)+len(failed), len(failed)
	for name := range failed {
		b.say("lost: %s", name)
	}
	b.say("%d attacks and lures tried as root, all of them again as an ordinary user; %d succeeded; canaries read 0, host files written 0, connections to the host 0, or the suite would have failed", b.attempts, b.lost)
	if err != nil && len(failed) == 0 {
		return fmt.Errorf("attack: %w", err)
	}
	return nil
}

package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The targets of P13 that need no fresh machine. The time from a fresh clone is
// taken by infra/ci/first-run and by hand; docs/PROOFS.md has both.
const (
	warmTarget   = 2 * time.Second
	oursTarget   = 60 << 20
	bothTarget   = 150 << 20
	binaryTarget = 70 << 20
)

// p13 measures what a start and an idle program cost.
func p13(ctx context.Context, args []string, out io.Writer) (verdict, error) {
	starts, idle := 10, 20*time.Second
	flags := flag.NewFlagSet("p13", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.IntVar(&starts, "starts", starts, "warm starts")
	flags.DurationVar(&idle, "idle", idle, "how long to leave it alone before its memory is read")
	if err := flags.Parse(args); err != nil {
		return verdict{}, err
	}
	say(out, "p13: cofounder serve with its private database; load average %s", loadAverage())
	in, err := install(ctx, "http://localhost:8080", 0, 5*time.Second)
	if err != nil {
		return verdict{}, err
	}
	f := footprint{in: in, fleet: &fleet{command: []string{in.binary, "serve"}, environ: in.environ, notes: func(line string) { say(out, "p13: log: %s", line) }}}
	err = f.measure(ctx, starts, idle)
	if err = errors.Join(err, in.remove(context.WithoutCancel(ctx))); err != nil {
		return verdict{}, err
	}
	warm := quantileOf(f.warm, .5)
	say(out, "p13: first start %s, %d warm starts; load average at the end %s", f.first.Round(time.Millisecond), len(f.warm), loadAverage())
	return verdict{
		figures: fmt.Sprintf("warm start median %s longest %s, idle memory ours %d MB with database %d MB, binary %d MB",
			warm, slices.Max(f.warm).Round(time.Millisecond), f.ours>>20, (f.ours+f.database)>>20, f.binary>>20),
		targets: fmt.Sprintf("warm < %s, ours < %d MB, with database < %d MB, binary < %d MB", warmTarget, oursTarget>>20, bothTarget>>20, binaryTarget>>20),
		short: slices.Max(f.warm) >= warmTarget || f.ours >= oursTarget || f.ours+f.database >= bothTarget ||
			f.binary >= binaryTarget,
	}, nil
}

// footprint is what an installation takes.
type footprint struct {
	in    *installation
	fleet *fleet

	first          time.Duration   // with the database made
	warm           []time.Duration // with the database running
	ours, database int64           // bytes of memory
	binary         int64           // bytes
}

func (f *footprint) measure(ctx context.Context, starts int, idle time.Duration) error {
	info, err := os.Stat(f.in.binary)
	if err != nil {
		return fmt.Errorf("weigh the program: %w", err)
	}
	f.binary = info.Size()
	if f.first, err = f.start(ctx, 0); err != nil {
		return err
	}
	for range starts {
		took, err := f.start(ctx, 0)
		if err != nil {
			return err
		}
		f.warm = append(f.warm, took)
	}
	_, err = f.start(ctx, idle)
	return err
}

// start runs the program until it serves and, with an idle time, reads its
// memory after that.
func (f *footprint) start(ctx context.Context, idle time.Duration) (time.Duration, error) {
	begun := time.Now()
	p, err := f.fleet.start(ctx)
	if err != nil {
		return 0, err
	}
	took := time.Since(begun)
	if idle > 0 {
		select {
		case <-time.After(idle):
		case <-ctx.Done():
		}
		if f.ours, err = memoryOf(p.cmd.Process.Pid); err == nil {
			f.database, err = f.serverMemory()
		}
	}
	return took, errors.Join(err, p.term(context.WithoutCancel(ctx)))
}

// serverMemory adds up the processes of the private database.
func (f *footprint) serverMemory() (int64, error) {
	text, err := os.ReadFile(filepath.Join(f.in.folder, "data", "pg", "postmaster.pid"))
	if err != nil {
		return 0, fmt.Errorf("find the database: %w", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	server, err := strconv.Atoi(first)
	if err != nil {
		return 0, fmt.Errorf("find the database: %w", err)
	}
	total, err := memoryOf(server)
	if err != nil {
		return 0, err
	}
	text, err = os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", server, server))
	if err != nil {
		return 0, fmt.Errorf("find the database's processes: %w", err)
	}
	for child := range strings.FieldsSeq(string(text)) {
		pid, err := strconv.Atoi(child)
		if err != nil {
			return 0, fmt.Errorf("find the database's processes: %w", err)
		}
		n, err := memoryOf(pid)
		if errors.Is(err, os.ErrNotExist) {
			continue // it ended meanwhile
		}
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// memoryOf is a process's share of memory in bytes: what it alone holds, and its
// part of what it shares (Pss), so that processes can be added up.
func memoryOf(pid int) (int64, error) {
	file, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), "Pss:"); ok {
			kilobytes, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("read memory: %w", err)
			}
			return kilobytes << 10, nil
		}
	}
	return 0, fmt.Errorf("read memory of process %d: no Pss", pid)
}

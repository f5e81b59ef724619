package ns

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"cofounder/internal/platform/sandbox"

	"golang.org/x/sys/unix"
)

// groupFolder is where all our control groups are, in each hierarchy.
const groupFolder = "cofounder"

// controllers are what limits need.
func controllers() []string { return []string{"memory", "cpu", "pids"} }

// groups knows where control groups can be made. The files of version 1 and 2 differ
// in name only.
type groups struct {
	second bool              // version 2
	dirs   map[string]string // where to make one, by controller; in version 2 all the same
}

// group is one cage's.
type group struct {
	groups *groups
	name   string
}

// findGroups returns nil where none can be made.
func findGroups() *groups {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil
	}
	first, second := groupMounts(string(text))
	if dir := second; dir != "" {
		if g := secondGroups(dir, ownGroup(string(own))); g != nil {
			return g
		}
	}
	return firstGroups(first)
}

// groupMounts reads mountinfo: where each controller of version 1 is, and version 2.
func groupMounts(mountinfo string) (first map[string]string, second string) {
	first = map[string]string{}
	for line := range strings.Lines(mountinfo) {
		before, after, ok := strings.Cut(line, " - ")
		fields, kinds := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 5 || len(kinds) < 3 {
			continue
		}
		switch kinds[0] {
		case "cgroup2":
			second = fields[4]
		case "cgroup":
			for option := range strings.SplitSeq(kinds[2], ",") {
				first[option] = fields[4]
			}
		}
	}
	return first, second
}

// ownGroup reads /proc/self/cgroup: where we are in version 2.
func ownGroup(cgroup string) string {
	for line := range strings.Lines(cgroup) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return path
		}
	}
	return ""
}

// firstGroups tries version 1, which takes root.
func firstGroups(mounts map[string]string) *groups {
	g := &groups{dirs: map[string]string{}}
	for _, c := range controllers() {
		if mounts[c] == "" {
			return nil
		}
		g.dirs[c] = filepath.Join(mounts[c], groupFolder)
		err := os.MkdirAll(g.dirs[c], 0o755) //nolint:gosec // as the kernel's own
		if err != nil || unix.Access(g.dirs[c], unix.W_OK) != nil {
			return nil
		}
	}
	return g
}

// secondGroups tries version 2: at the top as root, else in the group we were given
// (Delegate=yes in the unit that starts us).
func secondGroups(mount, own string) *groups {
	for _, parent := range []string{mount, filepath.Join(mount, own)} {
		available, err := os.ReadFile(filepath.Join(parent, "cgroup.controllers")) //nolint:gosec // the kernel's
		if err != nil || !containsAll(strings.Fields(string(available)), controllers()) {
			continue
		}
		dir := filepath.Join(parent, groupFolder)
		if enable(parent) != nil && (makeRoom(parent) != nil || enable(parent) != nil) {
			continue
		}
		if os.MkdirAll(dir, 0o755) != nil || unix.Access(dir, unix.W_OK) != nil || enable(dir) != nil { //nolint:gosec // as the kernel's own
			continue
		}
		g := &groups{second: true, dirs: map[string]string{}}
		for _, c := range controllers() {
			g.dirs[c] = dir
		}
		return g
	}
	return nil
}

func containsAll(have, want []string) bool {
	return !slices.ContainsFunc(want, func(w string) bool { return !slices.Contains(have, w) })
}

// enable lets the groups below dir have limits.
func enable(dir string) error {
	return os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+strings.Join(controllers(), " +")), 0)
}

// makeRoom moves the processes of a group into one below it: a group with limits for
// others may hold no processes itself.
func makeRoom(dir string) error {
	leaf := filepath.Join(dir, groupFolder+"-main")
	if err := os.MkdirAll(leaf, 0o755); err != nil { //nolint:gosec // as the kernel's own
		return err
	}
	pids, err := os.ReadFile(filepath.Join(dir, "cgroup.procs")) //nolint:gosec // the kernel's
	if err != nil {
		return err
	}
	for pid := range strings.FieldsSeq(string(pids)) {
		err := os.WriteFile(filepath.Join(leaf, "cgroup.procs"), []byte(pid), 0)
		if err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}

// create makes a group with limits.
func (g *groups) create(name string, l sandbox.Limits) (*group, error) {
	made := &group{groups: g, name: name}
	for _, c := range controllers() {
		if err := os.Mkdir(made.dir(c), 0o755); err != nil && !errors.Is(err, fs.ErrExist) { //nolint:gosec // as the kernel's own
			return nil, errors.Join(fmt.Errorf("make a control group: %w", err), made.discard())
		}
	}
	for _, s := range g.settings(l) {
		err := made.write(s.controller, s.file, s.value)
		if err != nil && !s.optional {
			return nil, errors.Join(fmt.Errorf("limit a control group: %w", err), made.discard())
		}
	}
	return made, nil
}

// setting is one file of one controller.
type setting struct {
	controller, file, value string
	optional                bool // kernels without accounting of swap have no such file
}

// period is the time over which processor time is shared out, in microseconds.
const period = 100_000

func (g *groups) settings(l sandbox.Limits) []setting {
	memory, pids := strconv.FormatInt(l.Memory, 10), strconv.Itoa(l.Processes+ownThreads)
	quota := strconv.Itoa(l.CPU * period / 1000)
	if g.second {
		return []setting{
			{controller: "memory", file: "memory.max", value: memory},
			{controller: "memory", file: "memory.swap.max", value: "0", optional: true},
			{controller: "pids", file: "pids.max", value: pids},
			{controller: "cpu", file: "cpu.max", value: quota + " " + strconv.Itoa(period)},
		}
	}
	return []setting{
		{controller: "memory", file: "memory.limit_in_bytes", value: memory},
		{controller: "memory", file: "memory.memsw.limit_in_bytes", value: memory, optional: true},
		{controller: "pids", file: "pids.max", value: pids},
		{controller: "cpu", file: "cpu.cfs_period_us", value: strconv.Itoa(period)},
		{controller: "cpu", file: "cpu.cfs_quota_us", value: quota},
	}
}

// ownThreads is what the cage's first process needs beside what programs may have.
const ownThreads = 16

func (g *group) dir(controller string) string {
	return filepath.Join(g.groups.dirs[controller], g.name)
}

func (g *group) write(controller, file, value string) error {
	return os.WriteFile(filepath.Join(g.dir(controller), file), []byte(value), 0)
}

// add puts a process and its children to come into the group.
func (g *group) add(pid int) error {
	for _, c := range controllers() {
		if err := g.write(c, "cgroup.procs", strconv.Itoa(pid)); err != nil {
			return fmt.Errorf("enter a control group: %w", err)
		}
	}
	return nil
}

// memory returns the bytes in use.
func (g *group) memory() (int64, error) {
	file := "memory.usage_in_bytes"
	if g.groups.second {
		file = "memory.current"
	}
	text, err := os.ReadFile(filepath.Join(g.dir("memory"), file))
	if err != nil {
		return 0, fmt.Errorf("read memory in use: %w", err)
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

// kills returns how many processes were ended for want of memory.
func (g *group) kills() int64 {
	file := "memory.oom_control"
	if g.groups.second {
		file = "memory.events"
	}
	text, err := os.ReadFile(filepath.Join(g.dir("memory"), file))
	if err != nil {
		return 0 // the group is gone with its cage, which is said elsewhere
	}
	for line := range strings.Lines(string(text)) {
		if number, ok := strings.CutPrefix(line, "oom_kill "); ok {
			if n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64); err == nil {
				return n
			}
		}
	}
	return 0
}

// patience is how long the kernel may take to be done with what it was told to end. It
// is long because what is waited for comes about by itself, however busy the machine.
const patience = time.Minute

// remove deletes the group once its processes are gone.
func (g *group) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		err := g.discard()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("remove a control group: %w", err)
		}
	}
}

// discard deletes the group if it is empty.
func (g *group) discard() error {
	var err error
	for _, c := range controllers() {
		if e := unix.Rmdir(g.dir(c)); e != nil && !errors.Is(e, unix.ENOENT) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// sweep ends what is left in a group whose owner is gone, and removes it.
func (g *groups) sweep(ctx context.Context, name string) error {
	left := &group{groups: g, name: name}
	pids, err := os.ReadFile(filepath.Join(left.dir("pids"), "cgroup.procs"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("sweep a control group: %w", err)
	}
	for text := range strings.FieldsSeq(string(pids)) {
		if pid, err := strconv.Atoi(text); err == nil && pid > 1 {
			_ = unix.Kill(pid, unix.SIGKILL) //nolint:errcheck // it may have ended just now
		}
	}
	return left.remove(ctx)
}

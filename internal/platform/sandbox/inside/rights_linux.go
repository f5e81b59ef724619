package inside

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/wire"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"
)

// How willingly the kernel ends a process when memory is short: programs first, then
// us, then the host.
const (
	ownBadness     = 500
	programBadness = 900
)

// niceness lets the host's own work go first where no control group shares the
// processor out.
const niceness = 10

// limit sets what the kernel enforces for each process.
func limit(plan *wire.Plan) error {
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte(fmt.Sprint(ownBadness)), 0o600); err != nil {
		return err
	}
	if plan.Watch > 0 {
		if err := unix.Setpriority(unix.PRIO_PROCESS, 0, niceness); err != nil {
			return err
		}
	}
	const small = 64 << 10
	// With 0 the kernel still starts the host's program that core_pattern may name; with
	// 1 it does not, and a core file of 1 byte is none (core(5)).
	const noCore = 1
	for _, l := range []struct {
		which int
		value uint64
		zero  bool // zero is a limit, not the absence of one
	}{
		{unix.RLIMIT_NOFILE, uint64(plan.Files), false},    //nolint:gosec // limits are positive
		{unix.RLIMIT_FSIZE, uint64(plan.FileSize), false},  //nolint:gosec // see above
		{unix.RLIMIT_NPROC, uint64(plan.Processes), false}, //nolint:gosec // see above
		{unix.RLIMIT_DATA, uint64(plan.Data), false},       //nolint:gosec // see above
		{unix.RLIMIT_CORE, noCore, false},
		{unix.RLIMIT_MEMLOCK, small, false},
		{unix.RLIMIT_MSGQUEUE, small, false},
		{unix.RLIMIT_RTPRIO, 0, true},
		{unix.RLIMIT_NICE, 0, true},
	} {
		if l.value == 0 && !l.zero {
			continue
		}
		if err := unix.Setrlimit(l.which, &unix.Rlimit{Cur: l.value, Max: l.value}); err != nil {
			return fmt.Errorf("limit %d: %w", l.which, err)
		}
	}
	return nil
}

// dropCapabilities gives up every right, in every thread and for good.
func dropCapabilities() error {
	// What programs could get back is a matter of the thread that starts them, which is
	// this one; asking all threads each time would take longer than everything else.
	for c := range uintptr(64) {
		// The kernel knows fewer: it says EINVAL to the rest.
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); errors.Is(err, unix.EINVAL) {
			break
		} else if err != nil {
			return fmt.Errorf("bounding set: %w", err)
		}
	}
	if _, _, e := psx.Syscall6(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0, 0); e != 0 {
		return fmt.Errorf("ambient set: %w", e)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	//nolint:gosec // the system call takes pointers
	if _, _, e := psx.Syscall3(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none[0])), 0); e != 0 {
		return fmt.Errorf("capabilities: %w", e)
	}
	if _, _, e := psx.Syscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); e != 0 {
		return fmt.Errorf("no new privileges: %w", e)
	}
	// /proc/1/mem, environ, fd, root and exe become unreadable for the programs.
	return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}

// landlockTo forbids every file that is not in the tree, in all threads. It is a
// second wall behind the mounts: what is reached through a descriptor or a link of
// /proc is judged by where it is.
func landlockTo(plan *wire.Plan) error {
	config, err := landlock.NewConfig(landlock.AccessFSSet(1<<16 - 1))
	if err != nil {
		return err
	}
	writable := []string{"/tmp", "/dev", "/run", sandbox.Workspace, sandbox.Home}
	readable := []string{"/usr", "/etc", "/proc", "/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin", "/sys", "/var"}
	var files []string
	for _, m := range plan.Mounts {
		if m.Hidden || m.Writable {
			continue
		}
		switch found, err := os.Stat(m.Inside); {
		case err != nil:
			return err
		case found.IsDir():
			readable = append(readable, m.Inside)
		default:
			files = append(files, m.Inside)
		}
	}
	const readDir = landlock.AccessFSSet(1 << 3)
	return config.BestEffort().Restrict(
		landlock.PathAccess(readDir, "/"),
		landlock.RODirs(readable...).IgnoreIfMissing(),
		landlock.ROFiles(files...),
		landlock.RWDirs(writable...).WithRefer().WithIoctlDev().IgnoreIfMissing(),
	)
}

// scope forbids signals and abstract sockets across the wall. It holds for this thread
// and what it starts, because each thread that is restricted gets a domain of its own,
// and could not end what another one started.
func scope() error {
	if LandlockVersion() < scopedVersion {
		return nil
	}
	attr := unix.LandlockRulesetAttr{Scoped: unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL}
	//nolint:gosec // the system call takes a pointer
	rules, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if e != 0 {
		return e
	}
	_, _, e = unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, rules, 0, 0)
	err := unix.Close(int(rules))
	if e != 0 {
		return e
	}
	return err
}

// scopedVersion is the first that knows signals and sockets (Linux 6.12).
const scopedVersion = 6

// LandlockVersion returns what this kernel offers, or 0 when it offers nothing.
func LandlockVersion() int {
	version, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if e != 0 {
		return 0
	}
	return int(version)
}

// errArchitecture is for machines nobody wrote a filter for.
var errArchitecture = errors.New("there is no filter for this processor")

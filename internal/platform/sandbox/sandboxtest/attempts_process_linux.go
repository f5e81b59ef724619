package sandboxtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// processAttempts reach for processes of the host and for process 1.
func processAttempts() []attempt {
	return []attempt{
		{"a secret in our variables", "its text", func(t target) (string, error) {
			if t.is(strings.Join(os.Environ(), "\n")) {
				return "the canary", nil
			}
			return "", errNothing
		}, true},
		{"a secret in others' variables", "its text", func(t target) (string, error) {
			for _, pid := range pids() {
				if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); err == nil && t.is(string(text)) {
					return fmt.Sprint("of process ", pid), nil
				}
			}
			return "", errNothing
		}, true},
		{"see processes of the host", "the decoy", func(target) (string, error) {
			for _, pid := range pids() {
				if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil && strings.HasPrefix(string(text), "sleep\x001000") {
					return fmt.Sprint("process ", pid), nil
				}
			}
			return "", errNothing
		}, true},
		{"signal a process of the host", "the decoy", func(t target) (string, error) { return got(unix.Kill(t.Decoy, 0), "it can be signalled") }, true},
		{"kill everything", "the decoy", func(target) (string, error) {
			// Only who shares a namespace is reached; this puppet is spared by the kernel.
			err := unix.Kill(-1, 0)
			if len(pids()) > 10 {
				return "more than the cage is there", nil
			}
			return "", errors.Join(errNothing, err)
		}, true},
		{"end process 1", "the cage", func(target) (string, error) {
			for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGQUIT, unix.SIGABRT, unix.SIGSEGV, unix.SIGBUS, unix.SIGSTOP, unix.SIGKILL, unix.SIGUSR1, unix.SIGHUP, unix.Signal(34)} {
				_ = unix.Kill(1, s)
			}
			time.Sleep(100 * time.Millisecond)
			text, err := os.ReadFile("/proc/1/stat")
			if err != nil {
				return "it is gone", nil
			}
			if strings.Contains(string(text), ") T ") {
				return "it stopped", nil
			}
			return "", errors.New("it goes on")
		}, false},
		{"trace process 1", "control over it", func(target) (string, error) { return got(unix.PtraceAttach(1), "attached") }, false},
		{"trace a child", "control that filters do not see", func(target) (string, error) {
			cmd := exec.Command("/bin/true")
			cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
			err := cmd.Start()
			if err == nil {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			}
			return got(err, "traced")
		}, true},
		{"read the memory of process 1", "its memory", func(target) (string, error) {
			buffer := make([]byte, 16)
			local := []unix.Iovec{{Base: &buffer[0], Len: 16}}
			remote := []unix.RemoteIovec{{Base: 0x400000, Len: 16}}
			_, err := unix.ProcessVMReadv(1, local, remote, 0)
			return got(err, "read")
		}, false},
		{"open what process 1 has", "its memory, descriptors, variables, maps", func(target) (string, error) {
			for _, name := range []string{"mem", "environ", "maps", "auxv", "fd/3", "map_files", "stack", "syscall", "io", "ns/net", "root/", "cwd/"} {
				if file, err := os.Open("/proc/1/" + name); err == nil {
					if _, err := file.Read(make([]byte, 1)); err == nil || name == "ns/net" {
						return name, nil
					}
				}
			}
			return "", unix.EACCES
		}, false},
		{"take a descriptor of process 1", "the line to the host", func(target) (string, error) {
			pidfd, err := unix.PidfdOpen(1, 0)
			if err != nil {
				return "", err
			}
			_, err = unix.PidfdGetfd(pidfd, 3, 0)
			return got(err, "the line")
		}, false},
		{"inherited descriptors", "one that is neither ours nor a pipe to the host", inherited, true},
		{"write to the controlling terminal", "an open /dev/tty", func(target) (string, error) {
			file, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
			if err != nil {
				return "", err
			}
			return got(file.Close(), "open")
		}, false},
		{"type into a terminal", "TIOCSTI", typeInto, false},
		{"survive the end", "a limit that can be raised", func(target) (string, error) {
			for name, which := range map[string]int{"files": unix.RLIMIT_NOFILE, "file size": unix.RLIMIT_FSIZE, "locked memory": unix.RLIMIT_MEMLOCK, "cores": unix.RLIMIT_CORE} {
				if unix.Setrlimit(which, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}) == nil {
					return name, nil
				}
			}
			return "", unix.EPERM
		}, false},
		{"be spared when memory is short", "a better score", func(target) (string, error) {
			return got(os.WriteFile("/proc/self/oom_score_adj", []byte("-1000"), 0), "written")
		}, false},
		{"run a program of the host on a crash", "a core that is dumped", func(target) (string, error) {
			var limit unix.Rlimit
			if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil {
				return "", err
			}
			// 1 is what keeps the kernel from starting the program that core_pattern names.
			if limit.Cur == 1 && limit.Max == 1 {
				return "", errors.New("no cores")
			}
			return fmt.Sprintf("the limit is %d", limit.Cur), nil
		}, false},
		{"the real-time scheduler", "a processor of one's own", func(target) (string, error) {
			parameter := int32(1)
			return got(call3(unix.SYS_SCHED_SETSCHEDULER, 0, 1, uintptr(unsafe.Pointer(&parameter))), "scheduled")
		}, false},
		{"go first", "a better priority", func(target) (string, error) {
			now, err := unix.Getpriority(unix.PRIO_PROCESS, 0) // 20 less the niceness, as the kernel tells it
			if err != nil {
				return "", err
			}
			return got(unix.Setpriority(unix.PRIO_PROCESS, 0, 20-now-1), "one step ahead")
		}, false},
	}
}

// pids returns every process that can be seen.
func pids() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var all []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			all = append(all, pid)
		}
	}
	return all
}

// inherited looks at every descriptor this puppet was started with.
func inherited(t target) (string, error) {
	for fd := range 1024 {
		where, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
		if err != nil {
			continue
		}
		if where == t.Secret {
			return fmt.Sprintf("%d is %s", fd, where), nil
		}
		var found unix.Stat_t
		if unix.Fstat(fd, &found) != nil {
			continue
		}
		switch {
		case fd <= 2 && (strings.HasPrefix(where, "pipe:") || where == "/dev/null"):
		case strings.HasPrefix(where, "anon_inode:"), strings.HasPrefix(where, "/proc/"): // of Go's runtime
		case os.Getenv(variable) != "": // the control looks for the secret only
		default:
			return fmt.Sprintf("%d is %s", fd, where), nil
		}
	}
	return "", errNothing
}

// typeInto pushes a character into the input of a terminal of its own: on the
// operator's it would be a command.
func typeInto(target) (string, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return "", err
	}
	defer master.Close()
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		return "", err
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return "", err
	}
	defer slave.Close()
	character := byte('x')
	return got(call3(unix.SYS_IOCTL, slave.Fd(), unix.TIOCSTI, uintptr(unsafe.Pointer(&character))), "typed")
}

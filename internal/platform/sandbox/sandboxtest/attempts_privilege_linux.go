package sandboxtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// privilegeAttempts try to become more than they are.
func privilegeAttempts() []attempt {
	const mounted, namespace, rights = "a mount", "a namespace of one's own", "a right"
	return []attempt{
		{"mount", mounted, func(target) (string, error) { return got(unix.Mount("x", "/tmp", "tmpfs", 0, ""), "mounted") }, false},
		{"mount with the new calls", mounted, func(target) (string, error) {
			if _, err := unix.Fsopen("tmpfs", 0); err == nil {
				return "fsopen", nil
			}
			if _, err := unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE); err == nil {
				return "open_tree", nil
			}
			if err := unix.MountSetattr(unix.AT_FDCWD, "/", 0, &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}); err == nil {
				return "mount_setattr", nil
			}
			return "", unix.EPERM
		}, false},
		{"take a mask off /proc", "what it hides", func(target) (string, error) {
			for _, name := range []string{"/proc/kallsyms", "/proc/sys", "/proc"} {
				if unix.Unmount(name, unix.MNT_DETACH) == nil {
					return name, nil
				}
			}
			return "", unix.EPERM
		}, false},
		{"make the root writable", mounted, func(target) (string, error) {
			return got(unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND, ""), "remounted")
		}, false},
		{"leave by pivot_root", "another root", func(target) (string, error) { return got(unix.PivotRoot(".", "."), "left") }, false},
		{"chroot", "another root", func(target) (string, error) { return got(unix.Chroot("/tmp"), "changed") }, false},
		{"unshare", namespace, func(target) (string, error) {
			for name, flag := range map[string]int{"user": unix.CLONE_NEWUSER, "mount": unix.CLONE_NEWNS, "net": unix.CLONE_NEWNET, "pid": unix.CLONE_NEWPID, "ipc": unix.CLONE_NEWIPC, "uts": unix.CLONE_NEWUTS, "cgroup": unix.CLONE_NEWCGROUP, "time": unix.CLONE_NEWTIME} {
				if unix.Unshare(flag) == nil {
					return name, nil
				}
			}
			return "", unix.EPERM
		}, false},
		{"clone", namespace, func(target) (string, error) {
			cmd := exec.Command("/bin/true")
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}
			return got(cmd.Run(), "a user namespace")
		}, true},
		{"clone3", namespace, func(target) (string, error) {
			err := call3(unix.SYS_CLONE3, 0, 0, 0)
			if errors.Is(err, unix.ENOSYS) {
				return "", err
			}
			return fmt.Sprintf("the kernel answered %v", err), nil
		}, false},
		{"enter the namespaces of process 1", namespace, func(target) (string, error) {
			for _, name := range []string{"net", "mnt", "user", "pid"} {
				for _, process := range []string{"1", "self"} {
					fd, err := unix.Open("/proc/"+process+"/ns/"+name, unix.O_RDONLY, 0)
					if err == nil && unix.Setns(fd, 0) == nil {
						return name, nil
					}
				}
			}
			return "", unix.EPERM
		}, false},
		{"map more users", "root of the host", func(target) (string, error) {
			return got(os.WriteFile("/proc/self/uid_map", []byte("0 0 1\n"), 0), "mapped")
		}, false},
		{"become root", rights, func(target) (string, error) {
			for _, err := range []error{unix.Setuid(0), unix.Setresuid(0, 0, 0), unix.Setgid(0), unix.Setgroups([]int{0})} {
				if err == nil {
					return "user or group 0", nil
				}
			}
			return "", unix.EPERM
		}, false},
		{"capabilities", rights, func(target) (string, error) {
			text, err := os.ReadFile("/proc/self/status")
			if err != nil {
				return "", err
			}
			for line := range strings.Lines(string(text)) {
				if strings.HasPrefix(line, "Cap") && strings.Trim(strings.TrimSpace(line[7:]), "0") != "" {
					return line, nil
				}
				if strings.HasPrefix(line, "NoNewPrivs:") && !strings.HasSuffix(strings.TrimSpace(line), "1") {
					return line, nil
				}
				if strings.HasPrefix(line, "Seccomp:") && !strings.HasSuffix(strings.TrimSpace(line), "2") {
					return line, nil
				}
			}
			return "", errNothing
		}, true},
		{"programs that become root", "root", func(target) (string, error) {
			for _, name := range []string{"/usr/bin/su", "/usr/bin/mount", "/usr/bin/passwd", "/usr/bin/sudo", "/usr/bin/newgrp"} {
				out, err := exec.Command(name, "-c", "id -u").CombinedOutput()
				if err == nil && strings.TrimSpace(string(out)) == "0" {
					return name, nil
				}
			}
			return "", errNothing
		}, false},
		{"a program of one's own that becomes another", "another user", func(target) (string, error) {
			text, err := os.ReadFile("/usr/bin/id")
			if err != nil {
				return "", err
			}
			file := "/workspace/become"
			if err := errors.Join(os.WriteFile(file, text, 0o755), os.Chmod(file, 0o6755)); err != nil {
				return "", err
			}
			out, err := exec.Command(file, "-u").CombinedOutput()
			if err != nil {
				return "", err
			}
			if strings.TrimSpace(string(out)) != fmt.Sprint(os.Getuid()) {
				return string(out), nil
			}
			return "", errors.New("it stays who it was")
		}, false},
		{"rename the machine", "another name", func(target) (string, error) { return got(unix.Sethostname([]byte("x")), "renamed") }, false},
		{"control groups", "a file of one", func(target) (string, error) {
			for _, err := range []error{
				unix.Mount("x", "/tmp", "cgroup", 0, "memory"), unix.Mount("x", "/tmp", "cgroup2", 0, ""),
				os.WriteFile("/sys/fs/cgroup/memory/memory.limit_in_bytes", []byte("-1"), 0), os.WriteFile("/sys/fs/cgroup/cgroup.procs", []byte("1"), 0),
			} {
				if err == nil {
					return "one", nil
				}
			}
			return "", unix.EPERM
		}, false},
	}
}

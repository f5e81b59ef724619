package sandboxtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// fileAttempts reach for files of the host.
func fileAttempts() []attempt {
	const written, read = "a file on the host", "the secret's text"
	return []attempt{
		{"read a secret by its path", read, func(t target) (string, error) { return t.read(t.Secret) }, true},
		{"read a secret through /proc/1/root", read, func(t target) (string, error) { return t.read("/proc/1/root" + t.Secret) }, false},
		{"read a secret through /proc/1/cwd", read, func(t target) (string, error) {
			return t.read("/proc/1/cwd/" + strings.Repeat("../", 8) + t.Secret)
		}, false},
		{"read a secret through a link", read, func(t target) (string, error) {
			link := temporary("link")
			if err := os.Symlink(t.Secret, link); err != nil {
				return "", err
			}
			return t.read(link)
		}, true},
		{"read passwords", "the host's shadow file", func(target) (string, error) {
			_, err := os.ReadFile("/etc/shadow")
			return got(err, "it was read")
		}, false},
		{"find a secret in homes", "a folder of a person", func(t target) (string, error) {
			for _, home := range t.Homes {
				if _, err := os.Lstat(home); err == nil {
					return home, nil
				}
			}
			return "", errNothing
		}, false},
		{"find our own folders", "the driver's folder", func(t target) (string, error) {
			_, err := os.Lstat(t.State)
			return got(err, t.State)
		}, true},
		{"write to the host", written, func(t target) (string, error) { return put(filepath.Join(t.Folder, "control-written")) }, true},
		{"write into the system", written, func(target) (string, error) { return put("/usr/bin/canary") }, false},
		{"write into /etc", written, func(target) (string, error) { return put("/etc/canary") }, false},
		{"write into the root", written, func(target) (string, error) { return put("/canary") }, false},
		{"change a system program", written, func(target) (string, error) {
			file, err := os.OpenFile("/usr/bin/env", os.O_WRONLY, 0)
			if err != nil {
				return "", err
			}
			return got(file.Close(), "it was opened for writing")
		}, false},
		{"reopen a system file for writing", written, func(target) (string, error) {
			file, err := os.Open("/usr/bin/env")
			if err != nil {
				return "", err
			}
			_, err = os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", file.Fd()), os.O_RDWR, 0)
			return got(err, "it was opened for writing")
		}, false},
		{"write above the workspace", written, func(target) (string, error) { return put("/workspace/../canary") }, false},
		{"write through a link to the root", written, func(target) (string, error) {
			link := temporary("root")
			if err := os.Symlink("/", link); err != nil {
				return "", err
			}
			return put(link + "/canary")
		}, false},
		{"link a system file into the workspace", "a second name of a host's file", func(target) (string, error) {
			for _, file := range []string{"/usr/bin/env", puppetInside, "/etc/ld.so.cache"} {
				if err := os.Link(file, "/workspace/canary"); err == nil {
					return file, nil
				}
			}
			return "", unix.EXDEV
		}, false},
		{"replace the workspace itself", "another folder in its place", func(target) (string, error) {
			return got(os.Rename("/workspace", "/tmp/workspace"), "it was moved")
		}, false},
		{"raw devices", "a device of the host", func(target) (string, error) {
			for _, name := range []string{"mem", "kmem", "port", "kmsg", "kvm", "fuse", "vda", "sda", "nvme0n1", "loop0", "loop-control", "net/tun", "vsock", "vhost-vsock", "mapper/control", "input/event0", "uinput", "userfaultfd"} {
				if file, err := os.Open("/dev/" + name); err == nil {
					return name, file.Close()
				}
			}
			return "", errNothing
		}, false},
		{"make a device", "a disk", func(target) (string, error) {
			for _, dir := range []string{"/workspace", "/tmp", "/dev/shm", "/home/app"} {
				if err := unix.Mknod(dir+"/disk", unix.S_IFBLK|0o666, int(unix.Mkdev(254, 0))); err == nil {
					return dir, nil
				}
			}
			return "", unix.EPERM
		}, false},
		{"host paths in mountinfo", "the path of the driver's folder", func(t target) (string, error) {
			text, err := os.ReadFile("/proc/self/mountinfo")
			if err != nil {
				return "", err
			}
			if strings.Contains(string(text), filepath.Dir(t.State)) {
				return "a path", nil
			}
			return "", errNothing
		}, false},
		{"what /proc says about the kernel", "a file with something in it", func(target) (string, error) {
			for _, name := range []string{"kallsyms", "cmdline", "config.gz", "kcore", "keys", "modules", "iomem", "ioports", "timer_list", "slabinfo", "vmallocinfo", "kpageflags"} {
				if text, err := os.ReadFile("/proc/" + name); err == nil && len(text) > 0 {
					return name, nil
				}
			}
			return "", errNothing
		}, true},
		{"change the kernel through /proc", "a setting that was written", func(target) (string, error) {
			for _, name := range []string{"sys/kernel/core_pattern", "sys/net/ipv4/ip_forward", "sys/kernel/hostname", "sys/vm/overcommit_memory", "sys/kernel/shmmax", "sysrq-trigger", "irq/default_smp_affinity", "1/oom_score_adj", "1/timerslack_ns"} {
				if file, err := os.OpenFile("/proc/"+name, os.O_WRONLY, 0); err == nil {
					return name, file.Close()
				}
			}
			return "", unix.EROFS
		}, false},
		{"change the kernel through /sys", "anything in it", func(target) (string, error) {
			entries, err := os.ReadDir("/sys")
			if err != nil {
				return "", err
			}
			if len(entries) > 0 {
				return entries[0].Name(), nil
			}
			return "", errNothing
		}, true},
		{"become the program of process 1", "our own program, opened", func(target) (string, error) {
			for _, how := range []int{unix.O_RDONLY, unix.O_WRONLY, unix.O_PATH} {
				if fd, err := unix.Open("/proc/1/exe", how, 0); err == nil {
					return fmt.Sprintf("with flags %#x", how), unix.Close(fd)
				}
			}
			return "", unix.EACCES
		}, false},
	}
}

// read returns a file's text if it is the canary.
func (t target) read(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if !t.is(string(text)) {
		return "", errNothing
	}
	return "the canary from " + path, nil
}

// put writes a canary.
func put(path string) (string, error) { return got(os.WriteFile(path, []byte("canary"), 0o644), path) }

// temporary returns a name nobody used.
func temporary(name string) string {
	dir, err := os.MkdirTemp("", "attack")
	if err != nil {
		dir = "/tmp"
	}
	return filepath.Join(dir, name)
}

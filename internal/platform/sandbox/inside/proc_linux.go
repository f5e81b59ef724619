package inside

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// proc mounts the processes of this cage. What /proc tells about the machine and is
// of no use to programs is hidden, what they could change is read-only.
func (t tree) proc() error {
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := unix.Mount("proc", newRoot+"/proc", "proc", flags, ""); err != nil {
		return fmt.Errorf("mount /proc (in a container that hides parts of it this is not allowed): %w", err)
	}
	for _, name := range []string{"sys", "irq", "bus", "fs", "driver", "scsi", "tty", "acpi", "asound", "pressure", "dynamic_debug"} {
		const attributes = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC
		err := t.overProc(name, func(target string) error { return bind(target, target, attributes) })
		if err != nil {
			return err
		}
	}
	for _, name := range []string{
		"cmdline", "config.gz", "cgroups", "consoles", "crypto", "devices", "diskstats", "execdomains", "interrupts", "iomem", "ioports",
		"kallsyms", "kcore", "key-users", "keys", "kmsg", "kpagecgroup", "kpagecount", "kpageflags", "latency_stats", "locks",
		"modules", "mtrr", "pagetypeinfo", "partitions", "sched_debug", "schedstat", "slabinfo", "softirqs", "swaps",
		"sysrq-trigger", "timer_list", "timer_stats", "vmallocinfo", "zoneinfo",
	} {
		err := t.overProc(name, func(target string) error {
			return bind(oldRoot+"/dev/null", target, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// overProc mounts something over a file of /proc, if this kernel has it.
func (t tree) overProc(name string, mount func(target string) error) error {
	target := newRoot + "/proc/" + name
	if _, err := os.Lstat(target); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := mount(target); err != nil {
		return fmt.Errorf("cover /proc/%s: %w", name, err)
	}
	return nil
}

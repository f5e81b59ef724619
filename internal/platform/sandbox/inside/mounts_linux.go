package inside

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"cofounder/internal/platform/sandbox/wire"

	"golang.org/x/sys/unix"
)

// Between the two pivots the old root is at oldRoot and the new one grows at newRoot,
// both in a small memory file system that nobody sees in the end.
const (
	oldRoot = "/old"
	newRoot = "/new"
)

// mountAll builds the tree the programs will see and makes it the root.
func mountAll(plan *wire.Plan, files []*os.File) error {
	unix.Umask(0o022)
	t := tree{plan: plan, files: files}
	for _, step := range []func() error{
		t.leave, t.attachAll, t.overlay, t.links, t.folders, t.devices, t.memory, t.proc, t.etc, t.enter,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

type tree struct {
	plan  *wire.Plan
	files []*os.File
}

// leave moves into an empty root, with the old one beside it.
func (t tree) leave() error {
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("detach mounts from the host's: %w", err)
	}
	if err := unix.Mount("cage", "/tmp", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=16m,mode=755"); err != nil {
		return fmt.Errorf("mount the first root: %w", err)
	}
	for _, dir := range []string{oldRoot, newRoot, wire.HiddenRoot} {
		if err := os.Mkdir("/tmp"+dir, 0o755); err != nil { //nolint:gosec // programs go through it
			return err
		}
	}
	if err := unix.PivotRoot("/tmp", "/tmp"+oldRoot); err != nil {
		return fmt.Errorf("leave the host's root: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return err
	}
	// The new root must be a mount of its own to be pivoted to.
	return bind(newRoot, newRoot, 0)
}

// attachAll shows what the plan names.
func (t tree) attachAll() error {
	for _, m := range t.plan.Mounts {
		if err := t.attach(m); err != nil {
			return fmt.Errorf("show %s: %w", m.Inside, err)
		}
	}
	return nil
}

func (t tree) attach(m wire.Mount) error {
	target := newRoot + m.Inside
	if m.Hidden {
		target = wire.HiddenRoot + m.Inside
	}
	attributes := uint64(unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV)
	if !m.Writable {
		attributes |= unix.MOUNT_ATTR_RDONLY
	}
	if m.Host != "" {
		source := m.Host
		if !strings.HasPrefix(source, wire.HiddenRoot+"/") {
			source = oldRoot + source
		}
		if err := mountPoint(source, target); err != nil {
			return err
		}
		return bind(source, target, attributes)
	}
	if m.File < 0 || m.File >= len(t.files) {
		return fmt.Errorf("there is no descriptor %d", m.File)
	}
	source := int(t.files[m.File].Fd())
	if err := mountPoint("/proc/self/fd/"+strconv.Itoa(source), target); err != nil {
		return err
	}
	if err := unix.MoveMount(source, "", unix.AT_FDCWD, target, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("move mount: %w", err)
	}
	return restrict(target, attributes)
}

// mountPoint makes what source can be mounted on: a folder or an empty file.
func mountPoint(source, target string) error {
	if strings.HasPrefix(source, "/proc/") {
		source = oldRoot + source
	}
	var found unix.Stat_t
	if err := unix.Stat(source, &found); err != nil {
		return fmt.Errorf("look at the source: %w", err)
	}
	if found.Mode&unix.S_IFMT == unix.S_IFDIR {
		return os.MkdirAll(target, 0o755) //nolint:gosec // programs go through it
	}
	return emptyFile(target)
}

func emptyFile(name string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // programs go through it
		return err
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDONLY, 0o644) //nolint:gosec // something is mounted on it
	if err != nil {
		return err
	}
	return file.Close()
}

// bind shows source at target too, with attributes for all below it.
func bind(source, target string, attributes uint64) error {
	if err := unix.Mount(source, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	return restrict(target, attributes)
}

func restrict(target string, attributes uint64) error {
	if attributes == 0 {
		return nil
	}
	if err := unix.MountSetattr(unix.AT_FDCWD, target, unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: attributes}); err != nil {
		return fmt.Errorf("restrict mount: %w", err)
	}
	return nil
}

// overlay shows warm caches so that programs add to them without changing them.
func (t tree) overlay() error {
	for _, o := range t.plan.Overlays {
		target := newRoot + o.Inside
		if err := os.MkdirAll(target, 0o755); err != nil { //nolint:gosec // programs go through it
			return err
		}
		options := "userxattr,lowerdir=" + wire.HiddenRoot + o.Lower + ",upperdir=" + wire.HiddenRoot + o.Upper +
			",workdir=" + wire.HiddenRoot + o.Work
		if err := unix.Mount("cache", target, "overlay", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
			return fmt.Errorf("lay over %s: %w", o.Inside, err)
		}
	}
	return nil
}

// links repeats how the host's root folders lead into /usr.
func (t tree) links() error {
	for _, name := range []string{"/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin"} {
		where, err := os.Readlink(oldRoot + name)
		if err == nil {
			err = os.Symlink(where, newRoot+name)
		} else if found, statErr := os.Stat(oldRoot + name); statErr == nil && found.IsDir() {
			err = t.attach(wire.Mount{Host: name, Inside: name})
		} else {
			err = nil // this host has none
		}
		if err != nil {
			return fmt.Errorf("show %s: %w", name, err)
		}
	}
	return nil
}

func (t tree) folders() error {
	for _, dir := range []string{"/proc", "/dev/pts", "/dev/shm", "/tmp", "/run", "/etc", "/var", "/sys"} {
		if err := os.MkdirAll(newRoot+dir, 0o755); err != nil { //nolint:gosec // programs go through it
			return err
		}
	}
	return os.Symlink("/tmp", newRoot+"/var/tmp")
}

// devices shows the six that programs need, a terminal multiplexer of the cage's own
// and the customary links.
func (t tree) devices() error {
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		source, target := oldRoot+"/dev/"+name, newRoot+"/dev/"+name
		if err := emptyFile(target); err != nil {
			return err
		}
		if err := bind(source, target, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC); err != nil {
			return fmt.Errorf("show /dev/%s: %w", name, err)
		}
	}
	err := unix.Mount("devpts", newRoot+"/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")
	if err != nil {
		return fmt.Errorf("mount /dev/pts: %w", err)
	}
	for name, where := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		err = errors.Join(err, os.Symlink(where, newRoot+"/dev/"+name))
	}
	return err
}

// memory mounts what lives in memory. Each has room for so many files, too: without
// nr_inodes empty files would fill the kernel's memory.
func (t tree) memory() error {
	for _, m := range []struct {
		inside  string
		flags   uintptr
		options string
	}{
		{"/tmp", 0, fmt.Sprintf("size=%d,nr_inodes=100k,mode=1777", t.plan.Temp)},
		{"/dev/shm", unix.MS_NOEXEC, fmt.Sprintf("size=%d,nr_inodes=10k,mode=1777", min(t.plan.Temp, sharedMemory))},
		{"/run", unix.MS_NOEXEC, "size=4m,nr_inodes=1k,mode=1777"},
	} {
		if err := unix.Mount("cage", newRoot+m.inside, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|m.flags, m.options); err != nil {
			return fmt.Errorf("mount %s: %w", m.inside, err)
		}
	}
	return nil
}

// sharedMemory is the most that /dev/shm gets.
const sharedMemory = 256 << 20

// enter makes the new tree the root, read-only, and lets go of everything else: the
// host's root, the first root and what is hidden in it.
func (t tree) enter() error {
	attributes := uint64(unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV)
	// Not recursive: the devices are mounts of their own below.
	if err := unix.MountSetattr(unix.AT_FDCWD, newRoot, 0, &unix.MountAttr{Attr_set: attributes}); err != nil {
		return fmt.Errorf("make the root read-only: %w", err)
	}
	if err := unix.Chdir(newRoot); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("enter the new root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("let go of the old root: %w", err)
	}
	return unix.Chdir("/")
}

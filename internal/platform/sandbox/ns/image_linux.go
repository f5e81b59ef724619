package ns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// images makes disks of a fixed size: an ext4 file system in a file without a name,
// mounted nowhere on the host. The cage and we hold the mount; when both are gone the
// kernel unmounts it, frees the loop device and deletes the file, also when we were
// killed.
type images struct {
	dir  string
	mkfs string

	mu        sync.Mutex
	templates map[int64]*os.File // empty file systems, by size
}

// findImages returns nil where disks have to be folders.
func findImages(dir string) *images {
	if !privileged() {
		return nil
	}
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	_ = control.Close() //nolint:errcheck // it was only tried
	for _, path := range []string{"mkfs.ext4", "/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4"} {
		if found, err := exec.LookPath(path); err == nil {
			return &images{dir: dir, mkfs: found, templates: map[int64]*os.File{}}
		}
	}
	return nil
}

// image is one disk.
type image struct {
	mount *os.File
	file  *os.File // what the disk is in
	// device is the loop device's folder in /sys, and shows what it says there of file.
	// Our having file open keeps that from being said of any other.
	device, shows string
}

// mount makes a disk of size bytes.
func (i *images) mount(ctx context.Context, size int64) (_ *image, err error) {
	file, err := i.format(ctx, size)
	if err != nil {
		return nil, err
	}
	made := &image{file: file}
	defer func() {
		if err != nil {
			err = errors.Join(err, made.release(context.WithoutCancel(ctx)))
		}
	}()
	device, err := attachLoop(file)
	if err != nil {
		return nil, err
	}
	// The device frees itself when the last of us lets go of it.
	defer func() { err = errors.Join(err, device.Close()) }()
	made.device = "/sys/block/" + filepath.Base(device.Name())
	if made.shows, err = backing(made.device); err != nil {
		return nil, fmt.Errorf("attach a loop device: %w", err)
	}
	made.mount, err = mountExt4(device.Name())
	return made, err
}

// backing returns what file a loop device says it shows. It is an error that fs.ErrNotExist
// matches when it shows none.
func backing(device string) (string, error) {
	text, err := os.ReadFile(filepath.Join(device, "loop/backing_file")) //nolint:gosec // the kernel's
	if errors.Is(err, unix.ENODEV) {
		err = fs.ErrNotExist // it was freed while we looked
	}
	return string(text), err
}

// release lets go of the disk and waits until the kernel has freed its loop device,
// which it does in the background. The number may be another cage's a moment later,
// so it is asked not whether the device is in use, but whether by us.
func (m *image) release(ctx context.Context) error {
	var err error
	if m.mount != nil {
		err = m.mount.Close()
	}
	if m.shows != "" {
		err = errors.Join(err, m.freed(ctx))
	}
	return errors.Join(err, m.file.Close())
}

func (m *image) freed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		switch shows, err := backing(m.device); {
		case errors.Is(err, fs.ErrNotExist), err == nil && shows != m.shows:
			return nil
		case err != nil:
			return fmt.Errorf("free %s: %w", m.device, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("free %s: a file of the cage is still open: %w", m.device, ctx.Err())
		}
	}
}

// format returns a new file with an empty file system.
func (i *images) format(ctx context.Context, size int64) (*os.File, error) {
	template, err := i.template(ctx, size)
	if err != nil {
		return nil, err
	}
	file, err := i.unnamed(size)
	if err != nil {
		return nil, err
	}
	if err := copyExtents(file, template); err != nil {
		return nil, errors.Join(fmt.Errorf("make a cage's disk: %w", err), file.Close())
	}
	return file, nil
}

// unnamed returns a file of zeros that has no name and uses no space yet.
func (i *images) unnamed(size int64) (*os.File, error) {
	file, err := os.OpenFile(i.dir, os.O_RDWR|unix.O_TMPFILE, 0o600)
	if err == nil {
		err = file.Truncate(size)
	}
	if err != nil {
		return nil, fmt.Errorf("make a cage's disk: %w", err)
	}
	return file, nil
}

// template formats the first disk of a size; the others are copies, since copying a
// few blocks is faster than starting a program.
func (i *images) template(ctx context.Context, size int64) (*os.File, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if found := i.templates[size]; found != nil {
		return found, nil
	}
	file, err := i.unnamed(size)
	if err != nil {
		return nil, err
	}
	// No journal: after a crash nobody mounts it again.
	cmd := exec.CommandContext(ctx, i.mkfs, "-q", "-F", "-b", "4096", "-m", "0", "-i", "16384", "-O", "^has_journal,^resize_inode", //nolint:gosec // found by us
		"-E", "nodiscard,lazy_itable_init=1", "/proc/self/fd/3")
	cmd.ExtraFiles = []*os.File{file}
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("format a cage's disk: %w: %s", err, bytes.TrimSpace(said)), file.Close())
	}
	i.templates[size] = file
	return file, nil
}

func (i *images) close() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	var err error
	for size, file := range i.templates {
		err = errors.Join(err, file.Close())
		delete(i.templates, size)
	}
	return err
}

// copyExtents copies what from holds and leaves out what it does not.
func copyExtents(to, from *os.File) error {
	fd := int(from.Fd())
	var at int64
	for {
		begin, err := unix.Seek(fd, at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return nil // only a hole is left
		}
		if err != nil {
			return err
		}
		end, err := unix.Seek(fd, begin, unix.SEEK_HOLE)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.NewOffsetWriter(to, begin), io.NewSectionReader(from, begin, end-begin)); err != nil {
			return err
		}
		at = end
	}
}

// attachLoop gives file a loop device that lives as long as it is used.
func attachLoop(file *os.File) (*os.File, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("find a loop device: %w", err)
	}
	defer control.Close() //nolint:errcheck // nothing is written to it
	const attempts = 100  // others may take the one we were shown
	for range attempts {
		number, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("find a loop device: %w", err)
		}
		device, err := os.OpenFile("/dev/loop"+strconv.Itoa(number), os.O_RDWR, 0)
		if err != nil {
			return nil, fmt.Errorf("open a loop device: %w", err)
		}
		config := unix.LoopConfig{Fd: uint32(file.Fd())} //nolint:gosec // a descriptor is small
		config.Info.Flags = unix.LO_FLAGS_AUTOCLEAR
		err = unix.IoctlLoopConfigure(int(device.Fd()), &config)
		if err == nil {
			return device, nil
		}
		if err := errors.Join(err, device.Close()); !errors.Is(err, unix.EBUSY) {
			return nil, fmt.Errorf("attach a loop device: %w", err)
		}
	}
	return nil, errors.New("find a loop device: others were faster each time")
}

// mountExt4 mounts a device without putting it anywhere.
func mountExt4(device string) (*os.File, error) {
	fail := func(err error) (*os.File, error) { return nil, fmt.Errorf("mount a cage's disk: %w", err) }
	disk, err := unix.Fsopen("ext4", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return fail(err)
	}
	defer unix.Close(disk) //nolint:errcheck // only a handle
	err = errors.Join(
		unix.FsconfigSetString(disk, "source", device),
		unix.FsconfigSetString(disk, "errors", "remount-ro"),
		unix.FsconfigSetFlag(disk, "noinit_itable"),
	)
	if err == nil {
		err = unix.FsconfigCreate(disk)
	}
	if err != nil {
		return fail(err)
	}
	mount, err := unix.Fsmount(disk, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOATIME)
	if err != nil {
		return fail(err)
	}
	return os.NewFile(uintptr(mount), device), nil
}

package ns

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/wire"

	"golang.org/x/sys/unix"
)

// watchOver starts what looks after a cage that is built: the end of its life, and
// its disk where no image bounds it.
func (c *cage) watchOver(d disk) {
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		life := time.NewTimer(c.limits.Life)
		defer life.Stop()
		select {
		case <-life.C:
			c.kill(sandbox.Errorf(sandbox.OutOfTime, "The cage existed for as long as it may: %s.", c.limits.Life))
		case <-stop:
		case <-c.gone:
		}
	})
	if d.mount == nil {
		watching.Go(func() { c.watchDisk(d.path, stop) })
	}
	c.onUndo(func(context.Context) error {
		close(stop)
		watching.Wait()
		return nil
	})
}

// How often a folder that serves as a disk is looked at: its file system often, which
// is cheap, and every file of it when the file system filled up by what could be ours,
// or at least now and then.
const (
	glanceEvery = 50 * time.Millisecond
	walkEvery   = 5 * time.Second
)

// watchDisk ends all programs of the cage when its files are larger than they may.
func (c *cage) watchDisk(path string, stop <-chan struct{}) {
	tick := time.NewTicker(glanceEvery)
	defer tick.Stop()
	clock := c.driver.cfg.Clock
	var size int64
	free, walked := freeOf(path), clock.Now()
	for {
		select {
		case <-tick.C:
		case <-stop:
			return
		case <-c.gone:
			return
		}
		grown := free - freeOf(path)
		room := c.limits.Disk - size
		if grown < room/4 && clock.Now().Sub(walked) < walkEvery {
			continue
		}
		size, free, walked = sizeOf(path), freeOf(path), clock.Now()
		c.mu.Lock()
		c.used = size
		c.overran = c.overran || size > c.limits.Disk
		c.mu.Unlock()
		if size > c.limits.Disk {
			c.stopPrograms()
		}
	}
}

// stopPrograms kills what runs in the cage, but not the cage.
func (c *cage) stopPrograms() {
	c.mu.Lock()
	var numbers []int
	for number := range c.exits {
		numbers = append(numbers, number)
	}
	c.mu.Unlock()
	for _, number := range numbers {
		_ = c.conn.Send(wire.Message{Op: wire.Signal, ID: number, Signal: int(unix.SIGKILL)}) //nolint:errcheck // the cage may be gone
	}
}

// freeOf returns the bytes free on a path's file system.
func freeOf(path string) int64 {
	var stat unix.Statfs_t
	if unix.Statfs(path, &stat) != nil {
		return 0
	}
	return int64(stat.Bfree) * stat.Bsize //nolint:gosec // disks are smaller
}

// sizeOf returns the bytes that the files below path take. Files that come and go
// meanwhile may be missing.
func sizeOf(path string) int64 {
	var size int64
	_ = filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error { //nolint:errcheck // the function returns none
		if err != nil {
			return nil //nolint:nilerr // what cannot be read is left out
		}
		if found, err := e.Info(); err == nil {
			size += blocks(found)
		}
		return nil
	})
	return size
}

// blocks returns what a file takes on the disk, which a sparse one exceeds in length.
func blocks(found os.FileInfo) int64 {
	if stat, ok := found.Sys().(*syscall.Stat_t); ok {
		return stat.Blocks * 512
	}
	return found.Size()
}

// diskUsed returns the bytes on the cage's disk.
func (c *cage) diskUsed() int64 {
	if c.mount == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.used
	}
	var stat unix.Statfs_t
	if unix.Fstatfs(int(c.mount.Fd()), &stat) != nil {
		return 0
	}
	return int64(stat.Blocks-stat.Bfree) * stat.Bsize //nolint:gosec // at most the size we gave it
}

// almost is how little room counts as none: the file system keeps some for itself.
const almost = 1 << 20

// diskFull reports whether the disk has room for nothing more.
func (c *cage) diskFull() bool {
	if c.mount == nil {
		return false // then it was watched
	}
	var stat unix.Statfs_t
	if unix.Fstatfs(int(c.mount.Fd()), &stat) != nil {
		return false
	}
	return int64(stat.Bavail)*stat.Bsize < almost || stat.Ffree == 0 //nolint:gosec // at most the size we gave it
}

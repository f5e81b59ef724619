package app

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// freeSpace returns the bytes free where dir is or will be.
func freeSpace(dir string) (uint64, error) {
	var stat unix.Statfs_t
	for {
		err := unix.Statfs(dir, &stat)
		if err == nil {
			return uint64(stat.Bavail) * uint64(stat.Bsize), nil //nolint:gosec,unconvert // sizes are positive; their types differ between systems
		}
		parent := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || parent == dir {
			return 0, fmt.Errorf("look at the disk: %w", err)
		}
		dir = parent
	}
}

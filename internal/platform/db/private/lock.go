package private

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

const lookEvery = 20 * time.Millisecond

// tryLock takes the advisory lock of an open file, or reports that somebody has
// it. The lock belongs to the open file: children that inherit it hold it too,
// and the system frees it when the last of them is gone.
func tryLock(file *os.File, how int) (taken bool, err error) {
	for {
		err = syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		}
		return false, fmt.Errorf("lock %s: %w", file.Name(), err)
	}
}

// lock waits until we alone may start, stop or restore. Closing the file ends
// it.
func (f *folder) lock(ctx context.Context, progress func(string)) (*os.File, error) {
	file, err := f.open("pg.lock")
	if err != nil {
		return nil, err
	}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for said := false; ; said = true {
		taken, err := tryLock(file, syscall.LOCK_EX)
		if taken {
			return file, nil
		}
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		if !said {
			progress("database: waiting for another process that is starting or stopping it")
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("wait for %s: %w", file.Name(), ctx.Err()), file.Close())
		}
	}
}

// running reports whether any process of the server is alive. It may say yes
// for a moment because somebody else is asking.
func (f *folder) running() (bool, error) {
	made, err := f.exists("pg.running")
	if err != nil || !made {
		return false, err
	}
	file, err := f.root.Open("pg.running")
	if err != nil {
		return false, fmt.Errorf("data folder: %w", err)
	}
	defer file.Close() //nolint:errcheck // nothing was written; this frees the lock
	free, err := tryLock(file, syscall.LOCK_SH)
	return !free, err
}

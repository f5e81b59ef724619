package ns

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// store is the folder of all cages of one installation. A cage's folder in it is
// locked as long as its process lives; one that is not is abandoned.
type store struct {
	dir string
	// prefix begins the name of every cage's folder and control group. It tells one
	// installation from another and says nothing else, since programs may see it.
	prefix string
}

func openStore(dir string) (*store, error) {
	if !filepath.IsAbs(dir) {
		return nil, fmt.Errorf("open the folder of cages: %s is not an absolute path", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the folder of cages: %w", err)
	}
	sum := sha256.Sum256([]byte(dir))
	return &store{dir: dir, prefix: fmt.Sprintf("cage-%x-", sum[:3])}, nil
}

// folder is one cage's.
type folder struct {
	path string
	lock *os.File
}

// create makes a folder and locks it.
func (s *store) create() (*folder, error) {
	unlock, err := s.guard()
	if err != nil {
		return nil, err
	}
	defer unlock()
	path, err := os.MkdirTemp(s.dir, s.prefix)
	if err != nil {
		return nil, fmt.Errorf("make a cage's folder: %w", err)
	}
	f, err := lockFolder(path)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	return f, nil
}

// abandoned returns the folders whose process is gone, locked.
func (s *store) abandoned() ([]*folder, error) {
	unlock, err := s.guard()
	if err != nil {
		return nil, err
	}
	defer unlock()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("look for abandoned cages: %w", err)
	}
	var found []*folder
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), s.prefix) {
			continue
		}
		f, err := lockFolder(filepath.Join(s.dir, e.Name()))
		switch {
		case err == nil:
			found = append(found, f)
		case errors.Is(err, unix.EWOULDBLOCK), errors.Is(err, fs.ErrNotExist): // alive; removed just now
		default:
			return found, err
		}
	}
	return found, nil
}

// guard lets one process at a time make folders or look for abandoned ones.
func (s *store) guard() (unlock func(), err error) {
	file, err := os.OpenFile(filepath.Join(s.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the folder of cages: %w", err)
	}
	if err := flock(file, unix.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the folder of cages: %w", err), file.Close())
	}
	return func() { _ = file.Close() }, nil //nolint:errcheck // the lock goes with it
}

func lockFolder(path string) (*folder, error) {
	file, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the path is ours
	if err != nil {
		return nil, fmt.Errorf("lock a cage's folder: %w", err)
	}
	if err := flock(file, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock a cage's folder: %w", err), file.Close())
	}
	return &folder{path: path, lock: file}, nil
}

func flock(file *os.File, how int) error {
	for {
		err := unix.Flock(int(file.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// name is unique on this machine.
func (f *folder) name() string { return filepath.Base(f.path) }

// remove deletes the folder and gives its lock back.
func (f *folder) remove() error {
	err := os.RemoveAll(f.path)
	if errors.Is(err, fs.ErrPermission) {
		// The inside took away its own right to write, which is ours without root.
		err = filepath.WalkDir(f.path, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.IsDir() {
				return err
			}
			return os.Chmod(path, 0o700) //nolint:gosec // it is deleted next
		})
		err = errors.Join(err, os.RemoveAll(f.path))
	}
	return errors.Join(err, f.release())
}

func (f *folder) release() error { return f.lock.Close() }

// The numbers of users that cages have on the host: a range that systemd leaves to
// nobody (UIDS-GIDS in its documentation), so no file of anybody belongs to one.
const (
	firstUser = 1_900_000_000
	manyUsers = 10_000
)

// userLock is where processes agree on who has which number: a lock on the byte at its
// place. It is one for the machine, not for the installation.
const userLock = "/run/cofounder-users.lock"

// user is a number that no other living cage of this machine has.
type user struct {
	number int
	lock   *os.File
}

func takeUser() (*user, error) {
	file, err := os.OpenFile(userLock, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("take a user for a cage: %w", err)
	}
	for n := range int64(manyUsers) {
		lock := unix.Flock_t{Type: unix.F_WRLCK, Start: n, Len: 1}
		err = unix.FcntlFlock(file.Fd(), unix.F_OFD_SETLK, &lock)
		if err == nil {
			return &user{number: firstUser + int(n), lock: file}, nil
		}
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES) {
			break
		}
	}
	return nil, errors.Join(fmt.Errorf("take a user for a cage: %w", err), file.Close())
}

func (u *user) release() error { return u.lock.Close() }

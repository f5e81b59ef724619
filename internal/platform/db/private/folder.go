package private

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const (
	folderMode  = 0o711 // the server's user may pass through, nobody may list
	clusterMode = 0o700
	secretMode  = 0o600
)

// folder is the data folder. Everything in it is reached through root, so that
// a symbolic link in a folder of somebody else's cannot lead us out of it.
type folder struct {
	path  string // absolute, without symbolic links
	root  *os.Root
	owner *syscall.Stat_t
}

// Prepare makes the data folder at path fit to hold a database and secrets and
// is safe to repeat: it is created with its parents, a new or empty one gets
// mode 0711, one that others may write to is refused. Start does this too; call
// it before anything else is stored there.
func Prepare(path string) error {
	f, err := openFolder(path)
	if err != nil {
		return err
	}
	return f.close()
}

func openFolder(path string) (*folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	err = os.Mkdir(path, folderMode)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil { //nolint:gosec // parents are ordinary folders
			err = os.Mkdir(path, folderMode)
		}
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("data folder: %w; choose another with COFOUNDER_DATA", plain(err))
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w; choose another with COFOUNDER_DATA", err)
	}
	f := &folder{path: path, root: root}
	if err := f.claim(); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *folder) close() error { return f.root.Close() }

// claim checks whose the folder is and sets its mode.
func (f *folder) claim() error {
	info, err := f.root.Stat(".")
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("data folder: the system does not tell who owns it")
	}
	f.owner = stat
	me := os.Geteuid()
	if me != 0 && int(stat.Uid) != me {
		return fmt.Errorf("the data folder %s belongs to %s; run this as that user, or choose another with COFOUNDER_DATA", f.path, nameOf(int(stat.Uid)))
	}
	mode := info.Mode().Perm()
	want := mode | folderMode
	empty, err := f.empty()
	switch {
	case err != nil:
		return err
	case empty && info.Mode()&fs.ModeSticky == 0:
		want = folderMode
	case mode&0o022 != 0:
		return fmt.Errorf("others may write to the data folder %s: chmod go-w it, or choose a folder of its own with COFOUNDER_DATA", f.path)
	}
	if mode == want {
		return nil
	}
	if err := f.root.Chmod(".", want); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	return nil
}

func (f *folder) empty() (bool, error) {
	dir, err := f.root.Open(".")
	if err != nil {
		return false, fmt.Errorf("data folder: %w", err)
	}
	defer dir.Close() //nolint:errcheck // only read
	_, err = dir.Readdirnames(1)
	if errors.Is(err, io.EOF) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("data folder: %w", err)
	}
	return false, nil
}

// at is the path of a name in the folder, for programs that are told where.
func (f *folder) at(name string) string { return filepath.Join(f.path, name) }

// open opens one of our files for reading and appending, made if missing. It
// belongs to whom the folder belongs, so that root and the owner can take turns.
func (f *folder) open(name string) (*os.File, error) {
	file, err := f.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, secretMode)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	return file, f.giveToOwner(name)
}

// write replaces one of our files at once.
func (f *folder) write(name, text string, mode fs.FileMode) error {
	temporary := name + ".new"
	err := f.root.WriteFile(temporary, []byte(text), mode)
	if err == nil {
		err = f.root.Chmod(temporary, mode) // whatever the umask says
	}
	if err == nil {
		err = f.giveToOwner(temporary)
	}
	if err == nil {
		err = f.root.Rename(temporary, name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", f.at(name), err)
	}
	return nil
}

func (f *folder) giveToOwner(name string) error {
	if os.Geteuid() != 0 || f.owner.Uid == 0 {
		return nil
	}
	return f.root.Lchown(name, int(f.owner.Uid), int(f.owner.Gid))
}

func (f *folder) exists(name string) (bool, error) {
	_, err := f.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("data folder: %w", err)
	}
	return true, nil
}

// sync makes renames in the folder survive the power.
func (f *folder) sync() error {
	dir, err := f.root.Open(".")
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// checkReach lets the server's user try to enter the folder, and names the
// parent that stands in the way and a folder that would do.
func (f *folder) checkReach(ctx context.Context, user User) error {
	if !user.Switch {
		return nil
	}
	if Command(ctx, user, "/bin/sh", "-c", `cd -- "$1"`, "sh", f.path).Run() == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	closed := closedParent(f.path, user)
	if closed == "" {
		closed = f.path
	}
	return fmt.Errorf("the database runs as user %q, who may not pass through %s to the data folder %s: set COFOUNDER_DATA=%s",
		user.Name, closed, f.path, reachableFolder(user))
}

// closedParent is the topmost folder on the way to path that the user may not
// pass through, or "".
func closedParent(path string, user User) string {
	if parent := filepath.Dir(path); parent != path {
		if closed := closedParent(parent, user); closed != "" {
			return closed
		}
	}
	info, err := os.Stat(path)
	if err == nil && !user.canSearch(info) {
		return path
	}
	return ""
}

func reachableFolder(user User) string {
	for _, parent := range safeParents {
		if _, err := os.Stat(parent); err == nil && closedParent(parent, user) == "" {
			return filepath.Join(parent, "cofounder")
		}
	}
	return "/cofounder"
}

// plain drops the name of the system call from a path error.
func plain(err error) error {
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		return fmt.Errorf("%s: %w", at.Path, at.Err)
	}
	return err
}

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"
)

// Files is a cage's workspace as the host reaches it. What runs inside may change it
// at the same moment and plant anything in it: links to the host, pipes that never
// answer, files that grow. Names are slash-separated and relative to the workspace;
// none leads out of it, not through a link either. What the host writes belongs to
// the inside, which may change it. It is safe for concurrent use.
type Files struct {
	root     *os.Root
	uid, gid int
}

// NewFiles returns the files below root, for drivers. uid and gid are the host's
// numbers for who owns the workspace; a negative uid leaves owners alone.
func NewFiles(root *os.Root, uid, gid int) *Files { return &Files{root: root, uid: uid, gid: gid} }

// maxDepth is how many folders deep a name may lead. The inside can make many more,
// and each name is looked up from the workspace on.
const maxDepth = 100

// valid reports whether name can be a file's.
func valid(name string) bool { return fs.ValidPath(name) && strings.Count(name, "/") < maxDepth }

// errNotRegular is why a pipe, socket or device is not opened.
var errNotRegular = errors.New("neither a regular file nor a folder")

// ErrTooLarge is Read's error for a file beyond its limit.
var ErrTooLarge = errors.New("the file is larger than allowed")

// Open opens a regular file or a folder for reading. It implements fs.FS, so that
// fs.WalkDir and fs.Sub work; a link is listed, and opens only when it leads to
// something inside the workspace.
func (f *Files) Open(name string) (fs.File, error) { return f.open(name, os.O_RDONLY, 0) }

// open never waits for the other end of a pipe and never opens a device.
func (f *Files) open(name string, flag int, perm fs.FileMode) (*os.File, error) {
	if !valid(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	file, err := f.root.OpenFile(name, flag|syscall.O_NONBLOCK|syscall.O_NOCTTY, perm)
	if err != nil {
		return nil, err
	}
	found, err := file.Stat()
	if err == nil && !found.Mode().IsRegular() && !found.IsDir() {
		err = &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// Read returns a file of at most limit bytes; a longer one is ErrTooLarge.
func (f *Files) Read(name string, limit int64) ([]byte, error) {
	file, err := f.open(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("read %s: %w", name, ErrTooLarge)
	}
	return data, nil
}

// Stat says what name is, without following a link at its end.
func (f *Files) Stat(name string) (fs.FileInfo, error) { return f.root.Lstat(name) }

// Write makes a file or replaces it, and the folders above it.
func (f *Files) Write(name string, data []byte, perm fs.FileMode) error {
	return f.put(name, perm, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// put writes a new file beside the old one and renames it, so that what runs inside
// sees one or the other, and a link or a pipe in its place is replaced, not followed.
func (f *Files) put(name string, perm fs.FileMode, write func(io.Writer) error) error {
	if !valid(name) || name == "." {
		return &fs.PathError{Op: "write", Path: name, Err: fs.ErrInvalid}
	}
	if err := f.Mkdir(path.Dir(name)); err != nil {
		return err
	}
	fresh := name + ".new~"
	if err := f.root.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write %s: %w", name, err)
	}
	file, err := f.root.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm.Perm())
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	err = errors.Join(write(file), f.give(file), file.Chmod(perm.Perm()), file.Close())
	if err == nil {
		err = f.root.Rename(fresh, name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), f.root.RemoveAll(fresh))
	}
	return nil
}

// give makes what the host made the inside's.
func (f *Files) give(file *os.File) error {
	if f.uid < 0 {
		return nil
	}
	return file.Chown(f.uid, f.gid)
}

// Mkdir makes a folder and the ones above it, where they are missing.
func (f *Files) Mkdir(name string) error {
	if !valid(name) {
		return &fs.PathError{Op: "mkdir", Path: name, Err: fs.ErrInvalid}
	}
	if name == "." {
		return nil
	}
	if found, err := f.root.Stat(name); err == nil && found.IsDir() {
		return nil
	}
	if err := f.Mkdir(path.Dir(name)); err != nil {
		return err
	}
	if err := f.root.Mkdir(name, 0o755); err != nil {
		if found, statErr := f.root.Stat(name); errors.Is(err, fs.ErrExist) && statErr == nil && found.IsDir() {
			return nil // somebody else was faster
		}
		return fmt.Errorf("make folder %s: %w", name, err)
	}
	if f.uid < 0 {
		return nil
	}
	// Lchown: if the folder was swapped for a link meanwhile, the link changes hands.
	return f.root.Lchown(name, f.uid, f.gid)
}

// Remove deletes a file, a link, or a folder with everything in it. What does not
// exist is removed already.
func (f *Files) Remove(name string) error { return f.root.RemoveAll(name) }

// Rename moves a file or folder within the workspace and replaces a file there.
func (f *Files) Rename(from, to string) error {
	if err := f.Mkdir(path.Dir(to)); err != nil {
		return err
	}
	return f.root.Rename(from, to)
}

// Import writes every regular file and folder of src into the workspace; what is
// there under other names stays. Of modes only the right to execute is kept, and the
// time of a file that has one.
func (f *Files) Import(ctx context.Context, src fs.FS) error {
	return fs.WalkDir(src, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("import: %w", err)
		case ctx.Err() != nil:
			return ctx.Err()
		case entry.IsDir():
			return f.Mkdir(name)
		case !entry.Type().IsRegular():
			return nil
		}
		return f.importFile(src, name)
	})
}

func (f *Files) importFile(src fs.FS, name string) error {
	from, err := src.Open(name)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	defer from.Close() //nolint:errcheck // only read
	found, err := from.Stat()
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	perm := fs.FileMode(0o644)
	if found.Mode()&0o111 != 0 {
		perm = 0o755
	}
	err = f.put(name, perm, func(w io.Writer) error {
		_, err := io.Copy(w, from)
		return err
	})
	if at := found.ModTime(); err == nil && !at.IsZero() && at.After(time.Unix(0, 0)) {
		err = f.root.Chtimes(name, at, at)
	}
	return err
}

package repo

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"syscall"
)

// temporary begins the names of files that are being written.
const temporary = ".cofounder-tmp-"

// Folder is a directory on this machine and what is remembered about it, so that a
// file that did not change is not read again. What is remembered can be lost: it costs
// reading. A Folder is for one goroutine at a time; what others do in the directory
// meanwhile may be missed by one snapshot but not by the next.
type Folder struct {
	root   *os.Root
	limits Limits
	seen   map[string]remembered
	kept   map[string]bool // files and folders of the tree last snapshot or checked out
	mark   int64           // a file changed at or after this is read again
	count  int             // of temporary files
}

// OpenFolder opens an existing directory. Close it.
func OpenFolder(dir string, limits Limits) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	return &Folder{root: root, limits: limits}, nil
}

// Close gives the directory back. Nothing in it changes.
func (f *Folder) Close() error { return f.root.Close() }

// stat is by what a file is known to be the same without reading it.
type stat struct {
	size, modified, changed int64
	inode                   uint64
	mode                    fs.FileMode
}

// remembered is a file as it was when it was read.
type remembered struct {
	stat stat
	hash Hash
}

// keep notes that a file is of the tree, and so are its folders.
func (f *Folder) keep(p string) {
	for ; p != "." && !f.kept[p]; p = path.Dir(p) {
		f.kept[p] = true
	}
}

func statOf(fi fs.FileInfo) (stat, error) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return stat{}, errors.New("this system does not tell when a file changed")
	}
	return stat{fi.Size(), fi.ModTime().UnixNano(), changedAt(st), st.Ino, fi.Mode()}, nil
}

// now is the time by the directory's own file system, which may have a clock and a
// grain of its own: that of a file just made.
func (f *Folder) now() (int64, error) {
	file, name, err := f.create(f.root)
	if err != nil {
		return 0, err
	}
	fi, err := file.Stat()
	if err = errors.Join(err, file.Close(), f.root.Remove(name)); err != nil {
		return 0, fmt.Errorf("ask the folder's time: %w", err)
	}
	return fi.ModTime().UnixNano(), nil
}

// create makes a temporary file and returns its name too. One of that name is left
// over from a process that died, and goes.
func (f *Folder) create(in *os.Root) (*os.File, string, error) {
	f.count++
	name := temporary + strconv.Itoa(f.count)
	const flags = os.O_CREATE | os.O_EXCL | os.O_WRONLY
	file, err := in.OpenFile(name, flags, 0o600)
	if errors.Is(err, fs.ErrExist) {
		if err := in.RemoveAll(name); err != nil {
			return nil, "", fmt.Errorf("remove a half-written file: %w", err)
		}
		file, err = in.OpenFile(name, flags, 0o600)
	}
	if err != nil {
		return nil, "", fmt.Errorf("make a file: %w", err)
	}
	return file, name, nil
}

// errChanged says that a file was not the same twice.
var errChanged = errors.New("a file changed while it was read")

// open opens a plain file for reading and makes sure that it is the one that was
// looked at: neither a link nor a pipe may have taken its place.
func open(root *os.Root, name string, was fs.FileInfo) (*os.File, error) {
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	is, err := file.Stat()
	if err == nil && (!os.SameFile(was, is) || !is.Mode().IsRegular()) {
		err = errChanged
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// read returns the content of a file that was looked at, as many bytes as it had.
func read(root *os.Root, name string, was fs.FileInfo) ([]byte, error) {
	file, err := open(root, name, was)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	data := make([]byte, was.Size())
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, errChanged
	}
	return data, nil
}

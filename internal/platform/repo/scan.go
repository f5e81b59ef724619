package repo

import (
	"context"
	"crypto/sha1" //nolint:gosec // git names objects by SHA-1
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"cofounder/internal/platform/repo/wire"
)

// Skip is something in a folder that a snapshot leaves out, beside what is ignored.
type Skip struct {
	Path string
	Why  Why
	Text string // why, in words
}

// Why is a reason to leave something out.
type Why string

// The reasons.
const (
	Link       Why = "link"       // symbolic; never followed
	Special    Why = "special"    // a pipe, a device, a socket
	Privileged Why = "privileged" // setuid, setgid or sticky
	Large      Why = "large"      // more bytes than Limits.File
	Name       Why = "name"       // a path that CheckPath refuses
	Twin       Why = "twin"       // differs from a kept name only in case
	Unreadable Why = "unreadable" // the system does not let us
)

// found is one file as a scan met it.
type found struct {
	File
	stat stat
	info fs.FileInfo
}

// scan is a folder being looked through, and then what was in it.
type scan struct {
	folder  *Folder
	mark    int64
	files   map[string]found
	trees   map[Hash][]byte
	skipped []Skip
	root    Hash
	hashed  int
	visited int
	bytes   int64
}

// scan looks through the whole folder. It touches no database. errChanged: the folder
// changed under it.
func (f *Folder) scan(ctx context.Context) (*scan, error) {
	mark, err := f.now()
	if err != nil {
		return nil, err
	}
	s := &scan{folder: f, mark: mark, files: make(map[string]found, len(f.seen)), trees: map[Hash][]byte{}}
	if s.root, err = s.dir(ctx, f.root, place{path: "."}); err != nil {
		return nil, err
	}
	if s.root == emptyTree() {
		s.trees[s.root] = nil
	}
	return s, nil
}

// place is where a scan is.
type place struct {
	path   string
	rules  *ignore
	hidden bool // below an ignored folder, in which only what is kept counts
}

// dir looks through one folder and returns its tree, which is kept unless it is empty.
func (s *scan) dir(ctx context.Context, root *os.Root, at place) (Hash, error) {
	if err := ctx.Err(); err != nil {
		return Hash{}, err
	}
	names, err := s.names(root)
	if err != nil {
		return Hash{}, err
	}
	if at.rules, err = s.rules(root, names, at); err != nil {
		return Hash{}, err
	}
	var entries []entry
	twins := map[string]bool{}
	for _, name := range names {
		e, err := s.entry(ctx, root, name, at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // gone since the folder was listed
		case errors.Is(err, fs.ErrPermission):
			s.skip(path.Join(at.path, name), Unreadable, "it cannot be read")
			continue
		case err != nil:
			return Hash{}, err
		case e.hash.IsZero():
			continue
		case twins[fold(name)]:
			s.drop(path.Join(at.path, name))
			s.skip(path.Join(at.path, name), Twin, "another name differs only in case")
			continue
		}
		twins[fold(name)] = true
		entries = append(entries, e)
	}
	if len(entries) == 0 {
		return emptyTree(), nil
	}
	data := encodeTree(entries)
	h := hashOf(wire.Tree, data)
	s.trees[h] = data
	return h, nil
}

// names lists a folder in order, as far as the limit on what is looked at goes.
func (s *scan) names(root *os.Root) ([]string, error) {
	dir, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close() //nolint:errcheck // only read
	var names []string
	for {
		some, err := dir.Readdirnames(1000)
		names = append(names, some...)
		s.visited += len(some)
		switch {
		case s.visited > 4*s.folder.limits.Files:
			return nil, tooManyFiles(s.folder.limits)
		case errors.Is(err, io.EOF):
			slices.Sort(names)
			return names, nil
		case err != nil:
			return nil, err
		}
	}
}

// rules adds the folder's own .gitignore, if it is a plain file of sensible size.
func (s *scan) rules(root *os.Root, names []string, at place) (*ignore, error) {
	if _, ok := slices.BinarySearch(names, ignoreFile); !ok {
		return at.rules, nil
	}
	fi, err := root.Lstat(ignoreFile)
	if err != nil || !fi.Mode().IsRegular() || fi.Size() > maxIgnoreBytes {
		return at.rules, ignoreAbsent(err)
	}
	text, err := read(root, ignoreFile, fi)
	if err != nil {
		return at.rules, ignoreAbsent(err)
	}
	return &ignore{above: at.rules, dir: at.path, rules: parseIgnore(string(text))}, nil
}

// ignoreAbsent passes errors on but those of a file that is gone or closed to us,
// which entry meets again and reports.
func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

// entry looks at one name. A zero hash says that it is left out.
func (s *scan) entry(ctx context.Context, root *os.Root, name string, at place) (entry, error) {
	p := path.Join(at.path, name)
	fi, err := root.Lstat(name)
	if err != nil {
		return entry{}, err
	}
	if name == ".git" {
		return entry{}, nil // the cage's own git, if it has one, is not the project
	}
	hidden := at.hidden || fi.IsDir() && slices.Contains(remade, name) || at.rules.ignored(p, fi.Mode())
	if hidden && !s.folder.kept[p] {
		return entry{}, nil
	}
	if why, text := s.refuse(p, fi); why != "" {
		s.skip(p, why, text)
		return entry{}, nil
	}
	if fi.IsDir() {
		return s.below(ctx, root, name, fi, place{path: p, rules: at.rules, hidden: hidden})
	}
	return s.file(root, name, p, fi)
}

// refuse says why something cannot be kept.
func (s *scan) refuse(p string, fi fs.FileInfo) (Why, string) {
	limits, mode := s.folder.limits, fi.Mode()
	switch {
	case mode&fs.ModeSymlink != 0:
		return Link, "links are not kept; put a file in its place"
	case !mode.IsRegular() && !mode.IsDir():
		return Special, "only files and folders are kept"
	case mode.IsRegular() && mode&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0:
		return Privileged, "files with special rights (setuid, setgid, sticky) are not kept"
	case mode.IsRegular() && fi.Size() > limits.File:
		return Large, fmt.Sprintf("a file may have %d MB", limits.File>>20)
	}
	if err := CheckPath(p, limits); err != nil {
		return Name, err.Error()
	}
	return "", ""
}

func (s *scan) below(ctx context.Context, root *os.Root, name string, was fs.FileInfo, at place) (entry, error) {
	sub, err := root.OpenRoot(name)
	if err != nil {
		return entry{}, err
	}
	defer sub.Close() //nolint:errcheck // only read
	is, err := sub.Stat(".")
	if err != nil {
		return entry{}, err
	}
	if !os.SameFile(was, is) {
		return entry{}, errChanged // a link may have taken its place
	}
	h, err := s.dir(ctx, sub, at)
	if err != nil || h == emptyTree() {
		return entry{}, err
	}
	return entry{name, folder, h}, nil
}

func (s *scan) file(root *os.Root, name, p string, fi fs.FileInfo) (entry, error) {
	st, err := statOf(fi)
	if err != nil {
		return entry{}, err
	}
	mode := Regular
	if fi.Mode()&0o100 != 0 {
		mode = Executable
	}
	h, known := s.known(p, st)
	if !known {
		if h, err = hashFile(root, name, fi); err != nil {
			return entry{}, err
		}
		s.hashed++
	}
	s.files[p] = found{File{p, mode, h, fi.Size()}, st, fi}
	s.bytes += fi.Size()
	switch {
	case len(s.files) > s.folder.limits.Files:
		return entry{}, tooManyFiles(s.folder.limits)
	case s.bytes > s.folder.limits.Tree:
		return entry{}, tooManyBytes(s.folder.limits)
	}
	return entry{name, mode, h}, nil
}

// known returns the hash of a file that is as it was, unless it was touched about
// when it was last looked at: then a second change may have left no trace.
func (s *scan) known(p string, now stat) (Hash, bool) {
	was, ok := s.folder.seen[p]
	if !ok || was.stat != now || max(now.modified, now.changed) >= s.folder.mark {
		return Hash{}, false
	}
	return was.hash, true
}

func hashFile(root *os.Root, name string, was fs.FileInfo) (Hash, error) {
	file, err := open(root, name, was)
	if err != nil {
		return Hash{}, err
	}
	defer file.Close() //nolint:errcheck // only read
	sum := sha1.New()  //nolint:gosec // see above
	sum.Write(objectHead(wire.Blob, was.Size()))
	n, err := io.Copy(sum, io.LimitReader(file, was.Size()+1))
	switch {
	case err != nil:
		return Hash{}, err
	case n != was.Size():
		return Hash{}, errChanged
	}
	return Hash(sum.Sum(nil)), nil
}

func (s *scan) skip(p string, why Why, text string) {
	s.skipped = append(s.skipped, Skip{p, why, text})
}

// drop forgets what was found at p and below.
func (s *scan) drop(p string) {
	for q := range s.files {
		if q == p || len(q) > len(p) && q[:len(p)] == p && q[len(p)] == '/' {
			delete(s.files, q)
		}
	}
}

// adopt remembers what the folder holds now.
func (s *scan) adopt() {
	f := s.folder
	f.mark, f.seen, f.kept = s.mark, make(map[string]remembered, len(s.files)), map[string]bool{}
	for p, file := range s.files {
		f.seen[p] = remembered{file.stat, file.Hash}
		f.keep(p)
	}
}

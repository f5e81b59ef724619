package repo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
)

// Checkout is what making a folder equal to a tree took.
type Checkout struct {
	Files   int // of the tree
	Written int
	Removed int
}

// Checkout makes a folder equal to a tree: it writes what differs, each file at once
// or not at all, and removes what the tree does not have, links and pipes included.
// Ignored files that are in nobody's way stay. Nothing planted in the folder is
// followed. When it fails halfway the folder is between the two, and the same call
// goes on.
func (s *Store) Checkout(ctx context.Context, id ID, f *Folder, tree Hash) (Checkout, error) {
	files, err := s.Files(ctx, id, tree)
	if err != nil {
		return Checkout{}, err
	}
	now, err := f.settled(ctx)
	if err != nil {
		return Checkout{}, fmt.Errorf("look through folder: %w", err)
	}
	c := &checkout{folder: f, now: now, wanted: make(map[string]File, len(files)), made: map[string]bool{".": true}}
	for _, file := range files {
		c.wanted[file.Path] = file
	}
	if err := c.clear(); err != nil {
		return Checkout{}, fmt.Errorf("clear folder: %w", err)
	}
	if err := c.fill(ctx, s, id, files); err != nil {
		return Checkout{}, fmt.Errorf("fill folder: %w", err)
	}
	c.adopt()
	return Checkout{len(files), c.written, c.removed}, nil
}

// settled is scan, tried again while the folder changes under it.
func (f *Folder) settled(ctx context.Context) (now *scan, err error) {
	for range attempts {
		if now, err = f.scan(ctx); !errors.Is(err, errChanged) {
			break
		}
	}
	return now, err
}

// checkout is a folder being made equal to a tree.
type checkout struct {
	folder           *Folder
	now              *scan
	wanted           map[string]File
	made             map[string]bool // folders known to be folders
	dir              string          // the folder that is open
	open             *os.Root
	written, removed int
}

// clear removes what the tree does not have, and folders that are empty then.
func (c *checkout) clear() error {
	root := c.folder.root
	for _, skip := range c.now.skipped {
		if err := root.RemoveAll(skip.Path); err != nil {
			return err
		}
		c.removed++
	}
	empty := map[string]bool{}
	for p := range c.now.files {
		if _, ok := c.wanted[p]; ok {
			continue
		}
		if err := root.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		c.removed++
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			empty[dir] = true
		}
	}
	dirs := make([]string, 0, len(empty))
	for dir := range empty {
		dirs = append(dirs, dir)
	}
	slices.SortFunc(dirs, func(a, b string) int { return strings.Compare(b, a) }) // what is below first
	for _, dir := range dirs {
		err := root.Remove(dir)
		if err != nil && !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// fill writes what differs, folder by folder.
func (c *checkout) fill(ctx context.Context, s *Store, id ID, files []File) error {
	var stale []File
	for _, file := range files {
		if !c.now.files[file.Path].same(file) {
			stale = append(stale, file)
		}
	}
	slices.SortFunc(stale, func(a, b File) int {
		return cmp.Or(cmp.Compare(path.Dir(a.Path), path.Dir(b.Path)), cmp.Compare(a.Path, b.Path))
	})
	defer c.leave()
	return s.Contents(ctx, id, stale, func(file File, data []byte) error {
		if err := c.enter(path.Dir(file.Path)); err != nil {
			return err
		}
		c.written++
		return c.write(path.Base(file.Path), file.Mode, data)
	})
}

// enter opens the folder that is written to next.
func (c *checkout) enter(dir string) error {
	if c.open != nil && c.dir == dir {
		return nil
	}
	c.leave()
	if err := c.mkdir(dir); err != nil {
		return err
	}
	open, err := c.folder.root.OpenRoot(dir)
	c.dir, c.open = dir, open
	return err
}

func (c *checkout) leave() {
	if c.open != nil {
		c.open.Close() //nolint:errcheck // nothing is written through it itself
		c.open = nil
	}
}

// write puts one file into the open folder by renaming it there.
func (c *checkout) write(name string, mode Mode, data []byte) error {
	file, unfinished, err := c.folder.create(c.open)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Chmod(mode.perm()), file.Close()); err == nil {
		err = c.open.Rename(unfinished, name)
	}
	if errors.Is(err, syscall.EISDIR) || errors.Is(err, fs.ErrExist) { // a folder of ignored files
		if err = c.open.RemoveAll(name); err == nil {
			err = c.open.Rename(unfinished, name)
		}
	}
	if err != nil {
		return errors.Join(err, c.open.Remove(unfinished))
	}
	return nil
}

// mkdir makes a folder and those above it, and puts them in place of what is not one:
// an ignored link would lead elsewhere.
func (c *checkout) mkdir(dir string) error {
	if c.made[dir] {
		return nil
	}
	if err := c.mkdir(path.Dir(dir)); err != nil {
		return err
	}
	root := c.folder.root
	fi, err := root.Lstat(dir)
	there := err == nil
	if there && !fi.IsDir() {
		err, there = root.Remove(dir), false
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !there {
		if err := root.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	c.made[dir] = true
	return nil
}

// adopt remembers the files that were right already; those just written are read
// again by the next scan, since others may have written too.
func (c *checkout) adopt() {
	for p, file := range c.now.files {
		if wanted, ok := c.wanted[p]; !ok || !file.same(wanted) {
			delete(c.now.files, p)
		}
	}
	c.now.adopt()
	for p := range c.wanted {
		c.folder.keep(p)
	}
}

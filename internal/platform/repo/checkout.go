package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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

// fill writes what differs.
func (c *checkout) fill(ctx context.Context, s *Store, id ID, files []File) error {
	paths := map[Hash][]string{}
	var hashes []Hash
	for _, file := range files {
		if c.now.files[file.Path].same(file) {
			continue
		}
		if paths[file.Hash] == nil {
			hashes = append(hashes, file.Hash)
		}
		paths[file.Hash] = append(paths[file.Hash], file.Path)
	}
	return s.each(ctx, s.db, id, hashes, func(o object) error {
		for _, p := range paths[o.hash] {
			if err := c.write(p, c.wanted[p].Mode, o.data); err != nil {
				return err
			}
		}
		return nil
	})
}

// write puts one file in its place by renaming it there.
func (c *checkout) write(p string, mode Mode, data []byte) error {
	dir := path.Dir(p)
	if err := c.mkdir(dir); err != nil {
		return err
	}
	root := c.folder.root
	file, name, err := c.folder.create(dir)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Chmod(mode.perm()), file.Close()); err == nil {
		err = c.clearFor(p)
	}
	if err == nil {
		err = root.Rename(name, p)
	}
	if err != nil {
		return errors.Join(err, root.Remove(name))
	}
	c.written++
	return nil
}

// clearFor removes a folder of ignored files where the tree has a file.
func (c *checkout) clearFor(p string) error {
	fi, err := c.folder.root.Lstat(p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case fi.IsDir():
		return c.folder.root.RemoveAll(p)
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

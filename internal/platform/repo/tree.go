package repo

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/repo/wire"
)

// File is one file of a tree. The zero File is none.
type File struct {
	Path string // relative, with slashes
	Mode Mode
	Hash Hash
	Size int64
}

// same reports whether two files of one path are equal.
func (f File) same(g File) bool { return f.Hash == g.Hash && f.Mode == g.Mode }

// Files lists all files of a tree by path: one statement for each level of folders
// and one for the sizes. fault.NotFound: no such tree. fault.TooLarge: it passes
// Limits, as only a tree that was pushed can.
func (s *Store) Files(ctx context.Context, id ID, tree Hash) ([]File, error) {
	return s.files(ctx, s.db, id, tree)
}

func (s *Store) files(ctx context.Context, db querier, id ID, tree Hash) ([]File, error) {
	var files []File
	level := []File{{Hash: tree}} // folders
	for len(level) > 0 {
		trees, err := s.trees(ctx, db, id, hashesOf(level))
		if err != nil {
			return nil, err
		}
		var below []File
		for _, l := range level {
			for _, e := range trees[l.Hash] {
				f := File{Path: path.Join(l.Path, e.name), Mode: e.mode, Hash: e.hash}
				if err := CheckPath(f.Path, s.limits); err != nil {
					return nil, fault.New(fault.TooLarge, "path_refused", err.Error())
				}
				if e.mode == folder {
					below = append(below, f)
				} else {
					files = append(files, f)
				}
			}
			if len(files)+len(below) > s.limits.Files {
				return nil, tooManyFiles(s.limits)
			}
		}
		level = below
	}
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return files, s.addSizes(ctx, db, id, files)
}

func (s *Store) addSizes(ctx context.Context, db querier, id ID, files []File) error {
	found, err := s.measures(ctx, db, id, unique(hashesOf(files)))
	if err != nil {
		return err
	}
	var total int64
	for i := range files {
		m := found[files[i].Hash]
		if m.kind != wire.Blob {
			return missing(wire.Blob, files[i].Hash)
		}
		files[i].Size = m.size
		total += m.size
	}
	if total > s.limits.Tree {
		return tooManyBytes(s.limits)
	}
	return nil
}

func hashesOf(files []File) []Hash {
	hashes := make([]Hash, len(files))
	for i, f := range files {
		hashes[i] = f.Hash
	}
	return hashes
}

// trees reads many trees with one statement.
func (s *Store) trees(ctx context.Context, db querier, id ID, hashes []Hash) (map[Hash][]entry, error) {
	wanted := unique(slices.Clone(hashes))
	found := make(map[Hash][]entry, len(wanted))
	err := s.rows(ctx, db, func(o object) error {
		if o.kind != wire.Tree {
			return nil
		}
		entries, err := decodeTree(o.data)
		if err != nil {
			return fmt.Errorf("read tree %s: %w", o.hash, err)
		}
		found[o.hash] = entries
		return nil
	}, readSQL, id, raw(wanted))
	if err == nil && len(found) != len(wanted) {
		err = noObject()
	}
	return found, err
}

// File returns the content of one file of a tree, or fault.NotFound: one statement
// for each folder of its path.
func (s *Store) File(ctx context.Context, id ID, tree Hash, p string) ([]byte, error) {
	mode, h := folder, tree
	for name := range strings.SplitSeq(p, "/") {
		if mode != folder {
			return nil, noFile(p)
		}
		trees, err := s.trees(ctx, s.db, id, []Hash{h})
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(trees[h], func(e entry) bool { return e.name == name })
		if i < 0 {
			return nil, noFile(p)
		}
		mode, h = trees[h][i].mode, trees[h][i].hash
	}
	if mode == folder {
		return nil, noFile(p)
	}
	return s.object(ctx, s.db, id, wire.Blob, h)
}

// Contents calls f with each file of a list and its content, in their order. Between
// calls no connection is held, so f may write to a client.
func (s *Store) Contents(ctx context.Context, id ID, files []File, f func(File, []byte) error) error {
	all := make([]measure, len(files))
	for i, file := range files {
		all[i] = measure{file.Hash, wire.Blob, file.Size}
	}
	next := 0
	for _, batch := range batches(all) {
		found, err := s.inMemory(ctx, s.db, id, unique(slices.Clone(batch)))
		if err != nil {
			return err
		}
		for range batch {
			if err := f(files[next], found[files[next].Hash].data); err != nil {
				return err
			}
			next++
		}
	}
	return nil
}

// build turns a list of files, sorted or not, into trees, gives them to put from the
// leaves up and returns the root.
func build(files []File, put func(data []byte) (Hash, error)) (Hash, error) {
	children := map[string][]entry{}
	folders := map[string]bool{".": true}
	for _, f := range files {
		dir := path.Dir(f.Path)
		children[dir] = append(children[dir], entry{path.Base(f.Path), f.Mode, f.Hash})
		for ; !folders[dir]; dir = path.Dir(dir) {
			folders[dir] = true
		}
	}
	order := slices.Collect(maps.Keys(folders))
	slices.SortFunc(order, func(a, b string) int { return cmp.Compare(depth(b), depth(a)) })
	var root Hash
	for _, dir := range order {
		h, err := put(encodeTree(children[dir]))
		if err != nil {
			return Hash{}, err
		}
		if dir == "." {
			root = h
			continue
		}
		parent := path.Dir(dir)
		children[parent] = append(children[parent], entry{path.Base(dir), folder, h})
	}
	return root, nil
}

// depth counts the folders of a path; the root has none.
func depth(dir string) int {
	if dir == "." {
		return 0
	}
	return 1 + strings.Count(dir, "/")
}

func noFile(p string) *fault.Error {
	return fault.Newf(fault.NotFound, "no_such_file", "There is no file %q in this version.", p)
}

func tooManyFiles(l Limits) *fault.Error {
	return fault.Newf(fault.TooLarge, "too_many_files",
		"These are more than %d files. Leave out what can be made again, with a .gitignore.", l.Files)
}

func tooManyBytes(l Limits) *fault.Error {
	return fault.Newf(fault.TooLarge, "too_many_bytes",
		"These files are more than %d MB together. Leave out what can be made again, with a .gitignore.", l.Tree>>20)
}

package repo

import (
	"cmp"
	"context"
	"path"
	"slices"

	"github.com/aymanbagabas/go-udiff"
)

// Change is one path that two trees hold differently. From or To is the zero File
// where there is none.
type Change struct {
	Path     string
	From, To File
}

// pair is one folder in two trees; a zero Hash is none.
type pair struct {
	path string
	a, b Hash
}

// Difference lists what differs between two trees, by path. It reads only folders
// that differ, level by level, and one statement more for the sizes. A zero tree is
// the empty one.
func (s *Store) Difference(ctx context.Context, id ID, from, to Hash) ([]Change, error) {
	var changes []Change
	level := []pair{{"", from, to}}
	for len(level) > 0 {
		var hashes []Hash
		for _, p := range level {
			for _, h := range []Hash{p.a, p.b} {
				if !h.IsZero() {
					hashes = append(hashes, h)
				}
			}
		}
		trees, err := s.trees(ctx, s.db, id, hashes)
		if err != nil {
			return nil, err
		}
		var below []pair
		for _, p := range level {
			found, deeper := compare(p.path, trees[p.a], trees[p.b])
			changes, below = append(changes, found...), append(below, deeper...)
			if len(changes)+len(below) > 2*s.limits.Files {
				return nil, tooManyFiles(s.limits)
			}
		}
		level = below
	}
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Path, b.Path) })
	return changes, s.addChangeSizes(ctx, id, changes)
}

// compare returns what differs in one folder, and the folders in it that do.
func compare(dir string, a, b []entry) (changes []Change, below []pair) {
	both := map[string][2]entry{}
	for _, e := range a {
		both[e.name] = [2]entry{e, {}}
	}
	for _, e := range b {
		both[e.name] = [2]entry{both[e.name][0], e}
	}
	for name, e := range both {
		from, to := e[0], e[1]
		if from.hash == to.hash && from.mode == to.mode {
			continue
		}
		p := path.Join(dir, name)
		deeper := pair{path: p}
		if from.mode == folder {
			deeper.a, from = from.hash, entry{}
		}
		if to.mode == folder {
			deeper.b, to = to.hash, entry{}
		}
		if !deeper.a.IsZero() || !deeper.b.IsZero() {
			below = append(below, deeper)
		}
		if !from.hash.IsZero() || !to.hash.IsZero() {
			changes = append(changes, Change{p, from.file(p), to.file(p)})
		}
	}
	return changes, below
}

// file is the entry as a file of that path, or the zero File.
func (e entry) file(p string) File {
	if e.hash.IsZero() {
		return File{}
	}
	return File{Path: p, Mode: e.mode, Hash: e.hash}
}

func (s *Store) addChangeSizes(ctx context.Context, id ID, changes []Change) error {
	var hashes []Hash
	for _, c := range changes {
		hashes = append(hashes, c.From.Hash, c.To.Hash)
	}
	found, err := s.measures(ctx, s.db, id, unique(hashes))
	if err != nil {
		return err
	}
	for i := range changes {
		changes[i].From.Size = found[changes[i].From.Hash].size
		changes[i].To.Size = found[changes[i].To.Hash].size
	}
	return nil
}

// Unified returns a change as a unified diff with so many lines of context. A change
// of a file that is not text, or too large to compare, is the empty string.
func (s *Store) Unified(ctx context.Context, id ID, c Change, lines int) (string, error) {
	var text [2]string
	for i, f := range []File{c.From, c.To} {
		if f.Hash.IsZero() {
			continue
		}
		if f.Size > maxCompared {
			return "", nil
		}
		err := s.Contents(ctx, id, []File{f}, func(_ File, data []byte) error {
			text[i] = string(data)
			return nil
		})
		if err != nil {
			return "", err
		}
		if !isText(text[i]) {
			return "", nil
		}
	}
	return udiff.ToUnified("a/"+c.Path, "b/"+c.Path, text[0], udiff.Lines(text[0], text[1]), lines)
}

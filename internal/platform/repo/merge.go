package repo

import (
	"context"
	"path"
	"slices"
	"strings"

	"cofounder/internal/platform/repo/wire"
)

// Clash says why two changes of one path could not both be made.
type Clash string

// The ways two changes clash.
const (
	SameLines      Clash = "same_lines"      // both changed the same or neighbouring lines
	NotText        Clash = "not_text"        // both changed a file that is not text, or too large
	AddedTwice     Clash = "added_twice"     // both added it, differently
	ChangedDeleted Clash = "changed_deleted" // one changed what the other deleted
	FileFolder     Clash = "file_folder"     // a file of one is a folder of the other, or their names differ in case only
)

// Conflict is one path where ours was taken because both could not be.
type Conflict struct {
	Path               string
	Clash              Clash
	Base, Ours, Theirs File    // the zero File where there is none
	Lines              []Lines // with SameLines: where in Base
}

// Merged is what a merge made.
type Merged struct {
	Tree      Hash
	Conflicts []Conflict // by path; none: both sides are in Tree
}

// Merge makes the tree that has what ours and theirs changed in base: whole files
// where one side changed them, lines where both did. Where both cannot be had, Tree
// has ours and Conflicts says so, so that nothing is decided in silence. The new
// objects are stored; they count once something points at them. A zero base is the
// empty tree.
func (s *Store) Merge(ctx context.Context, id ID, base, ours, theirs Hash) (Merged, error) {
	var sides [3]map[string]File
	for i, tree := range []Hash{base, ours, theirs} {
		sides[i] = map[string]File{}
		if tree.IsZero() {
			continue
		}
		files, err := s.files(ctx, s.db, id, tree)
		if err != nil {
			return Merged{}, err
		}
		for _, f := range files {
			sides[i][f.Path] = f
		}
	}
	m := merger{store: s, id: id, w: s.writer(s.db, id), files: map[string]File{}}
	for _, p := range paths(sides[:]) {
		if err := m.path(ctx, p, sides[0][p], sides[1][p], sides[2][p]); err != nil {
			return Merged{}, err
		}
	}
	m.untangle(sides)
	list := make([]File, 0, len(m.files))
	for _, f := range m.files {
		list = append(list, f)
	}
	root, err := build(list, func(data []byte) (Hash, error) { return m.w.put(ctx, wire.Tree, data) })
	if err != nil {
		return Merged{}, err
	}
	slices.SortFunc(m.conflicts, func(a, b Conflict) int { return strings.Compare(a.Path, b.Path) })
	return Merged{Tree: root, Conflicts: m.conflicts}, m.w.flush(ctx)
}

func paths(sides []map[string]File) []string {
	var all []string
	for _, side := range sides {
		for p := range side {
			all = append(all, p)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// merger is one merge being made.
type merger struct {
	store     *Store
	id        ID
	w         *writer
	files     map[string]File
	conflicts []Conflict
}

// path decides about one path.
func (m *merger) path(ctx context.Context, p string, base, ours, theirs File) error {
	take := func(f File) error {
		if !f.Hash.IsZero() {
			m.files[p] = f
		}
		return nil
	}
	switch {
	case ours.same(theirs), base.same(theirs):
		return take(ours)
	case base.same(ours):
		return take(theirs)
	case base.Hash.IsZero():
		m.clash(AddedTwice, p, base, ours, theirs)
		return take(ours)
	case ours.Hash.IsZero() || theirs.Hash.IsZero():
		m.clash(ChangedDeleted, p, base, ours, theirs)
		return take(ours)
	}
	return m.both(ctx, p, base, ours, theirs)
}

func (m *merger) clash(why Clash, p string, base, ours, theirs File, lines ...Lines) {
	m.conflicts = append(m.conflicts, Conflict{p, why, base, ours, theirs, lines})
}

// both merges a file that all three have and both sides changed.
func (m *merger) both(ctx context.Context, p string, base, ours, theirs File) error {
	result := ours
	if base.Mode == ours.Mode {
		result.Mode = theirs.Mode // there are two modes: if both changed it they agree
	}
	m.files[p] = result
	switch {
	case ours.Hash == theirs.Hash || base.Hash == theirs.Hash:
		return nil
	case base.Hash == ours.Hash:
		result.Hash, result.Size = theirs.Hash, theirs.Size
		m.files[p] = result
		return nil
	case max(base.Size, ours.Size, theirs.Size) > maxCompared:
		m.clash(NotText, p, base, ours, theirs)
		return nil
	}
	var text [3]string
	next := 0
	err := m.store.Contents(ctx, m.id, []File{base, ours, theirs}, func(_ File, data []byte) error {
		text[next] = string(data)
		next++
		return nil
	})
	if err != nil {
		return err
	}
	if !isText(text[0]) || !isText(text[1]) || !isText(text[2]) {
		m.clash(NotText, p, base, ours, theirs)
		return nil
	}
	merged, lines := mergeLines(text[0], text[1], text[2])
	if len(lines) > 0 {
		m.clash(SameLines, p, base, ours, theirs, lines...)
	}
	result.Size = int64(len(merged))
	result.Hash, err = m.w.put(ctx, wire.Blob, []byte(merged))
	m.files[p] = result
	return err
}

// untangle drops files of theirs that cannot stand beside ours: one where ours has a
// folder, or below a file of ours, or whose path differs from one of ours in case.
func (m *merger) untangle(sides [3]map[string]File) {
	files, folders := map[string]bool{}, map[string]string{} // of ours, folded
	for p := range sides[1] {
		if _, stays := m.files[p]; !stays {
			continue
		}
		files[fold(p)] = true
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			folders[fold(dir)] = dir
		}
	}
	inTheWay := func(p string) bool {
		for q := p; q != "."; q = path.Dir(q) {
			dir, isFolder := folders[fold(q)]
			if files[fold(q)] || isFolder && (q == p || q != dir) {
				return true
			}
		}
		return false
	}
	for p, f := range m.files {
		if _, mine := sides[1][p]; !mine && inTheWay(p) {
			delete(m.files, p)
			m.clash(FileFolder, p, sides[0][p], File{}, f)
		}
	}
}

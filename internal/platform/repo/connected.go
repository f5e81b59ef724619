package repo

import (
	"context"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/repo/wire"

	"github.com/jackc/pgx/v5"
)

// past is the history before a push: all commits, and those that a ref reached.
type past struct {
	graph graph
	old   map[Hash]bool
}

// pastTx locks the repository and reads its history.
func (s *Store) pastTx(ctx context.Context, tx pgx.Tx, id ID) (past, error) {
	if err := s.lockTx(ctx, tx, id); err != nil {
		return past{}, err
	}
	g, err := s.graph(ctx, tx, id)
	if err != nil {
		return past{}, err
	}
	old, err := s.reachedByRefs(ctx, tx, id, g)
	return past{g, old}, err
}

// connected proves that everything below a pushed tip is stored and that its tree is
// within the limits, and returns the commit it is about. What refs reach already is
// not looked at again. A fault says what is missing.
func (s *Store) connected(ctx context.Context, db querier, id ID, past past, to Hash) (Hash, error) {
	tip, _, err := s.peel(ctx, db, id, to)
	if err != nil {
		return tip, incomplete(err)
	}
	g := past.graph
	var fresh, known []Hash // trees
	whole := true
	g.walk([]Hash{tip}, func(h Hash, _ int) bool {
		if past.old[h] {
			known = append(known, g[h].tree)
			return false
		}
		fresh = append(fresh, g[h].tree)
		for _, p := range g[h].parents {
			whole = whole && g.has(p)
		}
		return true
	})
	if !whole {
		return tip, incomplete(nil)
	}
	skip, err := s.holds(ctx, db, id, known)
	if err != nil {
		return tip, err
	}
	_, blobs, err := s.reach(ctx, db, id, fresh, skip)
	if err != nil {
		return tip, incomplete(err)
	}
	found, err := s.measures(ctx, db, id, blobs)
	if err != nil {
		return tip, err
	}
	for _, h := range blobs {
		if found[h].kind != wire.Blob {
			return tip, incomplete(nil)
		}
	}
	_, err = s.files(ctx, db, id, g[tip].tree)
	return tip, err
}

// incomplete turns an object that was not found into what a pusher is told.
func incomplete(err error) error {
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return fault.New(fault.Invalid, "incomplete", "objects are missing from this push; push from a clone that has the whole history")
}

// reachedByRefs is the commits that any ref reaches.
func (s *Store) reachedByRefs(ctx context.Context, db querier, id ID, g graph) (map[Hash]bool, error) {
	refs, err := s.refs(ctx, db, id)
	if err != nil {
		return nil, err
	}
	var commits, others []Hash
	for _, r := range refs {
		others = append(others, r.Target)
	}
	for range maxTagChain {
		var passed []Hash // tags
		for _, h := range others {
			if g.has(h) {
				commits = append(commits, h)
			} else {
				passed = append(passed, h)
			}
		}
		if len(passed) == 0 {
			break
		}
		others = nil
		err := s.rows(ctx, db, func(o object) error {
			if o.kind != wire.Tag {
				return nil
			}
			target, err := decodeTag(o.data)
			others = append(others, target)
			return err
		}, readSQL, id, raw(passed))
		if err != nil {
			return nil, err
		}
	}
	return g.reachable(commits), nil
}

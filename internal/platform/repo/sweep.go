package repo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/repo/wire"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

const (
	youngSQL = `
SELECT oid, kind, size FROM repo_object
WHERE repo_id = $1 AND kind <> 3 AND seen_at >= now() - $2::interval`
	oldSQL   = `SELECT oid FROM repo_object WHERE repo_id = $1 AND seen_at < now() - $2::interval`
	sweepSQL = `DELETE FROM repo_object WHERE repo_id = $1 AND oid = ANY ($2) AND seen_at < now() - $3::interval`
)

// Sweep deletes the repository's orphans that nobody stored or snapshot for at least
// grace, which is Grace but in tests, and returns how many. It holds the repository's
// lock meanwhile. What a younger orphan needs is kept with it.
func (s *Store) Sweep(ctx context.Context, id ID, grace time.Duration) (int64, error) {
	var swept int64
	err := db.InTx(ctx, s.db, func(tx pgx.Tx) error {
		if err := s.lockTx(ctx, tx, id); err != nil {
			return err
		}
		old, err := s.old(ctx, tx, id, grace)
		if err != nil || len(old) == 0 {
			return err
		}
		needed, err := s.needed(ctx, tx, id, grace)
		if err != nil {
			return err
		}
		var orphans []Hash
		for _, h := range old {
			if !needed[h] {
				orphans = append(orphans, h)
			}
		}
		tag, err := tx.Exec(ctx, sweepSQL, id, raw(orphans), grace)
		swept = tag.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("sweep repository %s: %w", id, err)
	}
	return swept, nil
}

const allSQL = `SELECT id FROM repo ORDER BY id`

// SweepAll does Sweep to all repositories, one after the other, and returns how many
// objects went. One that cannot be swept does not keep the others from it.
func (s *Store) SweepAll(ctx context.Context, grace time.Duration) (int, error) {
	rows, err := s.db.Query(ctx, allSQL)
	if err != nil {
		return 0, fmt.Errorf("list repositories: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[ID])
	if err != nil {
		return 0, fmt.Errorf("list repositories: %w", err)
	}
	total := 0
	var errs []error
	for _, id := range all {
		n, err := s.Sweep(ctx, id, grace)
		total += int(n)
		if err != nil && !fault.Is(err, fault.NotFound) { // deleted meanwhile
			errs = append(errs, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return total, errors.Join(errs...)
}

// old lists the objects that are old enough to go.
func (s *Store) old(ctx context.Context, tx pgx.Tx, id ID, grace time.Duration) ([]Hash, error) {
	rows, err := tx.Query(ctx, oldSQL, id, grace)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Hash, error) {
		var oid pgtype.DriverBytes
		if err := row.Scan(&oid); err != nil {
			return Hash{}, err
		}
		return Hash(oid), nil
	})
}

// needed is everything reachable from a ref or from a young object.
func (s *Store) needed(ctx context.Context, tx pgx.Tx, id ID, grace time.Duration) (map[Hash]bool, error) {
	refs, err := s.refs(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	var roots []Hash
	for _, r := range refs {
		roots = append(roots, r.Target)
	}
	found, err := s.measures(ctx, tx, id, roots)
	if err != nil {
		return nil, err
	}
	young, err := tx.Query(ctx, youngSQL, id, grace)
	if err != nil {
		return nil, err
	}
	var oid pgtype.DriverBytes
	var kind int16
	var size int64
	_, err = pgx.ForEachRow(young, []any{&oid, &kind, &size}, func() error {
		h := Hash(oid)
		found[h] = measure{h, wire.Kind(kind), size}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.closure(ctx, tx, id, found)
}

// closure is the objects and all they lead to.
func (s *Store) closure(ctx context.Context, tx pgx.Tx, id ID, roots map[Hash]measure) (map[Hash]bool, error) {
	g, err := s.graph(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	needed := map[Hash]bool{}
	var commits, trees []Hash
	for h, m := range roots {
		needed[h] = true
		switch m.kind {
		case wire.Commit:
			commits = append(commits, h)
		case wire.Tree:
			trees = append(trees, h)
		case wire.Tag:
			commit, passed, err := s.peel(ctx, tx, id, h)
			if err != nil {
				return nil, err
			}
			commits = append(commits, commit)
			for _, t := range passed {
				needed[t] = true
			}
		case wire.Blob:
		}
	}
	for h := range g.reachable(commits) {
		needed[h] = true
		trees = append(trees, g[h].tree)
	}
	below, blobs, err := s.reach(ctx, tx, id, trees, nil)
	if err != nil {
		return nil, err
	}
	for _, h := range append(below, blobs...) {
		needed[h] = true
	}
	return needed, nil
}

// reach lists the trees and blobs reachable from trees, leaving out those in skip and
// what only they lead to: one statement for each level.
func (s *Store) reach(ctx context.Context, q querier, id ID, roots []Hash, skip map[Hash]bool) (trees, blobs []Hash, err error) {
	seen := map[Hash]bool{}
	fresh := func(h Hash) bool {
		if seen[h] || skip[h] {
			return false
		}
		seen[h] = true
		return true
	}
	for level := roots; len(level) > 0; {
		var now, next []Hash
		for _, h := range level {
			if fresh(h) {
				now = append(now, h)
			}
		}
		found, err := s.trees(ctx, q, id, now)
		if err != nil {
			return nil, nil, err
		}
		for _, h := range now {
			trees = append(trees, h)
			for _, e := range found[h] {
				switch {
				case e.mode == folder:
					next = append(next, e.hash)
				case fresh(e.hash):
					blobs = append(blobs, e.hash)
				}
			}
		}
		level = next
	}
	return trees, blobs, nil
}

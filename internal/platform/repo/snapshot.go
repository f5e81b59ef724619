package repo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/repo/wire"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// attempts is how often a folder that changes under a snapshot is looked at again.
const attempts = 4

// Snapshot is a folder as a tree.
type Snapshot struct {
	Tree    Hash
	Files   int
	Bytes   int64
	Hashed  int    // files that had to be read to know
	Skipped []Skip // by path
}

// Snapshot stores a folder's files and returns their tree. It reads what changed since
// the last time and writes what the repository does not have yet, in a handful of
// statements. The tree counts once something points at it, and is kept for Grace
// until then.
//
// What is ignored is left out unless the tree that was last snapshot or checked out
// has it, as in git. fault.TooLarge: the folder passes Limits. fault.Conflict
// (files_changing): something keeps writing into it.
func (s *Store) Snapshot(ctx context.Context, id ID, f *Folder) (Snapshot, error) {
	for range attempts {
		snap, err := s.snapshot(ctx, id, f)
		if !errors.Is(err, errChanged) {
			return snap, err
		}
	}
	return Snapshot{}, fault.New(fault.Conflict, "files_changing",
		"Something keeps writing into the files. Stop it, then try again.")
}

func (s *Store) snapshot(ctx context.Context, id ID, f *Folder) (Snapshot, error) {
	now, err := f.scan(ctx)
	if err != nil {
		return Snapshot{}, fmt.Errorf("look through folder: %w", err)
	}
	var hashes []Hash
	for h := range now.trees {
		hashes = append(hashes, h)
	}
	for _, file := range now.files {
		hashes = append(hashes, file.Hash)
	}
	there, err := s.touch(ctx, id, unique(hashes))
	if err != nil {
		return Snapshot{}, err
	}
	w := s.writer(s.db, id)
	for p, file := range now.files {
		if there[file.Hash] {
			continue
		}
		there[file.Hash] = true
		data, err := read(f.root, p, file.info)
		if err != nil {
			return Snapshot{}, errors.Join(errChanged, err)
		}
		h, err := w.put(ctx, wire.Blob, data)
		if err != nil {
			return Snapshot{}, err
		}
		if h != file.Hash {
			return Snapshot{}, errChanged
		}
	}
	for h, data := range now.trees {
		if there[h] {
			continue
		}
		if _, err := w.put(ctx, wire.Tree, data); err != nil {
			return Snapshot{}, err
		}
	}
	if err := w.flush(ctx); err != nil {
		return Snapshot{}, err
	}
	now.adopt()
	return Snapshot{now.root, len(now.files), now.bytes, now.hashed, now.skipped}, nil
}

const (
	thereSQL = `
SELECT oid, seen_at < now() - interval '1 hour' FROM repo_object WHERE repo_id = $1 AND oid = ANY ($2)`
	touchSQL = `UPDATE repo_object SET seen_at = now() WHERE repo_id = $1 AND oid = ANY ($2) RETURNING oid`
)

// touch marks objects as seen and returns which are there. One that was not seen for
// long may be swept between the two statements, and is there if the second finds it.
func (s *Store) touch(ctx context.Context, id ID, hashes []Hash) (map[Hash]bool, error) {
	there := make(map[Hash]bool, len(hashes))
	for chunk := range slices.Chunk(hashes, 10*batchObjects) {
		rows, err := s.db.Query(ctx, thereSQL, id, raw(chunk))
		if err != nil {
			return nil, fmt.Errorf("look for objects: %w", err)
		}
		var oid pgtype.DriverBytes
		var isOld bool
		var old []Hash
		_, err = pgx.ForEachRow(rows, []any{&oid, &isOld}, func() error {
			if isOld {
				old = append(old, Hash(oid))
			} else {
				there[Hash(oid)] = true
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("look for objects: %w", err)
		}
		if err := s.markSeen(ctx, id, old, there); err != nil {
			return nil, err
		}
	}
	return there, nil
}

func (s *Store) markSeen(ctx context.Context, id ID, old []Hash, there map[Hash]bool) error {
	if len(old) == 0 {
		return nil
	}
	rows, err := s.db.Query(ctx, touchSQL, id, raw(old))
	if err != nil {
		return fmt.Errorf("mark objects as seen: %w", err)
	}
	var oid pgtype.DriverBytes
	_, err = pgx.ForEachRow(rows, []any{&oid}, func() error {
		there[Hash(oid)] = true
		return nil
	})
	if err != nil {
		return fmt.Errorf("mark objects as seen: %w", err)
	}
	return nil
}

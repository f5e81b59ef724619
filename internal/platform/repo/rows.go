package repo

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"cofounder/internal/platform/repo/wire"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

const (
	batchBytes   = 8 << 20 // of objects in one statement, or in memory for a client
	batchObjects = 2000
)

// object is one object with its content.
type object struct {
	hash Hash
	kind wire.Kind
	data []byte
}

// writer collects objects and stores them in batches. It is for one goroutine.
type writer struct {
	store   *Store
	db      querier
	id      ID
	pending map[Hash]object
	bytes   int
}

func (s *Store) writer(db querier, id ID) *writer {
	return &writer{store: s, db: db, id: id, pending: map[Hash]object{}}
}

// put takes an object, which is the writer's from then on. It counts as stored once
// flush returned nil.
func (w *writer) put(ctx context.Context, kind wire.Kind, data []byte) (Hash, error) {
	h := hashOf(kind, data)
	if _, ok := w.pending[h]; ok {
		return h, nil
	}
	w.pending[h] = object{h, kind, data}
	w.bytes += len(data)
	if w.bytes < batchBytes && len(w.pending) < batchObjects {
		return h, nil
	}
	return h, w.flush(ctx)
}

// insertSQL locks the repository's row, so that none is added to one being deleted,
// and goes by object name, so that two of these cannot wait for each other. An
// object that is there already is only marked as seen, and that seldom.
const insertSQL = `
WITH held AS (SELECT id FROM repo WHERE id = $1 FOR KEY SHARE),
stored AS (
	INSERT INTO repo_object (repo_id, oid, kind, size, data)
	SELECT held.id, o.oid, o.kind, o.size, o.data
	FROM held, unnest($2::bytea[], $3::smallint[], $4::integer[], $5::bytea[]) AS o (oid, kind, size, data)
	ORDER BY o.oid
	ON CONFLICT (repo_id, oid) DO UPDATE SET seen_at = now()
	WHERE repo_object.seen_at < now() - interval '1 hour'
)
SELECT count(*) FROM held`

// flush stores what was put: one statement. fault.NotFound: no such repository.
func (w *writer) flush(ctx context.Context) error {
	if len(w.pending) == 0 {
		return nil
	}
	n := len(w.pending)
	oids, kinds := make([][]byte, 0, n), make([]int16, 0, n)
	sizes, contents := make([]int32, 0, n), make([][]byte, 0, n)
	for h, o := range w.pending {
		oids, kinds = append(oids, h[:]), append(kinds, int16(o.kind))
		sizes = append(sizes, int32(len(o.data))) //nolint:gosec // Limits.File bounds it
		contents = append(contents, w.store.pack.EncodeAll(o.data, nil))
	}
	var held int
	if err := w.db.QueryRow(ctx, insertSQL, w.id, oids, kinds, sizes, contents).Scan(&held); err != nil {
		return fmt.Errorf("store %d objects: %w", n, err)
	}
	if held == 0 {
		return noRepository()
	}
	clear(w.pending)
	w.bytes = 0
	return nil
}

const readSQL = `SELECT oid, kind, size, data FROM repo_object WHERE repo_id = $1 AND oid = ANY ($2)`

// each calls f with every one of the objects, in no order, and fails when one is
// missing. f is called between rows of a result, so it may not take long or wait for
// a client; the object is its own.
func (s *Store) each(ctx context.Context, db querier, id ID, hashes []Hash, f func(object) error) error {
	for chunk := range slices.Chunk(hashes, batchObjects) {
		found := 0
		err := s.rows(ctx, db, func(o object) error {
			found++
			return f(o)
		}, readSQL, id, raw(chunk))
		if err != nil {
			return err
		}
		if found != len(chunk) {
			return fmt.Errorf("read objects of %s: %d are missing", id, len(chunk)-found)
		}
	}
	return nil
}

// rows runs a statement with the columns of readSQL.
func (s *Store) rows(ctx context.Context, db querier, f func(object) error, sql string, args ...any) error {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("read objects: %w", err)
	}
	var oid, data pgtype.DriverBytes
	var kind int16
	var size int32
	_, err = pgx.ForEachRow(rows, []any{&oid, &kind, &size, &data}, func() error {
		plain, err := s.unpack.DecodeAll(data, make([]byte, 0, size))
		if err != nil {
			return fmt.Errorf("read object %x: %w", []byte(oid), err)
		}
		return f(object{Hash(oid), wire.Kind(kind), plain})
	})
	return err
}

// object returns one object of a kind, or fault.NotFound.
func (s *Store) object(ctx context.Context, db querier, id ID, kind wire.Kind, h Hash) ([]byte, error) {
	var found []byte
	err := s.rows(ctx, db, func(o object) error {
		if o.kind == kind {
			found = o.data
		}
		return nil
	}, readSQL, id, raw([]Hash{h}))
	switch {
	case err != nil:
		return nil, err
	case found == nil:
		return nil, noObject()
	}
	return found, nil
}

const measureSQL = `SELECT oid, kind, size FROM repo_object WHERE repo_id = $1 AND oid = ANY ($2)`

// measure is an object without its content.
type measure struct {
	hash Hash
	kind wire.Kind
	size int64
}

// measures returns those of the objects that are there.
func (s *Store) measures(ctx context.Context, db querier, id ID, hashes []Hash) (map[Hash]measure, error) {
	found := make(map[Hash]measure, len(hashes))
	rows, err := db.Query(ctx, measureSQL, id, raw(hashes))
	if err != nil {
		return nil, fmt.Errorf("measure objects: %w", err)
	}
	var oid pgtype.DriverBytes
	var kind int16
	var size int64
	_, err = pgx.ForEachRow(rows, []any{&oid, &kind, &size}, func() error {
		h := Hash(oid)
		found[h] = measure{h, wire.Kind(kind), size}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("measure objects: %w", err)
	}
	return found, nil
}

// batches cuts measured objects into runs, in their order, that fit into memory one
// at a time.
func batches(all []measure) [][]Hash {
	var out [][]Hash
	var bytes int64
	for _, m := range all {
		last := len(out) - 1
		if last < 0 || bytes+m.size > batchBytes || len(out[last]) == batchObjects {
			out = append(out, nil)
			last, bytes = last+1, 0
		}
		out[last] = append(out[last], m.hash)
		bytes += m.size
	}
	return out
}

// inMemory returns the objects of one batch by name.
func (s *Store) inMemory(ctx context.Context, db querier, id ID, batch []Hash) (map[Hash]object, error) {
	found := make(map[Hash]object, len(batch))
	err := s.each(ctx, db, id, batch, func(o object) error {
		found[o.hash] = o
		return nil
	})
	return found, err
}

// raw is how hashes go to the server.
func raw(hashes []Hash) [][]byte {
	out := make([][]byte, len(hashes))
	for i := range hashes {
		out[i] = hashes[i][:]
	}
	return out
}

// unique sorts hashes and drops what is there twice.
func unique(hashes []Hash) []Hash {
	slices.SortFunc(hashes, func(a, b Hash) int { return cmp.Compare(string(a[:]), string(b[:])) })
	return slices.Compact(hashes)
}

package repo

import (
	"context"
	"fmt"
	"time"

	"cofounder/internal/base/fault"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/klauspost/compress/zstd"
)

// ID names a repository. Whoever owns one mints it and keeps it.
type ID string

// Prefix implements id.Kind.
func (ID) Prefix() string { return "rep" }

// Main is the branch a new repository's clones check out.
const Main = heads + "main"

// Grace is how long an object is kept that no ref reaches, from when it was last
// stored or snapshot. It is longer than any transaction between writing objects and
// moving the ref may take.
const Grace = 24 * time.Hour

// Limits bound what a repository takes.
type Limits struct {
	File       int64 // bytes of one file
	Tree       int64 // bytes of all files of one tree
	Files      int   // in one tree
	Path       int   // bytes of a path
	Depth      int   // folders in a path, its file included
	Repository int64 // compressed bytes of all objects, beyond which a push is refused
	Push       int64 // bytes of one push as sent; inflated it may have four times that
	Objects    int64 // in one push
	Pushes     int   // that one process reads at a time; more wait
}

// DefaultLimits are generous for source and tight for everything else.
func DefaultLimits() Limits {
	return Limits{
		File: 64 << 20, Tree: 512 << 20, Files: 20_000, Path: 400, Depth: 32,
		Repository: 2 << 30, Push: 256 << 20, Objects: 200_000, Pushes: 2,
	}
}

// Store is all repositories of one database. It is safe for concurrent use.
type Store struct {
	db     *pgxpool.Pool
	limits Limits
	pack   *zstd.Encoder
	unpack *zstd.Decoder
	pushes chan struct{} // one token for each push being read
}

// New returns a store over db.
func New(db *pgxpool.Pool, limits Limits) (*Store, error) {
	pack, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(2), zstd.WithWindowSize(1<<20))
	if err != nil {
		return nil, fmt.Errorf("make zstd encoder: %w", err)
	}
	unpack, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(uint64(limits.File)+1<<20)) //nolint:gosec // a limit is not negative
	if err != nil {
		return nil, fmt.Errorf("make zstd decoder: %w", err)
	}
	return &Store{db: db, limits: limits, pack: pack, unpack: unpack, pushes: make(chan struct{}, limits.Pushes)}, nil
}

// Limits returns what the store was made with.
func (s *Store) Limits() Limits { return s.limits }

// querier is a transaction, or the pool.
type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

const createSQL = `INSERT INTO repo (id, head) VALUES ($1, $2)`

// CreateTx makes an empty repository.
func (s *Store) CreateTx(ctx context.Context, tx pgx.Tx, id ID) error {
	if _, err := tx.Exec(ctx, createSQL, id, Main); err != nil {
		return fmt.Errorf("create repository %s: %w", id, err)
	}
	return nil
}

const (
	deleteSQL        = `DELETE FROM repo WHERE id = $1`
	deleteObjectsSQL = `DELETE FROM repo_object WHERE repo_id = $1`
)

// DeleteTx deletes a repository with everything in it. One that is gone is no error.
func (s *Store) DeleteTx(ctx context.Context, tx pgx.Tx, id ID) error {
	if _, err := tx.Exec(ctx, deleteSQL, id); err != nil { // first: it waits for writers and stops them
		return fmt.Errorf("delete repository %s: %w", id, err)
	}
	if _, err := tx.Exec(ctx, deleteObjectsSQL, id); err != nil {
		return fmt.Errorf("delete objects of repository %s: %w", id, err)
	}
	return nil
}

// Size is what a repository takes.
type Size struct {
	Objects int64
	Bytes   int64 // of all objects as they are
	Stored  int64 // of all objects as they are kept
}

const sizeSQL = `
SELECT count(*) AS objects, coalesce(sum(size), 0)::bigint AS bytes, coalesce(sum(octet_length(data)), 0)::bigint AS stored
FROM repo_object WHERE repo_id = $1`

// Size counts what the repository holds, orphans included. It reads a row for each
// object but none of their data.
func (s *Store) Size(ctx context.Context, id ID) (Size, error) {
	rows, err := s.db.Query(ctx, sizeSQL, id)
	if err != nil {
		return Size{}, fmt.Errorf("size of repository %s: %w", id, err)
	}
	size, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Size])
	if err != nil {
		return Size{}, fmt.Errorf("size of repository %s: %w", id, err)
	}
	return size, nil
}

const lockSQL = `SELECT FROM repo WHERE id = $1 FOR NO KEY UPDATE`

// lockTx takes the repository's row, under which refs move and orphans are swept.
func (s *Store) lockTx(ctx context.Context, tx pgx.Tx, id ID) error {
	tag, err := tx.Exec(ctx, lockSQL, id)
	switch {
	case err != nil:
		return fmt.Errorf("lock repository %s: %w", id, err)
	case tag.RowsAffected() == 0:
		return noRepository()
	}
	return nil
}

func noRepository() *fault.Error {
	return fault.New(fault.NotFound, "no_such_repository", "There is no such repository.")
}

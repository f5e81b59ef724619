package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Processes that start together wait for the one that migrates: one look a
// second, for as long as a big table may take.
const (
	lockEverySeconds = 1
	lockTries        = 30 * 60
)

// Migrate brings the schema up to the newest file of fsys. Any number of
// processes may call it at once: one applies, the others wait for it under an
// advisory lock and find nothing to do. A schema newer than fsys is fine (the
// previous release runs on the next one's schema) and is logged.
func Migrate(ctx context.Context, pool *pgxpool.Pool, fsys fs.FS, log *slog.Logger) error {
	if err := CheckMigrations(fsys); err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(lockEverySeconds, lockTries))
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close() //nolint:errcheck // the pool stays open; there is nothing to lose
	provider, err := goose.NewProvider(goose.DialectPostgres, db, fsys,
		goose.WithSessionLocker(locker), goose.WithAllowOutofOrder(true), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	applied, err := provider.Up(ctx)
	for _, m := range applied {
		log.InfoContext(ctx, "migration applied", "file", m.Source.Path, "duration", m.Duration)
	}
	if err != nil {
		return explainMigration(err)
	}
	schema, err := SchemaOf(ctx, pool, fsys)
	if err != nil {
		return err
	}
	if schema.Newer() {
		log.WarnContext(ctx, "database schema is newer than this program", "schema", schema.Applied, "program", schema.Known)
	}
	return nil
}

func explainMigration(err error) error {
	if partial := (*goose.PartialError)(nil); errors.As(err, &partial) && partial.Failed != nil {
		return fmt.Errorf("migrate: %s was rolled back: %w", partial.Failed.Source.Path, partial.Err)
	}
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == "42501" {
		return fmt.Errorf("migrate: the database user may not create tables; make it the owner of the database: %w", err)
	}
	return fmt.Errorf("migrate: %w", err)
}

// Schema compares a database with the files of this program.
type Schema struct {
	Applied int64 // newest version in the database, 0 for an empty one
	Known   int64 // newest version among the files
}

// Pending reports whether files wait to be applied: the program must not serve.
func (s Schema) Pending() bool { return s.Applied < s.Known }

// Newer reports whether a newer release has migrated the database.
func (s Schema) Newer() bool { return s.Applied > s.Known }

const (
	versionTableSQL = `SELECT to_regclass('goose_db_version') IS NOT NULL`
	versionSQL      = `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`
)

// SchemaOf reads how far the database is. It writes nothing and takes no lock,
// so readiness checks may call it as often as they like.
func SchemaOf(ctx context.Context, pool *pgxpool.Pool, fsys fs.FS) (Schema, error) {
	files, err := migrationFiles(fsys)
	if err != nil {
		return Schema{}, err
	}
	newest, err := strconv.ParseInt(migrationName.FindStringSubmatch(files[len(files)-1])[1], 10, 64)
	if err != nil {
		return Schema{}, fmt.Errorf("read schema version: %w", err)
	}
	schema := Schema{Known: newest}
	var exists bool
	if err := pool.QueryRow(ctx, versionTableSQL).Scan(&exists); err != nil {
		return Schema{}, fmt.Errorf("read schema version: %w", err)
	}
	if !exists {
		return schema, nil
	}
	if err := pool.QueryRow(ctx, versionSQL).Scan(&schema.Applied); err != nil {
		return Schema{}, fmt.Errorf("read schema version: %w", err)
	}
	return schema, nil
}

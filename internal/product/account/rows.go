package account

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// querier is what pools and transactions can both do.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// all returns the rows of a query, matched to T's fields by name; none is an empty
// list, not nil.
func all[T any](ctx context.Context, q querier, sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[T])
}

// one returns the only row of a query, matched to T's fields by name; none is
// pgx.ErrNoRows.
func one[T any](ctx context.Context, q querier, sql string, args ...any) (T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		var none T
		return none, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
}

// write is one statement of several that are sent together.
type write struct {
	sql  string
	args []any
}

// writeTx sends statements in one round trip, in order.
func writeTx(ctx context.Context, tx pgx.Tx, writes ...write) error {
	batch := &pgx.Batch{}
	for _, w := range writes {
		batch.Queue(w.sql, w.args...)
	}
	return tx.SendBatch(ctx, batch).Close()
}

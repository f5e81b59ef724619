package db

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// rollbackTime bounds the rollback of a transaction whose own context is over.
const rollbackTime = 5 * time.Second

// InTx runs fn in one transaction: committed when fn returns nil, rolled back
// when it returns an error, panics or ends its goroutine. fn's error comes back
// unchanged, so a fault stays a fault. It takes the pool and not a transaction,
// so transactions do not nest; what joins one is named …Tx and takes tx.
//
// fn runs once. At read committed the server does not refuse for
// serialization, and a deadlock is a wrong lock order, to be mended there; a
// second run would also repeat what fn did to its captured variables.
//
// No network inside fn. An error from the commit itself may mean that it
// happened and the answer was lost: what must not happen twice needs a key.
func InTx(ctx context.Context, pool *pgxpool.Pool, fn func(tx pgx.Tx) error) error {
	tx, err := pool.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	ended := false
	defer func() {
		if ended {
			return
		}
		detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
		defer cancel()
		_ = tx.Rollback(detached) // if it fails the connection is closed, which rolls back too
	}()
	if err := fn(tx); err != nil {
		return err
	}
	ended = true // pgx releases the connection whether or not the commit works
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit transaction: %w", err)
	}
	return nil
}

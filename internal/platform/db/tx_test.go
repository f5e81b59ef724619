package db_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

func TestInTx(t *testing.T) {
	t.Parallel()
	refused := fault.New(fault.Conflict, "taken", "Somebody was faster.")
	for _, c := range []struct {
		name  string
		after func(ctx context.Context, cancel func(), tx pgx.Tx) error
		want  []string // what is stored
		err   string   // part of the error; empty for none
	}{
		{"commits", func(context.Context, func(), pgx.Tx) error { return nil }, []string{"written"}, ""},
		{"rolls back on an error", func(context.Context, func(), pgx.Tx) error { return refused }, nil, "taken"},
		{"rolls back when a failed statement was overlooked", func(ctx context.Context, _ func(), tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "SELECT 1/0"); err == nil {
				t.Error("a division by zero worked")
			}
			return nil
		}, nil, "commit transaction"},
		{"rolls back when the caller has gone", func(ctx context.Context, cancel func(), _ pgx.Tx) error {
			cancel()
			return ctx.Err()
		}, nil, "context canceled"},
		{"rolls back when the caller goes before the commit", func(_ context.Context, cancel func(), _ pgx.Tx) error {
			cancel()
			return nil
		}, nil, "context canceled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			pool := notes(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := db.InTx(ctx, pool, func(tx pgx.Tx) error {
				if err := note(ctx, tx, "written"); err != nil {
					return err
				}
				return c.after(ctx, cancel, tx)
			})
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("error = %v, want %q", err, c.err)
			}
			checkNotes(t, pool, c.want)
		})
	}
}

func TestInTxKeepsTheFault(t *testing.T) {
	t.Parallel()
	want := fault.New(fault.Conflict, "taken", "Somebody was faster.")
	got := db.InTx(t.Context(), notes(t), func(pgx.Tx) error { return want })
	if !errors.Is(got, want) || !fault.Is(got, fault.Conflict) {
		t.Errorf("got %v, want the fault itself", got)
	}
}

func TestInTxRollsBackOnPanic(t *testing.T) {
	t.Parallel()
	pool := notes(t)
	func() {
		defer func() {
			if got := recover(); got != "as asked" {
				t.Errorf("panic = %v, want it to go on to the caller", got)
			}
		}()
		err := db.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			if err := note(t.Context(), tx, "written"); err != nil {
				t.Error(err)
			}
			panic("as asked")
		})
		t.Errorf("InTx returned %v after a panic", err)
	}()
	checkNotes(t, pool, nil)
}

func TestSilentTransactionLosesItsLocks(t *testing.T) {
	t.Parallel()
	pool, err := db.Open(t.Context(), dbtest.URL(t)+"&idle_in_transaction_session_timeout=50", db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), "CREATE TABLE note (text text)"); err != nil {
		t.Fatal(err)
	}
	silent, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Rollback(t.Context())
	if _, err := silent.Exec(t.Context(), "LOCK TABLE note"); err != nil {
		t.Fatal(err)
	}
	// Waits for the lock, which only the server's limit sets free.
	err = db.InTx(t.Context(), pool, func(tx pgx.Tx) error { return note(t.Context(), tx, "mine now") })
	if err != nil {
		t.Error(err)
	}
}

func notes(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := dbtest.New(t)
	if _, err := pool.Exec(t.Context(), "CREATE TABLE note (text text)"); err != nil {
		t.Fatal(err)
	}
	return pool
}

func note(ctx context.Context, tx pgx.Tx, text string) error {
	_, err := tx.Exec(ctx, "INSERT INTO note (text) VALUES ($1)", text)
	return err
}

// checkNotes compares what is stored and that no connection was kept.
func checkNotes(t *testing.T, pool *pgxpool.Pool, want []string) {
	t.Helper()
	rows, err := pool.Query(t.Context(), "SELECT text FROM note")
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if len(got) == 0 {
		got = nil
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	if n := pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections were not given back", n)
	}
}

package db_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

func TestUnavailable(t *testing.T) {
	t.Parallel()
	open := func(address string) *pgxpool.Pool {
		pool, err := pgxpool.New(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		return pool
	}
	closed := open(dbtest.URL(t))
	closed.Close()
	ended := open(dbtest.URL(t))
	_, shutDown := ended.Exec(t.Context(), `SELECT pg_terminate_backend(pg_backend_pid())`)
	_, mistake := dbtest.New(t).Exec(t.Context(), `SELECT nonsense`)
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"nobody listens":      {open("postgres://x@127.0.0.1:1/x").Ping(t.Context()), true},
		"our pool was closed": {closed.Ping(t.Context()), true},
		"ended by the server": {shutDown, true},
		"starting":            {fmt.Errorf("list: %w", &pgconn.PgError{Code: "57P03"}), true},
		"full":                {&pgconn.PgError{Code: "53300"}, true},
		"connection broken":   {&pgconn.PgError{Code: "08006"}, true},
		"our mistake":         {mistake, false},
		"time is up":          {context.DeadlineExceeded, false},
		"something else":      {errors.New("x"), false},
		"nothing":             {nil, false},
	} {
		if name != "nothing" && c.err == nil {
			t.Errorf("%s: there is no error to judge", name)
		}
		if got := db.Unavailable(c.err); got != c.want {
			t.Errorf("%s: got %t, want %t (%v)", name, got, c.want, c.err)
		}
	}
}

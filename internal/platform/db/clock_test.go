package db_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"
)

func TestClockIsTheDatabases(t *testing.T) {
	t.Parallel()
	pool := dbtest.New(t)
	own := clock.NewManual(time.Now().Add(-time.Hour)) // a computer whose clock is an hour behind
	c, err := db.NewClock(t.Context(), pool, own)
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		var there time.Time
		if err := pool.QueryRow(t.Context(), "SELECT clock_timestamp()").Scan(&there); err != nil {
			t.Fatal(err)
		}
		if off := c.Now().Sub(there).Abs(); off > 10*time.Second || c.Now().Location() != time.UTC {
			t.Errorf("%s: %s, the database says %s", when, c.Now(), there)
		}
	}
	check("an hour behind")
	if off := c.Offset() - time.Hour; off.Abs() > 10*time.Second {
		t.Errorf("offset %s, want an hour", c.Offset())
	}
	own.Advance(2 * time.Hour) // somebody set it
	if err := c.Ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("an hour ahead")
	pool.Close()
	before := c.Now()
	if err := c.Ask(t.Context()); err == nil {
		t.Error("a database that is gone told the time")
	}
	if c.Now() != before {
		t.Errorf("without the database the clock went from %s to %s", before, c.Now())
	}
}

func TestClockAsksUntilStopped(t *testing.T) {
	t.Parallel()
	pool := dbtest.New(t)
	c, err := db.NewClock(t.Context(), pool, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	pool.Close()
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			c.Run(ctx, slog.New(slog.NewTextHandler(&said, nil)))
		}()
		<-time.After(150 * time.Second)
		synctest.Wait()
		stop()
		<-ended
		if n := strings.Count(said.String(), "without the database"); n != 2 {
			t.Errorf("asked a database that is gone %d times in two and a half minutes, want 2:\n%s", n, said.String())
		}
	})
}

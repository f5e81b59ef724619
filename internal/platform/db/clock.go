package db

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"cofounder/internal/base/clock"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// A quartz drifts by about four seconds a day, so by a few milliseconds between
	// two looks.
	clockEvery = time.Minute
	clockLooks = 3
)

// Clock tells the database's time: what the processes of one installation must agree
// on, whatever their computers believe. It asks now and then and goes by the
// computer's own clock in between. It is safe for concurrent use.
type Clock struct {
	pool   *pgxpool.Pool
	own    clock.Clock
	offset atomic.Int64 // database − own, in nanoseconds
}

// NewClock returns a clock that has asked once.
func NewClock(ctx context.Context, pool *pgxpool.Pool, own clock.Clock) (*Clock, error) {
	c := &Clock{pool: pool, own: own}
	return c, c.Ask(ctx)
}

// Now implements clock.Clock.
func (c *Clock) Now() time.Time {
	return c.own.Now().Add(time.Duration(c.offset.Load())).Truncate(time.Microsecond)
}

// Offset is how far the computer's own clock is behind the database's.
func (c *Clock) Offset() time.Duration { return time.Duration(c.offset.Load()) }

// Ask compares the clocks. Of a few looks it takes the quickest, which is off by at
// most half its round trip.
func (c *Clock) Ask(ctx context.Context) error {
	var best look
	for i := range clockLooks {
		l, err := c.look(ctx)
		if err != nil {
			return err
		}
		if i == 0 || l.trip < best.trip {
			best = l
		}
	}
	c.offset.Store(int64(best.offset))
	return nil
}

// look is one comparison.
type look struct{ offset, trip time.Duration }

func (c *Clock) look(ctx context.Context) (look, error) {
	before := c.own.Now()
	var there time.Time
	if err := c.pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&there); err != nil {
		return look{}, fmt.Errorf("ask the database's time: %w", err)
	}
	trip := c.own.Now().Sub(before)
	return look{offset: there.Sub(before.Add(trip / 2)), trip: trip}, nil
}

// Run asks every minute until ctx ends. While the database does not answer, the last
// offset holds.
func (c *Clock) Run(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(clockEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := c.Ask(ctx); err != nil && ctx.Err() == nil {
				log.WarnContext(ctx, "the clock goes on without the database", "error", err)
			}
		}
	}
}

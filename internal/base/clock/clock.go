// Package clock is where time comes from. Code below app takes a Clock and
// never asks the operating system, so that tests decide what time it is.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time. All times are UTC.
type Clock interface {
	// Now returns the present instant in UTC.
	Now() time.Time
}

// System is the operating system's clock.
type System struct{}

// Now returns the operating system's time in UTC, cut to microseconds, the
// resolution of PostgreSQL, so that what is stored compares equal to what was.
func (System) Now() time.Time {
	return time.Now().UTC().Truncate(time.Microsecond)
}

// Manual is a clock that stands still until it is moved. It is safe for
// concurrent use.
type Manual struct {
	mu  sync.Mutex
	now time.Time
}

// NewManual returns a clock that stands at t.
func NewManual(t time.Time) *Manual { return &Manual{now: t.UTC()} }

// Now returns the instant the clock stands at.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Advance moves the clock by d, which may be negative.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
}

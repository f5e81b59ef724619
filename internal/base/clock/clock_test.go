package clock_test

import (
	"testing"
	"time"

	"cofounder/internal/base/clock"
)

func TestSystemIsUTCInMicroseconds(t *testing.T) {
	t.Parallel()
	before := time.Now().Add(-time.Microsecond)
	got := clock.System{}.Now()
	if got.Location() != time.UTC || got.Nanosecond()%1000 != 0 {
		t.Errorf("Now = %s", got)
	}
	if got.Before(before) || got.After(time.Now()) {
		t.Errorf("Now = %s, which is not now", got)
	}
}

func TestManualStandsStill(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("", 3600)))
	if got, want := c.Now(), time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC); !got.Equal(want) || got.Location() != time.UTC {
		t.Errorf("Now = %s, want %s", got, want)
	}
	c.Advance(-time.Hour)
	if got, want := c.Now(), time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("after moving back Now = %s, want %s", got, want)
	}
}

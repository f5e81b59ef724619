package meter_test

import (
	"testing"
	"time"

	"cofounder/internal/product/meter"
)

func TestForecast(t *testing.T) {
	t.Parallel()
	at := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC) }
	for _, tt := range []struct {
		name  string
		spent meter.NanoUSD
		now   time.Time
		want  meter.NanoUSD
		ok    bool
	}{
		{"too early to tell", meter.Dollar, at(3, 23), 0, false},
		{"three days in", 3 * meter.Dollar, at(4, 0), 30 * meter.Dollar, true},
		{"half a day counts as half", 3 * meter.Dollar, at(16, 0), 6 * meter.Dollar, true},
		{"nothing spent", 0, at(20, 0), 0, false},
		{"more given back than spent", -meter.Dollar, at(20, 0), 0, false},
		{"in another zone", 3 * meter.Dollar, at(16, 0).In(time.FixedZone("", 5*3600)), 6 * meter.Dollar, true},
	} {
		if got, ok := meter.Forecast(tt.spent, tt.now); got != tt.want || ok != tt.ok {
			t.Errorf("%s: %s, %t; want %s, %t", tt.name, got, ok, tt.want, tt.ok)
		}
	}
}

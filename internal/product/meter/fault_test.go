//go:build fault

package meter_test

import (
	"encoding/json"
	"testing"
	"time"

	"cofounder/internal/base/faultpoint"
	"cofounder/internal/base/faultpoint/faultpointtest"
	"cofounder/internal/platform/db"
	"cofounder/internal/product/meter"
)

// caller is a process that makes one call and is killed in the middle of it.
type caller struct {
	URL    string // of the database
	Charge meter.Charge
}

func (c caller) call(t *testing.T) {
	t.Helper()
	pool, err := db.Open(t.Context(), c.URL, db.Options{Name: "victim"})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	w := worldOn(pool)
	w.spend(t, c.Charge, meter.OwnKey)
}

// becameOf is what there is of a charge: open reservations of all, and its calls in the
// ledger.
func (w *world) becameOf(t *testing.T, c meter.Charge) (open, calls int, state string) {
	t.Helper()
	err := w.db.QueryRow(t.Context(), `
		SELECT (SELECT count(*) FROM reservation), count(*), coalesce(min(state), '') FROM ledger WHERE kind = 'call' AND step = $1`, c.Step).
		Scan(&open, &calls, &state)
	if err != nil {
		t.Fatal(err)
	}
	return open, calls, state
}

// TestKilledAtEachFaultPoint kills a process at every fault point of meter, in the middle
// of a call: what it reserved is settled once, by itself or when nobody came back to it,
// the books are right at every moment, and another process makes the call anew.
func TestKilledAtEachFaultPoint(t *testing.T) {
	t.Parallel()
	if told, ok := faultpointtest.Victim(); ok {
		var c caller
		if err := json.Unmarshal([]byte(told), &c); err != nil {
			t.Fatal(err)
		}
		c.call(t)
		return
	}
	// What the ledger says of the victim's call at last. Of a point that is not named
	// here it must say one of them.
	want := map[string]string{
		"meter.reserve.after": "unknown", "meter.settle.before": "unknown", "meter.settle.after": "settled",
	}
	for _, point := range faultpoint.Of("meter") {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a := w.confirmed(t, meter.DefaultLimits())
			w.spend(t, w.charge(a, "run1"), meter.OwnKey) // its budgets are open
			c := w.charge(a, "run1")
			told, err := json.Marshal(caller{URL: w.db.Config().ConnString(), Charge: c})
			if err != nil {
				t.Fatal(err)
			}
			faultpointtest.Kill(t, point, string(told))
			checkBooks(t, w.Meter, w.clock.Now())
			w.clock.Advance(time.Hour)
			for _, do := range []func() (int, error){
				func() (int, error) { return w.Sweep(t.Context()) },
				func() (int, error) { return w.Fold(t.Context()) },
			} {
				if _, err := do(); err != nil {
					t.Fatal(err)
				}
				checkBooks(t, w.Meter, w.clock.Now())
			}
			open, calls, state := w.becameOf(t, c)
			if named, known := want[point]; open != 0 || calls != 1 || known && state != named {
				t.Errorf("%d reservations are open, the ledger has %d calls of the step, %q; want none, one, %q", open, calls, state, want[point])
			}
			c.Epoch++
			w.spend(t, c, meter.OwnKey)
			checkBooks(t, w.Meter, w.clock.Now())
		})
	}
}

package main

import (
	"testing"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"
)

// TestOverheadIsMeasured is overhead with few calls; what they took depends on the
// machine and is not judged here.
func TestOverheadIsMeasured(t *testing.T) {
	t.Parallel()
	pool, err := db.Open(t.Context(), dbtest.URL(t), db.Options{Name: "bench", MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	v, err := contest{calls: 10, crowd: 100}.measure(t.Context(), pool, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if v.figures == "" || v.targets == "" {
		t.Errorf("nothing was measured: %+v", v)
	}
	ledger := 0
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM ledger WHERE state = 'settled' AND nano > 0").Scan(&ledger); err != nil {
		t.Fatal(err)
	}
	if want := 11 + 96; ledger < want {
		t.Errorf("%d paid calls in the ledger, want %d: what was measured was not metered", ledger, want)
	}
}

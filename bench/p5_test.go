package main

import (
	"math/rand/v2"
	"testing"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"
)

// TestLedgerIsTheInvoice is p5 with fewer operations.
func TestLedgerIsTheInvoice(t *testing.T) {
	t.Parallel()
	pool, err := db.Open(t.Context(), dbtest.URL(t), db.Options{Name: "bench", MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	v, err := prove5(t.Context(), pool, rand.Uint64(), 1000, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if v.short {
		t.Error(v)
	}
}

package api_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/product/account"
)

// The figure is printed for whoever looks (go test -v -run Load); machines differ too
// much to demand one.
func TestListUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("measures")
	}
	t.Parallel()
	const clients, each = 8, 50
	w := open(t)
	ann := w.founder(t)
	for range 60 {
		w.project(t, ann)
	}
	visitors := map[string]any{"session": ann, "access key": w.key(t, ann, account.ScopeRead)}
	for name, who := range visitors {
		took := make([][]time.Duration, clients)
		var all sync.WaitGroup
		for i := range clients {
			all.Go(func() {
				for range each {
					begin := clock.System{}.Now()
					a, err := w.exchange(t.Context(), request{method: http.MethodGet, path: "/projects", as: who})
					if err != nil || a.status != http.StatusOK {
						t.Errorf("status %d, %v", a.status, err)
						return
					}
					took[i] = append(took[i], clock.System{}.Now().Sub(begin))
				}
			})
		}
		all.Wait()
		every := slices.Sorted(slices.Values(slices.Concat(took...)))
		if len(every) < clients*each {
			t.Fatalf("%d answers, want %d", len(every), clients*each)
		}
		t.Logf("GET /projects by %s, %d clients at once, %d requests, 50 items: p50 %v, p95 %v, most %v",
			name, clients, len(every), every[len(every)/2], every[len(every)*95/100], every[len(every)-1])
	}
}

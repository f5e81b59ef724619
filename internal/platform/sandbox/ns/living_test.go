package ns_test

import (
	"testing"

	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/sandboxtest"
)

func TestLiving(t *testing.T) {
	t.Parallel()
	d := sandboxtest.New(t)
	if got := d.Living(t.Context()); len(got) != 0 {
		t.Errorf("before there is a cage: %v", got)
	}
	limits := sandbox.Building()
	limits.Processes = 77
	first := sandboxtest.Create(t, d, sandbox.Spec{ID: "first", Purpose: "build", Limits: limits})
	sandboxtest.Create(t, d, sandbox.Spec{ID: "second", Purpose: "app"})
	got := d.Living(t.Context())
	if len(got) != 2 || got[0].ID != "first" || got[0].Purpose != "build" || got[1].Purpose != "app" || got[1].Since.Before(got[0].Since) {
		t.Fatalf("two cages, the oldest first: %+v", got)
	}
	if got[0].Stats.Limits.Processes != 77 {
		t.Errorf("limits are %+v", got[0].Stats.Limits)
	}
	if err := first.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := d.Living(t.Context()); len(got) != 1 || got[0].ID != "second" {
		t.Errorf("after one was destroyed: %+v", got)
	}
}

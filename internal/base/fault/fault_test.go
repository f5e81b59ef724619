package fault_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"cofounder/internal/base/fault"

	"github.com/google/go-cmp/cmp"
)

func TestIsSeesThroughWrapping(t *testing.T) {
	t.Parallel()
	cause := errors.New("disk on fire")
	err := fmt.Errorf("save: %w", fault.New(fault.Conflict, "taken", "It is taken.").Because(cause))
	cases := map[string]struct {
		err  error
		kind fault.Kind
		want bool
	}{
		"its kind":                  {err, fault.Conflict, true},
		"another kind":              {err, fault.NotFound, false},
		"ordinary error":            {cause, fault.Internal, true},
		"ordinary, other kind":      {cause, fault.Conflict, false},
		"no error":                  {nil, fault.Internal, false},
		"fault inside another":      {fault.New(fault.Gone, "", "").Because(err), fault.Gone, true},
		"the outer one is the kind": {fault.New(fault.Gone, "", "").Because(err), fault.Conflict, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := fault.Is(c.err, c.kind); got != c.want {
				t.Errorf("Is(%v, %v) = %v, want %v", c.err, c.kind, got, c.want)
			}
		})
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
}

func TestErrorIsForTheLog(t *testing.T) {
	t.Parallel()
	err := fault.OnField("email", "That is no address.").WithField("name", "Too long.").Because(errors.New("why"))
	want := "invalid: Something in the form needs another look.; email: That is no address.; name: Too long.: why"
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
}

func TestKindsHaveDistinctNames(t *testing.T) {
	t.Parallel()
	seen := map[string]fault.Kind{}
	for k := fault.Internal; k <= fault.Unavailable; k++ {
		if other, ok := seen[k.String()]; ok {
			t.Errorf("kinds %d and %d are both %q", other, k, k)
		}
		seen[k.String()] = k
	}
	if e := fault.New(fault.TooMany, "", "Slow down.").WithRetry(time.Minute); e.Code != "too_many" || e.RetryAfter != time.Minute {
		t.Errorf("New(TooMany) = %+v", e)
	}
}

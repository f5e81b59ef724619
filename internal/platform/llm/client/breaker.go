package client

import (
	"errors"
	"maps"
	"sync"

	"cofounder/internal/platform/llm"

	"github.com/sony/gobreaker/v2"
)

// breakers holds one breaker for each endpoint and model: models of one endpoint are
// overloaded apart.
type breakers struct {
	policy Policy
	mu     sync.Mutex
	all    map[place]*breaker
}

// place is a model at an address.
type place struct{ url, model string }

type breaker = gobreaker.TwoStepCircuitBreaker[struct{}]

// mostBreakers bounds what founders' own addresses can fill.
const mostBreakers = 1024

var errFailed, errNeither = errors.New("failed"), errors.New("neither failed nor worked")

func newBreakers(p Policy) *breakers {
	return &breakers{policy: p, all: map[place]*breaker{}}
}

func (bs *breakers) at(p place) *breaker {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	if b, ok := bs.all[p]; ok {
		return b
	}
	if len(bs.all) >= mostBreakers {
		maps.DeleteFunc(bs.all, func(_ place, b *breaker) bool { return b.State() == gobreaker.StateClosed })
	}
	b := gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout:     bs.policy.BreakFor,
		ReadyToTrip: func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= bs.policy.BreakAfter },
		IsExcluded:  func(err error) bool { return errors.Is(err, errNeither) },
	})
	bs.all[p] = b
	return b
}

// tell reports what became of an attempt that was allowed.
func tell(done func(error), f *failure) {
	switch {
	case f == nil:
		done(nil)
	case f.kind == llm.Overloaded, f.kind == llm.Unavailable:
		done(errFailed)
	case f.kind == llm.Cancelled, f.kind == llm.RateLimited: // says nothing about others' requests
		done(errNeither)
	default: // it answered
		done(nil)
	}
}

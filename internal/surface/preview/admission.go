package preview

import (
	"context"
	"errors"
	"sync"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/fault"
)

const (
	// admitFor is how long the product's answer is used again: a page asks for dozens
	// of things at once. Whoever loses the right goes on seeing for no longer.
	admitFor = 5 * time.Second
	// mostAdmissions bounds the memory; beyond it everything is asked anew.
	mostAdmissions = 10_000
)

// admissions remembers for a moment who may see what.
type admissions struct {
	clock clock.Clock
	admit func(ctx context.Context, label, viewer string) error

	mu    sync.Mutex
	known map[admissionKey]admission
}

type admissionKey struct{ label, viewer string }

type admission struct {
	err   error
	until time.Time
}

func newAdmissions(c clock.Clock, admit func(ctx context.Context, label, viewer string) error) *admissions {
	return &admissions{clock: c, admit: admit, known: map[admissionKey]admission{}}
}

// ask returns the product's answer. Only answers are remembered, no failures to
// give one.
func (a *admissions) ask(ctx context.Context, label, viewer string) error {
	key, now := admissionKey{label, viewer}, a.clock.Now()
	a.mu.Lock()
	known, ok := a.known[key]
	a.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.err
	}
	err := a.admit(ctx, label, viewer)
	f := fault.Of(err)
	if err != nil && (f == nil || f.Kind == fault.Internal || f.Kind == fault.Unavailable || errors.Is(err, context.Canceled)) {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.known) >= mostAdmissions {
		clear(a.known)
	}
	a.known[key] = admission{err: err, until: now.Add(admitFor)}
	return err
}

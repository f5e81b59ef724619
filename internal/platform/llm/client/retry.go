package client

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"cofounder/internal/platform/llm"
)

// passing reports whether the same request may fare better in a moment.
func (f *failure) passing(begun bool) bool {
	hopeless := []llm.Reason{llm.NoAddress, llm.BadTLS, llm.BreakerOpen}
	switch {
	case f.inStream && begun:
		return false // what came would be paid a second time, and is as likely to break again
	case f.final:
		return false
	case f.kind == llm.RateLimited:
		return f.waitSet // patience decides whether it is worth waiting for
	case f.kind == llm.Unavailable:
		return !slices.Contains(hopeless, f.reason)
	}
	return f.kind == llm.Overloaded || f.reason == llm.CutCall // and no word about it: chance
}

// later reports whether the same request may fare better in minutes, which is the
// caller's to wait for.
func (f *failure) later() bool {
	return f.kind == llm.Overloaded || f.kind == llm.RateLimited || f.kind == llm.Unavailable && f.reason != llm.BadTLS
}

// pause is how long to wait before the next attempt, and whether that is within
// patience. retries counts those made, lost is the time lost so far.
func (c *Client) pause(f *failure, retries int, lost time.Duration) (time.Duration, bool) {
	p := c.policy
	d := jitter(min(p.BackOff<<retries, p.MostPause))
	if f.waitSet {
		d = max(d, f.wait)
	}
	return d, lost+d <= p.Patience
}

// jitter spreads those who wait over the whole time, so that they do not come back
// together.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d) //nolint:gosec // nobody gains by guessing it
}

// comeBack is when the caller should try again. A time beyond patience is the server's
// to say, and up to a tenth is added so that those who wait do not come together.
// A shorter one was waited for and did not help: then it is a minute or two.
func (f *failure) comeBack(p Policy) time.Duration {
	switch {
	case !f.later():
		return 0
	case f.wait > p.Patience:
		return f.wait + jitter(min(f.wait/10, time.Minute))
	}
	return time.Minute + jitter(time.Minute)
}

// wait lets d pass, or returns false when ctx is over first.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

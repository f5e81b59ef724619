package telemetry

import (
	"context"
	"crypto/rand"
)

type (
	requestKey struct{}
	runKey     struct{}
)

// WithRequest returns a context whose log lines carry request_id. The edge sets
// it once per request.
func WithRequest(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// RequestID returns the request's id, or "" outside a request.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string) //nolint:errcheck // absent is the empty id
	return id
}

// WithRun returns a context whose log lines carry run_id.
func WithRun(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, runKey{}, id)
}

// RunID returns the run's id, or "" outside a run.
func RunID(ctx context.Context) string {
	id, _ := ctx.Value(runKey{}).(string) //nolint:errcheck // absent is the empty id
	return id
}

const (
	debugAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	debugLength   = 12
)

// NewDebugID returns the reference of one error (on screen: Reference), for
// example 7kq3-m9xd-2pf8. It is printed in that error's log line and given to
// the person, who can read it out; its 60 random bits make it useless for
// guessing someone else's.
func NewDebugID() string {
	var b [debugLength]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the process instead
	out := make([]byte, 0, debugLength+2)
	for i, c := range b {
		if i > 0 && i%4 == 0 {
			out = append(out, '-')
		}
		out = append(out, debugAlphabet[c&31])
	}
	return string(out)
}

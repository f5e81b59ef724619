// Package faulttest compares what errors tell a caller.
package faulttest

import (
	"testing"

	"cofounder/internal/base/fault"
)

// Says returns what an error tells a caller: its kind, its code where that is another
// word, and which fields; empty for nil.
func Says(err error) string {
	if err == nil {
		return ""
	}
	f := fault.Of(err)
	if f == nil {
		return "not a fault: " + err.Error()
	}
	s := f.Kind.String()
	if f.Code != s {
		s += " " + f.Code
	}
	for _, field := range f.Fields {
		s += " " + field.Name
	}
	return s
}

// Wants fails the test unless err says what is wanted, and tells people something.
func Wants(t *testing.T, what string, err error, want string) {
	t.Helper()
	if got := Says(err); got != want {
		t.Errorf("%s = %q, want %q (%v)", what, got, want, err)
	}
	if f := fault.Of(err); f != nil && len(f.Detail) < leastDetail {
		t.Errorf("%s: detail %q tells nobody what to do", what, f.Detail)
	}
}

// leastDetail is how long a sentence is at least, in bytes.
const leastDetail = 10

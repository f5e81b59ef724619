//go:build !linux

package ns

import (
	"context"

	"cofounder/internal/platform/sandbox"
)

// Driver refuses: there are no namespaces here.
type Driver struct{}

// Open returns a driver that refuses to build cages.
func Open(Config) (*Driver, error) { return &Driver{}, nil }

func refused() error {
	return sandbox.Errorf(sandbox.Refused, "Code can only be run safely on Linux. Run cofounder on a Linux computer to build apps.")
}

// Name implements sandbox.Driver.
func (*Driver) Name() string { return Name }

// Probe implements sandbox.Driver.
func (*Driver) Probe(context.Context) (sandbox.Report, error) { return sandbox.Report{}, refused() }

// Create implements sandbox.Driver.
func (*Driver) Create(context.Context, sandbox.Spec) (sandbox.Cage, error) { return nil, refused() }

// Sweep implements sandbox.Driver.
func (*Driver) Sweep(context.Context) error { return nil }

// Warm refuses.
func (*Driver) Warm(context.Context, sandbox.Recipe) error { return refused() }

// Warmed reports that nothing is.
func (*Driver) Warmed(context.Context, sandbox.Recipe) (bool, error) { return false, nil }

// Living lists none.
func (*Driver) Living(context.Context) []sandbox.Living { return nil }

// Close does nothing.
func (*Driver) Close(context.Context) error { return nil }

func beFirst() int { return 1 }

// Package sandboxtest gives tests a real driver, and holds what every driver has to
// pass: Conform checks that a cage does what package sandbox says, Attack that it
// lets nothing out.
//
// A test package that builds cages calls Init first in TestMain, because the test
// program starts itself again as the first process of each cage, and as the attacker
// inside one:
//
//	func TestMain(m *testing.M) {
//		sandboxtest.Init()
//		m.Run()
//	}
//
// Tests need a machine that can build cages and fail where it cannot, unless
// COFOUNDER_TEST_NO_CAGE=1 says that it is known and accepted there: then New skips.
package sandboxtest

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"cofounder/internal/base/clock"
	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/ns"
)

// Init runs what this process is to be, if it is not to be the tests, and then does
// not return.
func Init() {
	if code, is := ns.Init(); is {
		os.Exit(code) //nolint:revive // it takes the place of main
	}
	if len(os.Args) > 1 && os.Args[1] == puppetArg {
		os.Exit(puppet(os.Args[2:])) //nolint:revive // it takes the place of main
	}
}

// New returns a driver with nothing in it. At the end of the test its cages are
// destroyed.
func New(tb testing.TB) *ns.Driver {
	tb.Helper()
	d, _ := NewIn(tb)
	return d
}

// NewIn is New; it also returns the driver's folder.
func NewIn(tb testing.TB) (d *ns.Driver, dir string) {
	tb.Helper()
	dir = filepath.Join(tb.TempDir(), "cages")
	d, err := ns.Open(ns.Config{Dir: dir, Clock: clock.System{}, Log: slog.New(slog.NewTextHandler(tb.Output(), nil))})
	if err != nil {
		tb.Fatalf("sandboxtest: %v", err)
	}
	tb.Cleanup(func() {
		if err := d.Close(context.WithoutCancel(tb.Context())); err != nil {
			tb.Errorf("sandboxtest: %v", err)
		}
	})
	if _, err := d.Probe(tb.Context()); sandbox.CauseOf(err) == sandbox.Refused && os.Getenv("COFOUNDER_TEST_NO_CAGE") == "1" {
		tb.Skipf("sandboxtest: %v", err)
	} else if err != nil {
		tb.Fatalf("sandboxtest: this machine cannot build cages (COFOUNDER_TEST_NO_CAGE=1 skips these tests): %v", err)
	}
	return d, dir
}

// Create returns a cage of d that ends with the test.
func Create(tb testing.TB, d sandbox.Driver, spec sandbox.Spec) sandbox.Cage {
	tb.Helper()
	c, err := d.Create(tb.Context(), spec)
	if err != nil {
		tb.Fatalf("sandboxtest: %v", err)
	}
	tb.Cleanup(func() {
		if err := c.Destroy(context.WithoutCancel(tb.Context())); err != nil {
			tb.Errorf("sandboxtest: %v", err)
		}
	})
	return c
}

//go:build !linux

package private_test

import "testing"

func mountSmall(t *testing.T, _ string) {
	t.Helper()
	t.Skip("only Linux mounts a small disk so easily")
}

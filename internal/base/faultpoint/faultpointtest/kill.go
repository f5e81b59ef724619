// Package faultpointtest kills copies of a test's own program at a fault point. Such a
// test is built with the tag fault; what its victim does is the same test function,
// called again in a process of its own.
package faultpointtest

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// what names the environment variable that tells a victim what it is to work on.
const what = "FAULT_VICTIM"

// Victim returns what the process is to work on if it is a victim. A test asks this
// before all else, works, and returns if it is not killed.
func Victim() (string, bool) { return os.LookupEnv(what) }

// Kill runs the top-level test of t in a process of its own, as a victim that works on
// something, and returns once it was killed when it first passed the point. A victim
// that ends in any other way fails t.
func Kill(t *testing.T, point, on string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(t.Name(), "/")
	victim := exec.CommandContext(context.WithoutCancel(t.Context()), self, "-test.run=^"+name+"$", "-test.v") //nolint:gosec // this program
	victim.Env = append(os.Environ(), "FAULT="+point+":1", what+"="+on)
	said, err := victim.CombinedOutput()
	status, ok := victim.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the victim was not killed at %s: %v\n%s", point, err, said)
	}
}

package ci

import (
	"os/exec"
	"strings"
	"testing"
)

// TestTreeIsPlaced fails when a file of ours is in a place the selector does not
// know: nothing would go unbuilt, but each change to it would cost a full run.
func TestTreeIsPlaced(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "git", "-c", "safe.directory=*", "ls-files", "-z", "--full-name", ":/").Output()
	if err != nil {
		t.Fatalf("list the files of this clone: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if areaOf(name) == unknown {
			t.Errorf("%q is in no area: add it to areaOf in infra/ci/select.go", name)
		}
	}
}

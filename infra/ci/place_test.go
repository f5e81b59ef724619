package ci

import (
	"os"
	"os/exec"
	"regexp"
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

// TestTemplVersions: the generator in tools must be the one whose runtime we link.
func TestTemplVersions(t *testing.T) {
	t.Parallel()
	templ := regexp.MustCompile(`github\.com/a-h/templ (v\S+)`)
	var versions []string
	for _, file := range []string{"../../go.mod", "../../tools/go.mod"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := templ.FindSubmatch(text)
		if m == nil {
			t.Fatalf("%s does not require templ", file)
		}
		versions = append(versions, string(m[1]))
	}
	if versions[0] != versions[1] {
		t.Errorf("go.mod has templ %s, tools/go.mod %s", versions[0], versions[1])
	}
}

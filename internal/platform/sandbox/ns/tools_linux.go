package ns

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"cofounder/internal/platform/sandbox"
)

// system is where a distribution keeps its programs. It is shown to every cage as it
// is; a tool that lives elsewhere is shown by itself.
const system = "/usr"

// tool is a program of the host that cages offer.
type tool struct {
	sandbox.Tool
	root string // the folder to show inside, at the same path; empty when it is in system
	bin  string // the folder for PATH
}

// kind says how to find a tool.
type kind struct {
	name    string
	command string
	version []string // arguments that print the version
	// root are arguments that print the folder the tool lives in, since what is in PATH
	// may be a stand-in that finds the real one; nil when the program's own place says it.
	root []string
	do   string // how to get it
}

func kinds() []kind {
	return []kind{
		{"sh", "sh", []string{"-c", "echo POSIX"}, nil, "install a shell: apt-get install dash"},
		{"coreutils", "ls", []string{"--version"}, nil, "install them: apt-get install coreutils"},
		{"git", "git", []string{"--version"}, nil, "install it: apt-get install git"},
		{"go", "go", []string{"env", "GOVERSION"}, []string{"env", "GOROOT"}, "get it from https://go.dev/dl/; apps made with Go cannot be built without"},
		{"node", "node", []string{"--version"}, []string{"-p", "require('path').dirname(require('path').dirname(process.execPath))"}, "install it: apt-get install nodejs npm; apps made with Node.js cannot be built without"},
		{"python", "python3", []string{"--version"}, []string{"-I", "-c", "import sys; print(sys.base_prefix)"}, "install it: apt-get install python3; apps made with Python cannot be built without"},
	}
}

// askLimit is how long a tool may take to say what it is.
const askLimit = 10 * time.Second

// findTools looks for all of them.
func findTools(ctx context.Context) []tool {
	all := kinds()
	found := make([]tool, len(all))
	var wait sync.WaitGroup
	for i, k := range all {
		wait.Go(func() { found[i] = k.find(ctx) })
	}
	wait.Wait()
	return found
}

// find asks the host's tool where it lives. What it answers is believed as far as the
// file is there.
func (k kind) find(ctx context.Context) tool {
	missing := tool{Tool: sandbox.Tool{Name: k.name, Do: k.do}}
	path, err := exec.LookPath(k.command)
	if err != nil {
		return missing
	}
	version := ask(ctx, path, k.version)
	actual, err := filepath.EvalSymlinks(path)
	if err != nil || version == "" {
		return missing
	}
	root := ""
	if k.root != nil {
		root = ask(ctx, path, k.root)
		actual = filepath.Join(root, "bin", k.command)
	}
	if found, err := os.Stat(actual); err != nil || found.IsDir() {
		return missing
	}
	t := tool{Tool: sandbox.Tool{Name: k.name, Version: version, Path: actual}, bin: filepath.Dir(actual)}
	switch {
	case within(actual, system), within(actual, "/bin"):
	case root != "" && filepath.Clean(root) != "/" && filepath.IsAbs(root):
		t.root = filepath.Clean(root)
	default:
		return missing
	}
	return t
}

// ask returns the first line of what a tool prints.
func ask(ctx context.Context, path string, args []string) string {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // the host's own tool
	cmd.Dir = "/"
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return first
}

func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// searchPath is PATH inside.
func searchPath(tools []tool) string {
	dirs := []string{}
	for _, t := range tools {
		if t.bin != "" && t.bin != "/usr/bin" && t.bin != "/bin" {
			dirs = append(dirs, t.bin)
		}
	}
	return strings.Join(append(dirs, "/usr/local/bin", "/usr/bin", "/bin"), ":")
}

package egress

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Registry is what a package client fetches from on this machine.
type Registry struct {
	Client string   // "go", "npm", "pip"
	Hosts  []string // for Config.Hosts
	Env    []string // makes the client in a cage use the same
	Note   string   // why something is left out; empty when nothing is
}

// askLimit is how long a package client may take to say its configuration.
const askLimit = 20 * time.Second

// Discover asks the package clients of this machine what they are configured to fetch
// from. One that is not installed is left out.
func Discover(ctx context.Context) []Registry {
	ask := []func(context.Context) (Registry, bool){goRegistry, npmRegistry, pipRegistry}
	found, known := make([]Registry, len(ask)), make([]bool, len(ask))
	var wait sync.WaitGroup
	for i, a := range ask {
		wait.Go(func() { found[i], known[i] = a(ctx) })
	}
	wait.Wait()
	var all []Registry
	for i, r := range found {
		if known[i] {
			all = append(all, r)
		}
	}
	return all
}

// output runs a package client and returns its lines.
func output(ctx context.Context, name string, args ...string) ([]string, bool) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // this machine's own client
	cmd.Dir = "/"
	out, err := cmd.Output()
	if err != nil {
		return nil, false
	}
	return strings.Split(strings.TrimRight(string(out), "\n"), "\n"), true
}

// goRegistry reads GOPROXY and GOSUMDB (go help goproxy).
func goRegistry(ctx context.Context) (Registry, bool) {
	lines, ok := output(ctx, "go", "env", "GOPROXY", "GOSUMDB")
	if !ok || len(lines) != 2 {
		return Registry{}, false
	}
	return goFrom(lines[0], lines[1]), true
}

func goFrom(proxies, sums string) Registry {
	r := Registry{Client: "go"}
	var kept []string
	for _, p := range strings.FieldsFunc(proxies, func(c rune) bool { return c == ',' || c == '|' }) {
		switch p {
		case "direct", "off": // no version control from inside
		default:
			if r.use(p) {
				kept = append(kept, p)
			}
		}
	}
	if len(kept) == 0 {
		kept = []string{"off"}
	}
	r.Env = append(r.Env, "GOPROXY="+strings.Join(kept, ","), "GOSUMDB="+sums)
	// The database of sums: off, a name, or a name with a key and an address.
	fields := strings.Fields(sums)
	switch {
	case sums == "off" || len(fields) == 0:
	case len(fields) > 1:
		r.use(fields[1])
	default:
		name, _, _ := strings.Cut(fields[0], "+")
		r.use("https://" + name)
	}
	return r
}

func npmRegistry(ctx context.Context) (Registry, bool) {
	lines, ok := output(ctx, "npm", "config", "get", "registry")
	if !ok || len(lines) != 1 {
		return Registry{}, false
	}
	return npmFrom(lines[0]), true
}

func npmFrom(address string) Registry {
	r := Registry{Client: "npm"}
	if r.use(address) {
		r.Env = []string{"npm_config_registry=" + address, "npm_config_offline=false"}
	}
	return r
}

// askPip prints the index that is set or else pip's own, and where that one keeps its
// files.
const askPip = `
import subprocess, sys
def setting(key):
    got = subprocess.run([sys.executable, "-m", "pip", "config", "get", key], capture_output=True, text=True)
    return got.stdout.strip() if got.returncode == 0 else ""
from pip._internal.models.index import PyPI
index = setting("global.index-url") or setting("install.index-url")
print(index or PyPI.simple_url)
print(PyPI.file_storage_domain if not index or PyPI.netloc in index else "")
`

func pipRegistry(ctx context.Context) (Registry, bool) {
	lines, ok := output(ctx, "python3", "-c", askPip)
	if !ok || len(lines) != 2 {
		return Registry{}, false
	}
	return pipFrom(lines[0], lines[1]), true
}

func pipFrom(index, files string) Registry {
	r := Registry{Client: "pip"}
	if r.use(index) {
		r.Env = []string{"PIP_INDEX_URL=" + index, "PIP_NO_INDEX=0"}
		if files != "" {
			r.use("https://" + files)
		}
	}
	return r
}

// use puts an address on the list, if it may be there.
func (r *Registry) use(address string) bool {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "":
		r.Note = fmt.Sprintf("%s is configured with an address that cannot be read", r.Client)
	case u.User != nil:
		r.Note = fmt.Sprintf("%s is configured with a password in its address, and secrets never enter a cage", r.Client)
	case u.Scheme != "https":
		r.Note = fmt.Sprintf("%s is configured with %s, and only https leaves a cage", r.Client, u.Hostname())
	default:
		port := u.Port()
		if port == "" {
			port = "443"
		}
		r.Hosts = append(r.Hosts, strings.ToLower(u.Hostname())+":"+port)
		return true
	}
	return false
}

package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestKillDuringWrites kills the real program ten times with SIGKILL while eight
// clients write, every other time its private database too. Every write that was
// acknowledged is there afterwards, and a write repeated with its key is not done
// twice.
func TestKillDuringWrites(t *testing.T) {
	t.Parallel()
	in := install(t)
	key := in.firstKey(t)
	var acknowledged []string
	var longest time.Duration
	for round := range 10 {
		began := time.Now()
		server := in.start(t)
		longest = max(longest, time.Since(began))
		acknowledged = append(acknowledged, in.writeUntilKilled(t, server, key, round)...)
		if round%2 == 1 {
			in.killDatabase(t)
		}
	}
	server := in.start(t)
	present := in.projects(t, server, key)
	for _, name := range acknowledged {
		if n := present[name]; n != 1 {
			t.Errorf("project %s was acknowledged and is there %d times", name, n)
		}
	}
	if len(acknowledged) < 50 {
		t.Errorf("only %d writes were acknowledged: the test shows little", len(acknowledged))
	}
	t.Logf("%d writes acknowledged over 10 kills; longest restart %s (target < 3s)", len(acknowledged), longest.Round(time.Millisecond))
}

// installation is the product as an operator has it: a program and a data folder.
type installation struct {
	binary, data string
	environ      []string
}

// install builds the program and gives it an empty data folder. Its database is
// stopped at the end.
func install(t *testing.T) *installation {
	t.Helper()
	folder := t.TempDir()
	// PostgreSQL runs as a user of its own, who must get through.
	if err := os.Chmod(filepath.Dir(folder), 0o711); err != nil {
		t.Fatal(err)
	}
	in := &installation{binary: filepath.Join(folder, "cofounder"), data: filepath.Join(folder, "data")}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", in.binary, "cofounder/cmd/cofounder")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	in.environ = append(os.Environ(), "COFOUNDER_DATA="+in.data, "COFOUNDER_ADDR=localhost:0", "COFOUNDER_LOG=json", "COFOUNDER_WARM=false", "DATABASE_URL=")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		if out, err := in.command(ctx, "db", "stop").CombinedOutput(); err != nil {
			t.Errorf("stop the database: %v\n%s", err, out)
		}
	})
	return in
}

func (in *installation) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, in.binary, args...)
	cmd.Env = in.environ
	return cmd
}

// served is a running process of an installation.
type served struct {
	cmd  *exec.Cmd
	base string
	link string // the start link it printed, the first time
}

var (
	addressPattern   = regexp.MustCompile(` at (http://\S+)$`)
	startLinkPattern = regexp.MustCompile(`http://\S+/start/\S+`)
)

// start runs serve and returns when it has said all of how to get in. The process
// is killed at the end of the test, if not before.
func (in *installation) start(t *testing.T) *served {
	t.Helper()
	cmd := in.command(context.WithoutCancel(t.Context()), "serve")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) //nolint:errcheck // it may have ended
	s := &served{cmd: cmd}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if found := addressPattern.FindStringSubmatch(lines.Text()); found != nil {
			s.base = found[1]
		}
		if link := startLinkPattern.FindString(lines.Text()); link != "" {
			s.link = link
		}
		if strings.HasPrefix(lines.Text(), "Ctrl-C stops me.") {
			go io.Copy(io.Discard, out) //nolint:errcheck // ends with the process
			return s
		}
	}
	_ = cmd.Wait() //nolint:errcheck // its log says more
	t.Fatalf("serve ended without saying how to get in:\n%s", log.String())
	return nil
}

// kill ends the process with SIGKILL and waits for it.
func (s *served) kill(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait() //nolint:errcheck // it was killed
}

// firstKey signs in as the first account and makes an access key.
func (in *installation) firstKey(t *testing.T) string {
	t.Helper()
	server := in.start(t)
	defer server.kill(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.link, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if len(res.Cookies()) == 0 {
		t.Fatalf("the start link gave no session: %s", res.Status)
	}
	req, err = http.NewRequestWithContext(t.Context(), http.MethodPost, server.base+"/api/v1/tokens", strings.NewReader(`{"name":"kill","scope":"write"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.AddCookie(res.Cookies()[0])
	made, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer made.Body.Close()
	var answer struct{ Secret string }
	if err := json.NewDecoder(made.Body).Decode(&answer); err != nil || answer.Secret == "" {
		t.Fatalf("make a key: %s: %v", made.Status, err)
	}
	return answer.Secret
}

// writeUntilKilled lets eight clients make projects, kills the server once
// twenty were acknowledged, and returns the names that were.
func (in *installation) writeUntilKilled(t *testing.T, server *served, key string, round int) []string {
	t.Helper()
	names := make(chan string)
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			for n := range 10_000 {
				name := fmt.Sprintf("r%d-c%d-n%d", round, c, n)
				if !create(t.Context(), server.base, key, name) {
					return
				}
				names <- name
			}
		})
	}
	go func() {
		clients.Wait()
		close(names)
	}()
	var acknowledged []string
	for name := range names {
		acknowledged = append(acknowledged, name)
		if len(acknowledged) == 20 {
			server.kill(t)
		}
	}
	return acknowledged
}

// create makes a project and reports whether that was acknowledged.
func create(ctx context.Context, base, key, name string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/api/v1/projects", strings.NewReader(`{"name":"`+name+`","idea":"An idea to keep."}`))
	if err != nil {
		return false
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", name)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusCreated
}

// projects counts the projects by name.
func (in *installation) projects(t *testing.T, server *served, key string) map[string]int {
	t.Helper()
	present, next := map[string]int{}, ""
	for {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.base+"/api/v1/projects?limit=100&cursor="+next, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var list struct {
			Items []struct{ Name string }
			Next  string
		}
		err = json.NewDecoder(res.Body).Decode(&list)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("list projects: %s: %v", res.Status, err)
		}
		for _, i := range list.Items {
			present[i.Name]++
		}
		if next = list.Next; next == "" {
			return present
		}
	}
}

// killDatabase ends the private PostgreSQL with SIGKILL, as a power cut would.
func (in *installation) killDatabase(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(in.data, "pg", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.txt")
	if err := os.WriteFile(bad, []byte("turn\nshout hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		args     []string
		code     int
		out, err string
	}{
		{"help has examples", []string{"--help"}, exitOK, "fakellm --fail overloaded --times 2", ""},
		{"failures", []string{"--failures"}, exitOK, "stall_pings", ""},
		{"no such flag", []string{"--port", "1"}, exitUsage, "", "--port"},
		{"no such failure", []string{"--fail", "gloriously"}, exitUsage, "", "gloriously"},
		{"no such script", []string{"--script", filepath.Join(dir, "none.txt")}, exitUsage, "", "none.txt"},
		{"a wrong script", []string{"--script", bad}, exitUsage, "", "line 2: shout"},
		{"an address that cannot be", []string{"--addr", "nowhere:x"}, exitFailed, "", "listen"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out, errs strings.Builder
			if code := run(t.Context(), c.args, &out, &errs); code != c.code || !strings.Contains(out.String(), c.out) || !strings.Contains(errs.String(), c.err) {
				t.Errorf("exit %d, want %d\nout: %s\nerr: %s", code, c.code, out.String(), errs.String())
			}
		})
	}
}

// TestServe fails once, follows a script, makes up the rest, and ends when told to.
func TestServe(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "talk.txt")
	if err := os.WriteFile(script, []byte("turn\nsay Hello, founder."), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"--addr", "127.0.0.1:0", "--script", script, "--fail", "overloaded", "--times", "1"}, in, in)
		_ = in.Close() //nolint:errcheck // a pipe
	}()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("no line")
	}
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(lines.Text())
	if url == "" {
		t.Fatalf("no address: %s", lines.Text())
	}
	for i, want := range []struct {
		status int
		text   string
	}{{200, "Hello, founder."}, {529, "Overloaded"}, {200, "You said: Hi."}} {
		answered := make(chan string, 1)
		go func() {
			status, body := post(t, url)
			if status != want.status || !strings.Contains(body, want.text) {
				t.Errorf("answer %d: %d %s, want %d %s", i+1, status, body, want.status, want.text)
			}
			answered <- body
		}()
		if !lines.Scan() || !strings.Contains(lines.Text(), "POST /v1/messages  claude-haiku-5-5, 1 turns") {
			t.Errorf("line %q", lines.Text())
		}
		<-answered
	}
	cancel()
	for lines.Scan() {
		t.Errorf("another line: %s", lines.Text())
	}
	if code := <-ended; code != exitOK {
		t.Errorf("exit %d", code)
	}
}

func post(t *testing.T, url string) (int, string) {
	t.Helper()
	body := strings.NewReader(`{"model":"claude-haiku-5-5","max_tokens":100,"messages":[{"role":"user","content":"Hi."}]}`)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/messages", body)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	r.Header.Set("X-Api-Key", "x")
	r.Header.Set("Anthropic-Version", "2023-06-01")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return res.StatusCode, string(raw)
}

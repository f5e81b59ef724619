package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	sandboxtest.Init()
	dbtest.Main(m)
}

func TestRun(t *testing.T) {
	t.Parallel()
	settings := filepath.Join(t.TempDir(), "settings")
	if err := os.WriteFile(settings, []byte("COFOUNDER_SIGNUP=perhaps\nCOFOUNDER_ROLE=web\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		args    []string
		environ []string
		code    int
		out     []string // parts of standard output
		err     []string // parts of standard error
	}{
		"help":             {args: []string{"--help"}, out: []string{"Usage: cofounder", "db restore", "doctor"}},
		"help of a part":   {args: []string{"db", "restore", "--help"}, out: []string{"--force"}},
		"version":          {args: []string{"version"}, out: []string{"cofounder dev"}},
		"unknown command":  {args: []string{"frobnicate"}, code: exitUsage, err: []string{"frobnicate", "Try: cofounder --help"}},
		"unknown flag":     {args: []string{"serve", "--prot", "80"}, code: exitUsage, err: []string{"--prot"}},
		"missing argument": {args: []string{"db", "backup"}, code: exitUsage, err: []string{"<file>"}},
		"every wrong setting at once": {
			args: []string{"serve"}, environ: []string{"COFOUNDER_ADDR=nowhere", "COFOUNDER_DRAIN=soon", "STRIPE_SECRET_KEY=sk_test_1234567890"},
			code: exitConfig, err: []string{"COFOUNDER_ADDR", "COFOUNDER_DRAIN", "STRIPE_PRICE_PARTNER_YEAR"},
		},
		"a file of settings": {
			args: []string{"--config", settings, "doctor"}, code: exitConfig,
			err: []string{"COFOUNDER_SIGNUP", "COFOUNDER_ROLE", "COFOUNDER_ROLES"},
		},
		"the environment wins over the file": {
			args: []string{"--config", settings, "doctor"}, environ: []string{"COFOUNDER_SIGNUP=open"}, code: exitConfig,
			err: []string{"COFOUNDER_ROLE"},
		},
		"roles of serve": {args: []string{"serve", "--roles", "wbe"}, code: exitConfig, err: []string{"COFOUNDER_ROLES"}},
		"doctor before the first start": {
			args: []string{"doctor"}, out: []string{"COFOUNDER_ADDR", "none in", "serve makes it", "Take pictures"},
		},
		"doctor with an address that cannot work": {
			args: []string{"doctor"}, environ: []string{"COFOUNDER_URL=http://192.168.1.5:8080"}, code: exitFailed,
			out: []string{"PROBLEM  public address", "COFOUNDER_URL=https://"}, err: []string{"needs attention"},
		},
		"no database yet":       {args: []string{"db", "status"}, out: []string{"There is no database in"}},
		"nothing to stop":       {args: []string{"db", "stop"}, out: []string{"was not running"}},
		"restore from nowhere":  {args: []string{"db", "restore", "/nonexistent/file"}, code: exitFailed, err: []string{"no such file"}},
		"no private database":   {args: []string{"db", "backup", "x"}, environ: given("postgres://127.0.0.1:1/x"), code: exitFailed, err: []string{"DATABASE_URL is set"}},
		"unreachable database":  {args: []string{"migrate"}, environ: given("postgres://127.0.0.1:1/x"), code: exitFailed, err: []string{"127.0.0.1"}},
		"the secret is missing": {args: []string{"migrate"}, environ: []string{"DATABASE_URL=postgres://127.0.0.1:1/x"}, code: exitConfig, err: []string{"COFOUNDER_SECRET"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs strings.Builder
			environ := append([]string{"COFOUNDER_DATA=" + filepath.Join(t.TempDir(), "data"), "PATH=" + os.Getenv("PATH")}, c.environ...)
			if got := run(c.args, environ, &out, &errs); got != c.code {
				t.Errorf("exit code %d, want %d\n%s%s", got, c.code, out.String(), errs.String())
			}
			for _, part := range c.out {
				if !strings.Contains(out.String(), part) {
					t.Errorf("output lacks %q:\n%s", part, out.String())
				}
			}
			for _, part := range c.err {
				if !strings.Contains(errs.String(), part) {
					t.Errorf("errors lack %q:\n%s", part, errs.String())
				}
			}
		})
	}
}

// given is the environment of an installation with a database of its own.
func given(url string) []string {
	return []string{"DATABASE_URL=" + url, "COFOUNDER_SECRET=for-tests-only-0123456789abcdef-0123"}
}

func TestUserReset(t *testing.T) {
	t.Parallel()
	environ := append(given(dbtest.URL(t)), "COFOUNDER_DATA="+t.TempDir(), "COFOUNDER_URL=https://cofounder.example.com")
	var out, errs strings.Builder
	if code := run([]string{"user", "reset"}, environ, &out, &errs); code != exitOK {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	if !strings.Contains(out.String(), "https://cofounder.example.com/start/") {
		t.Errorf("there is no link in %q", out.String())
	}
	if code := run([]string{"user", "reset", "nobody@example.com"}, environ, &out, &errs); code != exitFailed {
		t.Errorf("a link for somebody unknown: exit code %d", code)
	}
}

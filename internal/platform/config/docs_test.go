package config

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files anew")

const docs = "../../../docs/CONFIG.md"

// TestDocs holds docs/CONFIG.md to the struct tags.
func TestDocs(t *testing.T) {
	t.Parallel()
	got := reference()
	if *update {
		if err := os.WriteFile(docs, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("docs/CONFIG.md is behind the struct tags; go test -update writes it (-file +tags):\n%s", diff)
	}
}

// reference writes the page for operators.
func reference() string {
	var b strings.Builder
	b.WriteString(`# Settings

cofounder reads its settings from the environment. The same keys may stand in a file, one KEY=VALUE a line, named with
` + "`--config FILE` or `COFOUNDER_CONFIG`" + `; the environment wins over the file. In the file, lines that begin with # are comments, values may
be quoted ('as it is' or "with \" \\ \n \t"), and nothing is expanded.

Everything wrong is reported at once when the program starts, by key. A COFOUNDER_ key that is not listed here is an error, and so is one that
is set but empty. ` + "`cofounder doctor`" + ` shows the settings in force and where each came from; secrets read [redacted].

This page is written from the code (internal/platform/config).
`)
	for _, s := range settings() {
		if s.title != "" && !strings.Contains(b.String(), "\n## "+s.title+"\n") {
			fmt.Fprintf(&b, "\n## %s\n\n| Key | Default | Meaning |\n|---|---|---|\n", s.title)
		}
		standard := s.unset
		if s.standard != "" {
			standard = "`" + s.standard + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.key, standard, strings.ReplaceAll(s.says, "|", `\|`))
	}
	return b.String()
}

// TestTags keeps every setting documented and findable by its field's name.
func TestTags(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range settings() {
		if s.key == "" || s.says == "" || (s.standard == "") == (s.unset == "") {
			t.Errorf("%s (%s) needs env, says and either envDefault or unset", s.field, s.key)
		}
		if seen[s.field] || seen[s.key] {
			t.Errorf("%s (%s) is there twice", s.field, s.key)
		}
		seen[s.field], seen[s.key] = true, true
	}
	if len(seen) < 40 {
		t.Errorf("only %d settings found", len(seen)/2)
	}
}

func TestDataDir(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		l    loader
		want string
	}{
		{"root", loader{root: true, goos: "linux", environ: map[string]string{"HOME": "/root"}}, "/var/lib/cofounder"},
		{"macos", loader{goos: "darwin", environ: map[string]string{"HOME": "/Users/ann"}}, "/Users/ann/Library/Application Support/cofounder"},
		{"linux", loader{goos: "linux", environ: map[string]string{"HOME": "/home/ann"}}, "/home/ann/.local/share/cofounder"},
		{"xdg", loader{goos: "linux", environ: map[string]string{"HOME": "/home/ann", "XDG_DATA_HOME": "/data"}}, "/data/cofounder"},
		{"relative xdg is ignored", loader{goos: "linux", environ: map[string]string{"HOME": "/home/ann", "XDG_DATA_HOME": "data"}}, "/home/ann/.local/share/cofounder"},
		{"homeless", loader{goos: "linux"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := c.l.dataDir(); got != c.want {
				t.Errorf("dataDir = %q, want %q", got, c.want)
			}
		})
	}
}

func TestDefaultURL(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"localhost:8080":   "http://localhost:8080",
		":8080":            "http://localhost:8080",
		"0.0.0.0:80":       "http://localhost",
		"[::]:9000":        "http://localhost:9000",
		"[::1]:80":         "http://[::1]",
		"127.0.0.1:8080":   "http://127.0.0.1:8080",
		"192.168.1.5:8080": "http://192.168.1.5:8080",
	} {
		if got := defaultURL(addr); got != want {
			t.Errorf("defaultURL(%q) = %q, want %q", addr, got, want)
		}
	}
}

func FuzzParseFile(f *testing.F) {
	for _, s := range []string{"A=b", "A=\"b\\n\" # c", "A='b", "export A = b", "\ufeffA=b\r\n#\n", "A=\"\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pairs, bad := parseFile(text)
		if lines := strings.Count(text, "\n") + 1; len(pairs)+len(bad) > lines {
			t.Errorf("%d answers from %d lines", len(pairs)+len(bad), lines)
		}
		for _, p := range pairs {
			if p.key == "" || strings.ContainsFunc(p.key, notKey) || strings.ContainsRune(p.value, 0) {
				t.Errorf("read %+v", p)
			}
			quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(p.value) + `"`
			if strings.ContainsAny(quoted, "\r") {
				continue // a bare carriage return at a line's end cannot be written in quotes
			}
			again, bad := parseFile(p.key + "=" + quoted)
			if len(bad) > 0 || len(again) != 1 || again[0].value != p.value {
				t.Errorf("%q written as %s reads back as %+v, %+v", p.value, quoted, again, bad)
			}
		}
	})
}

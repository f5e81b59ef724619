package importtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTree(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatalf("the module's root is not two folders up: %v", err)
	}
	tree, err := read(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(tree) < 5 {
		t.Fatalf("found %d Go files: the walk went somewhere else", len(tree))
	}
	for _, wrong := range judge(tree) {
		t.Error(wrong)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		use  use
		want string // a part of the complaint; empty for none
	}{
		{"down a floor", use{from: "internal/product/account", to: "cofounder/internal/platform/db"}, ""},
		{"down two floors", use{from: "internal/surface/api", to: "cofounder/internal/base/fault"}, ""},
		{"up a floor", use{from: "internal/platform/db", to: "cofounder/internal/product/account"}, "points up"},
		{"up in a test", use{from: "internal/product/account", to: "cofounder/internal/app", test: true}, "points up"},
		{"base to the standard library", use{from: "internal/base/id", to: "crypto/rand"}, ""},
		{"base to a module", use{from: "internal/base/id", to: "github.com/google/uuid"}, "standard library only"},
		{"base to a module in a test", use{from: "internal/base/id", to: "pgregory.net/rapid", test: true}, ""},
		{"base sideways", use{from: "internal/base/id", to: "cofounder/internal/base/clock"}, "lower ranks only"},
		{"migrations on base", use{from: "migrations", to: "cofounder/internal/base/fault"}, ""},
		{"migrations to a module", use{from: "migrations", to: "github.com/pressly/goose/v3"}, "standard library only"},

		{"platform to what it knows", use{from: "internal/platform/flow", to: "cofounder/internal/platform/event"}, ""},
		{"platform to what it does not know", use{from: "internal/platform/mail", to: "cofounder/internal/platform/event"}, "may know only"},
		{"config knows nobody", use{from: "internal/platform/config", to: "cofounder/internal/platform/db"}, "may know only []"},
		{"browser in its cage", use{from: "internal/platform/browser", to: "cofounder/internal/platform/sandbox"}, ""},
		{"cage to browser", use{from: "internal/platform/sandbox", to: "cofounder/internal/platform/browser"}, "may know only"},

		{"product to a lower rank", use{from: "internal/product/build", to: "cofounder/internal/product/meter"}, ""},
		{"product to a higher rank", use{from: "internal/product/project", to: "cofounder/internal/product/meter"}, "lower ranks only"},
		{"product to its own rank", use{from: "internal/product/journey", to: "cofounder/internal/product/document"}, "lower ranks only"},
		{"to a sub-package of its own", use{from: "internal/product/billing", to: "cofounder/internal/product/billing/stripe"}, ""},
		{"from a sub-package to its parent", use{from: "internal/platform/db/dbtest", to: "cofounder/internal/platform/db"}, ""},
		{"a sub-package stands where its parent does", use{from: "internal/product/build/tools", to: "cofounder/internal/product/billing"}, "lower ranks only"},

		{"surface to httpd", use{from: "internal/surface/web", to: "cofounder/internal/surface/httpd"}, ""},
		{"surface sideways", use{from: "internal/surface/web", to: "cofounder/internal/surface/api"}, "lower ranks only"},
		{"httpd to a surface", use{from: "internal/surface/httpd", to: "cofounder/internal/surface/web"}, "lower ranks only"},
		{"program to wiring", use{from: "cmd/cofounder", to: "cofounder/internal/app"}, ""},
		{"program to program", use{from: "e2e", to: "cofounder/bench"}, "lower ranks only"},
		{"the outside looks in", use{from: "infra/ci", to: "cofounder/internal/base/fault"}, "outside the house"},
		{"the house looks out", use{from: "bench", to: "cofounder/infra/ci"}, "outside the house"},

		{"meter to the model client", use{from: "internal/product/meter", to: "cofounder/internal/platform/llm/client"}, ""},
		{"build to the model client", use{from: "internal/product/build", to: "cofounder/internal/platform/llm/client"}, "only internal/product/meter and internal/app and bench may"},
		{"a program to the model client", use{from: "cmd/cofounder", to: "cofounder/internal/platform/llm/client"}, "only internal/product/meter and internal/app and bench may"},
		{"build to the model's types", use{from: "internal/product/build", to: "cofounder/internal/platform/llm"}, ""},
		{"db to the tables", use{from: "internal/platform/db", to: "cofounder/migrations"}, "only internal/app and internal/platform/db/dbtest may"},
		{"dbtest to the tables", use{from: "internal/platform/db/dbtest", to: "cofounder/migrations"}, ""},
		{"a test to the tables", use{from: "internal/product/account", to: "cofounder/migrations", test: true}, ""},

		{"a test to a test package", use{from: "internal/product/account", to: "cofounder/internal/platform/db/dbtest", test: true}, ""},
		{"production to a test package", use{from: "internal/product/account", to: "cofounder/internal/platform/db/dbtest"}, "are for tests"},
		{"measurements to a test package", use{from: "bench", to: "cofounder/internal/platform/db/dbtest"}, ""},
		{"the fake model to the scripted one", use{from: "cmd/fakellm", to: "cofounder/internal/platform/llm/llmtest"}, ""},

		{"unknown importer", use{from: "internal/product/loyalty", to: "fmt"}, "rank above all it imports (account 1, project 2"},
		{"unknown mechanism", use{from: "internal/product/build", to: "cofounder/internal/platform/cache"}, "in knows"},
		{"unknown surface", use{from: "internal/surface/mobile", to: "fmt"}, "rank 2"},
		{"unknown room", use{from: "internal/utils", to: "fmt"}, "or move it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := check(tt.use)
			if tt.want == "" && got != "" {
				t.Errorf("check(%v) = %q, want nothing", tt.use, got)
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("check(%v) = %q, want it to say %q", tt.use, got, tt.want)
			}
		})
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("\n", maxLines)
	tests := []struct {
		name  string
		files map[string]string
		want  []string // the first words of each complaint
	}{
		{"in order", map[string]string{
			"internal/base/fault/fault.go":      "// Package fault is.\npackage fault\nimport \"fmt\"\n",
			"internal/base/fault/fault_test.go": "package fault_test\nimport \"cofounder/internal/base/fault\"\n",
			"cmd/cofounder/main.go":             "// Command cofounder runs.\npackage main\n",
			"cmd/cofounder/testdata/x.go":       "package x\n",
			"tools/go.mod":                      "module cofounder/tools\n",
			"tools/tools.go":                    "package tools\n",
			".cache/left.go":                    "not go at all",
		}, nil},
		{"upward", map[string]string{
			"internal/base/fault/fault.go": "// Package fault is.\npackage fault\nimport _ \"cofounder/internal/app\"\n",
		}, []string{"internal/base/fault imports internal/app"}},
		{"no floor", map[string]string{
			"internal/helpers/h.go": "// Package helpers is.\npackage helpers\n",
		}, []string{"internal/helpers has no floor"}},
		{"no floor at the root", map[string]string{"main.go": "// Command x.\npackage main\n"}, []string{". has no floor", ". has no package"}},
		{"no comment", map[string]string{"internal/app/app.go": "package app\n"}, []string{"internal/app has no package"}},
		{"comment on something else", map[string]string{
			"internal/app/app.go": "// Copyright of ours.\npackage app\n",
		}, []string{"internal/app has no package"}},
		{"comment cut off by a blank line", map[string]string{
			"internal/app/app.go": "// Package app wires.\n\npackage app\n",
		}, []string{"internal/app has no package"}},
		{"tests alone may hold it", map[string]string{
			"e2e/start_test.go": "// Package e2e_test starts the whole program.\npackage e2e_test\n",
		}, nil},
		{"too long", map[string]string{
			"internal/app/app.go": "// Package app wires.\npackage app\n" + long,
		}, []string{"internal/app/app.go has 502 lines"}},
		{"long and generated", map[string]string{
			"internal/app/app.go": "// Code generated by templ - DO NOT EDIT.\n\n// Package app wires.\npackage app\n" + long,
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			for name, text := range tt.files {
				file := filepath.Join(root, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			tree, err := read(root)
			if err != nil {
				t.Fatal(err)
			}
			got := judge(tree)
			for i, complaint := range got {
				if i < len(tt.want) && strings.HasPrefix(complaint, tt.want[i]) {
					got[i] = tt.want[i]
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("judge (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFloors keeps the table itself in order.
func TestFloors(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range floors {
		if seen[r.path] {
			t.Errorf("%s stands twice in the table", r.path)
		}
		seen[r.path] = true
		for _, k := range r.knows {
			if to, ok := place(k); !ok || to.path != k || to.floor != platform || r.floor != platform {
				t.Errorf("%s knows %s, which is not a row of the platform floor", r.path, k)
			}
		}
	}
	for door, who := range doors {
		for _, dir := range append([]string{door}, who...) {
			if _, ok := place(dir); !ok {
				t.Errorf("the door %s names %s, which has no floor", door, dir)
			}
		}
	}
}

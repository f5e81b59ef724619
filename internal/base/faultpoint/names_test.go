package faultpoint_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cofounder/internal/base/faultpoint"

	"github.com/google/go-cmp/cmp"
)

var faultName = regexp.MustCompile(`^([a-z]+)\.[a-z_]+\.[a-z_]+$`)

// TestFaultPointsAreListed reads all fault points out of the source and compares them
// with faultpoint.Names, which measurements and tests go through: a new one cannot be
// forgotten there. Each is a constant string, used once, that begins with its package.
func TestFaultPointsAreListed(t *testing.T) {
	t.Parallel()
	var found []string
	root := filepath.Join("..", "..", "..")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != root:
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !isFaultPoint(call) {
				return true
			}
			name, err := faultPointName(call)
			if m := faultName.FindStringSubmatch(name); err != nil || m == nil || m[1] != file.Name.Name {
				t.Errorf("%s: a fault point is a constant string, package.thing.place: %q", path, name)
			}
			found = append(found, name)
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	if diff := cmp.Diff(faultpoint.Names(), found); diff != "" {
		t.Errorf("faultpoint.Names (-) and the source (+):\n%s", diff)
	}
}

// TestEveryPackageIsKilledAtItsFaultPoints finds, for each package with fault points, the
// test that goes through them. ./do test runs all tests that are built with the tag.
func TestEveryPackageIsKilledAtItsFaultPoints(t *testing.T) {
	t.Parallel()
	killed := map[string]bool{}
	root := filepath.Join("..", "..", "..")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != root:
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil || !bytes.HasPrefix(source, []byte("//go:build fault\n")) {
			return err
		}
		for _, m := range goesThrough.FindAllSubmatch(source, -1) {
			killed[string(m[1])] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range faultpoint.Names() {
		if pkg, _, _ := strings.Cut(name, "."); !killed[pkg] {
			t.Errorf("no test kills at %s: give package %s one that goes through faultpoint.Of(%q), built with the tag fault", name, pkg, pkg)
		}
	}
}

var goesThrough = regexp.MustCompile(`range faultpoint\.Of\("([a-z]+)"\)`)

func isFaultPoint(call *ast.CallExpr) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != "At" {
		return false
	}
	from, ok := f.X.(*ast.Ident)
	return ok && from.Name == "faultpoint"
}

func faultPointName(call *ast.CallExpr) (string, error) {
	literal, ok := call.Args[0].(*ast.BasicLit)
	if !ok {
		return "", strconv.ErrSyntax
	}
	return strconv.Unquote(literal.Value)
}

package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// document is the part of the served OpenAPI document that tests walk.
type document struct {
	Paths      map[string]map[string]*operation
	Components struct{ Schemas map[string]*schema }
}

type operation struct {
	OperationID string
	Summary     string
	Tags        []string
	Security    *[]map[string][]string
	Parameters  []struct {
		Name, In string
		Required bool
		Schema   *schema
	}
	RequestBody *struct {
		Required bool
		Content  map[string]struct{ Schema *schema }
	}
	Responses map[string]struct {
		Content map[string]struct{ Schema *schema }
	}

	method, path string
}

func readDocument(t *testing.T, text []byte) *document {
	t.Helper()
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	for path, methods := range d.Paths {
		for method, o := range methods {
			o.method, o.path = strings.ToUpper(method), path
		}
	}
	return &d
}

// operations returns all, sorted by path and method.
func (d *document) operations() []*operation {
	var all []*operation
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(d.Paths[path])) {
			all = append(all, d.Paths[path][method])
		}
	}
	return all
}

func (o *operation) String() string { return o.method + " " + o.path }

func (o *operation) writes() bool { return o.method != http.MethodGet }

// operators tells whether only whoever runs the installation gets an answer.
func (o *operation) operators() bool { return strings.HasPrefix(o.path, "/operator/") }

func (o *operation) public() bool { return o.Security != nil && len(*o.Security) == 0 }

// takesKeys tells whether an access key may do it.
func (o *operation) takesKeys() bool {
	return o.Security != nil && slices.ContainsFunc(*o.Security, func(s map[string][]string) bool { _, ok := s["access_key"]; return ok })
}

// pathParameters returns the names in the path.
func (o *operation) pathParameters() []string {
	var names []string
	for part := range strings.SplitSeq(o.path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

// at fills the path.
func (o *operation) at(ids map[string]string) string {
	path := o.path
	for name, value := range ids {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	return path
}

// body returns a valid body, or nil for an operation without one.
func (d *document) body(o *operation) any {
	if o.RequestBody == nil {
		return nil
	}
	return d.sample(o.RequestBody.Content["application/json"].Schema, "")
}

func TestGoldenDocument(t *testing.T) {
	t.Parallel()
	w := open(t)
	served := w.send(t, request{method: http.MethodGet, path: "/openapi.json"}).want(t, http.StatusOK)
	if got := served.header.Get("Content-Type"); got != "application/openapi+json" {
		t.Errorf("Content-Type = %q", got)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, served.body, "", "  "); err != nil {
		t.Fatal(err)
	}
	indented.WriteByte('\n')
	const golden = "openapi.json"
	if *update {
		if err := os.WriteFile(golden, indented.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), indented.String()); diff != "" {
		t.Errorf("the API has changed; if that is meant, run go test ./internal/surface/api -update (-want +got)\n%s", diff)
	}

	yaml := w.send(t, request{method: http.MethodGet, path: "/openapi.yaml"}).want(t, http.StatusOK)
	if !bytes.Contains(yaml.body, []byte("\nopenapi: 3.1.0\n")) {
		t.Errorf("the YAML copy begins %.80q", yaml.body)
	}
}

// What a reader of the document, or a generated client, relies on.
func TestDocumentIsComplete(t *testing.T) {
	t.Parallel()
	w := open(t)
	seen := map[string]bool{}
	for _, o := range w.doc.operations() {
		if o.Summary == "" || len(o.Tags) != 1 || o.OperationID == "" || seen[o.OperationID] {
			t.Errorf("%s: id %q, summary %q, tags %v", o, o.OperationID, o.Summary, o.Tags)
		}
		seen[o.OperationID] = true
		if o.Security == nil {
			t.Errorf("%s: does not say who may", o)
		}
		documented := map[string]string{}
		for _, p := range o.Parameters {
			documented[p.Name] = p.In
		}
		for _, name := range o.pathParameters() {
			if documented[name] != "path" {
				t.Errorf("%s: {%s} is not bound", o, name)
			}
		}
		if got := documented["Idempotency-Key"] == "header"; got != o.writes() {
			t.Errorf("%s: takes an Idempotency-Key: %v", o, got)
		}
		want := []string{"400", "422", "500", "503"}
		if !o.public() {
			want = append(want, "401", "403")
		}
		if len(o.pathParameters()) > 0 {
			want = append(want, "404")
		}
		if o.writes() {
			want = append(want, "409", "413", "415", "429")
		}
		for _, status := range want {
			if o.Responses[status].Content["application/problem+json"].Schema == nil {
				t.Errorf("%s: does not document %s", o, status)
			}
		}
	}
	for name, s := range w.doc.Components.Schemas {
		for property, of := range s.Properties {
			if of.is("array") && of.is("null") {
				t.Errorf("%s.%s is a list that may be null", name, property)
			}
		}
	}
	if len(seen) < 30 {
		t.Errorf("only %d operations found", len(seen))
	}
}

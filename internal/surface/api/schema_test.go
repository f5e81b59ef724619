package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

type schema struct {
	Ref                  string `json:"$ref"`
	Type                 any
	Format               string
	Enum                 []any
	Properties           map[string]*schema
	Required             []string
	Items                *schema
	AnyOf                []*schema
	AdditionalProperties any
	Minimum, Maximum     *float64
	MinLength, MaxLength *int
}

// sample makes a valid value. Names tell what no schema does.
func (d *document) sample(s *schema, name string) any {
	s = d.resolve(s)
	switch {
	case name == "stage": // back, which is always possible
		return "brief"
	case name == "sections": // what the proposal on a desk changes
		return []any{"problem"}
	case name == "base": // the version in force of the documents of a desk
		return 2
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.is("object"):
		object := map[string]any{}
		for property, of := range s.Properties {
			if property != "project" { // its own test: TestForeignIDInBody
				object[property] = d.sample(of, property)
			}
		}
		return object
	case s.is("array"):
		return []any{d.sample(s.Items, name)}
	case s.is("integer"), s.is("number"):
		return 1
	case s.is("boolean"):
		return true
	}
	switch name {
	case "place": // a whole version
		return ""
	case "language":
		return "de"
	case "content": // a file, in base64
		return "RG9ncw=="
	case "email":
		return "new.address@example.com"
	case "current_password":
		return password
	case "password":
		return "another " + password
	}
	return "Something"
}

func (d *document) resolve(s *schema) *schema {
	for s.Ref != "" {
		s = d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	return s
}

func (s *schema) is(kind string) bool {
	switch t := s.Type.(type) {
	case string:
		return t == kind
	case []any:
		return slices.Contains(t, any(kind))
	}
	return false
}

// match finds the operation a request met.
func (d *document) match(r request) *operation {
	path, _, _ := strings.Cut(r.path, "?")
	parts := strings.Split(path, "/")
	var found *operation
	for template, methods := range d.Paths {
		o, ok := methods[strings.ToLower(r.method)]
		want := strings.Split(template, "/")
		if !ok || len(want) != len(parts) {
			continue
		}
		fits := true
		for i := range want {
			fits = fits && (want[i] == parts[i] || strings.HasPrefix(want[i], "{"))
		}
		if fits && (found == nil || !strings.Contains(template, "{")) {
			found = o
		}
	}
	return found
}

// conforms checks that an answer is documented, and a good one against its schema.
func (d *document) conforms(t *testing.T, r request, a answer) {
	t.Helper()
	o := d.match(r)
	if o == nil {
		return
	}
	described, ok := o.Responses[strconv.Itoa(a.status)]
	if !ok {
		t.Errorf("%s: status %d is not documented: %s", o, a.status, a.body)
		return
	}
	if a.status >= http.StatusBadRequest || r.method == http.MethodHead {
		return
	}
	for media, want := range map[string]string{
		"text/csv": "text/csv; charset=utf-8", "text/event-stream": "text/event-stream",
		"text/markdown": "text/markdown; charset=utf-8", "application/pdf": "application/pdf",
		"application/octet-stream": "application/octet-stream",
	} {
		if described.Content[media].Schema == nil {
			continue
		}
		if got := a.header.Get("Content-Type"); got != want {
			t.Errorf("%s: Content-Type = %q, want %q", o, got, want)
		}
		return
	}
	content, ok := described.Content["application/json"]
	if !ok {
		if len(a.body) > 0 {
			t.Errorf("%s: body %s is not documented", o, a.body)
		}
		return
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("%s: Content-Type = %q", o, got)
	}
	var v any
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Errorf("%s: body %q: %v", o, a.body, err)
		return
	}
	for _, problem := range d.differs(content.Schema, v, "body") {
		t.Errorf("%s: %s", o, problem)
	}
}

// differs lists where v is not what s says.
func (d *document) differs(s *schema, v any, at string) []string {
	s = d.resolve(s)
	if s.Type == nil { // any value, or one of several
		var all []string
		for _, one := range s.AnyOf {
			found := d.differs(one, v, at)
			if len(found) == 0 {
				return nil
			}
			all = append(all, found...)
		}
		return all
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
		return []string{fmt.Sprintf("%s is %v, want one of %v", at, v, s.Enum)}
	}
	kind := map[bool]string{true: "integer", false: "number"}
	got := ""
	switch v := v.(type) {
	case nil:
		got = "null"
	case bool:
		got = "boolean"
	case float64:
		got = kind[v == float64(int64(v))]
	case string:
		got = "string"
		if s.Format == "date-time" {
			if _, err := time.Parse(time.RFC3339, v); err != nil || !strings.HasSuffix(v, "Z") {
				return []string{fmt.Sprintf("%s is %q, want RFC 3339 in UTC", at, v)}
			}
		}
	case []any:
		got = "array"
	case map[string]any:
		got = "object"
	}
	if !s.is(got) {
		return []string{fmt.Sprintf("%s is %s, want %v", at, got, s.Type)}
	}
	return d.differsInside(s, v, at)
}

func (d *document) differsInside(s *schema, v any, at string) []string {
	var all []string
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			all = append(all, d.differs(s.Items, item, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case map[string]any:
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				all = append(all, at+"."+name+" is missing")
			}
		}
		for name, value := range v {
			if of, ok := s.Properties[name]; ok {
				all = append(all, d.differs(of, value, at+"."+name)...)
			} else if s.AdditionalProperties == false {
				all = append(all, at+"."+name+" is not documented")
			}
		}
	}
	return all
}

package answer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// What grammar engines take, and a little less, because the ceilings are not
// published: every property required, no property beyond those named, no maps, no
// recursion, no list of types. A field that may be missing is a pointer, which
// becomes a union with null; unions and depth are what makes a grammar large.
// Lengths and ranges go into the description and into Validate.
const (
	mostNullable = 8
	mostDepth    = 5
)

// node is a JSON Schema in the order in which it is written.
type node struct {
	Title       string      `json:"title,omitempty"`
	Description string      `json:"description,omitempty"`
	Type        string      `json:"type,omitempty"`
	Format      string      `json:"format,omitempty"`
	Enum        []string    `json:"enum,omitempty"`
	Items       *node       `json:"items,omitempty"`
	AnyOf       []node      `json:"anyOf,omitempty"`
	Properties  *properties `json:"properties,omitempty"`
	Required    []string    `json:"required,omitempty"`
	Additional  *bool       `json:"additionalProperties,omitempty"`
}

// properties keeps the order of a struct's fields: models write them in it, so what
// is to be thought of first comes first.
type properties struct {
	names []string
	nodes []node
}

// MarshalJSON implements json.Marshaler.
func (p *properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range p.names {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, fmt.Errorf("property %s: %w", name, err)
		}
		value, err := json.Marshal(p.nodes[i])
		if err != nil {
			return nil, fmt.Errorf("property %s: %w", name, err)
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// schemaOf returns the schema of a struct type. Fields are described by tags:
//
//	Name  string   `json:"name" doc:"two or three words"`
//	Kind  string   `json:"kind" enum:"app,shop"`
//	Until *string  `json:"until" format:"date"`
func schemaOf(t reflect.Type, title string) ([]byte, error) {
	if t.Kind() != reflect.Struct {
		return nil, errors.New("an answer is a struct")
	}
	r := reflector{}
	n, err := r.object(t)
	if err != nil {
		return nil, err
	}
	if r.nullable > mostNullable {
		return nil, fmt.Errorf("%d fields may be null, at most %d", r.nullable, mostNullable)
	}
	n.Title = title
	raw, err := json.Marshal(n)
	if err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	return raw, nil
}

type reflector struct {
	nullable int
	within   []reflect.Type // the structs around
}

func (r *reflector) object(t reflect.Type) (node, error) {
	if slices.Contains(r.within, t) {
		return node{}, fmt.Errorf("%s contains itself", t)
	}
	if len(r.within) >= mostDepth {
		return node{}, fmt.Errorf("%s is more than %d levels deep", t, mostDepth)
	}
	r.within = append(r.within, t)
	defer func() { r.within = r.within[:len(r.within)-1] }()
	no := false
	n := node{Type: "object", Properties: &properties{}, Additional: &no}
	for f := range t.Fields() {
		if !f.IsExported() && !f.Anonymous {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" && options == "" {
			continue
		}
		if f.Anonymous || name == "" || options != "" {
			return node{}, fmt.Errorf("%s.%s: wants a json name and no options", t, f.Name)
		}
		field, err := r.field(f)
		if err != nil {
			return node{}, fmt.Errorf("%s.%s: %w", t, f.Name, err)
		}
		n.Properties.names = append(n.Properties.names, name)
		n.Properties.nodes = append(n.Properties.nodes, field)
		n.Required = append(n.Required, name)
	}
	if len(n.Required) == 0 {
		return node{}, fmt.Errorf("%s has no fields", t)
	}
	return n, nil
}

func (r *reflector) field(f reflect.StructField) (node, error) {
	n, err := r.value(f.Type)
	if err != nil {
		return node{}, err
	}
	inner := &n
	for len(inner.AnyOf) > 0 || inner.Items != nil { // tags are about the text itself
		if inner.Items != nil {
			inner = inner.Items
		} else {
			inner = &inner.AnyOf[0]
		}
	}
	if tag, ok := f.Tag.Lookup("enum"); ok {
		if inner.Type != "string" {
			return node{}, errors.New("enum of what is no text")
		}
		inner.Enum = strings.Split(tag, ",")
	}
	if tag, ok := f.Tag.Lookup("format"); ok {
		if inner.Type != "string" {
			return node{}, errors.New("format of what is no text")
		}
		inner.Format = tag
	}
	n.Description = f.Tag.Get("doc")
	return n, nil
}

func (r *reflector) value(t reflect.Type) (node, error) {
	if t == reflect.TypeFor[time.Time]() {
		return node{Type: "string", Format: "date-time"}, nil
	}
	switch k := t.Kind(); {
	case k == reflect.String:
		return node{Type: "string"}, nil
	case k == reflect.Bool:
		return node{Type: "boolean"}, nil
	case k >= reflect.Int && k <= reflect.Int64:
		return node{Type: "integer"}, nil
	case k == reflect.Float32 || k == reflect.Float64:
		return node{Type: "number"}, nil
	case k == reflect.Struct:
		return r.object(t)
	case k == reflect.Slice:
		return r.list(t)
	case k == reflect.Pointer:
		return r.union(t)
	}
	return node{}, fmt.Errorf("no schema for %s", t)
}

func (r *reflector) list(t reflect.Type) (node, error) {
	if t.Elem().Kind() == reflect.Uint8 || t.Elem().Kind() == reflect.Pointer {
		return node{}, fmt.Errorf("no schema for %s", t)
	}
	items, err := r.value(t.Elem())
	return node{Type: "array", Items: &items}, err
}

func (r *reflector) union(t reflect.Type) (node, error) {
	if t.Elem().Kind() == reflect.Pointer {
		return node{}, fmt.Errorf("no schema for %s", t)
	}
	r.nullable++
	inner, err := r.value(t.Elem())
	return node{AnyOf: []node{inner, {Type: "null"}}}, err
}

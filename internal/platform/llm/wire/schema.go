package wire

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The grammar engine's limits are not published; these are where it was seen to
// give up, or a little before.
const (
	maxDepth  = 10
	maxUnions = 24
)

// keywords are what the grammar engine takes.
func keywords() []string {
	return []string{
		"type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "allOf", "$ref", "$defs", "definitions",
		"format", "minItems", "title", "description", "default", "$schema", "$id", "examples",
	}
}

func formats() []string {
	return []string{"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
}

// CheckSchema refuses a schema the API would refuse, or returns nil.
func CheckSchema(schema []byte) *Error { return checkSchema(schema, "schema") }

func checkSchema(raw json.RawMessage, at string) *Error {
	var root map[string]any
	if err := json.Unmarshal(raw, &root); err != nil {
		return Invalid(at + ": Input should be a valid dictionary")
	}
	c := schemaCheck{root: root}
	if err := c.node(root, at, nil); err != nil {
		return err
	}
	if root["type"] != "object" {
		return Invalid(at + ": root must be of type object")
	}
	if c.unions > maxUnions || c.depth > maxDepth {
		return Invalid("The compiled grammar is too large, which would cause performance issues. Simplify your tool schemas or reduce the number of strict tools.")
	}
	return nil
}

type schemaCheck struct {
	root          map[string]any
	unions, depth int
}

// node checks one schema; refs are the references that led here.
func (c *schemaCheck) node(s map[string]any, at string, refs []string) *Error {
	c.depth = max(c.depth, strings.Count(at, ".properties.")+strings.Count(at, ".items"))
	for _, k := range slices.Sorted(maps.Keys(s)) {
		if !slices.Contains(keywords(), k) {
			return Invalid(fmt.Sprintf("%s: For this schema, property '%s' is not supported", at, k))
		}
	}
	if err := c.plain(s, at); err != nil {
		return err
	}
	if ref, ok := s["$ref"].(string); ok {
		return c.follow(ref, at, refs)
	}
	return c.children(s, at, refs)
}

// plain checks the keywords that hold no schema.
func (c *schemaCheck) plain(s map[string]any, at string) *Error {
	if _, isText := s["type"].(string); s["type"] != nil && !isText {
		return Invalid(at + ".type: Input should be a string")
	}
	if s["type"] == "object" && s["additionalProperties"] != false {
		return Invalid(at + ": For 'object' type, 'additionalProperties' must be explicitly set to false")
	}
	if f, ok := s["format"].(string); ok && !slices.Contains(formats(), f) {
		return Invalid(at + ": string format '" + f + "' is not supported")
	}
	if n, ok := s["minItems"].(float64); ok && n > 1 {
		return Invalid(at + ": For 'array' type, 'minItems' values other than 0 or 1 are not supported")
	}
	properties, _ := s["properties"].(map[string]any) //nolint:errcheck // absent is empty
	required, _ := s["required"].([]any)              //nolint:errcheck // absent is empty
	for _, name := range required {
		if n, ok := name.(string); !ok || properties[n] == nil {
			return Invalid(fmt.Sprintf("%s.required: %v is not a property", at, name))
		}
	}
	return nil
}

func (c *schemaCheck) follow(ref, at string, refs []string) *Error {
	if slices.Contains(refs, ref) {
		return Invalid(at + ": Recursive schemas are not supported")
	}
	var s any = c.root
	path, local := strings.CutPrefix(ref, "#/")
	for step := range strings.SplitSeq(path, "/") {
		m, _ := s.(map[string]any) //nolint:errcheck // what is no object has no such member
		s = m[step]
	}
	target, ok := s.(map[string]any)
	if !local || !ok {
		return Invalid(at + ".$ref: " + ref + " is not defined")
	}
	return c.node(target, at, append(slices.Clone(refs), ref))
}

func (c *schemaCheck) children(s map[string]any, at string, refs []string) *Error {
	for _, group := range []string{"properties", "$defs", "definitions"} {
		named, _ := s[group].(map[string]any) //nolint:errcheck // absent is empty
		for _, name := range slices.Sorted(maps.Keys(named)) {
			if err := c.child(named[name], at+"."+group+"."+name, refs); err != nil {
				return err
			}
		}
	}
	if items, ok := s["items"]; ok {
		if err := c.child(items, at+".items", refs); err != nil {
			return err
		}
	}
	for _, group := range []string{"anyOf", "allOf"} {
		list, _ := s[group].([]any) //nolint:errcheck // absent is empty
		c.unions += min(len(list), 1)
		for i, one := range list {
			if err := c.child(one, fmt.Sprintf("%s.%s.%d", at, group, i), refs); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *schemaCheck) child(s any, at string, refs []string) *Error {
	sub, ok := s.(map[string]any)
	if !ok {
		return Invalid(at + ": Input should be a valid dictionary")
	}
	return c.node(sub, at, refs)
}

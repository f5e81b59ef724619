package config

import (
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"text/tabwriter"
)

// configKey names the file to read; it is no field, since it is used up in
// loading.
const configKey = "COFOUNDER_CONFIG"

// setting is one field of Config as its tags describe it.
type setting struct {
	key, standard, unset, says, title, field string
	index                                    []int
}

// settings lists them in the order of the struct.
func settings() []setting {
	var list []setting
	root := reflect.TypeFor[Config]()
	for _, group := range reflect.VisibleFields(root) {
		title, ok := group.Tag.Lookup("title")
		if !ok {
			continue
		}
		for _, f := range reflect.VisibleFields(group.Type) {
			list = append(list, setting{
				key: f.Tag.Get("env"), standard: f.Tag.Get("envDefault"), unset: f.Tag.Get("unset"),
				says: f.Tag.Get("says"), title: title, field: f.Name,
				index: append(append([]int{}, group.Index...), f.Index...),
			})
		}
	}
	return list
}

// Describe writes every setting, its value and where that came from, one a line.
// Secrets read [redacted].
func (c Config) Describe(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range settings() {
		shown := show(reflect.ValueOf(c).FieldByIndex(s.index))
		if shown == "" {
			shown = "(" + s.unset + ")"
		}
		origin := c.origins[s.key]
		if origin == "" {
			origin = fromDefault
		}
		if _, err := fmt.Fprintf(t, "%s\t%s\t%s\n", s.key, shown, origin); err != nil {
			return fmt.Errorf("describe settings: %w", err)
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("describe settings: %w", err)
	}
	return nil
}

// show prints values as they are written in the environment.
func show(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case Secret:
		return value.shown()
	case slog.Level:
		return strings.ToLower(value.String())
	}
	if v.Kind() == reflect.Slice {
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = show(v.Index(i))
		}
		return strings.Join(parts, ",")
	}
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return ""
	}
	return fmt.Sprint(v.Interface())
}

package view

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"cofounder/internal/product/document"
)

// Editor is a section as it is typed. Fields are named by where they stand:
// features.0.name, as the product names what is wrong.
type Editor struct {
	Back  string // where the founder came from; empty: the document
	Shape document.Shape
	Value any  // as encoding/json decodes it
	Base  int  // the version that was looked at
	Form  Form // what is wrong with it
}

// text is a value as it stands in a field.
func text(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case json.Number:
		return value.String()
	case []any:
		var all []string
		for _, one := range value {
			all = append(all, text(one))
		}
		return strings.Join(all, "\n")
	}
	return ""
}

func ticked(value any) bool {
	yes, ok := value.(bool)
	return ok && yes
}

// in returns what a value has under a key.
func in(value any, key string) any {
	if all, ok := value.(map[string]any); ok {
		return all[key]
	}
	return nil
}

// itemsAnd returns the items of a list and, behind them, an empty one to fill in.
func itemsAnd(value any) []any {
	all, ok := value.([]any)
	if !ok {
		return []any{map[string]any{}}
	}
	return append(slices.Clip(all), map[string]any{})
}

// isNew reports whether an item is the empty one.
func isNew(item any) bool {
	all, ok := item.(map[string]any)
	return ok && len(all) == 0
}

// itemLabel is what an item is called while it is edited.
func itemLabel(s document.Shape, item any, n int) string {
	for _, key := range []string{"name", "title", "text", "question"} {
		if t := text(in(item, key)); t != "" {
			const most = 60
			if runes := []rune(t); len(runes) > most {
				t = string(runes[:most]) + "…"
			}
			return t
		}
	}
	return upperFirst(s.One) + " " + strconv.Itoa(n+1)
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// rowsOf is how high a text area is.
func rowsOf(s string) string {
	const least, most, wide = 3, 18, 80
	n := 0
	for l := range strings.SplitSeq(s, "\n") {
		n += 1 + len(l)/wide
	}
	return strconv.Itoa(min(max(n+1, least), most))
}

// join is the name of a field inside another.
func join(name, key string) string { return name + "." + key }

func at(name string, n int) string { return name + "." + strconv.Itoa(n) }

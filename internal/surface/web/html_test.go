package web_test

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// all returns the elements below n for which keep says yes, in order.
func all(n *html.Node, keep func(*html.Node) bool) []*html.Node {
	var out []*html.Node
	for c := range n.Descendants() {
		if c.Type == html.ElementNode && keep(c) {
			out = append(out, c)
		}
	}
	return out
}

func tag(names ...string) func(*html.Node) bool {
	return func(n *html.Node) bool { return slices.Contains(names, n.Data) }
}

// find returns the first element of that name, or nil.
func find(n *html.Node, name string) *html.Node {
	if found := all(n, tag(name)); len(found) > 0 {
		return found[0]
	}
	return nil
}

func attr(n *html.Node, name string) string {
	v, _ := attribute(n, name)
	return v
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// words is the text below n, with single spaces, as a person reads it.
func words(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode && c.Parent.Data != "script" && c.Parent.Data != "style" {
			b.WriteString(c.Data)
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// byID returns the element with that id, or nil.
func byID(n *html.Node, id string) *html.Node {
	found := all(n, func(e *html.Node) bool { return attr(e, "id") == id })
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

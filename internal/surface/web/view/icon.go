package view

import (
	"embed"
	"strings"
)

//go:embed icons/*.svg
var iconFiles embed.FS

// glyph returns the inside of an icon's SVG. It panics on a name that has no
// file: a programmer's mistake that any rendering test meets.
func glyph(name string) string {
	b, err := iconFiles.ReadFile("icons/" + name + ".svg")
	if err != nil {
		panic("view: no icon named " + name)
	}
	_, inside, _ := strings.Cut(string(b), "<svg")
	_, inside, _ = strings.Cut(inside, ">")
	inside, _, _ = strings.Cut(inside, "</svg>")
	return strings.Join(strings.Fields(inside), " ")
}

package blueprint

import (
	"fmt"
	"strconv"
	"strings"

	"cofounder/internal/platform/llm/demo/idea"
)

// Palette is one colour and what follows from it, as #rrggbb.
type Palette struct {
	Name   string
	Accent string // carries white text
	Strong string // the accent when pressed
	Soft   string // a ground for chips and today's column; carries dark text
	Line   string // borders on Soft
}

// palette mixes the accent with black and white.
func palette(c idea.Colour) Palette {
	const darker, pale, line = 0.82, 0.10, 0.28
	return Palette{
		Name: c.Name, Accent: c.Hex,
		Strong: mix(c.Hex, "#000000", darker), Soft: mix(c.Hex, "#ffffff", pale), Line: mix(c.Hex, "#ffffff", line),
	}
}

// mix is so much of a, the rest of b. What is no colour stays as it is.
func mix(a, b string, share float64) string {
	x, err := strconv.ParseUint(strings.TrimPrefix(a, "#"), 16, 32)
	if err != nil {
		return a
	}
	y, err := strconv.ParseUint(strings.TrimPrefix(b, "#"), 16, 32)
	if err != nil {
		return a
	}
	out := uint64(0)
	for shift := range 3 {
		p, q := float64(x>>(8*shift)&0xff), float64(y>>(8*shift)&0xff)
		out |= uint64(p*share+q*(1-share)+0.5) << (8 * shift)
	}
	return fmt.Sprintf("#%06x", out)
}

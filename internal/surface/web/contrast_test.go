package web_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// The table of colours we hold ourselves to: each pair with its contrast in light and dark, which is
// recomputed from the style sheet. AA asks 4.5 for text and 3 for controls.
func TestContrast(t *testing.T) {
	t.Parallel()
	colour := tokens(t)
	for _, c := range []struct {
		on, under   string
		light, dark float64
	}{
		{"ink", "surface", 17.2, 14.8},
		{"ink-2", "surface", 7.9, 8.3},
		{"ink-2", "sunken", 6.9, 9.5},
		{"ink-3", "surface", 5.7, 5.5},
		{"ink-3", "sunken", 5.0, 6.2},
		{"line-2", "surface", 3.6, 3.8},
		{"accent", "surface", 7.6, 7.6},
		{"on-accent", "accent", 7.6, 8.2},
		{"on-accent", "accent-hover", 9.9, 10.1},
		{"accent", "accent-soft", 6.5, 6.4},
		{"ok", "surface", 6.1, 9.0},
		{"ok", "ok-soft", 5.3, 7.6},
		{"warn", "surface", 6.4, 9.1},
		{"warn", "warn-soft", 5.7, 7.9},
		{"bad", "surface", 6.5, 7.7},
		{"bad", "bad-soft", 5.5, 7.1},
		// and those the pages use besides
		{"ink-2", "bg", 7.4, 9.1},
		{"ink-3", "bg", 5.4, 6.0},
		{"accent", "bg", 7.1, 8.3},
		{"ink-2", "raised", 7.9, 7.4},
		{"line-2", "bg", 3.4, 4.1},
		{"line-2", "raised", 3.6, 3.3},
	} {
		for i, want := range []float64{c.light, c.dark} {
			got := contrast(colour[c.on][i], colour[c.under][i])
			if math.Abs(got-want) > 0.051 {
				t.Errorf("%s on %s (%s): contrast %.2f, the table says %.1f", c.on, c.under, []string{"light", "dark"}[i], got, want)
			}
			need := 4.5
			if c.on == "line-2" {
				need = 3
			}
			if got < need {
				t.Errorf("%s on %s: contrast %.2f is below %.1f", c.on, c.under, got, need)
			}
		}
	}
}

// tokens reads every --name: light-dark(#a, #b) of the style sheet.
func tokens(t *testing.T) map[string][2]string {
	t.Helper()
	css, err := os.ReadFile("static/css/tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][2]string{}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);`).FindAllStringSubmatch(string(css), -1) {
		out[m[1]] = [2]string{m[2], m[3]}
	}
	if len(out) < 19 {
		t.Fatalf("found only %d colours", len(out))
	}
	return out
}

// contrast is the ratio of WCAG 2.2 (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio).
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

func luminance(hex string) float64 {
	part := func(i int) float64 {
		v, err := strconv.ParseUint(hex[i:i+2], 16, 8)
		if err != nil {
			panic(err)
		}
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*part(1) + 0.7152*part(3) + 0.0722*part(5)
}

package demo_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cofounder/internal/platform/llm/demo/idea"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what is understood into testdata")

// cut parts an idea from what is understood of it.
const cut = "\n---\n"

// ideas are what founders wrote, by file: with what is understood of it below.
func ideas(tb testing.TB) map[string]string {
	tb.Helper()
	files, err := filepath.Glob("testdata/ideas/*.txt")
	if err != nil || len(files) < 12 {
		tb.Fatalf("%d ideas: %v", len(files), err)
	}
	all := map[string]string{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			tb.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(f), ".txt")] = string(raw)
	}
	return all
}

func read(r *idea.Reader, text string) idea.Understanding {
	return r.Read([]idea.Part{{Source: "idea", Text: text}}, nil)
}

func TestIdeas(t *testing.T) {
	t.Parallel()
	r := idea.NewReader()
	for name, file := range ideas(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, want, _ := strings.Cut(file, cut)
			u := read(r, text)
			got := sketch(u)
			for _, wrong := range flaws(u, text) {
				t.Error(wrong)
			}
			if *update {
				if err := os.WriteFile(filepath.Join("testdata", "ideas", name+".txt"), []byte(text+cut+got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestIdeasDiffer: no two ideas come to the same product, and every shape is taken.
func TestIdeasDiffer(t *testing.T) {
	t.Parallel()
	r := idea.NewReader()
	type product struct {
		idea, shape, name, things string
	}
	var all []product
	shapes := map[string]int{}
	for name, file := range ideas(t) {
		text, _, _ := strings.Cut(file, cut)
		u := read(r, text)
		var things []string
		for _, n := range slices.Concat(u.Things, u.People) {
			for _, d := range n.Details {
				things = append(things, n.ID+"."+d.Name)
			}
		}
		slices.Sort(things)
		all = append(all, product{name, string(u.Shape.Name), u.Name.Text, strings.Join(things, " ")})
		shapes[string(u.Shape.Name)]++
	}
	for i, a := range all {
		for _, b := range all[i+1:] {
			if a.things == b.things {
				t.Errorf("%s and %s are alike:\n%+v\n%+v", a.idea, b.idea, a, b)
			}
		}
	}
	const fewest = 5
	for _, s := range []idea.Shape{idea.Bookings, idea.List, idea.Board, idea.Log, idea.Catalogue, idea.Directory} {
		if shapes[string(s)] < fewest {
			t.Errorf("%d of %d ideas come to the shape %s", shapes[string(s)], len(all), s)
		}
	}
}

// sketch is an understanding for people to read: * marks what is standard.
func sketch(u idea.Understanding) string {
	var s strings.Builder
	for _, q := range u.Questions {
		fmt.Fprintf(&s, "? %s %s %s\n", q.Text, q.Why, q.Example)
	}
	star := func(o idea.Origin) string {
		switch o {
		case idea.Standard:
			return "*"
		case idea.Corrected:
			return "!"
		case idea.Said:
		}
		return ""
	}
	if len(u.Questions) == 0 {
		fmt.Fprintf(&s, "%s%s, %s%s, %s:", u.Name.Text, star(u.Name.Origin), u.Colour.Name, star(u.Colour.Origin), u.Shape.Label)
		for _, q := range u.Shape.Why {
			fmt.Fprintf(&s, " %q", q.Text)
		}
		s.WriteByte('\n')
	}
	nouns := func(kind string, list []idea.Noun) {
		for _, n := range list {
			fmt.Fprintf(&s, "%s %s%s", kind, n.Name, star(n.Origin))
			if n.Role != idea.Side {
				fmt.Fprintf(&s, " (%s)", n.Role)
			}
			sep := ": "
			for _, d := range n.Details {
				fmt.Fprintf(&s, "%s%s%s %s%s", sep, d.Name, star(d.Origin), d.Type, d.Of)
				if len(d.Options) > 0 {
					fmt.Fprintf(&s, " %v", d.Options)
				}
				sep = ", "
			}
			if len(n.Examples) > 0 {
				fmt.Fprintf(&s, " like %v", n.Examples)
			}
			s.WriteByte('\n')
		}
	}
	nouns("person", u.People)
	nouns("thing", u.Things)
	for _, a := range u.Actions {
		fmt.Fprintf(&s, "action %s\n", strings.TrimSpace(a.Who+" "+a.Does+" "+a.What))
	}
	for _, l := range u.LeftOut {
		fmt.Fprintf(&s, "without %s, later %v: %q\n", l.What, l.Later, l.Quote.Text)
	}
	for _, c := range u.Unclear {
		fmt.Fprintf(&s, "unclear %s: %q, %q\n", c.About, c.First.Text, c.Second.Text)
	}
	return s.String()
}

package blueprint_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"cofounder/internal/platform/llm/demo/blueprint"
	"cofounder/internal/platform/llm/demo/idea"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files anew")

// shown are the ideas whose blueprints were judged: two of each shape and the odd ones.
func shown() []string {
	return []string{
		"dog-walker", "vet", "camper-vans", "bike-shop", "grants", "candles", "tool-shed-plan", "accessible", "therapists",
		"running", "allotment", "museum", "wedding", "mill-rambling",
	}
}

func understand(tb testing.TB, r *idea.Reader, path string) idea.Understanding {
	tb.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	text, _, _ := strings.Cut(string(raw), "\n---\n")
	return r.Read([]idea.Part{{Source: "idea", Text: text}}, nil)
}

func TestBlueprints(t *testing.T) {
	t.Parallel()
	r := idea.NewReader()
	for _, name := range shown() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := sketch(blueprint.Of(understand(t, r, "../testdata/ideas/"+name+".txt")))
			path := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// sketch writes a blueprint for people to read.
func sketch(b blueprint.Blueprint) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s (%s), %+v\nshape %s, screen %+v\n", b.Name, b.Slug, b.Palette, b.Shape, b.Screen)
	for _, p := range b.People {
		fmt.Fprintf(&s, "person %+v\n", p)
	}
	for _, d := range b.Deeds {
		fmt.Fprintf(&s, "deed %+v\n", d)
	}
	for _, t := range b.Things {
		fmt.Fprintf(&s, "thing %s %s/%s %s, called by %s, in order of %s\n", t.ID, t.Name, t.Plural, t.Role, t.Title, t.Sort)
		for _, f := range t.Fields {
			fmt.Fprintf(&s, "  %-24s %-8s %s", f.ID, f.Type, f.Of)
			for mark, on := range map[string]bool{"required": f.Required} {
				if on {
					s.WriteString(" " + mark)
				}
			}
			if f.Listed {
				s.WriteString(" listed")
			}
			if f.Standard {
				s.WriteString(" standard")
			}
			fmt.Fprintf(&s, " %v\n", f.Options)
		}
		for _, row := range t.Samples {
			fmt.Fprintf(&s, "    %s\n", strings.Join(row, " | "))
		}
	}
	return s.String()
}

// Every idea becomes something that can be generated.
func TestBlueprintsAreWhole(t *testing.T) {
	t.Parallel()
	r := idea.NewReader()
	files, err := filepath.Glob("../testdata/ideas/*.txt")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d ideas: %v", len(files), err)
	}
	for _, path := range files {
		u := understand(t, r, path)
		if len(u.Questions) == 0 {
			whole(t, path, blueprint.Of(u))
		}
	}
}

func FuzzOf(f *testing.F) {
	f.Add("I walk dogs for eleven families, who pick a free slot.", "thing", "", "Name name", "")
	f.Add("Members borrow tools (drill, saw). Ünïts and 2nd things with a name, id and Name.", "detail", "", "id", "tool")
	r := idea.NewReader()
	f.Fuzz(func(t *testing.T, text, chip, from, to, of string) {
		u := r.Read([]idea.Part{{Source: "idea", Text: text}}, []idea.Correction{{Chip: idea.Chip(chip), From: from, To: to, Of: of}})
		if len(u.Questions) == 0 {
			whole(t, text, blueprint.Of(u))
		}
	})
}

// whole fails where a generator would stumble.
func whole(t *testing.T, name string, b blueprint.Blueprint) {
	t.Helper()
	id := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	if len(b.Things) == 0 || b.Screen.Thing != b.Things[0].ID || b.Slug == "" {
		t.Fatalf("%s: no main thing or no slug: %+v", name, b.Screen)
	}
	ids := map[string]bool{}
	for _, th := range b.Things {
		if !id.MatchString(th.ID) || ids[th.ID] {
			t.Errorf("%s: the thing %q is twice or no identifier", name, th.ID)
		}
		ids[th.ID] = true
	}
	for _, th := range b.Things {
		if _, ok := th.Field(th.Title); !ok || len(th.Samples) == 0 {
			t.Errorf("%s: %s has no title %q or no samples", name, th.ID, th.Title)
		}
		fields := map[string]bool{"id": true}
		for j, f := range th.Fields {
			if !id.MatchString(f.ID) || fields[f.ID] {
				t.Errorf("%s: the field %q of %s is twice or no identifier", name, f.ID, th.ID)
			}
			fields[f.ID] = true
			for _, row := range th.Samples {
				if len(row) != len(th.Fields) {
					t.Fatalf("%s: %s has %d fields and a sample of %d", name, th.ID, len(th.Fields), len(row))
				}
				value(t, b, f, row[j])
			}
		}
	}
}

// value fails where a value is not of its type.
func value(t *testing.T, b blueprint.Blueprint, f blueprint.Field, v string) {
	t.Helper()
	forms := map[idea.Type]string{
		idea.Date: `^-?\d+$`, idea.Time: `^\d\d:\d\d$`, idea.Duration: `^\d+$`, idea.Number: `^\d+$`, idea.Money: `^\d+\.\d\d$`,
		idea.Rating: `^[1-5]$`, idea.YesNo: `^(yes|no)$`, idea.Link: `^\d+$`, idea.Photo: `^$`, idea.Email: `^\S+@example\.com$`,
	}
	form := forms[f.Type]
	if form == "" {
		form = `\S`
	}
	if !regexp.MustCompile(form).MatchString(v) {
		t.Errorf("%s of type %s holds %q", f.ID, f.Type, v)
	}
	if f.Type != idea.Link {
		return
	}
	other, ok := b.Thing(f.Of)
	if at, err := strconv.Atoi(v); !ok || err != nil || at >= len(other.Samples) {
		t.Errorf("%s links to %q of %q", f.ID, v, f.Of)
	}
}

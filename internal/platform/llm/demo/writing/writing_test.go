package writing_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cofounder/internal/platform/llm/demo/idea"
	"cofounder/internal/platform/llm/demo/writing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files anew")

// shown are the ideas whose sentences were judged: all shapes, short and long.
func shown() []string {
	return []string{
		"dog-walker", "vet", "carwash", "bike-shop", "podcast", "candles", "tool-library", "accessible", "therapists",
		"running", "allotment", "museum", "wedding", "board-games", "mill-rambling", "long",
	}
}

// founder returns what was written and what is understood of it.
func founder(tb testing.TB, r *idea.Reader, path string) ([]idea.Part, idea.Understanding) {
	tb.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	text, _, _ := strings.Cut(string(raw), "\n---\n")
	parts := []idea.Part{{Source: "idea", Text: text}}
	return parts, r.Read(parts, nil)
}

// first answers each question with its first suggestion, every third is left to us.
func first(u idea.Understanding) []writing.Answer {
	const third = 3
	var out []writing.Answer
	for i, q := range writing.Questions(u) {
		out = append(out, writing.Answer{Question: q.Text, Text: q.Suggestions[0], Ours: i%third == third-1})
	}
	return out
}

func TestWriting(t *testing.T) {
	t.Parallel()
	r := idea.NewReader()
	for _, name := range shown() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parts, u := founder(t, r, "../testdata/ideas/"+name+".txt")
			got := sketch(parts, u)
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

// sketch writes everything that is written of an idea, after two answers.
func sketch(parts []idea.Part, u idea.Understanding) string {
	var s strings.Builder
	for _, q := range writing.Questions(u) {
		fmt.Fprintf(&s, "? %s (%s, %s)\n  %s\n  %s\n", q.Text, q.Key, q.Kind, q.Why, strings.Join(q.Suggestions, " / "))
	}
	answers := first(u)
	for _, f := range writing.Features(u, answers) {
		fmt.Fprintf(&s, "# %s (%s, %s) %s\n", f.Name, f.ID, f.Priority, f.Description)
		for _, c := range f.Criteria {
			must := ""
			if c.Must {
				must = " *"
			}
			fmt.Fprintf(&s, "  %s: %s%s\n", c.ID, c.Text, must)
		}
	}
	for _, l := range writing.LeftOut(u) {
		fmt.Fprintf(&s, "- %s\n", l)
	}
	b := writing.Write(u, parts, answers)
	for _, part := range []struct {
		name     string
		sections []writing.Section
	}{
		{"problem", []writing.Section{b.Problem}},
		{"for", []writing.Section{b.TargetUser}},
		{"value", []writing.Section{b.Value}},
		{"works", []writing.Section{b.HowItWorks}},
		{"constraint", b.Constraints},
		{"assumption", b.Assumptions},
		{"risk", b.Risks},
		{"test", []writing.Section{b.CheapestTest}},
	} {
		for _, sec := range part.sections {
			fmt.Fprintf(&s, "%s (%s): %s\n", part.name, sec.Confidence(), sec.Text)
		}
	}
	return s.String()
}

// In every idea: what is quoted was said, IDs are stable and unique, no word of a
// template is left over, and the answers to questions come back as corrections or rules.
func TestWritingIsSound(t *testing.T) {
	t.Parallel()
	r := idea.NewReader()
	files, err := filepath.Glob("../testdata/ideas/*.txt")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d ideas: %v", len(files), err)
	}
	template := regexp.MustCompile(`(?i)\b(items?|records?|entry|entries)\b`)
	for _, path := range files {
		parts, u := founder(t, r, path)
		if len(u.Questions) > 0 {
			continue
		}
		sound(t, path, parts, u)
		all := sketch(parts, u)
		unquoted := regexp.MustCompile(`“[^”]*”`).ReplaceAllString(all, "")
		if left := template.FindString(unquoted); left != "" && !template.MatchString(parts[0].Text) && !standardNoun(u) {
			t.Errorf("%s: the word %q is ours:\n%s", path, left, all)
		}
	}
}

// standardNoun reports whether the founder gave no noun for the main thing.
func standardNoun(u idea.Understanding) bool {
	for _, n := range u.Things {
		if n.ID == u.Shape.Main && n.Origin == idea.Standard {
			return true
		}
	}
	return false
}

func sound(t *testing.T, name string, parts []idea.Part, u idea.Understanding) {
	t.Helper()
	questions := writing.Questions(u)
	const fewest = 6
	keys, texts := map[string]bool{}, map[string]bool{}
	for _, q := range questions {
		if keys[q.Key] || texts[q.Text] || q.Why == "" || len(q.Suggestions) < 2 || len(q.Suggestions) > 4 {
			t.Errorf("%s: question %+v", name, q)
		}
		keys[q.Key], texts[q.Text] = true, true
	}
	if len(questions) < fewest {
		t.Errorf("%s: %d questions", name, len(questions))
	}
	ids := map[string]bool{}
	musts := 0
	for _, f := range writing.Features(u, first(u)) {
		for _, c := range f.Criteria {
			if ids[c.ID] || !strings.HasSuffix(c.Text, ".") {
				t.Errorf("%s: criterion %+v", name, c)
			}
			ids[c.ID] = true
			if c.Must {
				musts++
			}
		}
	}
	if musts < 2 {
		t.Errorf("%s: %d must criteria", name, musts)
	}
	b := writing.Write(u, parts, nil)
	for _, sec := range append([]writing.Section{b.Problem, b.Value}, append(b.Constraints, b.Risks...)...) {
		for _, q := range sec.Quotes {
			if !strings.HasPrefix(parts[0].Text[q.At:], q.Text) {
				t.Errorf("%s: %q was not said", name, q.Text)
			}
		}
	}
}

func TestAnswersBecomeCorrections(t *testing.T) {
	t.Parallel()
	r := idea.NewReader()
	parts, u := founder(t, r, "../testdata/ideas/dog-walker.txt")
	answer := func(key, text string, ours bool) writing.Answer {
		for _, q := range writing.Questions(u) {
			if q.Key == key {
				return writing.Answer{Question: q.Text, Text: text, Ours: ours}
			}
		}
		t.Fatalf("no question %s", key)
		return writing.Answer{}
	}
	answers := []writing.Answer{
		answer("details.dog", "Photo\nbreed and vet's phone", false), answer("twice", "No", false), answer("who", "x", true), {Question: "Unknown?", Text: "x"},
	}
	got := writing.Corrections(u, answers)
	want := []idea.Correction{
		{Chip: idea.DetailChip, Of: "dog", To: "Photo"}, {Chip: idea.DetailChip, Of: "dog", To: "Breed"}, {Chip: idea.DetailChip, Of: "dog", To: "Vet's phone"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	u = r.Read(parts, got)
	var criteria []string
	for _, f := range writing.Features(u, answers) {
		for _, c := range f.Criteria {
			criteria = append(criteria, c.ID+": "+c.Text)
		}
	}
	all := strings.Join(criteria, "\n")
	for _, want := range []string{"dog.add: You can add a dog with a name, a photo, a breed, a vet's phone and quirks.", "twice: Adding a slot at a time that is taken is refused"} {
		if !strings.Contains(all, want) {
			t.Errorf("nothing of %q in\n%s", want, all)
		}
	}
}

func FuzzWriting(f *testing.F) {
	f.Add("I walk dogs for eleven families. They pick a free slot. No payments.", "Photo, breed")
	f.Add("\xff Möhren. é. “Kürbis” for each dog the name", "→→,;")
	r := idea.NewReader()
	f.Fuzz(func(t *testing.T, text, answer string) {
		parts := []idea.Part{{Source: "idea", Text: text}}
		u := r.Read(parts, nil)
		if len(u.Questions) > 0 {
			return
		}
		sound(t, text, parts, u)
		var answers []writing.Answer
		for _, q := range writing.Questions(u) {
			answers = append(answers, writing.Answer{Question: q.Text, Text: answer})
		}
		if u = r.Read(parts, writing.Corrections(u, answers)); len(u.Questions) == 0 {
			sound(t, text, parts, u)
		}
	})
}

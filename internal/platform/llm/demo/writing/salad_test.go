package writing_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cofounder/internal/platform/llm/demo/idea"
	"cofounder/internal/platform/llm/demo/writing"

	"pgregory.net/rapid"
)

// Whatever founders make of their words, something whole comes of it: nothing panics,
// quotes are quotes, keys and IDs are unique, also after any answers.
func TestAnyWords(t *testing.T) {
	t.Parallel()
	r := idea.NewReader()
	files, err := filepath.Glob("../testdata/ideas/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var pieces []string
	for _, path := range files {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text, _, _ := strings.Cut(string(raw), "\n---\n")
		words := strings.SplitAfter(text, " ")
		for len(words) > 0 {
			n := min(len(words), 1+len(words)%5)
			pieces, words = append(pieces, strings.Join(words[:n], "")), words[n:]
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 40).Draw(rt, "text"), "")
		parts := []idea.Part{{Source: "idea", Text: text}}
		u := r.Read(parts, nil)
		if len(u.Questions) > 0 {
			return
		}
		sound(t, text, parts, u)
		var answers []writing.Answer
		for _, q := range writing.Questions(u) {
			answers = append(answers, writing.Answer{Question: q.Text, Text: rapid.OneOf(rapid.SampledFrom(q.Suggestions), rapid.SampledFrom(pieces)).Draw(rt, q.Key)})
		}
		if u = r.Read(parts, writing.Corrections(u, answers)); len(u.Questions) == 0 {
			sound(t, text, parts, u)
		}
		if t.Failed() {
			rt.FailNow()
		}
	})
}

package document_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cofounder/internal/product/document"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// samples reads one filled document of each kind.
func samples(tb testing.TB) map[document.Kind]document.Content {
	tb.Helper()
	all := map[document.Kind]document.Content{}
	for _, k := range document.Kinds() {
		raw, err := os.ReadFile(filepath.Join("testdata", string(k)+".json"))
		if err != nil {
			tb.Fatal(err)
		}
		if all[k], err = document.Decode(k, raw); err != nil {
			tb.Fatalf("%s: %v", k, err)
		}
	}
	return all
}

// Every kind is read, stored and shown by the same fields: what goes in comes out, and
// every text of it is in the outline.
func TestEveryFieldIsShown(t *testing.T) {
	t.Parallel()
	for k, c := range samples(t) {
		raw, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := document.Decode(k, raw)
		if diff := cmp.Diff(c, again); err != nil || diff != "" || c.Kind() != k {
			t.Errorf("%s (-first +again): %v\n%s", k, err, diff)
		}
		var shown strings.Builder
		for _, s := range c.Outline() {
			shown.WriteString(s.Title + "\n" + s.Plain() + "\n")
		}
		var tree any
		if err := json.Unmarshal(raw, &tree); err != nil {
			t.Fatal(err)
		}
		for _, text := range texts(tree, "") {
			if !strings.Contains(shown.String(), text) {
				t.Errorf("%s does not show %q", k, text)
			}
		}
	}
}

// texts returns all texts in a tree, ids and words from a list of choices apart.
func texts(tree any, name string) []string {
	var all []string
	switch v := tree.(type) {
	case string:
		if name != "id" && name != "question_id" && name != "priority" && v != "" {
			all = append(all, v)
		}
	case []any:
		for _, one := range v {
			all = append(all, texts(one, name)...)
		}
	case map[string]any:
		for key, one := range v {
			if _, assumed := v["text"]; assumed && key == "question" {
				continue // an id
			}
			all = append(all, texts(one, key)...)
		}
	}
	return all
}

func TestUnsourcedNumbers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		said, wrote string
		want        []string
	}{
		{"", "Three steps, 2 reminders, 12 dogs.", nil},
		{"", "About 40 dogs a week.", []string{"40"}},
		{"I wash 40 dogs", "About 40 dogs a week.", nil},
		{"30000 groomers", "There are 30,000 groomers.", nil},
		{"30 000 groomers", "There are 30'000 groomers.", nil},
		{"", "A market of $2.5 billion that grows 7 % a year.", []string{"$2.5 billion", "7 %"}},
		{"", "Every 3rd owner forgets.", nil},
		{"", "It costs $9.", []string{"$9"}},
		{"I charge $9", "It costs $9.", nil},
		{"", "Since 2019 the share is 5%, 5% again.", []string{"2019", "5%"}},
		{"", "12 Prozent der Leute", []string{"12 Prozent"}},
	}
	for _, tt := range tests {
		got := document.Unsourced(document.Brief{MarketContext: tt.wrote}, tt.said)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q after %q: %q, want %q", tt.wrote, tt.said, got, tt.want)
		}
	}
}

func TestCompareText(t *testing.T) {
	t.Parallel()
	same, added, removed := document.Same, document.Added, document.Removed
	tests := []struct {
		from, to string
		want     []document.Part
	}{
		{"", "", nil},
		{"", "new", []document.Part{{added, "new"}}},
		{"old", "", []document.Part{{removed, "old"}}},
		{"the same", "the same", []document.Part{{same, "the same"}}},
		{"a dog groomer", "a cat groomer", []document.Part{{same, "a "}, {removed, "dog"}, {added, "cat"}, {same, " groomer"}}},
		{"one dog a day", "many cats a day", []document.Part{{removed, "one dog"}, {added, "many cats"}, {same, " a day"}}},
		{"booking", "bookings", []document.Part{{removed, "booking"}, {added, "bookings"}}},
		{"Grüße", "Grüsse", []document.Part{{removed, "Grüße"}, {added, "Grüsse"}}},
		{"看到空闲时间", "看到空余时间", []document.Part{{same, "看到空"}, {removed, "闲"}, {added, "余"}, {same, "时间"}}},
		{"one\ntwo", "one\nthree", []document.Part{{same, "one\n"}, {removed, "two"}, {added, "three"}}},
		{"👩‍🔬 x", "👩‍🔬 y", []document.Part{{same, "👩‍🔬 "}, {removed, "x"}, {added, "y"}}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, document.CompareText(tt.from, tt.to)); diff != "" {
			t.Errorf("%q → %q (-want +got):\n%s", tt.from, tt.to, diff)
		}
	}
}

func FuzzCompareText(f *testing.F) {
	f.Add("a dog groomer", "a cat groomer")
	f.Add("Grüße\n\n看到", "Grusse 看")
	f.Add("\xff\u0301", "e\u0301\u200d")
	f.Fuzz(func(t *testing.T, from, to string) {
		from, to = strings.ToValidUTF8(from, "?"), strings.ToValidUTF8(to, "?")
		holds(t, from, to)
	})
}

func TestCompareTextProperty(t *testing.T) {
	t.Parallel()
	word := rapid.SampledFrom([]string{"a", "dog", "cats", " ", "  ", "\n", "é", "狗", ".", "🐕", "\u0301"})
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.Map(rapid.SliceOfN(word, 0, 30), func(all []string) string { return strings.Join(all, "") })
		holds(t, text.Draw(rt, "from"), text.Draw(rt, "to"))
	})
}

// holds checks that a difference contains both texts whole.
func holds(t *testing.T, from, to string) {
	t.Helper()
	var before, after strings.Builder
	last := document.Op("")
	for _, p := range document.CompareText(from, to) {
		if p.Text == "" || p.Op == last && p.Op == document.Same {
			t.Errorf("%q → %q: parts that say nothing", from, to)
		}
		last = p.Op
		if p.Op != document.Added {
			before.WriteString(p.Text)
		}
		if p.Op != document.Removed {
			after.WriteString(p.Text)
		}
	}
	if before.String() != from || after.String() != to {
		t.Errorf("%q → %q became %q → %q", from, to, before.String(), after.String())
	}
}

// Model output of any form is read as a document or refused, never half.
func FuzzDecode(f *testing.F) {
	for k, c := range samples(f) {
		raw, err := json.Marshal(c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(k), raw)
	}
	f.Add("brief", []byte(`{"problem":"a","risks":null}{}`))
	f.Fuzz(func(t *testing.T, kind string, raw []byte) {
		c, err := document.Decode(document.Kind(kind), raw)
		if err != nil {
			return
		}
		again, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(again), ":null") {
			t.Errorf("null in %s", again)
		}
		c2, err := document.Decode(document.Kind(kind), again)
		if diff := cmp.Diff(c, c2); err != nil || diff != "" {
			t.Errorf("not the same again: %v\n%s", err, diff)
		}
	})
}

// What we say of the world is marked, until the founder says it.
func TestGeneralKnowledgeIsMarked(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	b := brief()
	b.MarketContext, b.Competition = "Groomers use paper.", "Calendars."
	d.write(t, b)
	v := d.mustEdit(t, document.BriefKind, "competition", "My cousin's shop.", 1)
	for _, s := range v.Outline() {
		marked := s.Lines[len(s.Lines)-1].Style == document.Note
		if marked != (s.Key == "market_context") {
			t.Errorf("%s: marked %v", s.Key, marked)
		}
	}
}

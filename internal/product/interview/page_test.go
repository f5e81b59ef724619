package interview_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cofounder/internal/product/document"
	"cofounder/internal/product/interview"
	"cofounder/internal/product/journey"
)

// ideas are what twelve founders wrote.
func ideas(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range []string{
		"dog-walker", "vet", "carwash", "bike-shop", "podcast", "candles", "tool-library", "therapists", "running", "allotment", "museum", "wedding",
	} {
		raw, err := os.ReadFile(filepath.Join("..", "..", "platform", "llm", "demo", "testdata", "ideas", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		text, _, _ := strings.Cut(string(raw), "\n---\n")
		all[name] = text
	}
	return all
}

// page answers what is asked, every third left to us, and waits for the page.
func (d *desk) page(t *testing.T) interview.Interview {
	t.Helper()
	got := d.await(t, "three questions", func(i interview.Interview) bool { return i.State == interview.Asking || i.State == interview.Failed })
	const third = 3
	for n, q := range got.Questions {
		reply := interview.Reply{Question: q.ID, YouDo: n%third == third-1}
		if !reply.YouDo {
			reply.Text = q.Suggestions[0]
		}
		d.submit(t, reply)
	}
	return d.awaitState(t, interview.Written)
}

// With no AI connected an idea becomes three questions and one page, another page for
// another idea, with criteria in the founder's nouns.
func TestTwelveIdeasBecomePages(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start(t)
	pages := map[string]string{}
	for name, idea := range ideas(t) {
		d := w.tell(t, idea)
		got := d.page(t)
		if got.State != interview.Written || got.Verdict != interview.Can || got.Line == "" || len(got.Questions) != 3 {
			t.Fatalf("%s: %s %s, %d questions, %q", name, got.State, got.Reason, len(got.Questions), got.Line)
		}
		main := strings.ToLower(append(got.Chips.Things, got.Chips.People...)[0].Name)
		var page strings.Builder
		musts, named := 0, false
		for _, k := range []document.Kind{document.BriefKind, document.ScopeKind} {
			doc, err := w.documents.Get(t.Context(), d.actor, d.id, k)
			if err != nil || doc.State != document.Written || doc.Current == nil || doc.Current.Number != 1 {
				t.Fatalf("%s: %s is %+v, %v", name, k, doc, err)
			}
			for _, s := range doc.Current.Outline() {
				page.WriteString(s.Plain() + "\n")
			}
			if s, ok := doc.Current.Content.(document.Scope); ok {
				for _, c := range s.Criteria() {
					if c.Must {
						musts++
					}
					named = named || strings.Contains(strings.ToLower(c.Text), main)
					if !strings.HasSuffix(c.Text, ".") || c.ID == "" {
						t.Errorf("%s: criterion %+v", name, c)
					}
				}
			}
			if b, ok := doc.Current.Content.(document.Brief); ok && (len(b.Assumptions) == 0 || b.Assumptions[0].Question != string(got.Questions[2].ID)) {
				t.Errorf("%s: what was left to us is not first on the list: %+v", name, b.Assumptions)
			}
		}
		if musts < 2 || musts > 5 || !named {
			t.Errorf("%s: %d criteria must work, about %q: %v\n%s", name, musts, main, named, page.String())
		}
		for other, text := range pages {
			if text == page.String() {
				t.Errorf("%s and %s have the same page", name, other)
			}
		}
		pages[name] = page.String()
		j, err := w.journeys.Get(t.Context(), d.actor, d.id)
		if err != nil || j.Stage != journey.Brief {
			t.Errorf("%s: stage %s, %v", name, j.Stage, err)
		}
	}
}

// The same words become the same page.
func TestSamePageAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start(t)
	var hashes []string
	for range 2 {
		d := w.tell(t, ideas(t)["vet"])
		d.page(t)
		doc, err := w.documents.Get(t.Context(), d.actor, d.id, document.ScopeKind)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, doc.Current.Hash)
	}
	if hashes[0] != hashes[1] {
		t.Errorf("hashes %v", hashes)
	}
}

// After an edit the page says what is stale, and is written again when asked; going
// deeper asks more.
func TestAfterThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start(t)
	d := w.tell(t, ideas(t)["dog-walker"])
	got := d.page(t)
	if len(got.Stale) != 0 {
		t.Errorf("stale at once: %v", got.Stale)
	}
	q := got.Questions[0]
	if got = d.submit(t, interview.Reply{Question: q.ID, Text: "Photo"}); len(got.Stale) != 1 || got.Stale[0] != q.Decides || got.State != interview.Written {
		t.Errorf("after an edit: %s, stale %v, want %s", got.State, got.Stale, q.Decides)
	}
	if _, err := d.Rewrite(t.Context(), d.actor, d.id); err != nil {
		t.Fatal(err)
	}
	if got = d.awaitState(t, interview.Written); len(got.Stale) != 0 || got.State != interview.Written {
		t.Errorf("after writing again: %s %s, stale %v", got.State, got.Reason, got.Stale)
	}
	if _, err := d.GoDeeper(t.Context(), d.actor, d.id, interview.Deeper); err != nil {
		t.Fatal(err)
	}
	got = d.awaitState(t, interview.Asking)
	if more := len(got.Questions) - 3; more < 1 || more > 8 || got.Questions[3].Round != 2 {
		t.Errorf("%d more questions in round %d", more, got.Questions[3].Round)
	}
	if _, err := d.Enough(t.Context(), d.actor, d.id); err != nil {
		t.Fatal(err)
	}
	if got = d.awaitState(t, interview.Written); got.State != interview.Written {
		t.Errorf("after enough: %s %s", got.State, got.Reason)
	}
}

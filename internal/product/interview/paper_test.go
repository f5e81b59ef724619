package interview_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cofounder/internal/product/document"
	"cofounder/internal/product/interview"
	"cofounder/internal/product/meter"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files anew")

// onDemand are the documents behind the page, in the order in which they are written.
func onDemand() []document.Kind {
	return []document.Kind{document.MilestonesKind, document.RisksKind, document.HowItWorksKind, document.ArchitectureKind}
}

func (d *desk) want(t *testing.T, kinds ...document.Kind) {
	t.Helper()
	if err := d.documents.Ask(t.Context(), d.actor, d.id, kinds); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) paper(t *testing.T, k document.Kind) document.Document {
	t.Helper()
	doc, err := d.documents.Get(t.Context(), d.actor, d.id, k)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// awaitPaper follows the events of the project until a document is as wanted.
func (d *desk) awaitPaper(t *testing.T, k document.Kind, ok func(document.Document) bool) document.Document {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	news, err := d.projects.Follow(ctx, d.actor, d.id, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer news.Close()
	for {
		doc := d.paper(t, k)
		if ok(doc) {
			return doc
		}
		if _, err := news.Next(ctx); err != nil {
			t.Fatalf("waited for %s: %v; it is %s (%s%s)", k, err, doc.State, doc.Reason, doc.Trouble)
		}
	}
}

func settled(d document.Document) bool {
	return d.State == document.Written || d.State == document.Failed
}

// With no AI connected four documents are written, each of the founder's own things,
// the rest marked as standard wording; without markets, money or weeks.
func TestDocumentsOnDemand(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start(t)
	seen := map[string]string{}
	for _, name := range []string{"dog-walker", "vet", "candles"} {
		d := w.tell(t, ideas(t)[name])
		got := d.page(t)
		d.want(t, onDemand()...)
		var all strings.Builder
		for _, k := range onDemand() {
			doc := d.awaitPaper(t, k, settled)
			if doc.State != document.Written || doc.Current.Number != 1 || doc.Current.MadeBy != document.ByUs {
				t.Fatalf("%s: %s is %s %s", name, k, doc.State, doc.Reason)
			}
			all.WriteString("# " + k.Title() + "\n")
			for _, s := range doc.Current.Outline() {
				all.WriteString("\n## " + s.Title + "\n\n" + s.Plain() + "\n")
			}
			all.WriteString("\n")
		}
		text := all.String()
		if main := strings.ToLower(got.Chips.Things[0].Name); !strings.Contains(strings.ToLower(text), main) || !strings.Contains(text, "Standard wording") {
			t.Errorf("%s: not about %q, or nothing is marked", name, main)
		}
		for other, before := range seen {
			if before == text {
				t.Errorf("%s and %s have the same documents", name, other)
			}
		}
		seen[name] = text
		path := filepath.Join("testdata", "papers", name+".md")
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		golden, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(golden), text); diff != "" {
			t.Errorf("%s (-golden +got):\n%s", name, diff)
		}
	}
}

const (
	someMilestones = `{"milestones":[{"title":"Build","description":"The first version.","success_criteria":["An owner has booked a walk."],"founder_weeks":2},{"title":"Use","description":"It is used.","success_criteria":["Three owners book by themselves."],"founder_weeks":0}],"critical_path":[]}`
	someRisks      = `{"technical":[{"title":"Two at once","description":"Two owners take one hour.","severity":"high","mitigation":"The second is told."}],"market":[],"execution":[],"money":[]}`
	someSteps      = `{"user_journey":[{"title":"Open","description":"Owners open it."},{"title":"Pick","description":"They pick an hour."},{"title":"Walk","description":"The walk happens."}],"data_flow":"Walks are kept.","what_you_need":[]}`
	someParts      = `{"components":[{"name":"Pages","kind":"pages","description":"Owners see hours.","choice":"Plain pages.","alternatives":[]}],"connections":[],"cost":{"start":"Nothing beside the computer.","growing":"","lines":[]}}`
)

// asked returns a desk with a page that a scripted model wrote; script answers what is
// asked after it.
func asked(t *testing.T, w *world, script string) *desk {
	t.Helper()
	w.ask(t, turn("reading", aReading)+turn("questions", threeQuestions(t))+turn("answers", noClash, "times 0")+sections()+script)
	d := w.tell(t, "Owners of dogs book a free hour for a walk with me, and I see whose dog comes when.")
	for _, q := range d.awaitState(t, interview.Asking).Questions {
		d.submit(t, interview.Reply{Question: q.ID, Text: "One"})
	}
	if got := d.awaitState(t, interview.Written); got.State != interview.Written {
		t.Fatalf("page: %s %s", got.State, got.Reason)
	}
	return d
}

// Each document sees those before it, and the founder's edits as such.
func TestDocumentsSeeWhatIsBeforeThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start(t)
	edited := "expect No walks in the rain, on 17 days."
	d := asked(t, w, turn("milestones", someMilestones, edited)+
		turn("risks", someRisks, edited, "expect An owner has booked a walk.")+
		turn("how_it_works", someSteps, "expect Two owners take one hour.")+
		turn("architecture", someParts, "expect They pick an hour.", "expect Two owners take one hour."))
	e := document.Edit{Place: document.Place{Section: "problem"}, Value: []byte(`"No walks in the rain, on 17 days."`), Base: 1}
	if _, err := d.documents.Edit(t.Context(), d.actor, d.id, document.BriefKind, e); err != nil {
		t.Fatal(err)
	}
	d.want(t, onDemand()...)
	for _, k := range onDemand() {
		if doc := d.awaitPaper(t, k, settled); doc.State != document.Written {
			t.Errorf("%s: %s %s", k, doc.State, doc.Reason)
		}
	}
}

// A document whose writing fails does so alone, says why, and is retried alone; what it
// cost is in the ledger once per attempt.
func TestADocumentFailsAlone(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]string{
		"not of the form":         turn("risks", `{"technical":[],"market":[],"execution":[],"money":[]}`, "times 2"),
		"a number nobody said":    turn("risks", strings.Replace(someRisks, "Two owners", "4711 owners", 1), "times 2"),
		"refused":                 turn("risks", `{}`, "times 1", "stop refusal"),
		"longer than it may be":   turn("risks", `{"technical":`, "times 1", "stop max_tokens"),
		"a request it cannot use": turn("risks", `{}`, "times 1", "fail bad_request"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).start(t)
			d := asked(t, w, turn("milestones", someMilestones)+broken+turn("how_it_works", someSteps)+turn("risks", someRisks))
			d.want(t, document.MilestonesKind, document.RisksKind, document.HowItWorksKind)
			if doc := d.awaitPaper(t, document.HowItWorksKind, settled); doc.State != document.Written {
				t.Fatalf("the one after it: %s %s", doc.State, doc.Reason)
			}
			doc := d.paper(t, document.RisksKind)
			if doc.State != document.Failed || !strings.Contains(doc.Reason, "Nothing you wrote is lost. (Reference run_") || doc.Current != nil {
				t.Fatalf("it is %s: %s", doc.State, doc.Reason)
			}
			d.want(t, document.RisksKind)
			if doc := d.awaitPaper(t, document.RisksKind, settled); doc.State != document.Written {
				t.Fatalf("again: %s %s", doc.State, doc.Reason)
			}
			d.books(t)
		})
	}
}

// Trouble that passes is waited for, said, and gone on from by itself.
func TestADocumentWaitsForTrouble(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start(t)
	d := asked(t, w, turn("risks", `{}`, "times 0", "fail overloaded"))
	d.want(t, document.RisksKind)
	doc := d.awaitPaper(t, document.RisksKind, func(d document.Document) bool { return d.Trouble != "" || settled(d) })
	if doc.State != document.Writing || !strings.Contains(doc.Trouble, "I will go on by myself.") {
		t.Errorf("it is %s: %s%s", doc.State, doc.Trouble, doc.Reason)
	}
	d.books(t)
}

// books holds the ledger: no step of a document was paid twice.
func (d *desk) books(t *testing.T) {
	t.Helper()
	paid := map[string]int{}
	err := d.meter.Entries(t.Context(), d.actor, meter.Filter{Project: d.id}, func(e meter.Entry) error {
		if e.Output > 0 {
			paid[e.Run+" "+e.Step]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for step, n := range paid {
		if n > 2 { // an answer and its one repair
			t.Errorf("%s was paid %d times", step, n)
		}
	}
	if len(paid) == 0 {
		t.Error("nothing is in the ledger")
	}
}

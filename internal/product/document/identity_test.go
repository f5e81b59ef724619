package document_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"cofounder/internal/product/document"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// ids returns the criteria of a scope as "id text".
func ids(t *testing.T, v document.Version) []string {
	t.Helper()
	var all []string
	for _, f := range asScope(t, v.Content).Features {
		for _, c := range f.Criteria {
			all = append(all, c.ID+" "+c.Text)
		}
	}
	return all
}

// What a model writes again keeps the ids of what it says again.
func TestCriteriaKeepTheirIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	was := []string{"Owners see the free hours of the day.", "Owners get a reminder the day before.", "She sees today's dogs on one page."}
	tests := []struct {
		name string
		next []document.Criterion
		want []string
	}{
		{"the same", []document.Criterion{{Text: was[0]}, {Text: was[1]}, {Text: was[2]}}, []string{"c1", "c2", "c3"}},
		{"another order", []document.Criterion{{Text: was[2]}, {Text: was[0]}, {Text: was[1]}}, []string{"c3", "c1", "c2"}},
		{"other case and stops", []document.Criterion{{Text: "OWNERS SEE the free hours, of the day"}}, []string{"c1"}},
		{"nearly the same", []document.Criterion{{Text: "Owners get a reminder two days before."}}, []string{"c2"}},
		{"said anew and claimed", []document.Criterion{{ID: "c2", Text: "A reminder reaches owners by mail."}}, []string{"c2"}},
		{"a claim that cannot hold", []document.Criterion{{ID: "c2", Text: "Invoices are printed."}}, []string{"c4"}},
		{"an id nobody gave", []document.Criterion{{ID: "c99", Text: "Invoices are printed."}}, []string{"c4"}},
		{"one dropped, one new", []document.Criterion{{Text: was[1]}, {Text: "Invoices are printed."}}, []string{"c2", "c4"}},
		{"twice the same", []document.Criterion{{Text: was[0]}, {Text: was[0]}}, []string{"c1", "c4"}},
		{"two claim one", []document.Criterion{{ID: "c1", Text: "Owners see free hours."}, {ID: "c1", Text: was[0]}}, []string{"c4", "c1"}},
		{"something else entirely", []document.Criterion{{Text: "Invoices are printed."}, {Text: "Cats are welcome."}}, []string{"c4", "c5"}},
		{"another script", []document.Criterion{{Text: "狗主可以看到空闲时间"}}, []string{"c4"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := w.desk(t)
			d.write(t, scope(was...))
			next := scope()
			next.Features[0].Criteria = tt.next
			var got []string
			for _, c := range ids(t, d.write(t, next)) {
				id, _, _ := strings.Cut(c, " ")
				got = append(got, id)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
		})
	}
}

// What was dropped and comes back word for word is the same criterion again; its id was
// given to nothing else meanwhile.
func TestDroppedCriteriaComeBack(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	d.write(t, scope("Owners see free hours.", "Owners get a reminder."))
	d.write(t, scope("Owners see free hours."))
	got := ids(t, d.write(t, scope("Owners see free hours.", "Invoices are printed.", "Owners get a reminder.")))
	want := []string{"c1 Owners see free hours.", "c3 Invoices are printed.", "c2 Owners get a reminder."}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}

// A feature that is moved, renamed or cut keeps its criteria.
func TestFeaturesKeepTheirIDs(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	two := document.Scope{Features: []document.Feature{
		{Name: "Booking", Priority: document.Must, Criteria: []document.Criterion{{Text: "Owners see free hours."}}},
		{Name: "Reminders", Priority: document.Should, Criteria: []document.Criterion{{Text: "Owners get a reminder."}}},
	}}
	d.write(t, two)
	slices.Reverse(two.Features)
	two.Features[1].Name = "Booking an hour"
	two.Features[0].Criteria = append(two.Features[0].Criteria, document.Criterion{Text: "Owners see free hours.", Must: true})
	v := d.write(t, two)
	s := asScope(t, v.Content)
	if got := s.Features[0].ID + s.Features[1].ID; got != "f2f3" && got != "f2f1" {
		t.Errorf("features %s", got)
	}
	if got := fmt.Sprint(ids(t, v)); got != "[c2 Owners get a reminder. c3 Owners see free hours. c1 Owners see free hours.]" &&
		got != "[c2 Owners get a reminder. c1 Owners see free hours. c3 Owners see free hours.]" {
		t.Errorf("criteria %s", got)
	}
}

// Whatever is written and edited in whatever order: ids are unique in each version, and
// the founder's edits keep the ids they name.
func TestIdentityProperty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sentences := []string{
		"Owners see free hours.", "Owners see the free hours.", "Owners get a reminder.", "Owners get a reminder by mail.",
		"She sees today's dogs.", "Invoices are printed.", "空闲时间",
	}
	rapid.Check(t, func(rt *rapid.T) {
		d := w.desk(t)
		for range rapid.IntRange(1, 6).Draw(rt, "versions") {
			next := scope()
			for range rapid.IntRange(1, 4).Draw(rt, "criteria") {
				next.Features[0].Criteria = append(next.Features[0].Criteria, document.Criterion{
					ID:   rapid.SampledFrom([]string{"", "c1", "c2", "c3", "x"}).Draw(rt, "claim"),
					Text: rapid.SampledFrom(sentences).Draw(rt, "text"),
				})
			}
			var v document.Version
			if doc := d.get(t, document.ScopeKind); doc.Current != nil && rapid.Bool().Draw(rt, "by the founder") {
				v = d.mustEdit(t, document.ScopeKind, "features", next.Features, doc.Current.Number)
				known := ids(t, *doc.Current)
				for i, c := range asScope(t, v.Content).Features[0].Criteria {
					claim := next.Features[0].Criteria[i].ID
					first := slices.IndexFunc(next.Features[0].Criteria, func(c document.Criterion) bool { return c.ID == claim }) == i
					if first && slices.ContainsFunc(known, func(s string) bool { return strings.HasPrefix(s, claim+" ") }) && claim != "" && c.ID != claim {
						rt.Fatalf("the founder edited %s, it became %s", claim, c.ID)
					}
				}
			} else {
				out, err := d.finish(t, document.Draft{Content: next})
				if err != nil {
					rt.Fatal(err)
				}
				if out.Version == nil {
					continue
				}
				v = *out.Version
			}
			seen := map[string]bool{}
			for _, c := range ids(t, v) {
				id, _, _ := strings.Cut(c, " ")
				if seen[id] || !strings.HasPrefix(id, "c") {
					rt.Fatalf("criteria %v", ids(t, v))
				}
				seen[id] = true
			}
		}
	})
}

package interview_test

import (
	"slices"
	"strings"
	"testing"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/document"
	"cofounder/internal/product/interview"
)

// What the founder corrects is what is asked about and written from.
func TestCorrectionsReachThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start(t)
	d := w.tell(t, ideas(t)["dog-walker"])
	got := d.awaitState(t, interview.Asking)
	want := *got.Chips
	want.Name = "Pawbook"
	was := want.Things[0].Name
	want.Things = slices.Clone(want.Things)
	want.Things[0].Name = "Excursion"
	want.Things = append(want.Things, interview.Chip{Name: "Invoice", Details: []string{"Amount"}})
	line := got.Line
	if _, err := d.Correct(t.Context(), d.actor, d.id, want); err != nil {
		t.Fatal(err)
	}
	again, err := d.Correct(t.Context(), d.actor, d.id, want)
	if err != nil {
		t.Fatal(err)
	}
	if c := again.Chips; c.Name != "Pawbook" || c.Things[0].Name != "Excursion" || c.Things[0].From != was || c.Things[len(c.Things)-1].Name != "Invoice" {
		t.Errorf("chips %+v", c)
	}
	var kept int
	if err := d.db.QueryRow(t.Context(), `SELECT count(*) FROM interview_correction`).Scan(&kept); err != nil || kept != 1 {
		t.Errorf("%d lists of corrections, want 1: %v", kept, err)
	}
	read := d.await(t, "the line with the new name", func(i interview.Interview) bool { return i.Line != line })
	if !strings.Contains(read.Line, "excursions") {
		t.Errorf("the line is %q", read.Line)
	}
	fits := func(i interview.Interview) bool {
		return i.State == interview.Asking && strings.Contains(strings.ToLower(i.Questions[0].Text+i.Questions[1].Text), "excursion")
	}
	d.await(t, "questions with the new name", fits)
	d.page(t)
	doc, err := w.documents.Get(t.Context(), d.actor, d.id, document.ScopeKind)
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	for _, s := range doc.Current.Outline() {
		page.WriteString(strings.ToLower(s.Plain()) + "\n")
	}
	if !strings.Contains(page.String(), "excursion") || !strings.Contains(page.String(), "invoice") {
		t.Errorf("the page knows nothing of the corrections:\n%s", page.String())
	}

	// After the page they make it stale.
	want.Things = want.Things[:len(want.Things)-1]
	if got, err = d.Correct(t.Context(), d.actor, d.id, want); err != nil || !slices.Contains(got.Stale, "features") {
		t.Errorf("stale %v, %v", got.Stale, err)
	}
}

// Each chip of each idea can be renamed and taken away, and comes back with its old
// name when that is what the founder wants.
func TestEveryChipCanBeCorrected(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start(t)
	for name, idea := range ideas(t) {
		d := w.tell(t, idea)
		first := *d.awaitState(t, interview.Asking).Chips
		for n := range first.Things {
			c := first
			c.Things = slices.Clone(first.Things)
			c.Things[n].Name = "Zorb"
			got, err := d.Correct(t.Context(), d.actor, d.id, c)
			if err != nil || got.Chips.Things[n].Name != "Zorb" {
				t.Errorf("%s: %q renamed: %+v, %v", name, first.Things[n].Name, got.Chips, err)
			}
			got, err = d.Correct(t.Context(), d.actor, d.id, first)
			if err != nil || got.Chips.Things[n].Name != first.Things[n].Name {
				t.Errorf("%s: %q back again: %+v, %v", name, first.Things[n].Name, got.Chips, err)
			}
		}
	}
}

func TestCorrectRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.tell(t, "Dogs")
	_, err := d.Correct(t.Context(), d.actor, d.id, interview.Chips{})
	faulttest.Wants(t, "before it is read", err, "conflict not_yet")
	w = newWorld(t).start(t)
	d = w.tell(t, ideas(t)["vet"])
	all := *d.awaitState(t, interview.Asking).Chips
	one := func(change func(*interview.Chips)) error {
		c := all
		c.Things, c.People = slices.Clone(all.Things), slices.Clone(all.People)
		change(&c)
		_, err := d.Correct(t.Context(), d.actor, d.id, c)
		return err
	}
	faulttest.Wants(t, "nothing left", one(func(c *interview.Chips) { c.People, c.Things = nil, nil }), "invalid things")
	faulttest.Wants(t, "twice", one(func(c *interview.Chips) { c.Things = append(c.Things, interview.Chip{Name: c.Things[0].Name}) }), "invalid things."+string(rune('0'+len(all.Things))))
	faulttest.Wants(t, "too long", one(func(c *interview.Chips) { c.Things[0].Name = strings.Repeat("x", 61) }), "invalid things.0")
	stranger := w.founder(t)
	_, err = w.Correct(t.Context(), stranger, d.id, all)
	faulttest.Wants(t, "a stranger", err, "not_found")
}

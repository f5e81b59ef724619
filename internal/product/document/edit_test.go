package document_test

import (
	"errors"
	"strings"
	"testing"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/account"
	"cofounder/internal/product/document"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

func TestEditMakesAVersion(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	out, err := d.finish(t, document.Draft{Content: brief(), Confidence: map[string]document.Confidence{
		"problem": {document.Strong, "She said so."}, "value": {document.Moderate, "Nobody asked the owners."},
	}})
	if err != nil {
		t.Fatal(err)
	}
	first := *out.Version
	second := d.mustEdit(t, document.BriefKind, "problem", " Cats too.\r\n", 1)
	if second.Number != 2 || second.MadeBy != document.ByFounder || second.Author != d.actor.User {
		t.Errorf("made %+v", second)
	}
	want := asBrief(t, first.Content)
	want.Problem = "Cats too."
	if diff := cmp.Diff(document.Content(want), second.Content); diff != "" {
		t.Errorf("content (-want +got):\n%s", diff)
	}
	if _, ok := second.Confidence["problem"]; ok || second.Confidence["value"] != first.Confidence["value"] {
		t.Errorf("confidence %v: what we thought of other words stays for nothing", second.Confidence)
	}
	if diff := cmp.Diff([]string{"problem"}, second.Edited); diff != "" {
		t.Errorf("edited (-want +got):\n%s", diff)
	}
	kept, err := d.Version(t.Context(), d.actor, d.project, document.BriefKind, 1)
	if diff := cmp.Diff(first, kept); err != nil || diff != "" {
		t.Errorf("the version before (-was +is): %v\n%s", err, diff)
	}
	same := d.mustEdit(t, document.BriefKind, "problem", "Cats too.", 1)
	if same.Number != 2 {
		t.Errorf("an edit that changes nothing made version %d", same.Number)
	}
}

func TestEditItems(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	d.write(t, brief())
	d.write(t, scope("Owners see free hours.", "Owners get a reminder."))
	v := d.mustEdit(t, document.BriefKind, "assumptions/a2", document.Assumption{ID: "a2", Text: "Owners pay by card."}, 1)
	want := []document.Assumption{{ID: "a1", Text: "One groomer works alone."}, {ID: "a2", Text: "Owners pay by card."}}
	if diff := cmp.Diff(want, v.Assumptions()); diff != "" {
		t.Errorf("what we assumed (-want +got):\n%s", diff)
	}
	v = d.mustEdit(t, document.BriefKind, "assumptions/a1", nil, 2)
	if got := v.Assumptions(); len(got) != 1 || got[0].ID != "a2" {
		t.Errorf("after taking one out: %v", got)
	}
	v = d.mustEdit(t, document.BriefKind, "assumptions", []document.Assumption{got(v)[0], {Text: "She works on Mondays."}}, 3)
	if ids := got(v)[0].ID + got(v)[1].ID; ids != "a2a3" {
		t.Errorf("ids %s, want a2 kept and a1 given to nobody else", ids)
	}
	f := document.Feature{ID: "f1", Name: "Booking", Priority: document.Must, Criteria: []document.Criterion{
		{ID: "c2", Text: "Owners get two reminders.", Must: true}, {Text: "Owners can cancel.", Must: true},
	}}
	s := asScope(t, d.mustEdit(t, document.ScopeKind, "features/f1", f, 1).Content)
	if ids := s.Features[0].Criteria[0].ID + s.Features[0].Criteria[1].ID; ids != "c2c3" {
		t.Errorf("criteria %s, want c2 changed and c3 new", ids)
	}
}

func got(v document.Version) []document.Assumption { return v.Assumptions() }

func TestEditsThatAreRefused(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	d.write(t, brief())
	d.write(t, scope("Owners see free hours."))
	tests := []struct {
		name  string
		kind  document.Kind
		place string
		value any
		want  string
	}{
		{"no such section", document.BriefKind, "thesis", "x", "invalid section"},
		{"another kind's section", document.ScopeKind, "problem", "x", "invalid section"},
		{"a list for a text", document.BriefKind, "problem", []string{"a"}, "invalid problem"},
		{"a text for a list", document.BriefKind, "risks", "one\ntwo", "invalid risks"},
		{"no text", document.BriefKind, "problem", "a\x00b", "invalid problem"},
		{"too long", document.BriefKind, "problem", strings.Repeat("x", 20_001), "invalid problem"},
		{"too many", document.BriefKind, "risks", strings.Split(strings.Repeat("x ", 61), " "), "invalid risks"},
		{"an unknown field", document.ScopeKind, "features", []map[string]any{{"name": "x", "colour": "red"}}, "invalid colour"},
		{"a feature without a name", document.ScopeKind, "features", []document.Feature{{Priority: document.Later}}, "invalid features.0.name"},
		{"another priority", document.ScopeKind, "features", []document.Feature{{Name: "x", Priority: "urgent"}}, "invalid features.0.priority"},
		{"a must without criteria", document.ScopeKind, "features", []document.Feature{{Name: "x", Priority: document.Must}}, "invalid features.0.criteria"},
		{"an empty criterion", document.ScopeKind, "features", []document.Feature{{Name: "x", Priority: document.Later, Criteria: []document.Criterion{{}}}}, "invalid features.0.criteria.0.text"},
		{"no such item", document.ScopeKind, "features/f9", document.Feature{Name: "x"}, "not_found"},
		{"an item of a text", document.BriefKind, "problem/p1", "x", "invalid section"},
		{"not written yet", document.RisksKind, "market", []document.Risk{}, "not_found"},
	}
	for _, tt := range tests {
		_, err := d.edit(t, tt.kind, tt.place, tt.value, 1)
		faulttest.Wants(t, tt.name, err, tt.want)
	}
	if n := d.get(t, document.BriefKind).Current.Number + d.get(t, document.ScopeKind).Current.Number; n != 2 {
		t.Errorf("%d versions, want the two from before", n)
	}
}

// Of two people who edit one section the second is shown both texts and chooses; in
// different sections both are done.
func TestTwoEditOneSection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.desk(t)
	d.write(t, brief())
	other := *d
	other.actor = w.person(t, d.actor.Workspace, account.Member)
	d.mustEdit(t, document.BriefKind, "value", "Quiet hours.", 1)
	if v := other.mustEdit(t, document.BriefKind, "target_user", "Two groomers.", 1); v.Number != 3 {
		t.Errorf("an edit elsewhere made version %d", v.Number)
	}
	_, err := other.edit(t, document.BriefKind, "value", "Calm hours.", 1)
	faulttest.Wants(t, "the second edit", err, "conflict edited_meanwhile version theirs yours")
	f := fault.Of(err)
	for i, want := range []string{"3", `"Quiet hours."`, `"Calm hours."`} {
		if f.Fields[i].Detail != want {
			t.Errorf("%s = %s, want %s", f.Fields[i].Name, f.Fields[i].Detail, want)
		}
	}
	var clash *document.ClashError
	if !errors.As(err, &clash) {
		t.Fatalf("%v has no clash", err)
	}
	want := []document.Part{{document.Removed, "Quiet"}, {document.Added, "Calm"}, {document.Same, " hours."}}
	if diff := cmp.Diff(want, clash.Parts); diff != "" || clash.Current.Number != 3 {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
	if got := asBrief(t, d.get(t, document.BriefKind).Current.Content).Value; got != "Quiet hours." {
		t.Errorf("the first edit is gone: %q", got)
	}
	chosen := other.mustEdit(t, document.BriefKind, "value", "Calm hours.", clash.Current.Number)
	if got := asBrief(t, chosen.Content); got.Value != "Calm hours." || got.TargetUser != "Two groomers." {
		t.Errorf("after choosing: %+v", got)
	}
	// Both wrote the same: nothing to choose.
	if v := d.mustEdit(t, document.BriefKind, "value", "Calm hours.", 1); v.Number != chosen.Number {
		t.Errorf("the same words made version %d", v.Number)
	}
}

func TestRestoreIsANewVersion(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	d.write(t, scope("Owners see free hours."))
	d.mustEdit(t, document.ScopeKind, "out_of_scope", []string{"Payment", "Chat"}, 1)
	_, err := d.Restore(t.Context(), d.actor, d.project, document.ScopeKind, 1, 1)
	faulttest.Wants(t, "from an old page", err, "conflict edited_meanwhile version")
	_, err = d.Restore(t.Context(), d.actor, d.project, document.ScopeKind, 7, 2)
	faulttest.Wants(t, "none such", err, "not_found")
	back, err := d.Restore(t.Context(), d.actor, d.project, document.ScopeKind, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	first, err := d.Version(t.Context(), d.actor, d.project, document.ScopeKind, 1)
	if err != nil || back.Number != 3 || back.MadeBy != document.ByRestore || back.Restored != 1 || back.Hash != first.Hash {
		t.Errorf("restored as %+v, %v", back, err)
	}
	if diff := cmp.Diff(first.Content, back.Content); diff != "" {
		t.Errorf("content (-first +restored):\n%s", diff)
	}
	again, err := d.Restore(t.Context(), d.actor, d.project, document.ScopeKind, 1, 3)
	if err != nil || again.Number != 3 {
		t.Errorf("restoring what is in force made version %d, %v", again.Number, err)
	}
	all, err := d.Versions(t.Context(), d.actor, d.project, document.ScopeKind, 0, 2)
	if err != nil || len(all) != 2 || all[0].Number != 3 {
		t.Errorf("versions: %d, %v", len(all), err)
	}
	rest, err := d.Versions(t.Context(), d.actor, d.project, document.ScopeKind, 2, 2)
	if err != nil || len(rest) != 1 || rest[0].Number != 1 {
		t.Errorf("the page behind: %v, %v", rest, err)
	}
	diff, err := d.Difference(t.Context(), d.actor, d.project, document.ScopeKind, 2, 3)
	if err != nil || len(diff) != 1 || diff[0].Key != "out_of_scope" {
		t.Errorf("difference %v, %v", diff, err)
	}
	whole, err := d.Difference(t.Context(), d.actor, d.project, document.ScopeKind, 0, 1)
	if err != nil || len(whole) != 2 || whole[0].Parts[0].Op != document.Added {
		t.Errorf("from nothing %v, %v", whole, err)
	}
}

func TestScopeIsConfirmed(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	d.write(t, brief())
	confirm := func(version int) error {
		return d.inTx(t, func(tx pgx.Tx) error { return d.ConfirmTx(t.Context(), tx, d.actor, d.project, version) })
	}
	faulttest.Wants(t, "nothing", confirm(1), "not_found")
	d.write(t, scope("Owners see free hours."))
	faulttest.Wants(t, "another version", confirm(2), "conflict edited_meanwhile version")
	faulttest.Wants(t, "the one in force", confirm(1), "")
	faulttest.Wants(t, "again", confirm(1), "")
	facts := func() string {
		return strings.Join(d.texts(t, `SELECT fact FROM project_fact WHERE project = $1 ORDER BY fact`, d.project), " ")
	}
	if got := facts(); got != "brief_written risks_named scope_confirmed scope_written" {
		t.Errorf("facts: %s", got)
	}
	d.mustEdit(t, document.ScopeKind, "success_metrics", []string{"She is booked out."}, 1)
	if got := facts(); !strings.Contains(got, "scope_confirmed") {
		t.Errorf("the founder's own edit took the confirmation away: %s", got)
	}
	s := scope("Owners see free hours.")
	s.SuccessMetrics, s.OutOfScope = []string{"She is booked out."}, []string{"Payment", "Chat"}
	d.write(t, s)
	if got := facts(); strings.Contains(got, "scope_confirmed") {
		t.Errorf("a scope of ours counts as confirmed: %s", got)
	}
	d.mustEdit(t, document.BriefKind, "risks", []string{}, 1)
	if got := facts(); strings.Contains(got, "risks_named") {
		t.Errorf("risks are named although none are left: %s", got)
	}
}

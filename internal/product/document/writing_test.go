package document_test

import (
	"testing"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
	"cofounder/internal/product/project"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

func (d *desk) begin(t *testing.T, k document.Kind, run string) error {
	t.Helper()
	return d.inTx(t, func(tx pgx.Tx) error { return d.BeginTx(t.Context(), tx, d.actor, d.project, k, run) })
}

func (d *desk) fail(t *testing.T, k document.Kind, run string) error {
	t.Helper()
	return d.inTx(t, func(tx pgx.Tx) error {
		return d.FailTx(t.Context(), tx, d.actor, d.project, document.Failure{Kind: k, Run: run, Reason: "The AI was overloaded. Try again in a minute."})
	})
}

func TestStatesOfWriting(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	state := func(k document.Kind, want document.State) {
		t.Helper()
		if got := d.get(t, k); got.State != want || (got.Reason != "") != (want == document.Failed) {
			t.Errorf("%s is %s (%s), want %s", k, got.State, got.Reason, want)
		}
	}
	state(document.RisksKind, document.NotAsked)
	faulttest.Wants(t, "without a brief", d.Ask(t.Context(), d.actor, d.project, []document.Kind{document.RisksKind}), "conflict brief_needed")
	d.write(t, brief())
	ask := func(kinds ...document.Kind) error { return d.Ask(t.Context(), d.actor, d.project, kinds) }
	faulttest.Wants(t, "nothing", ask(), "invalid kinds")
	faulttest.Wants(t, "no such kind", ask("change_request_1"), "invalid kinds")
	faulttest.Wants(t, "twice", ask(document.RisksKind, document.RisksKind), "invalid kinds")
	faulttest.Wants(t, "three", ask(document.ArchitectureKind, document.MilestonesKind, document.RisksKind), "")
	if got := d.texts(t, `SELECT kind || input::text FROM run`); len(got) != 1 || got[0] != `write_documents{"kinds":["milestones","risks","architecture"]}` {
		t.Errorf("runs %q, want one with the order of writing", got)
	}
	state(document.RisksKind, document.Asked)
	faulttest.Wants(t, "again", ask(document.RisksKind), "conflict being_written")

	faulttest.Wants(t, "begin", d.begin(t, document.RisksKind, "run_1"), "")
	faulttest.Wants(t, "begin after a crash", d.begin(t, document.RisksKind, "run_1"), "")
	faulttest.Wants(t, "begin by another run", d.begin(t, document.RisksKind, "run_2"), "conflict being_written")
	faulttest.Wants(t, "again while writing", ask(document.RisksKind), "conflict being_written")
	state(document.RisksKind, document.Writing)
	faulttest.Wants(t, "a failure of another run", d.fail(t, document.RisksKind, "run_2"), "")
	state(document.RisksKind, document.Writing)
	faulttest.Wants(t, "fail", d.fail(t, document.RisksKind, "run_1"), "")
	state(document.RisksKind, document.Failed)
	state(document.MilestonesKind, document.Asked) // fails alone
	faulttest.Wants(t, "retry alone", ask(document.RisksKind), "")
	faulttest.Wants(t, "begin", d.begin(t, document.RisksKind, "run_3"), "")
	risks := document.Risks{Market: []document.Risk{{Title: "Habit", Severity: document.High}}}
	_, err := d.finish(t, document.Draft{Content: risks, Run: "run_1"})
	faulttest.Wants(t, "a run that was overtaken", err, "conflict being_written")
	_, err = d.finish(t, document.Draft{Content: risks, Run: "run_3"})
	faulttest.Wants(t, "finish", err, "")
	state(document.RisksKind, document.Written)
	faulttest.Wants(t, "write again", ask(document.RisksKind), "")
	if got := d.get(t, document.RisksKind); got.Current == nil || got.Current.Number != 1 {
		t.Error("asking again took away what was written")
	}
	faulttest.Wants(t, "fail with a version", d.fail(t, document.RisksKind, ""), "")
	if got := d.get(t, document.RisksKind); got.State != document.Failed || got.Current == nil {
		t.Errorf("after a failed regeneration: %+v", got)
	}
	v := d.mustEdit(t, document.RisksKind, "market", []document.Risk{{Title: "Habit", Severity: document.Low}}, 1)
	if got := d.get(t, document.RisksKind); got.State != document.Failed || got.Current.Number != v.Number {
		t.Errorf("an edit hides the failure: %+v", got)
	}
	if got := d.texts(t, `SELECT kind || input::text FROM run ORDER BY created_at DESC LIMIT 1`); got[0] != `write_documents{"kinds":["risks"]}` {
		t.Errorf("retried with %q", got)
	}
}

func TestNothingIsAskedOnHold(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	d.write(t, brief())
	if _, err := d.projects.Park(t.Context(), d.actor, d.project, ""); err != nil {
		t.Fatal(err)
	}
	faulttest.Wants(t, "on hold", d.Ask(t.Context(), d.actor, d.project, []document.Kind{document.RisksKind}), "conflict project_parked")
	d.mustEdit(t, document.BriefKind, "value", "Quiet.", 1) // words are always taken
	if _, err := d.projects.Delete(t.Context(), d.actor, d.project); err != nil {
		t.Fatal(err)
	}
	_, err := d.edit(t, document.BriefKind, "value", "Quieter.", 2)
	faulttest.Wants(t, "deleted", err, "conflict project_deleted")
	if got := d.get(t, document.BriefKind); got.Current == nil {
		t.Error("a deleted project can not be read")
	}
}

// A new writing takes the place of ours, and is proposed where it would replace words of
// the founder's.
func TestFoundersWordsWin(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	d.write(t, brief())
	again := brief()
	again.Value = "Fewer calls."
	if v := d.write(t, again); v.Number != 2 || v.MadeBy != document.ByRegeneration || len(v.Edited) != 0 {
		t.Errorf("over our own words: %+v", v)
	}
	if v := d.write(t, again); v.Number != 2 {
		t.Errorf("the same again made version %d", v.Number)
	}
	d.mustEdit(t, document.BriefKind, "value", "Quiet hours.", 2)
	beside := brief()
	beside.Value, beside.Problem = "Quiet hours.", "The telephone."
	if v := d.write(t, beside); v.Number != 4 || v.Edited[0] != "value" {
		t.Errorf("beside the founder's words: %+v", v)
	}

	over := brief()
	over.Value, over.Problem, over.TargetUser = "No calls at all.", "Calls.", "Two groomers."
	out, err := d.finish(t, document.Draft{Content: over, Cause: "dec_1"})
	if err != nil || out.Version != nil || out.Proposal == nil {
		t.Fatalf("over the founder's words: %+v, %v", out, err)
	}
	doc := d.get(t, document.BriefKind)
	if doc.Current.Number != 4 || doc.Proposal == nil || doc.Proposal.ID != out.Proposal.ID || doc.State != document.Written {
		t.Fatalf("document %+v", doc)
	}
	var keys []string
	for _, c := range document.Compare(doc.Current.Content, doc.Proposal.Content) {
		keys = append(keys, c.Key)
	}
	if diff := cmp.Diff([]string{"problem", "target_user", "value"}, keys); diff != "" {
		t.Errorf("proposed (-want +got):\n%s", diff)
	}
	take := func(sections ...string) (document.Version, error) {
		return d.Accept(t.Context(), d.actor, d.project, document.BriefKind,
			document.Take{Proposal: doc.Proposal.ID, Sections: sections, Base: doc.Current.Number})
	}
	_, err = take("risks")
	faulttest.Wants(t, "a section it does not change", err, "invalid sections")
	v, err := take("target_user", "problem")
	if err != nil {
		t.Fatal(err)
	}
	if b := asBrief(t, v.Content); b.Value != "Quiet hours." || b.TargetUser != "Two groomers." || b.Problem != "Calls." {
		t.Errorf("taken: %+v", b)
	}
	if v.MadeBy != document.ByRegeneration || v.Cause != "dec_1" || len(v.Edited) != 1 {
		t.Errorf("made %+v", v)
	}
	_, err = take()
	faulttest.Wants(t, "twice", err, "not_found")
}

func TestProposalsAreAnswered(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	d.write(t, brief())
	d.mustEdit(t, document.BriefKind, "value", "Quiet hours.", 1)
	propose := func(value string) document.Proposal {
		t.Helper()
		b := brief()
		b.Value = value
		out, err := d.finish(t, document.Draft{Content: b})
		if err != nil || out.Proposal == nil {
			t.Fatalf("%+v, %v", out, err)
		}
		return *out.Proposal
	}
	old := propose("Fewer calls.")
	p := propose("No calls.")
	err := d.Decline(t.Context(), d.actor, d.project, document.BriefKind, old.ID)
	faulttest.Wants(t, "one that was replaced", err, "not_found")
	d.mustEdit(t, document.BriefKind, "problem", "The telephone.", 2)
	_, err = d.Accept(t.Context(), d.actor, d.project, document.BriefKind, document.Take{Proposal: p.ID, Base: 2})
	faulttest.Wants(t, "from an old page", err, "conflict edited_meanwhile version")
	v, err := d.Accept(t.Context(), d.actor, d.project, document.BriefKind, document.Take{Proposal: p.ID, Base: 3, Sections: []string{"value"}})
	if b := asBrief(t, v.Content); err != nil || b.Value != "No calls." || b.Problem != "The telephone." {
		t.Errorf("accepted: %+v, %v", b, err)
	}
	p = propose("Silence.")
	if err := d.Decline(t.Context(), d.actor, d.project, document.BriefKind, p.ID); err != nil {
		t.Fatal(err)
	}
	if doc := d.get(t, document.BriefKind); doc.Proposal != nil || doc.Current.Number != 4 {
		t.Errorf("after declining: %+v", doc)
	}
	got := d.texts(t, `SELECT outcome FROM document_proposal ORDER BY closed_at, outcome`)
	if diff := cmp.Diff([]string{"accepted", "declined", "replaced"}, got); diff != "" {
		t.Errorf("proposals (-want +got):\n%s", diff)
	}
}

func TestDraftsThatAreRefused(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	b := brief()
	b.MarketContext = "There are 30,000 groomers."
	sure := func(section string, c document.Confidence) map[string]document.Confidence {
		return map[string]document.Confidence{section: c}
	}
	tests := []struct {
		name  string
		draft document.Draft
		want  string
	}{
		{"a number nobody said", document.Draft{Content: b}, "invalid unsourced_number"},
		{"a number the founder said", document.Draft{Content: b, Said: "about 30000 groomers here"}, ""},
		{"an empty brief", document.Draft{Content: document.Brief{}}, "invalid content"},
		{"no such section", document.Draft{Content: brief(), Confidence: sure("thesis", document.Confidence{Level: document.Strong, Reason: "x"})}, "invalid confidence.thesis"},
		{"no such level", document.Draft{Content: brief(), Confidence: sure("value", document.Confidence{Level: "sure", Reason: "x"})}, "invalid confidence.value"},
		{"no reason", document.Draft{Content: brief(), Confidence: sure("value", document.Confidence{Level: document.Strong})}, "invalid confidence.value"},
		{"a per cent of certainty", document.Draft{Content: brief(), Confidence: sure("value", document.Confidence{Level: document.Strong, Reason: "90% sure"})}, "invalid confidence.value"},
	}
	for _, tt := range tests {
		faulttest.Wants(t, tt.name, d.Check(tt.draft), tt.want)
		if tt.want != "" {
			_, err := d.finish(t, tt.draft)
			faulttest.Wants(t, tt.name, err, tt.want)
		}
	}
	if doc := d.get(t, document.BriefKind); doc.State != document.NotAsked || doc.Current != nil {
		t.Errorf("a refused draft left %+v", doc)
	}
}

func TestComments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.desk(t)
	d.write(t, scope("Owners see free hours."))
	viewer := w.person(t, d.actor.Workspace, account.Viewer)
	remark := func(a account.Actor, r document.Remark) (document.Comment, error) {
		return d.Comment(t.Context(), a, d.project, document.ScopeKind, r)
	}
	place := document.ParsePlace
	for name, tt := range map[string]struct {
		remark document.Remark
		want   string
	}{
		"nothing":         {document.Remark{Text: " "}, "invalid text"},
		"no such section": {document.Remark{Text: "x", Place: place("problem")}, "invalid section"},
		"no such item":    {document.Remark{Text: "x", Place: place("features/c9")}, "invalid item"},
		"no such version": {document.Remark{Text: "x", Version: 2}, "not_found"},
	} {
		_, err := remark(viewer, tt.remark)
		faulttest.Wants(t, name, err, tt.want)
	}
	var want []document.Comment
	for _, at := range []string{"", "features", "features/f1", "features/c1"} {
		w.clock.Advance(1e9)
		c, err := remark(viewer, document.Remark{Text: "Really?", Place: place(at)})
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		if c.Place != place(at) || c.Author != viewer.User || c.Version != 1 {
			t.Errorf("made %+v", c)
		}
		want = append(want, c)
	}
	readOnly := viewer
	readOnly.Scope = account.ScopeRead
	_, err := remark(readOnly, document.Remark{Text: "x"})
	faulttest.Wants(t, "a key that may only read", err, "forbidden token_read_only")
	_, err = d.Resolve(t.Context(), viewer, d.project, document.ScopeKind, want[0].ID)
	faulttest.Wants(t, "resolve by a viewer", err, "forbidden viewer_only")
	for range 2 {
		if want[0], err = d.Resolve(t.Context(), d.actor, d.project, document.ScopeKind, want[0].ID); err != nil || want[0].ResolvedBy != d.actor.User {
			t.Errorf("resolved %+v, %v", want[0], err)
		}
	}
	d.mustEdit(t, document.ScopeKind, "out_of_scope", []string{}, 1)
	first, err := d.Comments(t.Context(), d.actor, d.project, document.ScopeKind, "", 3)
	if err != nil || len(first) != 3 {
		t.Fatalf("%d comments, %v", len(first), err)
	}
	rest, err := d.Comments(t.Context(), d.actor, d.project, document.ScopeKind, first[2].ID, 3)
	if diff := cmp.Diff(want, append(first, rest...)); err != nil || diff != "" {
		t.Errorf("comments (-want +got): %v\n%s", err, diff)
	}
}

// Nobody reads or changes another team's documents, and viewers change nothing.
func TestOthersSeeAndChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.desk(t)
	d.write(t, brief())
	stranger, viewer := w.person(t, "", account.Owner), w.person(t, d.actor.Workspace, account.Viewer)
	ctx, k := t.Context(), document.BriefKind
	edit := document.Edit{Place: document.ParsePlace("value"), Value: []byte(`"taken"`), Base: 1}
	tx := func(do func(pgx.Tx) error) error { return d.inTx(t, do) }
	calls := map[string]struct {
		writes bool
		call   func(account.Actor, project.ID) error
	}{
		"Get":        {false, func(a account.Actor, p project.ID) error { _, err := d.Get(ctx, a, p, k); return err }},
		"List":       {false, func(a account.Actor, p project.ID) error { _, err := d.List(ctx, a, p); return err }},
		"Version":    {false, func(a account.Actor, p project.ID) error { _, err := d.Version(ctx, a, p, k, 1); return err }},
		"Versions":   {false, func(a account.Actor, p project.ID) error { _, err := d.Versions(ctx, a, p, k, 0, 9); return err }},
		"Difference": {false, func(a account.Actor, p project.ID) error { _, err := d.Difference(ctx, a, p, k, 0, 1); return err }},
		"Comments":   {false, func(a account.Actor, p project.ID) error { _, err := d.Comments(ctx, a, p, k, "", 9); return err }},
		"Edit":       {true, func(a account.Actor, p project.ID) error { _, err := d.Edit(ctx, a, p, k, edit); return err }},
		"Restore":    {true, func(a account.Actor, p project.ID) error { _, err := d.Restore(ctx, a, p, k, 1, 1); return err }},
		"Ask":        {true, func(a account.Actor, p project.ID) error { return d.Ask(ctx, a, p, []document.Kind{k}) }},
		"Accept": {true, func(a account.Actor, p project.ID) error {
			_, err := d.Accept(ctx, a, p, k, document.Take{})
			return err
		}},
		"Decline": {true, func(a account.Actor, p project.ID) error { return d.Decline(ctx, a, p, k, "") }},
		"Resolve": {true, func(a account.Actor, p project.ID) error { _, err := d.Resolve(ctx, a, p, k, "x"); return err }},
		"BeginTx": {true, func(a account.Actor, p project.ID) error {
			return tx(func(tx pgx.Tx) error { return d.BeginTx(ctx, tx, a, p, k, "run") })
		}},
		"FailTx": {true, func(a account.Actor, p project.ID) error {
			return tx(func(tx pgx.Tx) error {
				return d.FailTx(ctx, tx, a, p, document.Failure{Kind: k, Run: "run", Reason: "because"})
			})
		}},
		"FinishTx": {true, func(a account.Actor, p project.ID) error {
			return tx(func(tx pgx.Tx) error {
				_, err := d.FinishTx(ctx, tx, a, p, document.Draft{Content: brief()})
				return err
			})
		}},
		"ConfirmTx": {true, func(a account.Actor, p project.ID) error {
			return tx(func(tx pgx.Tx) error { return d.ConfirmTx(ctx, tx, a, p, 1) })
		}},
	}
	before := d.get(t, k)
	for name, c := range calls {
		faulttest.Wants(t, name+" by a stranger", c.call(stranger, d.project), "not_found")
		want := ""
		if c.writes {
			want = "forbidden viewer_only"
		}
		faulttest.Wants(t, name+" by a viewer", c.call(viewer, d.project), want)
	}
	_, err := d.Comment(ctx, stranger, d.project, k, document.Remark{Text: "x"})
	faulttest.Wants(t, "Comment by a stranger", err, "not_found")
	if diff := cmp.Diff(before, d.get(t, k)); diff != "" {
		t.Errorf("document (-before +after):\n%s", diff)
	}
}

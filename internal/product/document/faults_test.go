package document_test

// One test for each mistake that products of this kind are known to have made with
// documents.

import (
	"testing"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/document"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// The brief has one shape for whoever writes, stores, edits and shows it, and what is
// left out is empty, not an error after the fact.
func TestShortBriefIsWholeAndDeepBriefIsKept(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	short, err := document.Decode(document.BriefKind, []byte(`{"problem":"Calls."}`))
	if err != nil {
		t.Fatal(err)
	}
	if b := asBrief(t, d.write(t, short).Content); b.Risks == nil || b.Constraints == nil || b.Assumptions == nil {
		t.Errorf("lists are null: %+v", b)
	}
	deep := samples(t)[document.BriefKind]
	if diff := cmp.Diff(deep, d.write(t, deep).Content); diff != "" {
		t.Errorf("deeper sections (-written +kept):\n%s", diff)
	}
}

func TestListSectionsStayListsAndNeedNoConfidence(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	d.write(t, brief()) // without any confidence
	v := d.mustEdit(t, document.BriefKind, "risks", []string{"Owners may call.", "", "She may fall ill."}, 1)
	want := []string{"Owners may call.", "She may fall ill."}
	if diff := cmp.Diff(want, asBrief(t, v.Content).Risks); diff != "" {
		t.Errorf("risks (-want +got):\n%s", diff)
	}
}

func TestEachDocumentAppearsWhenItIsFinished(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	d.write(t, brief())
	kinds := []document.Kind{document.MilestonesKind, document.RisksKind, document.HowItWorksKind}
	if err := d.Ask(t.Context(), d.actor, d.project, kinds); err != nil {
		t.Fatal(err)
	}
	all := samples(t)
	for n, k := range kinds {
		if err := d.begin(t, k, "run_1"); err != nil {
			t.Fatal(err)
		}
		if _, err := d.finish(t, document.Draft{Content: all[k], Run: "run_1"}); err != nil {
			t.Fatal(err)
		}
		list, err := d.List(t.Context(), d.actor, d.project)
		if err != nil || len(list) != len(document.Kinds()) {
			t.Fatalf("%d documents, %v", len(list), err)
		}
		written := 0
		for _, doc := range list {
			if doc.Current != nil && doc.State == document.Written {
				written++
			}
		}
		if written != n+2 {
			t.Errorf("after %s %d are there, want %d", k, written, n+2)
		}
	}
}

func TestSeveralAreWrittenAtOnceAndACrashLosesNone(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	d.write(t, brief())
	kinds := []document.Kind{document.MilestonesKind, document.RisksKind, document.HowItWorksKind}
	for _, k := range kinds {
		if err := d.begin(t, k, "run_"+string(k)); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range kinds { // another worker goes on with the same runs
		if got := d.get(t, k); got.State != document.Writing {
			t.Errorf("%s is %s", k, got.State)
		}
		faulttest.Wants(t, "again", d.begin(t, k, "run_"+string(k)), "")
	}
	for _, k := range kinds {
		if err := d.fail(t, k, "run_"+string(k)); err != nil {
			t.Fatal(err)
		}
		if got := d.get(t, k); got.State != document.Failed || got.Reason == "" || got.Current != nil {
			t.Errorf("a failed document without content reads as %+v", got)
		}
	}
}

func TestUnknownKindsDoNotExist(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	for _, k := range []document.Kind{"", "change_request_1", "idea_brief", "Brief"} {
		_, err := d.Get(t.Context(), d.actor, d.project, k)
		faulttest.Wants(t, string(k), err, "not_found")
		_, err = document.Decode(k, []byte(`{}`))
		faulttest.Wants(t, string(k), err, "not_found")
	}
}

func TestWritingAgainErasesNothing(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	deep := samples(t)[document.BriefKind]
	d.write(t, deep)
	d.write(t, brief()) // without the deeper sections
	d.mustEdit(t, document.BriefKind, "value", "Quiet.", 2)
	first, err := d.Version(t.Context(), d.actor, d.project, document.BriefKind, 1)
	if diff := cmp.Diff(deep, first.Content); err != nil || diff != "" {
		t.Errorf("the first version (-written +kept): %v\n%s", err, diff)
	}
	second, err := d.Version(t.Context(), d.actor, d.project, document.BriefKind, 2)
	if err != nil || asBrief(t, second.Content).Value != brief().Value {
		t.Errorf("what was there before the edit: %+v, %v", second, err)
	}
}

// Between the beginning of a writing and its end nothing is locked.
func TestEditingGoesOnWhileAModelWrites(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	d.write(t, brief())
	if err := d.begin(t, document.BriefKind, "run_1"); err != nil {
		t.Fatal(err)
	}
	d.mustEdit(t, document.BriefKind, "value", "Quiet.", 1)
	if got := d.get(t, document.BriefKind); got.State != document.Writing {
		t.Errorf("the edit ended the writing: %s", got.State)
	}
	again := brief()
	again.Value = "Fewer calls."
	out, err := d.finish(t, document.Draft{Content: again, Run: "run_1"})
	if err != nil || out.Proposal == nil {
		t.Errorf("the founder's words were replaced: %+v, %v", out, err)
	}
}

// A document and what it is a part of are one: where the transaction fails nothing is
// written, and the run's second try does it.
func TestFailedCommitLeavesNothing(t *testing.T) {
	t.Parallel()
	d := newWorld(t).desk(t)
	if err := d.begin(t, document.BriefKind, "run_1"); err != nil {
		t.Fatal(err)
	}
	draft := document.Draft{Content: brief(), Run: "run_1"}
	err := d.inTx(t, func(tx pgx.Tx) error {
		if _, err := d.FinishTx(t.Context(), tx, d.actor, d.project, draft); err != nil {
			t.Error(err)
		}
		return pgx.ErrTxClosed
	})
	if got := d.get(t, document.BriefKind); err == nil || got.Current != nil || got.State != document.Writing {
		t.Errorf("left behind: %+v", got)
	}
	if out, err := d.finish(t, draft); err != nil || out.Version.Number != 1 {
		t.Errorf("the second try: %+v, %v", out, err)
	}
}

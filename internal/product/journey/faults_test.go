package journey_test

// One test for each mistake that products of this kind are known to have made with
// stages and decisions.

import (
	"testing"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/account"
	"cofounder/internal/product/journey"
)

func TestNextStepCanBeDecidedAndBlocksNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, p := w.first(t)
	w.decide(t, actor, p, journey.Option, "thin", "")
	for _, choice := range []string{journey.Iterate, journey.Ship} {
		open, err := w.Open(t.Context(), actor, p, journey.Ask{Key: w.key(), Kind: journey.NextStep})
		if err != nil {
			t.Fatal(err)
		}
		if b := w.journey(t, actor, p).Block; b != nil {
			t.Errorf("an open next step blocks builds: %+v", b)
		}
		if _, err := w.Decide(t.Context(), actor, p, open.ID, journey.Verdict{Key: w.key(), Choice: choice}); err != nil {
			t.Errorf("%s: %v", choice, err)
		}
	}
}

func TestPivotAtTheBriefIsNoMoveAndNoError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, p := w.brief(t)
	d := w.decide(t, actor, p, journey.Direction, journey.Pivot, "cats")
	if got := w.stage(t, actor, p); got != journey.Brief || d.DecidedAt == nil {
		t.Errorf("at %s, decided %v", got, d.DecidedAt)
	}
	moves, err := w.Moves(t.Context(), actor, p)
	if err != nil || len(moves) != 1 {
		t.Errorf("moves %v, %v; want only the one to the brief", moves, err)
	}
}

func TestProgressNeedsNoSetUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, p := w.founder(t)
	if j := w.journey(t, actor, p); j.Percent != 0 || len(j.Stages) != 4 || j.EnteredAt != nil {
		t.Errorf("a new project: %+v", j)
	}
	w.advance(t, actor, p, "brief_written", journey.Brief)
	w.decide(t, actor, p, journey.Direction, journey.Narrow, "the calendar")
	if j := w.journey(t, actor, p); j.Stages[0].Percent != 70 || j.Percent != 17 {
		t.Errorf("brief at %d, all at %d per cent; want 70 (written 40, asked 30) and 17", j.Stages[0].Percent, j.Percent)
	}
	w.give(t, p, "risks_named")
	w.decide(t, actor, p, journey.Direction, journey.Proceed, "")
	if j := w.journey(t, actor, p); j.Stages[0].Percent != 100 || j.Stages[1].Percent != 25 || j.Percent != 31 {
		t.Errorf("brief %d, direction %d, all %d; want 100, 25, 31", j.Stages[0].Percent, j.Stages[1].Percent, j.Percent)
	}
	w.decide(t, actor, p, journey.Direction, journey.Pivot, "cats") // it may go down
	if j := w.journey(t, actor, p); j.Stages[1].Percent != 0 || j.Percent != 25 {
		t.Errorf("after a pivot: direction %d, all %d; want 0 and 25", j.Stages[1].Percent, j.Percent)
	}
}

func TestNarrowAndPivotEndTheChosenOption(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, choice := range []string{journey.Narrow, journey.Pivot} {
		actor, p := w.first(t)
		chosen := w.decide(t, actor, p, journey.Option, "thin", "")
		if d, err := w.buildable(t.Context(), actor, p); err != nil || d.ID != chosen.ID {
			t.Fatalf("not buildable: %v", err)
		}
		w.decide(t, actor, p, journey.Direction, choice, "the calendar")
		if _, err := w.buildable(t.Context(), actor, p); err == nil {
			t.Errorf("%s left the old way to build in force", choice)
		}
		w.decide(t, actor, p, journey.Direction, journey.Proceed, "")
		_, err := w.buildable(t.Context(), actor, p)
		faulttest.Wants(t, "proceed without a new option", err, "conflict option_needed")
		again := w.decide(t, actor, p, journey.Option, "full", "")
		if d, err := w.buildable(t.Context(), actor, p); err != nil || d.ID != again.ID || d.Choice != "full" {
			t.Errorf("after choosing anew: %s, %v", show(d), err)
		}
	}
}

func TestLaterDecisionsOfAnotherKindDoNotEndBuilding(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, p := w.first(t)
	w.decide(t, actor, p, journey.Option, "thin", "")
	w.decide(t, actor, p, journey.NextStep, journey.Ship, "")
	w.decide(t, actor, p, journey.NextStep, journey.Park, "")
	if _, err := w.projects.Unpark(t.Context(), actor, p); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Open(t.Context(), actor, p, journey.Ask{Key: "q", Kind: journey.Question, Question: "Free or paid?"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.buildable(t.Context(), actor, p); err != nil {
		t.Errorf("builds are blocked: %v", err)
	}
}

func TestProceedingAgainWalksNoStages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, p := w.brief(t)
	for range 3 {
		w.decide(t, actor, p, journey.Direction, journey.Proceed, "")
	}
	if got := w.stage(t, actor, p); got != journey.DirectionChosen {
		t.Errorf("at %s, want %s", got, journey.DirectionChosen)
	}
}

func TestChosenOptionIsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, p := w.brief(t)
	w.decide(t, actor, p, journey.Direction, journey.Proceed, "")
	w.decide(t, actor, p, journey.Option, "thin", "")
	if got := w.texts(t, `SELECT choice FROM decision WHERE kind = 'option'`); len(got) != 1 || got[0] != "thin" {
		t.Errorf("stored %q", got)
	}
	if d, err := w.buildable(t.Context(), actor, p); err != nil || d.Choice != "thin" {
		t.Errorf("read back %s, %v", show(d), err)
	}
}

func TestBlocksSayWhyAndWhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, p := w.brief(t)
	_, err := w.buildable(t.Context(), actor, p)
	faulttest.Wants(t, "no direction", err, "conflict direction_needed")
	asked, err := w.Open(t.Context(), actor, p, journey.Ask{Key: "d", Kind: journey.Direction})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.buildable(t.Context(), actor, p)
	faulttest.Wants(t, "an open direction", err, "conflict direction_open decision")
	if b := w.journey(t, actor, p).Block; b == nil || b.Decision != asked.ID {
		t.Errorf("block %+v, want it to lead to %s", b, asked.ID)
	}
	w.decide(t, actor, p, journey.Direction, journey.Proceed, "")
	way, err := w.Open(t.Context(), actor, p, journey.Ask{
		Key: "o", Kind: journey.Option, Question: "Which?", Options: []journey.Alternative{{Value: "thin", Title: "Thin"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if b := w.journey(t, actor, p).Block; b == nil || b.Code != "option_needed" || b.Decision != way.ID {
		t.Errorf("block %+v", b)
	}
	// An open direction blocks again, also after everything was decided.
	w.decide(t, actor, p, journey.Option, "thin", "")
	if _, err := w.Open(t.Context(), actor, p, journey.Ask{Key: "d2", Kind: journey.Direction}); err != nil {
		t.Fatal(err)
	}
	_, err = w.buildable(t.Context(), actor, p)
	faulttest.Wants(t, "a direction asked anew", err, "conflict direction_open decision")
}

func TestOnHoldStopsBuildsAndKeepsTheNote(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, p := w.first(t)
	w.decide(t, actor, p, journey.Option, "thin", "")
	w.decide(t, actor, p, journey.NextStep, journey.Park, "after Christmas")
	_, err := w.buildable(t.Context(), actor, p)
	faulttest.Wants(t, "a build on hold", err, "conflict project_parked")
	got, err := w.projects.Get(t.Context(), actor, p)
	if err != nil || got.ParkNote != "after Christmas" {
		t.Errorf("note %q, %v", got.ParkNote, err)
	}
	if _, err := w.projects.Unpark(t.Context(), actor, p); err != nil {
		t.Fatal(err)
	}
	if _, err := w.buildable(t.Context(), actor, p); err != nil {
		t.Errorf("back from hold builds are blocked: %v", err)
	}
}

// Nobody learns anything about another team's decisions, and viewers decide nothing.
func TestOthersSeeAndChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, p := w.brief(t)
	d, err := w.Open(t.Context(), actor, p, journey.Ask{Key: "a", Kind: journey.Direction})
	if err != nil {
		t.Fatal(err)
	}
	stranger := w.person(t, "", account.Owner)
	viewer := w.person(t, actor.Workspace, account.Viewer)
	ctx := t.Context()
	v := journey.Verdict{Key: "v", Choice: journey.Proceed}
	calls := map[string]struct {
		writes bool
		call   func(account.Actor) error
	}{
		"Get":       {false, func(a account.Actor) error { _, err := w.Get(ctx, a, p); return err }},
		"Moves":     {false, func(a account.Actor) error { _, err := w.Moves(ctx, a, p); return err }},
		"Decision":  {false, func(a account.Actor) error { _, err := w.Decision(ctx, a, p, d.ID); return err }},
		"Decisions": {false, func(a account.Actor) error { _, err := w.Decisions(ctx, a, p, journey.Query{}); return err }},
		"buildable": {false, func(a account.Actor) error {
			_, err := w.buildable(ctx, a, p)
			if faulttest.Says(err) == "conflict direction_open decision" { // the viewer may know
				return nil
			}
			return err
		}},
		"MoveTo": {true, func(a account.Actor) error { _, err := w.MoveTo(ctx, a, p, journey.DirectionChosen, ""); return err }},
		"Open": {true, func(a account.Actor) error {
			_, err := w.Open(ctx, a, p, journey.Ask{Key: "a", Kind: journey.Direction})
			return err
		}},
		"Decide": {true, func(a account.Actor) error { _, err := w.Decide(ctx, a, p, d.ID, v); return err }},
		"DecideNow": {true, func(a account.Actor) error {
			_, err := w.DecideNow(ctx, a, p, journey.Ask{Kind: journey.Direction}, v)
			return err
		}},
	}
	for name, c := range calls {
		faulttest.Wants(t, name+" by a stranger", c.call(stranger), "not_found")
		want := ""
		if c.writes {
			want = "forbidden viewer_only"
		}
		faulttest.Wants(t, name+" by a viewer", c.call(viewer), want)
	}
	if got, err := w.Decision(ctx, actor, p, d.ID); err != nil || got.DecidedAt != nil {
		t.Errorf("the decision is now %s, %v", show(got), err)
	}
}

package journey_test

import (
	"testing"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/account"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/project"

	"github.com/google/go-cmp/cmp"
)

// Every refusal, in the order of the rules: where two hold, the first one is said.
func TestMovesAreRefusedInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	parked := func(t *testing.T) (account.Actor, project.ID) {
		t.Helper()
		actor, p := w.brief(t)
		if _, err := w.projects.Park(t.Context(), actor, p, "no time"); err != nil {
			t.Fatal(err)
		}
		return actor, p
	}
	deleted := func(t *testing.T) (account.Actor, project.ID) {
		t.Helper()
		actor, p := parked(t)
		if _, err := w.projects.Delete(t.Context(), actor, p); err != nil {
			t.Fatal(err)
		}
		return actor, p
	}
	tests := []struct {
		name string
		from func(*testing.T) (account.Actor, project.ID)
		to   journey.Stage
		want string
	}{
		{"deleted", deleted, journey.DirectionChosen, "conflict project_deleted"},
		{"on hold, back", parked, journey.Idea, "conflict project_parked"},
		{"on hold, locked", parked, journey.Scaling, "conflict project_parked"},
		{"on hold, same", parked, journey.Brief, "conflict project_parked"},
		{"on hold, forward", parked, journey.DirectionChosen, "conflict project_parked"},
		{"no such stage", w.brief, 6, "invalid stage"},
		{"none below", w.brief, -1, "invalid stage"},
		{"idea", w.brief, journey.Idea, "conflict stage_closed"},
		{"idea, already there", w.founder, journey.Idea, "conflict stage_closed"},
		{"locked", w.first, journey.Scaling, "conflict stage_locked"},
		{"same", w.brief, journey.Brief, "conflict same_stage"},
		{"without a brief", w.founder, journey.Brief, "conflict brief_needed"},
		{"without a brief, further", w.founder, journey.Improving, "conflict brief_needed"},
		{"without a direction", w.brief, journey.DirectionChosen, "conflict direction_needed"},
		{"without a direction, further", w.brief, journey.FirstVersion, "conflict direction_needed"},
		{"without a next step", w.first, journey.Improving, "conflict next_step_needed"},
		{"back", w.first, journey.Brief, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			actor, p := tt.from(t)
			before := w.texts(t, `SELECT kind FROM event WHERE stream = $1`, p)
			_, err := w.MoveTo(t.Context(), actor, p, tt.to, "req_1")
			faulttest.Wants(t, "MoveTo", err, tt.want)
			after := w.texts(t, `SELECT kind FROM event WHERE stream = $1`, p)
			if moved := len(after) > len(before); moved != (tt.want == "") {
				t.Errorf("events %v → %v", before, after)
			}
		})
	}
	actor, p := w.brief(t)
	w.decide(t, actor, p, journey.Direction, journey.Proceed, "")
	_, err := w.MoveTo(t.Context(), actor, p, journey.FirstVersion, "req_1")
	faulttest.Wants(t, "without a version", err, "conflict version_needed")
}

// Every move is kept and published with from, to, actor, cause and correlation.
func TestMovesAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, p := w.brief(t)
	proceed := w.decide(t, actor, p, journey.Direction, journey.Proceed, "")
	if _, err := w.MoveTo(t.Context(), actor, p, journey.Brief, "req_1"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.MoveTo(t.Context(), actor, p, journey.DirectionChosen, "req_2"); err != nil {
		t.Fatal(err)
	}
	got, err := w.Moves(t.Context(), actor, p)
	if err != nil {
		t.Fatal(err)
	}
	at, by := w.clock.Now(), actor.User
	want := []journey.Move{
		{at, journey.Idea, journey.Brief, by, journey.ByBrief, "brief@1", "run_1"},
		{at, journey.Brief, journey.DirectionChosen, by, journey.ByDecision, string(proceed.ID), string(proceed.ID)},
		{at, journey.DirectionChosen, journey.Brief, by, journey.ByFounder, "", "req_1"},
		{at, journey.Brief, journey.DirectionChosen, by, journey.ByFounder, "", "req_2"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
	events := w.texts(t, `SELECT concat_ws(' ', data->>'from', data->>'to', data->>'actor', data->>'cause', data->>'object', data->>'correlation')
		FROM event WHERE kind = 'stage.moved' ORDER BY seq`)
	if len(events) != 4 || events[2] != "direction_chosen brief "+string(by)+" founder  req_1" {
		t.Errorf("events %q", events)
	}
}

// What was made is kept even where the project cannot move.
func TestAdvanceStaysWhereItMay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, p := w.brief(t)
	if w.advance(t, actor, p, "version_checked", journey.FirstVersion) || w.stage(t, actor, p) != journey.Brief {
		t.Error("moved past a direction nobody has chosen")
	}
	if w.advance(t, actor, p, "brief_written", journey.Brief) {
		t.Error("a second brief moved the project")
	}
	w.decide(t, actor, p, journey.Direction, journey.Proceed, "")
	if _, err := w.projects.Park(t.Context(), actor, p, ""); err != nil {
		t.Fatal(err)
	}
	if w.advance(t, actor, p, "version_checked", journey.FirstVersion) {
		t.Error("moved on hold")
	}
	if _, err := w.projects.Unpark(t.Context(), actor, p); err != nil {
		t.Fatal(err)
	}
	if got := w.stage(t, actor, p); got != journey.DirectionChosen {
		t.Errorf("back from hold at %s, want the same place", got)
	}
}

// On hold and back is the same place, with the note kept in between and the events of
// both.
func TestParkAndBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, p := w.first(t)
	before := w.journey(t, actor, p)
	for range 2 { // a second time changes nothing
		got, err := w.projects.Park(t.Context(), actor, p, "after Christmas")
		if err != nil || got.Status != project.Parked || got.ParkNote != "after Christmas" {
			t.Fatalf("parked as %+v, %v", got, err)
		}
	}
	if b := w.journey(t, actor, p).Block; b == nil || b.Code != "project_parked" {
		t.Errorf("block = %+v", b)
	}
	for range 2 {
		if got, err := w.projects.Unpark(t.Context(), actor, p); err != nil || got.Status != project.Active {
			t.Fatalf("back as %+v, %v", got, err)
		}
	}
	if diff := cmp.Diff(before, w.journey(t, actor, p)); diff != "" {
		t.Errorf("journey (-before +after):\n%s", diff)
	}
	events := w.texts(t, `SELECT kind FROM event WHERE kind LIKE 'project%' ORDER BY seq`)
	if diff := cmp.Diff([]string{"project.created", "project.parked", "project.unparked"}, events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// Stages have one name each, read back as themselves.
func TestStageNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range journey.Stages() {
		got, ok := journey.ParseStage(s.String())
		if !ok || got != s || seen[s.String()] {
			t.Errorf("%d is %q, read back as %d, %v", int(s), s, int(got), ok)
		}
		seen[s.String()] = true
	}
	if _, ok := journey.ParseStage("validated"); ok {
		t.Error("a name nobody gave was read")
	}
}

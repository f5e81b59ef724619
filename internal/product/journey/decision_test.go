package journey_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/project"

	"github.com/google/go-cmp/cmp"
)

// What each choice does, from where, and what is said about it.
func TestEffects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	type from = func(*testing.T) (account.Actor, project.ID)
	tests := []struct {
		name   string
		from   from
		kind   journey.Kind
		choice string
		words  string
		want   string
		stage  journey.Stage
		status project.Status
		runs   []string
	}{
		{"proceed", w.brief, journey.Direction, journey.Proceed, "", "", journey.DirectionChosen, project.Active, nil},
		{"proceed again", w.first, journey.Direction, journey.Proceed, "", "", journey.FirstVersion, project.Active, nil},
		{"narrow", w.brief, journey.Direction, journey.Narrow, "only the calendar", "", journey.Brief, project.Active, []string{"write_brief"}},
		{"narrow later", w.first, journey.Direction, journey.Narrow, "only the calendar", "", journey.FirstVersion, project.Active, []string{"write_brief"}},
		{"pivot", w.brief, journey.Direction, journey.Pivot, "cats", "", journey.Brief, project.Active, []string{"write_brief"}},
		{"pivot later", w.first, journey.Direction, journey.Pivot, "cats", "", journey.Brief, project.Active, []string{"write_brief"}},
		{"park", w.brief, journey.Direction, journey.Park, "no money", "", journey.Brief, project.Parked, nil},
		{"park without a note", w.brief, journey.Direction, journey.Park, "", "", journey.Brief, project.Parked, nil},
		{"iterate", w.first, journey.NextStep, journey.Iterate, "", "", journey.Improving, project.Active, nil},
		{"iterate with a change", w.first, journey.NextStep, journey.Iterate, "add reminders", "", journey.Improving, project.Active, []string{"change"}},
		{"ship", w.first, journey.NextStep, journey.Ship, "", "", journey.FirstVersion, project.Active, []string{"readiness"}},
		{"park a first version", w.first, journey.NextStep, journey.Park, "", "", journey.FirstVersion, project.Parked, nil},

		{"narrow to nothing", w.brief, journey.Direction, journey.Narrow, " \n", "invalid words", journey.Brief, project.Active, nil},
		{"pivot to nothing", w.brief, journey.Direction, journey.Pivot, "", "invalid words", journey.Brief, project.Active, nil},
		{"another kind's choice", w.brief, journey.Direction, journey.Ship, "", "invalid choice", journey.Brief, project.Active, nil},
		{"no choice", w.brief, journey.Direction, "", "", "invalid choice", journey.Brief, project.Active, nil},
		{"a direction of nothing", w.founder, journey.Direction, journey.Proceed, "", "conflict brief_needed", journey.Idea, project.Active, nil},
		{"a next step of nothing", w.brief, journey.NextStep, journey.Iterate, "", "conflict version_needed", journey.Brief, project.Active, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			actor, p := tt.from(t)
			d, err := w.DecideNow(t.Context(), actor, p, journey.Ask{Kind: tt.kind},
				journey.Verdict{Key: "k", Choice: tt.choice, Words: tt.words, Because: "so"})
			faulttest.Wants(t, "DecideNow", err, tt.want)
			if got := w.stage(t, actor, p); got != tt.stage {
				t.Errorf("stage = %s, want %s", got, tt.stage)
			}
			got, err := w.projects.Get(t.Context(), actor, p)
			if err != nil || got.Status != tt.status {
				t.Errorf("status = %s, %v; want %s", got.Status, err, tt.status)
			}
			if tt.status == project.Parked && got.ParkNote != tt.words {
				t.Errorf("note = %q", got.ParkNote)
			}
			if runs := w.texts(t, `SELECT kind FROM run WHERE project_id = $1`, p); !slices.Equal(runs, tt.runs) {
				t.Errorf("runs %v, want %v", runs, tt.runs)
			}
			if tt.want != "" {
				return
			}
			kept, err := w.Decision(t.Context(), actor, p, d.ID)
			if diff := cmp.Diff(d, kept); err != nil || diff != "" {
				t.Errorf("kept (-said +kept): %v\n%s", err, diff)
			}
			now := w.clock.Now()
			if d.Choice != tt.choice || d.Words != strings.TrimSpace(tt.words) || d.Because != "so" || d.DecidedBy != actor.User ||
				d.DecidedAt == nil || !d.DecidedAt.Equal(now) {
				t.Errorf("decided as %+v", d)
			}
		})
	}
}

// A decision keeps what was offered, what was advised, who chose, why, and what changed.
func TestDecisionIsKeptWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, p := w.brief(t)
	run := actor
	run.Session = "" // a run in the background asks in our name
	options := []journey.Alternative{
		{Value: "thin", Title: "The calendar alone", Description: "One page.", Next: "I build it.", Pros: []string{"soon"}, Cons: []string{"no reminders"}},
		{Value: "full", Title: "With reminders"},
	}
	asked, err := w.Open(t.Context(), run, p, journey.Ask{
		Key: "quote-1", Kind: journey.Option, Question: "Which way?", Options: options,
		Advice: &journey.Advice{Value: "thin", Reasons: []string{"You can show it on Monday."}, ChangesMind: "If no-shows cost you money today."},
	})
	if err != nil {
		t.Fatal(err)
	}
	if asked.AskedBy != "" || asked.Stage != journey.Brief || asked.DecidedAt != nil {
		t.Errorf("asked as %+v", asked)
	}
	w.clock.Advance(time.Hour)
	got, err := w.Decide(t.Context(), actor, p, asked.ID, journey.Verdict{Key: "click-1", Choice: "full", Because: "They do."})
	if err != nil {
		t.Fatal(err)
	}
	now := w.clock.Now()
	asked.Choice, asked.Because, asked.Otherwise, asked.DecidedBy, asked.DecidedAt = "full", "They do.", true, actor.User, &now
	if diff := cmp.Diff(asked, got); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
	if !got.Otherwise || len(got.Options) != 2 || got.Advice == nil {
		t.Errorf("taken as %+v", got)
	}
}

func TestAskingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, p := w.brief(t)
	first, err := w.Open(t.Context(), actor, p, journey.Ask{Key: "a", Kind: journey.Direction})
	if err != nil {
		t.Fatal(err)
	}
	same, err := w.Open(t.Context(), actor, p, journey.Ask{Key: "a", Kind: journey.Direction})
	if diff := cmp.Diff(first, same); err != nil || diff != "" {
		t.Errorf("the same key (-first +again): %v\n%s", err, diff)
	}
	_, err = w.Open(t.Context(), actor, p, journey.Ask{Key: "b", Kind: journey.Direction})
	faulttest.Wants(t, "a second direction", err, "conflict decision_open decision")
	if f := fault.Of(err); f == nil || f.Fields[0].Detail != string(first.ID) {
		t.Errorf("does not say which one waits: %v", err)
	}
	for _, key := range []string{"c", "d"} { // any number of questions
		w.clock.Advance(time.Second)
		if _, err := w.Open(t.Context(), actor, p, journey.Ask{Key: key, Kind: journey.Question, Topic: "pricing", Question: "Free or paid?"}); err != nil {
			t.Error(err)
		}
	}
	if got := w.journey(t, actor, p).Open; len(got) != 3 || got[0].ID != first.ID {
		t.Errorf("open: %v", got)
	}
	if _, err := w.Decide(t.Context(), actor, p, first.ID, journey.Verdict{Key: "v", Choice: journey.Proceed}); err != nil {
		t.Fatal(err)
	}
	after, err := w.Open(t.Context(), actor, p, journey.Ask{Key: "a", Kind: journey.Direction})
	if err != nil || after.Choice != journey.Proceed {
		t.Errorf("asked with a key that was decided: %s, %v", show(after), err)
	}
}

func TestDecidingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, p := w.brief(t)
	d, err := w.Open(t.Context(), actor, p, journey.Ask{Key: "a", Kind: journey.Direction})
	if err != nil {
		t.Fatal(err)
	}
	other, err := w.Open(t.Context(), actor, p, journey.Ask{Key: "q", Kind: journey.Question, Question: "Free or paid?"})
	if err != nil {
		t.Fatal(err)
	}
	v := journey.Verdict{Key: "click", Choice: journey.Narrow, Words: "only the calendar"}
	first, err := w.Decide(t.Context(), actor, p, d.ID, v)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.Decide(t.Context(), actor, p, d.ID, v)
	if diff := cmp.Diff(first, again); err != nil || diff != "" {
		t.Errorf("the same click (-first +again): %v\n%s", err, diff)
	}
	now, err := w.DecideNow(t.Context(), actor, p, journey.Ask{Kind: journey.Direction}, v)
	if err != nil || now.ID != d.ID {
		t.Errorf("the same click elsewhere: %s, %v", now.ID, err)
	}
	tests := []struct {
		name string
		id   journey.DecisionID
		v    journey.Verdict
		want string
	}{
		{"another click", d.ID, journey.Verdict{Key: "click 2", Choice: journey.Narrow, Words: v.Words}, "conflict decided_already decision"},
		{"the key with another choice", d.ID, journey.Verdict{Key: "click", Choice: journey.Proceed}, "conflict key_reused"},
		{"the key with other words", d.ID, journey.Verdict{Key: "click", Choice: journey.Narrow, Words: "all"}, "conflict key_reused"},
		{"the key on another decision", other.ID, journey.Verdict{Key: "click", Choice: "free"}, "conflict key_reused"},
		{"no key", d.ID, journey.Verdict{Choice: journey.Proceed}, "invalid key"},
		{"none such", "dec_00000000000000000000000000", journey.Verdict{Key: "x", Choice: journey.Proceed}, "not_found"},
	}
	for _, tt := range tests {
		_, err := w.Decide(t.Context(), actor, p, tt.id, tt.v)
		faulttest.Wants(t, tt.name, err, tt.want)
	}
	if got := w.texts(t, `SELECT kind FROM run`); len(got) != 1 {
		t.Errorf("runs started: %v, want one", got)
	}
}

// Of many clicks at once one decides; the same key is answered the same.
func TestDecidingAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, keys := range [][]string{{"one", "one", "one", "one"}, {"a", "b", "c", "d"}} {
		actor, p := w.brief(t)
		errs := make(chan error, len(keys))
		for _, key := range keys {
			go func() {
				_, err := w.DecideNow(context.WithoutCancel(t.Context()), actor, p, journey.Ask{Kind: journey.Direction, Key: "ask"},
					journey.Verdict{Key: key, Choice: journey.Pivot, Words: "cats"})
				errs <- err
			}()
		}
		said := map[string]int{}
		for range keys {
			said[faulttest.Says(<-errs)]++
		}
		want := map[string]int{"": 4}
		if keys[0] != keys[1] {
			want = map[string]int{"": 1, "conflict decided_already decision": 3}
		}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Errorf("keys %v (-want +got):\n%s", keys, diff)
		}
		if got := w.texts(t, `SELECT kind FROM run WHERE project_id = $1`, p); len(got) != 1 {
			t.Errorf("keys %v started %v", keys, got)
		}
	}
}

func TestWhatCannotBeAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, p := w.brief(t)
	yes := journey.Alternative{Value: "yes", Title: "Yes"}
	tests := []struct {
		name string
		ask  journey.Ask
		want string
	}{
		{"no key", journey.Ask{Kind: journey.Direction}, "invalid key"},
		{"a long key", journey.Ask{Kind: journey.Direction, Key: strings.Repeat("k", 201)}, "invalid key"},
		{"no kind", journey.Ask{Key: "k"}, "invalid kind question"},
		{"another kind", journey.Ask{Key: "k", Kind: "solidification", Question: "?"}, "invalid kind"},
		{"no question", journey.Ask{Key: "k", Kind: journey.Question}, "invalid question"},
		{"a question that is no text", journey.Ask{Key: "k", Kind: journey.Question, Question: "a\x00"}, "invalid question"},
		{"no ways to build", journey.Ask{Key: "k", Kind: journey.Option, Question: "Which?"}, "invalid options"},
		{"twice the same", journey.Ask{Key: "k", Kind: journey.Option, Question: "Which?", Options: []journey.Alternative{yes, yes}}, "invalid options"},
		{"a direction of its own", journey.Ask{Key: "k", Kind: journey.Direction, Options: []journey.Alternative{yes}}, "invalid options"},
		{"no title", journey.Ask{Key: "k", Kind: journey.Question, Question: "?", Options: []journey.Alternative{{Value: "a"}}}, "invalid options"},
		{"too many", journey.Ask{Key: "k", Kind: journey.Question, Question: "?", Options: make([]journey.Alternative, 13)}, "invalid options"},
		{"advice that is not offered", journey.Ask{Key: "k", Kind: journey.Direction, Advice: &journey.Advice{Value: "sell"}}, "invalid advice"},
	}
	for _, tt := range tests {
		_, err := w.Open(t.Context(), actor, p, tt.ask)
		faulttest.Wants(t, tt.name, err, tt.want)
	}
	if got := w.journey(t, actor, p).Open; len(got) != 0 {
		t.Errorf("open: %v", got)
	}
}

// Advice the founder decided against is not raised again unless a fact changes.
func TestAdviceIsSaidOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, p := w.brief(t)
	raise := func(key, advised, choice string) bool {
		t.Helper()
		d, err := w.Open(t.Context(), actor, p, journey.Ask{Key: key, Kind: journey.Direction, Advice: &journey.Advice{Value: advised}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Decide(t.Context(), actor, p, d.ID, journey.Verdict{Key: "v" + key, Choice: choice, Words: "the calendar"}); err != nil {
			t.Fatal(err)
		}
		return d.Advice != nil
	}
	if !raise("1", journey.Proceed, journey.Narrow) {
		t.Error("not said the first time")
	}
	if raise("2", journey.Proceed, journey.Narrow) {
		t.Error("said again after the founder chose otherwise")
	}
	if !raise("3", journey.Park, journey.Narrow) {
		t.Error("other advice was not said")
	}
	w.give(t, p, "risks_named")
	if !raise("4", journey.Park, journey.Park) {
		t.Error("not said although a fact changed")
	}
}

// A decision and what it starts are one: where the run cannot stand in line nothing is
// decided, and the same click works later.
func TestDecisionAndItsRunAreOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, p := w.first(t)
	before := w.journey(t, actor, p)
	v := journey.Verdict{Key: "click", Choice: journey.Pivot, Words: "cats"}
	w.exec(t, `ALTER TABLE run ADD CONSTRAINT no_runs_today CHECK (kind = '')`)
	if _, err := w.DecideNow(t.Context(), actor, p, journey.Ask{Kind: journey.Direction}, v); err == nil {
		t.Fatal("decided without its run")
	}
	if diff := cmp.Diff(before, w.journey(t, actor, p)); diff != "" {
		t.Errorf("half decided (-before +after):\n%s", diff)
	}
	w.exec(t, `ALTER TABLE run DROP CONSTRAINT no_runs_today`)
	if _, err := w.DecideNow(t.Context(), actor, p, journey.Ask{Kind: journey.Direction}, v); err != nil {
		t.Errorf("the same click later: %v", err)
	}
	if got := w.texts(t, `SELECT input->>'words' FROM run`); len(got) != 1 || got[0] != "cats" {
		t.Errorf("runs were told %q", got)
	}
}

// A run that asked and waits goes on with the answer, in the transaction that decides.
func TestWhoWaitsForADecisionIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, p := w.brief(t)
	d, err := w.Open(t.Context(), actor, p, journey.Ask{Key: "q", Kind: journey.Question, Topic: "pricing", Question: "Free or paid?"})
	if err != nil {
		t.Fatal(err)
	}
	run, err := w.runs.StartRun(t.Context(), flow.NewRun{
		Kind: "build", Workspace: string(actor.Workspace), Project: string(p), Starter: string(actor.User), First: flow.Next{Name: "wait"},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.exec(t, `UPDATE node SET state = 'waiting', wait = 'decision', wait_key = $2 WHERE run_id = $1`, run, d.ID.WaitKey())
	if _, err := w.Decide(t.Context(), actor, p, d.ID, journey.Verdict{Key: "v", Choice: "Paid, from March on"}); err != nil {
		t.Fatal(err)
	}
	got := w.texts(t, `SELECT state || ' ' || (answer->>'choice') FROM node WHERE run_id = $1`, run)
	if len(got) != 1 || got[0] != "ready Paid, from March on" {
		t.Errorf("the node is %q", got)
	}
}

func TestDecisionsByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, p := w.brief(t)
	var want []journey.DecisionID
	for range 7 {
		w.clock.Advance(time.Second)
		d, err := w.Open(t.Context(), actor, p, journey.Ask{Key: w.key(), Kind: journey.Question, Question: "Free or paid?"})
		if err != nil {
			t.Fatal(err)
		}
		want = append([]journey.DecisionID{d.ID}, want...)
	}
	w.clock.Advance(time.Second)
	w.decide(t, actor, p, journey.Direction, journey.Proceed, "")
	var got []journey.DecisionID
	q := journey.Query{Kind: journey.Question, Limit: 3}
	for {
		page, err := w.Decisions(t.Context(), actor, p, q)
		if err != nil || len(page.Decisions) > 3 {
			t.Fatalf("%d decisions, %v", len(page.Decisions), err)
		}
		for _, d := range page.Decisions {
			got = append(got, d.ID)
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decisions (-want +got):\n%s", diff)
	}
	all, err := w.Decisions(t.Context(), actor, p, journey.Query{})
	if err != nil || len(all.Decisions) != 8 {
		t.Errorf("all: %d, %v", len(all.Decisions), err)
	}
	for q, want := range map[journey.Query]string{
		{Kind: "gate"}: "invalid kind", {Limit: 101}: "invalid limit", {Limit: -1}: "invalid limit", {After: "x"}: "malformed bad_cursor",
	} {
		_, err := w.Decisions(t.Context(), actor, p, q)
		faulttest.Wants(t, "Decisions", err, want)
	}
}

package journey_test

import (
	"slices"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"
	"cofounder/internal/product/account"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/project"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"
)

// Whatever founders, runs and clocks do in whatever order: no illegal stage, no lost
// words, progress that its milestones explain, every decision taken once.
func TestJourneyProperty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor := w.person(t, "", account.Owner)
	rapid.Check(t, func(rt *rapid.T) {
		m := &machine{w: w, t: t, actor: actor, project: w.create(t, actor), taken: map[journey.DecisionID]journey.Decision{}}
		rt.Repeat(map[string]func(*rapid.T){
			"write a brief":   func(rt *rapid.T) { m.fact(rt, "brief_written", journey.Brief) },
			"check a version": func(rt *rapid.T) { m.fact(rt, "version_checked", journey.FirstVersion) },
			"decide":          m.decide,
			"ask":             m.ask,
			"answer":          m.answer,
			"move":            m.move,
			"park":            m.park,
			"unpark":          m.unpark,
			"delete, restore": m.deleteAndRestore,
			"wait":            func(*rapid.T) { w.clock.Advance(time.Minute) },
			"":                m.check,
		})
	})
}

// machine remembers what must never be lost.
type machine struct {
	w       *world
	t       *testing.T
	actor   account.Actor
	project project.ID
	taken   map[journey.DecisionID]journey.Decision
	moves   int
}

// refusals are all that a founder may be told; anything else is a mistake.
var refusals = []string{
	"project_parked", "project_deleted", "stage_closed", "stage_locked", "same_stage", "brief_needed", "direction_needed",
	"version_needed", "next_step_needed", "decision_open", "decided_already", "invalid",
}

func (m *machine) may(rt *rapid.T, err error) bool {
	if f := fault.Of(err); err != nil && (f == nil || !slices.Contains(refusals, f.Code)) {
		rt.Fatalf("refused with %v", err)
	}
	return err == nil
}

func (m *machine) fact(rt *rapid.T, fact string, to journey.Stage) {
	m.w.give(m.t, m.project, fact)
	err := db.InTx(m.t.Context(), m.w.db, func(tx pgx.Tx) error {
		_, err := m.w.AdvanceTx(m.t.Context(), tx, m.actor, m.project, to, journey.Cause{Kind: journey.ByBrief, Object: "x", Correlation: "y"})
		return err
	})
	if err != nil {
		rt.Fatal(err)
	}
}

var kinds = []journey.Kind{journey.Direction, journey.NextStep, journey.Option, journey.Question}

func (m *machine) draw(rt *rapid.T) (journey.Ask, journey.Verdict) {
	a := journey.Ask{Key: m.w.key(), Kind: rapid.SampledFrom(kinds).Draw(rt, "kind"), Question: "What?"}
	choices := []string{journey.Proceed, journey.Narrow, journey.Pivot, journey.Park, journey.Iterate, journey.Ship}
	if a.Kind == journey.Option {
		for _, c := range choices {
			a.Options = append(a.Options, journey.Alternative{Value: c, Title: c})
		}
	}
	return a, journey.Verdict{
		Key: m.w.key(), Choice: rapid.SampledFrom(choices).Draw(rt, "choice"),
		Words: rapid.SampledFrom([]string{"", "only the calendar", "cats"}).Draw(rt, "words"),
	}
}

func (m *machine) keep(rt *rapid.T, d journey.Decision) {
	if _, ok := m.taken[d.ID]; ok {
		rt.Fatalf("%s was taken twice", d.ID)
	}
	m.taken[d.ID] = d
}

func (m *machine) decide(rt *rapid.T) {
	a, v := m.draw(rt)
	d, err := m.w.DecideNow(m.t.Context(), m.actor, m.project, a, v)
	if m.may(rt, err) {
		m.keep(rt, d)
	}
}

func (m *machine) ask(rt *rapid.T) {
	a, _ := m.draw(rt)
	_, err := m.w.Open(m.t.Context(), m.actor, m.project, a)
	m.may(rt, err)
}

// answer decides something of any state, and repeats the click.
func (m *machine) answer(rt *rapid.T) {
	page, err := m.w.Decisions(m.t.Context(), m.actor, m.project, journey.Query{})
	if err != nil {
		rt.Fatal(err)
	}
	if len(page.Decisions) == 0 {
		return
	}
	i := rapid.SampledFrom(page.Decisions).Draw(rt, "decision").ID
	_, v := m.draw(rt)
	d, err := m.w.Decide(m.t.Context(), m.actor, m.project, i, v)
	if !m.may(rt, err) {
		return
	}
	m.keep(rt, d)
	again, err := m.w.Decide(m.t.Context(), m.actor, m.project, i, v)
	if diff := cmp.Diff(d, again); err != nil || diff != "" {
		rt.Fatalf("the same click (-first +again): %v\n%s", err, diff)
	}
}

func (m *machine) move(rt *rapid.T) {
	to := journey.Stage(rapid.IntRange(-1, 6).Draw(rt, "to"))
	j, err := m.w.MoveTo(m.t.Context(), m.actor, m.project, to, "req")
	if m.may(rt, err) && j.Stage != to {
		rt.Fatalf("moved to %s, is at %s", to, j.Stage)
	}
}

func (m *machine) park(rt *rapid.T) {
	_, err := m.w.projects.Park(m.t.Context(), m.actor, m.project, "later")
	m.may(rt, err)
}

func (m *machine) unpark(rt *rapid.T) {
	_, err := m.w.projects.Unpark(m.t.Context(), m.actor, m.project)
	m.may(rt, err)
}

func (m *machine) deleteAndRestore(rt *rapid.T) {
	if _, err := m.w.projects.Delete(m.t.Context(), m.actor, m.project); err != nil {
		rt.Fatal(err)
	}
	a, v := m.draw(rt)
	if _, err := m.w.DecideNow(m.t.Context(), m.actor, m.project, a, v); err == nil {
		rt.Fatal("decided something of a deleted project")
	}
	if _, err := m.w.projects.Restore(m.t.Context(), m.actor, m.project); err != nil {
		rt.Fatal(err)
	}
}

// check holds after every step.
func (m *machine) check(rt *rapid.T) {
	ctx := m.t.Context()
	j, err := m.w.Get(ctx, m.actor, m.project)
	if err != nil {
		rt.Fatal(err)
	}
	moves, err := m.w.Moves(ctx, m.actor, m.project)
	if err != nil {
		rt.Fatal(err)
	}
	at := journey.Idea
	for _, move := range moves { // the moves lead from the idea to where it is
		if move.From != at || move.To == move.From || move.To < journey.Brief || move.To > journey.Improving || move.Correlation == "" {
			rt.Fatalf("illegal move %+v from %s", move, at)
		}
		at = move.To
	}
	if j.Stage != at || len(moves) < m.moves {
		rt.Fatalf("at %s, the moves lead to %s", j.Stage, at)
	}
	m.moves = len(moves)
	m.explain(rt, j)
	m.remember(rt, j)
}

// explain computes progress anew from what is shown.
func (m *machine) explain(rt *rapid.T, j journey.Journey) {
	facts := m.w.texts(m.t, `SELECT DISTINCT fact FROM project_fact WHERE project = $1`, m.project)
	sum, total := 0, 0
	for _, s := range j.Stages {
		done, all := 0, 0
		for _, mile := range s.Milestones {
			all += mile.Weight
			if (mile.At != nil) != slices.Contains(facts, mile.Fact) {
				rt.Fatalf("%s is shown as %v, the facts are %v", mile.Fact, mile.At, facts)
			}
			if mile.At != nil {
				done += mile.Weight
			}
		}
		if s.Percent != 100*done/all {
			rt.Fatalf("%s at %d per cent, its milestones say %d of %d", s.Stage, s.Percent, done, all)
		}
		sum, total = sum+s.Percent*all, total+all
	}
	if j.Percent != sum/total {
		rt.Fatalf("%d per cent of the whole, the stages say %d", j.Percent, sum/total)
	}
}

// remember compares what was decided with what is kept.
func (m *machine) remember(rt *rapid.T, j journey.Journey) {
	kept := map[journey.DecisionID]journey.Decision{}
	open := map[journey.Kind]int{}
	q := journey.Query{Limit: 100}
	for {
		page, err := m.w.Decisions(m.t.Context(), m.actor, m.project, q)
		if err != nil {
			rt.Fatal(err)
		}
		for _, d := range page.Decisions {
			if d.DecidedAt != nil {
				kept[d.ID] = d
			} else {
				open[d.Kind]++
			}
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	if diff := cmp.Diff(m.taken, kept); diff != "" {
		rt.Fatalf("decisions (-taken +kept):\n%s", diff)
	}
	waiting := 0
	for kind, n := range open {
		waiting += n
		if kind != journey.Question && n > 1 {
			rt.Fatalf("%d open of kind %s", n, kind)
		}
	}
	if len(j.Open) != waiting {
		rt.Fatalf("%d shown as open, %d are", len(j.Open), waiting)
	}
}

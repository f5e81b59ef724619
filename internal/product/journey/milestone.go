package journey

import (
	"context"
	"fmt"
	"time"

	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// Milestone is a fact that counts for a stage.
type Milestone struct {
	Fact   string
	Weight int
	At     *time.Time // when it came to be; nil: not yet, or no longer
}

// Progress is how far a stage has come. Percent is 100 × the weight of what is done,
// divided by the weight of all, rounded down; it may go down when a fact ends.
type Progress struct {
	Stage      Stage
	Percent    int
	Milestones []Milestone
}

// milestones lists what counts for a stage, in the order in which it usually happens.
func milestones(s Stage) []Milestone {
	switch s {
	case Brief:
		return []Milestone{{Fact: "brief_written", Weight: 40}, {Fact: "risks_named", Weight: 30}, {Fact: "direction_asked", Weight: 30}}
	case DirectionChosen:
		return []Milestone{
			{Fact: "direction_chosen", Weight: 25},
			{Fact: "scope_written", Weight: 35},
			{Fact: "scope_confirmed", Weight: 20},
			{Fact: "option_chosen", Weight: 20},
		}
	case FirstVersion:
		return []Milestone{
			{Fact: "build_started", Weight: 15},
			{Fact: "build_complete", Weight: 35},
			{Fact: "criteria_checked", Weight: 20},
			{Fact: "app_running", Weight: 30},
		}
	case Improving:
		return []Milestone{
			{Fact: "wishes_collected", Weight: 30},
			{Fact: "change_chosen", Weight: 25},
			{Fact: "change_shipped", Weight: 25},
			{Fact: "next_decided", Weight: 20},
		}
	case Idea, Scaling:
	}
	return nil
}

// progress returns how far each stage from Brief to Improving has come.
func progress(facts map[string]time.Time) []Progress {
	var all []Progress
	for s := Brief; s <= Improving; s++ {
		of := Progress{Stage: s, Milestones: milestones(s)}
		done, total := 0, 0
		for i := range of.Milestones {
			m := &of.Milestones[i]
			total += m.Weight
			if at, ok := facts[m.Fact]; ok {
				m.At = &at
				done += m.Weight
			}
		}
		of.Percent = 100 * done / total
		all = append(all, of)
	}
	return all
}

// overall is the mean of the stages' per cents, weighted by the weight of each stage's
// milestones, rounded down.
func overall(stages []Progress) int {
	sum, total := 0, 0
	for _, s := range stages {
		weight := 0
		for _, m := range s.Milestones {
			weight += m.Weight
		}
		sum += weight * s.Percent
		total += weight
	}
	return sum / total
}

const factsNow = `SELECT fact, min(at) AS at FROM project_fact WHERE project = $1 GROUP BY fact`

// factsOf returns what holds for a project, and since when.
func factsOf(ctx context.Context, q querier, i project.ID) (map[string]time.Time, error) {
	rows, err := q.Query(ctx, factsNow, i)
	if err != nil {
		return nil, fmt.Errorf("ask for facts: %w", err)
	}
	facts := map[string]time.Time{}
	var fact string
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&fact, &at}, func() error {
		facts[fact] = at
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read facts: %w", err)
	}
	return facts, nil
}

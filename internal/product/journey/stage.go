package journey

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// Stage is where a project is on its way; later stages are greater.
type Stage int

// The stages. Scaling exists as a name only: it is locked.
const (
	Idea Stage = iota
	Brief
	DirectionChosen
	FirstVersion
	Improving
	Scaling
)

// Stages lists all stages in order.
func Stages() []Stage { return []Stage{Idea, Brief, DirectionChosen, FirstVersion, Improving, Scaling} }

// String returns the name a stage has in the API.
func (s Stage) String() string {
	switch s {
	case Idea:
		return "idea"
	case Brief:
		return "brief"
	case DirectionChosen:
		return "direction_chosen"
	case FirstVersion:
		return "first_version"
	case Improving:
		return "improving"
	case Scaling:
		return "scaling"
	}
	return fmt.Sprintf("stage(%d)", int(s))
}

// ParseStage returns the stage with a name, and whether there is one.
func ParseStage(name string) (Stage, bool) {
	for _, s := range Stages() {
		if s.String() == name {
			return s, true
		}
	}
	return 0, false
}

// grant is the fact that lets a project forward into s, and what to say and do where
// it is missing.
func (s Stage) grant() (fact string, code, detail string) {
	switch s {
	case Brief:
		return "brief_written", "brief_needed", "There is no page about your idea yet. Answer the questions first, then I write it."
	case DirectionChosen:
		return "direction_chosen", "direction_needed", "Nobody has decided yet to build this. Decide that first."
	case FirstVersion:
		return "version_checked", "version_needed", "No version was checked yet. Build one first."
	case Improving:
		return "iterating", "next_step_needed", "Nobody has decided yet to improve the first version. Decide that first."
	case Idea, Scaling:
	}
	return "", "", "" // never entered going forward
}

// place is where a project is.
type place struct {
	Stage     Stage
	EnteredAt *time.Time
}

const stageNow = `SELECT stage, entered_at FROM project_stage WHERE project_id = $1`

// stageOf returns where a project is. One without a row is an idea, so that there is
// nothing to set up first.
func stageOf(ctx context.Context, q querier, i project.ID) (place, error) {
	var at place
	err := q.QueryRow(ctx, stageNow, i).Scan(&at.Stage, &at.EnteredAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return place{}, nil
	}
	if err != nil {
		return place{}, fmt.Errorf("read stage: %w", err)
	}
	return at, nil
}

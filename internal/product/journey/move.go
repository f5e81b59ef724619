package journey

import (
	"context"
	"fmt"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// CauseKind says what made a project move.
type CauseKind string

// The causes.
const (
	ByDecision CauseKind = "decision" // Object is the decision
	ByBrief    CauseKind = "brief"    // a brief was written; Object is its version
	ByVersion  CauseKind = "version"  // a version was checked; Object is the version
	ByFounder  CauseKind = "founder"  // moved by hand; Object is empty
)

// Cause is why a project moves. Correlation is an id that everything shares which one
// act caused: a request, a run, a decision.
type Cause struct {
	Kind        CauseKind
	Object      string
	Correlation string
}

// Move is a change of stage that took place.
type Move struct {
	At          time.Time
	From, To    Stage
	Actor       account.UserID
	Cause       CauseKind
	Object      string
	Correlation string
}

// refuse says why a project may not move from one stage to another, in the order of the
// rules; nil: it may. Forward it needs the facts of every stage on the way.
func refuse(p project.Project, from, to Stage, facts map[string]time.Time) error {
	switch {
	case p.Status == project.Deleted:
		return errDeleted()
	case p.Status == project.Parked:
		return errParked()
	case to < Idea || to > Scaling:
		return fault.OnField("stage", "There is no such stage.")
	case to == Idea:
		return fault.New(fault.Conflict, "stage_closed", "A project cannot become a mere idea again. Change its direction instead.")
	case to == Scaling:
		return fault.New(fault.Conflict, "stage_locked", "This stage is not open yet.")
	case to == from:
		return fault.New(fault.Conflict, "same_stage", "The project is at this stage already.")
	}
	for s := from + 1; s <= to; s++ {
		fact, code, detail := s.grant()
		if _, ok := facts[fact]; !ok {
			return fault.New(fault.Conflict, code, detail)
		}
	}
	return nil
}

// may reports whether nothing refuses a move.
func may(p project.Project, from, to Stage, facts map[string]time.Time) bool {
	return refuse(p, from, to, facts) == nil
}

func errDeleted() error {
	return fault.New(fault.Conflict, "project_deleted", "This project is deleted. Restore it first.")
}

func errParked() error {
	return fault.New(fault.Conflict, "project_parked", "This project is on hold. Take it off hold first.")
}

// MoveTo moves a project by hand. Refusals are fault.Conflict with, in this order, code
// project_deleted, project_parked, stage_closed (to Idea), stage_locked (to Scaling),
// same_stage, or going forward the fact that is missing: brief_needed,
// direction_needed, version_needed, next_step_needed. Back is always possible.
// correlation is the id of the request.
func (j *Journeys) MoveTo(ctx context.Context, actor account.Actor, i project.ID, to Stage, correlation string) (Journey, error) {
	var after Journey
	err := j.locked(ctx, actor, i, func(tx pgx.Tx, p project.Project) error {
		from, err := stageOf(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		facts, err := factsOf(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		if err := refuse(p, from.Stage, to, facts); err != nil {
			return err
		}
		if err := j.moveTx(ctx, tx, actor, step{p.ID, from.Stage, to, Cause{Kind: ByFounder, Correlation: correlation}}); err != nil {
			return err
		}
		after, err = read(ctx, tx, p)
		return err
	})
	return after, err
}

// AdvanceTx moves a project forward because a brief was written or a version checked,
// as a part of the transaction that makes the fact, and reports whether it moved. Where
// it may not (on hold, there already or further, another fact missing) it stays and
// that is no error: what was made is kept all the same.
func (j *Journeys) AdvanceTx(ctx context.Context, tx pgx.Tx, actor account.Actor, i project.ID, to Stage, c Cause) (bool, error) {
	if err := actor.Need(account.MayWrite); err != nil {
		return false, err
	}
	p, err := j.projects.LockTx(ctx, tx, actor, i)
	if err != nil {
		return false, err
	}
	from, err := stageOf(ctx, tx, i)
	if err != nil || from.Stage >= to {
		return false, err
	}
	facts, err := factsOf(ctx, tx, i)
	if err != nil {
		return false, err
	}
	if !may(p, from.Stage, to, facts) {
		return false, nil
	}
	return true, j.moveTx(ctx, tx, actor, step{i, from.Stage, to, c})
}

const (
	enterStage = `
INSERT INTO project_stage (project_id, stage, entered_at) VALUES ($1, $2, $3)
ON CONFLICT (project_id) DO UPDATE SET stage = EXCLUDED.stage, entered_at = EXCLUDED.entered_at`
	keepMove = `
INSERT INTO stage_move (project_id, at, from_stage, to_stage, actor_id, cause, object, correlation)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
)

// moved is the data of the event stage.moved.
type moved struct {
	From        string         `json:"from"`
	To          string         `json:"to"`
	Actor       account.UserID `json:"actor"`
	Cause       CauseKind      `json:"cause"`
	Object      string         `json:"object"`
	Correlation string         `json:"correlation"`
}

// step is a move about to be made.
type step struct {
	project  project.ID
	from, to Stage
	cause    Cause
}

// moveTx moves without asking whether it may.
func (j *Journeys) moveTx(ctx context.Context, tx pgx.Tx, actor account.Actor, s step) error {
	now, c := j.clock.Now(), s.cause
	if _, err := tx.Exec(ctx, enterStage, s.project, s.to, now); err != nil {
		return fmt.Errorf("enter stage: %w", err)
	}
	if _, err := tx.Exec(ctx, keepMove, s.project, now, s.from, s.to, actor.User, c.Kind, c.Object, c.Correlation); err != nil {
		return fmt.Errorf("keep move: %w", err)
	}
	return j.tellTx(ctx, tx, s.project, "stage.moved", moved{
		From: s.from.String(), To: s.to.String(), Actor: actor.User, Cause: c.Kind, Object: c.Object, Correlation: c.Correlation,
	})
}

const listMoves = `
SELECT at, from_stage AS "from", to_stage AS "to", actor_id AS actor, cause, object, correlation
FROM stage_move WHERE project_id = $1 ORDER BY seq`

// Moves returns every move of a project, the first one first.
func (j *Journeys) Moves(ctx context.Context, actor account.Actor, i project.ID) ([]Move, error) {
	if _, err := j.projects.Get(ctx, actor, i); err != nil {
		return nil, err
	}
	rows, err := j.db.Query(ctx, listMoves, i)
	if err != nil {
		return nil, fmt.Errorf("ask for moves: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[Move])
	if err != nil {
		return nil, fmt.Errorf("list moves: %w", err)
	}
	return all, nil
}

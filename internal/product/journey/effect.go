package journey

import (
	"context"
	"fmt"

	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// Instruction is the input of the runs that decisions start, and what is answered to
// what waits for one.
type Instruction struct {
	Decision DecisionID `json:"decision"`
	Choice   string     `json:"choice"`
	Words    string     `json:"words"`
}

// change is one thing a verdict does; exactly one field is set.
type change struct {
	forward Stage // to this stage, unless the project is there or further
	back    Stage // to this stage, unless it is there or before it
	run     flow.Kind
	park    bool
}

// changes lists what a verdict does. That of an option or a question is recorded, and
// whoever asked goes on from it.
func changes(k Kind, v Verdict) []change {
	switch {
	case k == Direction && v.Choice == Proceed:
		return []change{{forward: DirectionChosen}}
	case k == Direction && v.Choice == Narrow:
		return []change{{run: project.RunWriteBrief}}
	case k == Direction && v.Choice == Pivot:
		return []change{{back: Brief}, {run: project.RunWriteBrief}}
	case k == NextStep && v.Choice == Iterate && v.Words != "":
		return []change{{forward: Improving}, {run: project.RunChange}}
	case k == NextStep && v.Choice == Iterate:
		return []change{{forward: Improving}}
	case k == NextStep && v.Choice == Ship:
		return []change{{run: project.RunReadiness}}
	case (k == Direction || k == NextStep) && v.Choice == Park:
		return []change{{park: true}}
	}
	return nil
}

// applyTx carries out what a verdict on d, which belongs to the locked p, changes and
// returns what that was.
func (j *Journeys) applyTx(ctx context.Context, tx pgx.Tx, actor account.Actor, p project.Project, d Decision, v Verdict) ([]Effect, error) {
	done := []Effect{}
	for _, c := range changes(d.Kind, v) {
		switch {
		case c.run != "":
			run := p.Run(c.run, actor.User, string(d.ID), Instruction{Decision: d.ID, Choice: v.Choice, Words: v.Words})
			if _, err := j.runs.StartTx(ctx, tx, run); err != nil {
				return nil, err
			}
			done = append(done, Effect{Kind: RunStarted, Object: string(c.run)})
		case c.park:
			if _, err := j.projects.ParkTx(ctx, tx, actor, p.ID, v.Words); err != nil {
				return nil, err
			}
			done = append(done, Effect{Kind: ProjectParked})
		default:
			moved, err := j.stepTx(ctx, tx, actor, p, d.ID, c)
			if err != nil {
				return nil, err
			}
			done = append(done, moved...)
		}
	}
	return done, nil
}

// stepTx moves p because of a decision; nothing to move is no error and no effect.
func (j *Journeys) stepTx(ctx context.Context, tx pgx.Tx, actor account.Actor, p project.Project, d DecisionID, c change) ([]Effect, error) {
	from, err := stageOf(ctx, tx, p.ID)
	if err != nil {
		return nil, err
	}
	to := c.forward + c.back // one of them is zero
	if c.forward != Idea && from.Stage >= to || c.back != Idea && from.Stage <= to {
		return nil, nil
	}
	facts, err := factsOf(ctx, tx, p.ID)
	if err != nil {
		return nil, err
	}
	if err := refuse(p, from.Stage, to, facts); err != nil {
		return nil, err
	}
	cause := Cause{Kind: ByDecision, Object: string(d), Correlation: string(d)}
	if err := j.moveTx(ctx, tx, actor, step{p.ID, from.Stage, to, cause}); err != nil {
		return nil, err
	}
	return []Effect{{Kind: StageMoved, Object: fmt.Sprintf("%s→%s", from.Stage, to)}}, nil
}

const addEffect = `UPDATE decision SET effects = effects || $3::jsonb WHERE project_id = $1 AND id = $2 AND turn IS NOT NULL`

// AddEffectTx notes what a decision changed later, for example the version that a run
// it started has written. A decision that is not there or not taken is fault.NotFound.
func (j *Journeys) AddEffectTx(ctx context.Context, tx pgx.Tx, i project.ID, d DecisionID, e Effect) error {
	done, err := tx.Exec(ctx, addEffect, i, d, []Effect{e})
	if err != nil {
		return fmt.Errorf("add effect: %w", err)
	}
	if done.RowsAffected() == 0 {
		return errNoDecision()
	}
	return nil
}

package journey

import (
	"context"
	"errors"
	"slices"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// Block is why a build cannot start now.
type Block struct {
	Code     string     // project_deleted, project_parked, direction_open, direction_needed, option_needed
	Reason   string     // plain words: what to do first
	Decision DecisionID // where to do it; empty: no decision is open for it yet
}

// Err returns the block as fault.Conflict, with the decision as a field.
func (b *Block) Err() error {
	f := fault.New(fault.Conflict, b.Code, b.Reason)
	if b.Decision != "" {
		f = f.WithField("decision", string(b.Decision))
	}
	return f
}

// block says why a project cannot be built now; nil: it can. It needs a direction that
// was decided and is not asked anew, and a way to build chosen since the last change of
// direction. No other decision blocks.
func block(p project.Project, open []Decision, facts map[string]time.Time) *Block {
	waiting := func(k Kind) DecisionID {
		if n := slices.IndexFunc(open, func(d Decision) bool { return d.Kind == k }); n >= 0 {
			return open[n].ID
		}
		return ""
	}
	_, directed := facts["direction_chosen"]
	_, chosen := facts["option_chosen"]
	switch {
	case p.Status == project.Deleted:
		return &Block{Code: "project_deleted", Reason: "This project is deleted. Restore it first."}
	case p.Status == project.Parked:
		return &Block{Code: "project_parked", Reason: "This project is on hold. Take it off hold first."}
	case waiting(Direction) != "":
		return &Block{Code: "direction_open", Reason: "Decide first whether to build this.", Decision: waiting(Direction)}
	case !directed:
		_, code, detail := DirectionChosen.grant()
		return &Block{Code: code, Reason: detail}
	case !chosen:
		return &Block{Code: "option_needed", Reason: "Choose a way to build first.", Decision: waiting(Option)}
	}
	return nil
}

const chosenOption = `
SELECT ` + decisionColumns + ` FROM decision d
WHERE d.project_id = $1 AND d.kind = 'option' AND d.turn IS NOT NULL ORDER BY d.turn DESC LIMIT 1`

// BuildableTx returns the decision that chose the way to build, for a build that starts
// in tx: nothing can come between. What blocks it is the fault of Block.Err. The next
// step blocks nothing, nor does any question.
func (j *Journeys) BuildableTx(ctx context.Context, tx pgx.Tx, actor account.Actor, i project.ID) (Decision, error) {
	p, err := j.projects.LockTx(ctx, tx, actor, i)
	if err != nil {
		return Decision{}, err
	}
	open, err := openOf(ctx, tx, i)
	if err != nil {
		return Decision{}, err
	}
	facts, err := factsOf(ctx, tx, i)
	if err != nil {
		return Decision{}, err
	}
	if b := block(p, open, facts); b != nil {
		return Decision{}, b.Err()
	}
	d, err := oneDecision(ctx, tx, chosenOption, i)
	if errors.Is(err, pgx.ErrNoRows) {
		return Decision{}, errNoDecision()
	}
	return d, err
}

// ChosenOptionTx returns the way to build that was chosen last, as tx sees it; empty:
// none was. The caller has read the project for an actor.
func (*Journeys) ChosenOptionTx(ctx context.Context, tx pgx.Tx, i project.ID) (string, error) {
	d, err := oneDecision(ctx, tx, chosenOption, i)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return d.Choice, err
}

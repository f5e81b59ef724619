package journey

import (
	"context"
	"errors"
	"fmt"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/product/account/form"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// Verdict is what the founder chose.
type Verdict struct {
	// Key makes deciding idempotent within the project: the same verdict with the same
	// key a second time changes nothing and returns the decision.
	Key    string
	Choice string // the value of one of the options, or words where there are none
	// Words are needed with narrow (what to keep) and pivot (the new direction), and
	// are the note with park.
	Words   string
	Because string // optional
}

// Decide takes an open decision, with all its effects or not at all. Effects that take
// time are runs that start with the same transaction: when one of them fails, the
// decision stands and the work is tried again by itself. fault.Invalid on choice or
// words; fault.Conflict with code decided_already, key_reused, project_parked,
// project_deleted, or what refuses a move.
func (j *Journeys) Decide(ctx context.Context, actor account.Actor, i project.ID, d DecisionID, v Verdict) (Decision, error) {
	var taken Decision
	err := j.locked(ctx, actor, i, func(tx pgx.Tx, p project.Project) error {
		var err error
		taken, err = j.decideTx(ctx, tx, actor, p, d, v)
		return err
	})
	return taken, err
}

// DecideNow asks and decides in one: the button on a page that needs no question first.
// Where one of the kind is open already, that one is decided. a.Key may be empty, then
// it is that of the verdict.
func (j *Journeys) DecideNow(ctx context.Context, actor account.Actor, i project.ID, a Ask, v Verdict) (Decision, error) {
	var taken Decision
	err := j.locked(ctx, actor, i, func(tx pgx.Tx, p project.Project) error {
		var err error
		taken, err = j.decideNowTx(ctx, tx, actor, p, a, v)
		return err
	})
	return taken, err
}

// DecideNowTx is DecideNow as a part of tx, for what decides several things at once.
func (j *Journeys) DecideNowTx(ctx context.Context, tx pgx.Tx, actor account.Actor, i project.ID, a Ask, v Verdict) (Decision, error) {
	if err := actor.Need(account.MayWrite); err != nil {
		return Decision{}, err
	}
	p, err := j.projects.LockTx(ctx, tx, actor, i)
	if err != nil {
		return Decision{}, err
	}
	return j.decideNowTx(ctx, tx, actor, p, a, v)
}

func (j *Journeys) decideNowTx(ctx context.Context, tx pgx.Tx, actor account.Actor, p project.Project, a Ask, v Verdict) (Decision, error) {
	v, err := readVerdict(v)
	if err != nil {
		return Decision{}, err
	}
	if done, err := oneDecision(ctx, tx, byDecideKey, p.ID, v.Key); !errors.Is(err, pgx.ErrNoRows) {
		return again(done, a.Kind, v, err)
	}
	if a.Kind != Question {
		waiting, err := decisions(ctx, tx, openOfKind, p.ID, a.Kind)
		if err != nil {
			return Decision{}, err
		}
		if len(waiting) > 0 {
			return j.takeTx(ctx, tx, actor, p, waiting[0], v)
		}
	}
	if a.Key == "" {
		a.Key = v.Key
	}
	d, err := j.openTx(ctx, tx, actor, p, a)
	if err != nil {
		return Decision{}, err
	}
	return j.takeTx(ctx, tx, actor, p, d, v)
}

func (j *Journeys) decideTx(ctx context.Context, tx pgx.Tx, actor account.Actor, p project.Project, i DecisionID, v Verdict) (Decision, error) {
	v, err := readVerdict(v)
	if err != nil {
		return Decision{}, err
	}
	d, err := oneDecision(ctx, tx, getDecision, p.ID, i)
	if errors.Is(err, pgx.ErrNoRows) {
		return Decision{}, errNoDecision()
	}
	if err != nil {
		return Decision{}, err
	}
	if done, err := oneDecision(ctx, tx, byDecideKey, p.ID, v.Key); !errors.Is(err, pgx.ErrNoRows) {
		if err == nil && done.ID != d.ID {
			return Decision{}, errKeyReused()
		}
		return again(done, d.Kind, v, err)
	}
	return j.takeTx(ctx, tx, actor, p, d, v)
}

// again answers a verdict whose key was used before.
func again(done Decision, k Kind, v Verdict, err error) (Decision, error) {
	if err != nil {
		return Decision{}, err
	}
	if done.Kind != k || done.Choice != v.Choice || done.Words != v.Words || done.Because != v.Because {
		return Decision{}, errKeyReused()
	}
	return done, nil
}

func errKeyReused() error {
	return fault.New(fault.Conflict, "key_reused", "This key belongs to another verdict. Send a new one.")
}

func readVerdict(v Verdict) (Verdict, error) {
	var f form.Form
	v.Key = f.Line("key", v.Key, 1, maxKey)
	v.Choice = f.Block("choice", v.Choice, maxText)
	if v.Choice == "" && !f.Refused("choice") {
		f.Refuse("choice", "Please choose.")
	}
	v.Words = f.Block("words", v.Words, maxText)
	v.Because = f.Block("because", v.Because, maxText)
	return v, f.Err()
}

const (
	take = `
UPDATE decision d SET choice = $3, words = $4, because = $5, otherwise = $6, decide_key = $7, decided_by = $8, decided_at = $9,
                      turn = nextval('decision_turn')
WHERE d.project_id = $1 AND d.id = $2`
	keepEffects = `
UPDATE decision d SET effects = $3, facts = $4 WHERE d.project_id = $1 AND d.id = $2 RETURNING ` + decisionColumns
)

// takeTx decides d, which belongs to the locked p.
func (j *Journeys) takeTx(ctx context.Context, tx pgx.Tx, actor account.Actor, p project.Project, d Decision, v Verdict) (Decision, error) {
	switch {
	case d.DecidedAt != nil:
		return Decision{}, fault.Newf(fault.Conflict, "decided_already", "This was decided on %s: %s.",
			d.DecidedAt.Format("2 January 2006"), titleOf(d)).WithField("decision", string(d.ID))
	case p.Status == project.Deleted:
		return Decision{}, errDeleted()
	case p.Status == project.Parked:
		return Decision{}, errParked()
	case len(d.Options) > 0 && !offers(d.Options, v.Choice):
		return Decision{}, fault.OnField("choice", "This is not one of the choices.")
	}
	if err := needWords(d.Kind, v); err != nil {
		return Decision{}, err
	}
	otherwise := d.Advice != nil && d.Advice.Value != v.Choice
	if _, err := tx.Exec(ctx, take, p.ID, d.ID, v.Choice, v.Words, v.Because, otherwise, v.Key, actor.User, j.clock.Now()); err != nil {
		return Decision{}, fmt.Errorf("take decision: %w", err)
	}
	effects, err := j.applyTx(ctx, tx, actor, p, d, v)
	if err != nil {
		return Decision{}, err
	}
	answer := Instruction{Decision: d.ID, Choice: v.Choice, Words: v.Words}
	if _, err := j.runs.AnswerTx(ctx, tx, string(p.Workspace), d.ID.WaitKey(), answer); err != nil {
		return Decision{}, err
	}
	mark, err := markOfFacts(ctx, tx, p.ID)
	if err != nil {
		return Decision{}, err
	}
	taken, err := oneDecision(ctx, tx, keepEffects, p.ID, d.ID, effects, mark)
	if err != nil {
		return Decision{}, fmt.Errorf("keep effects: %w", err)
	}
	return taken, j.tellTx(ctx, tx, p.ID, "decision.taken", about{d.ID, d.Kind})
}

func titleOf(d Decision) string {
	for _, o := range d.Options {
		if o.Value == d.Choice {
			return o.Title
		}
	}
	return d.Choice
}

func needWords(k Kind, v Verdict) error {
	switch {
	case k == Direction && v.Choice == Narrow && v.Words == "":
		return fault.OnField("words", "Say what to keep.")
	case k == Direction && v.Choice == Pivot && v.Words == "":
		return fault.OnField("words", "Say what the new direction is.")
	}
	return nil
}

const factMark = `
SELECT coalesce(md5(string_agg(fact || ' ' || at, ',' ORDER BY fact, at)), '') FROM project_fact
WHERE project = $1 AND fact <> 'direction_asked'`

// markOfFacts is a short text that differs when what we know of a project differs.
// That something was asked is nothing new.
func markOfFacts(ctx context.Context, q querier, i project.ID) (string, error) {
	var mark string
	if err := q.QueryRow(ctx, factMark, i).Scan(&mark); err != nil {
		return "", fmt.Errorf("mark facts: %w", err)
	}
	return mark, nil
}

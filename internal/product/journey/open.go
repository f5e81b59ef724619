package journey

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"
	"cofounder/internal/product/account/form"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

const (
	maxKey      = 200
	maxLine     = 300
	maxText     = 20_000 // bytes of words and of what is said about an alternative
	maxOptions  = 12
	maxSentence = 40 // pros, cons and reasons each
)

// Ask is a question to the founder.
type Ask struct {
	// Key makes asking idempotent within the project: a second time returns the
	// decision that is there, whatever became of it.
	Key      string
	Kind     Kind
	Topic    string
	Question string
	// Options are the answers to choose from. None with Direction and NextStep means
	// the usual ones; with Question any words are an answer.
	Options []Alternative
	Advice  *Advice
}

// Open asks the founder something. An actor without session and access key, which is a
// run in the background, asks in our name. fault.Invalid on what is wrong with a;
// fault.Conflict with code decision_open and the field decision when another of its
// kind waits, project_parked, project_deleted, brief_needed for a direction and
// version_needed for a next step before there is one.
func (j *Journeys) Open(ctx context.Context, actor account.Actor, i project.ID, a Ask) (Decision, error) {
	var d Decision
	err := j.locked(ctx, actor, i, func(tx pgx.Tx, p project.Project) error {
		var err error
		d, err = j.openTx(ctx, tx, actor, p, a)
		return err
	})
	return d, err
}

// OpenTx is Open as a part of tx.
func (j *Journeys) OpenTx(ctx context.Context, tx pgx.Tx, actor account.Actor, i project.ID, a Ask) (Decision, error) {
	if err := actor.Need(account.MayWrite); err != nil {
		return Decision{}, err
	}
	p, err := j.projects.LockTx(ctx, tx, actor, i)
	if err != nil {
		return Decision{}, err
	}
	return j.openTx(ctx, tx, actor, p, a)
}

const ask = `
INSERT INTO decision AS d (id, project_id, kind, topic, question, options, advice, stage, ask_key, asked_by, asked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULLIF($10, ''), $11) RETURNING ` + decisionColumns

// openTx asks in a transaction that has locked p.
func (j *Journeys) openTx(ctx context.Context, tx pgx.Tx, actor account.Actor, p project.Project, a Ask) (Decision, error) {
	a, err := readAsk(a)
	if err != nil {
		return Decision{}, err
	}
	if d, err := oneDecision(ctx, tx, byAskKey, p.ID, a.Key); !errors.Is(err, pgx.ErrNoRows) {
		return d, err
	}
	at, err := stageOf(ctx, tx, p.ID)
	if err != nil {
		return Decision{}, err
	}
	if err := j.mayAsk(ctx, tx, p, at.Stage, a.Kind); err != nil {
		return Decision{}, err
	}
	if a.Advice, err = j.unsaid(ctx, tx, p.ID, a); err != nil {
		return Decision{}, err
	}
	by := actor.User
	if actor.Session == "" && actor.Token == "" {
		by = ""
	}
	d, err := oneDecision(ctx, tx, ask, id.Mint[DecisionID](j.ids), p.ID, a.Kind, a.Topic, a.Question, a.Options, a.Advice,
		at.Stage, a.Key, by, j.clock.Now())
	if err != nil {
		return Decision{}, fmt.Errorf("open decision: %w", err)
	}
	return d, j.tellTx(ctx, tx, p.ID, "decision.opened", about{d.ID, d.Kind})
}

// about is the data of the events decision.opened and decision.taken.
type about struct {
	Decision DecisionID `json:"decision"`
	Kind     Kind       `json:"kind"`
}

// mayAsk refuses what cannot be asked now.
func (j *Journeys) mayAsk(ctx context.Context, tx pgx.Tx, p project.Project, at Stage, k Kind) error {
	switch {
	case p.Status == project.Deleted:
		return errDeleted()
	case p.Status == project.Parked:
		return errParked()
	case k == Direction && at < Brief:
		_, code, detail := Brief.grant()
		return fault.New(fault.Conflict, code, detail)
	case k == NextStep && at < FirstVersion:
		_, code, detail := FirstVersion.grant()
		return fault.New(fault.Conflict, code, detail)
	case k == Question:
		return nil
	}
	waiting, err := decisions(ctx, tx, openOfKind, p.ID, k)
	if err != nil || len(waiting) == 0 {
		return err
	}
	return fault.New(fault.Conflict, "decision_open", "A question like this waits for an answer already: "+waiting[0].Question).
		WithField("decision", string(waiting[0].ID))
}

const lastVerdict = `
SELECT d.otherwise, coalesce(d.advice->>'value', '') AS advised, d.facts
FROM decision d WHERE d.project_id = $1 AND d.kind = $2 AND d.topic = $3 AND d.turn IS NOT NULL ORDER BY d.turn DESC LIMIT 1`

// unsaid returns the advice of a, or nil when the founder chose otherwise the last time
// we gave it and nothing that we know has changed since.
func (j *Journeys) unsaid(ctx context.Context, tx pgx.Tx, i project.ID, a Ask) (*Advice, error) {
	if a.Advice == nil {
		return nil, nil //nolint:nilnil // no advice is no error
	}
	var otherwise bool
	var advised, then string
	err := tx.QueryRow(ctx, lastVerdict, i, a.Kind, a.Topic).Scan(&otherwise, &advised, &then)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && (!otherwise || advised != a.Advice.Value) {
		return a.Advice, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the last verdict: %w", err)
	}
	now, err := markOfFacts(ctx, tx, i)
	if err != nil {
		return nil, err
	}
	if now == then {
		return nil, nil //nolint:nilnil // said before
	}
	return a.Advice, nil
}

// readAsk returns a as it is stored.
func readAsk(a Ask) (Ask, error) {
	var f form.Form
	a.Key = f.Line("key", a.Key, 1, maxKey)
	a.Topic = f.Line("topic", a.Topic, 0, maxLine)
	switch a.Kind {
	case Direction, NextStep:
		if a.Question == "" {
			a.Question = usualQuestion(a.Kind)
		}
		if len(a.Options) == 0 {
			a.Options = usualOptions(a.Kind)
		}
	case Option:
		if len(a.Options) == 0 {
			f.Refuse("options", "Name at least one way to build.")
		}
	case Question:
	default:
		f.Refuse("kind", "Choose direction, next_step, option or question.")
	}
	a.Question = f.Block("question", a.Question, maxText)
	if a.Question == "" && !f.Refused("question") {
		f.Refuse("question", "Please fill this in.")
	}
	a.Options = readOptions(&f, a.Kind, a.Options)
	if a.Advice != nil {
		advice := *a.Advice
		if len(a.Options) > 0 && !offers(a.Options, advice.Value) {
			f.Refuse("advice", "What is advised is not among the options.")
		}
		advice.Reasons = readTexts(&f, "advice", advice.Reasons)
		advice.ChangesMind = f.Block("advice", advice.ChangesMind, maxText)
		a.Advice = &advice
	}
	return a, f.Err()
}

func readOptions(f *form.Form, k Kind, given []Alternative) []Alternative {
	if len(given) > maxOptions {
		f.Refuse("options", "At most 12, please.")
		return nil
	}
	all := make([]Alternative, 0, len(given))
	for _, o := range given {
		o.Value = f.Line("options", o.Value, 1, maxLine)
		o.Title = f.Line("options", o.Title, 1, maxLine)
		o.Description = f.Block("options", o.Description, maxText)
		o.Next = f.Block("options", o.Next, maxText)
		o.Pros, o.Cons = readTexts(f, "options", o.Pros), readTexts(f, "options", o.Cons)
		if f.Refused("options") {
			return nil
		}
		if offers(all, o.Value) {
			f.Refuse("options", "Two options have the same value.")
		}
		if usual := usualOptions(k); usual != nil && !offers(usual, o.Value) {
			f.Refuse("options", "This is not a choice of such a decision: "+o.Value)
		}
		all = append(all, o)
	}
	return all
}

func readTexts(f *form.Form, field string, given []string) []string {
	if len(given) > maxSentence {
		f.Refuse(field, "These are too many points to read.")
		return nil
	}
	var all []string
	for _, text := range given {
		if text = f.Block(field, text, maxText); text != "" {
			all = append(all, text)
		}
	}
	return all
}

func offers(all []Alternative, value string) bool {
	return slices.ContainsFunc(all, func(o Alternative) bool { return o.Value == value })
}

func usualQuestion(k Kind) string {
	if k == NextStep {
		return "What next?"
	}
	return "Build this?"
}

// usualOptions are the choices of Direction and NextStep; nil: the kind has none of
// its own.
func usualOptions(k Kind) []Alternative {
	park := Alternative{
		Value: Park, Title: "Not now", Description: "Put it on hold.",
		Next: "Everything stays as it is until you come back.",
	}
	switch k {
	case Direction:
		return []Alternative{
			{
				Value: Proceed, Title: "Build this", Description: "Go on with the idea as it stands on the page.",
				Next: "I plan the first version. Nothing is paid above the ceiling you agree to.",
			},
			{
				Value: Narrow, Title: "Make it smaller", Description: "Keep one part and leave the rest for later.",
				Next: "I write the page again around what you keep. The old one stays as a version.",
			},
			{
				Value: Pivot, Title: "Change direction", Description: "Aim at something else.",
				Next: "I write the page again with the new direction first. Nothing is deleted.",
			},
			park,
		}
	case NextStep:
		return []Alternative{
			{
				Value: Iterate, Title: "Improve it", Description: "Change what is there, or add to it.",
				Next: "You say what should change, I say what it costs, you decide.",
			},
			{
				Value: Ship, Title: "Put it online", Description: "Let other people use it.",
				Next: "I look through what is needed to go online and tell you what is missing.",
			},
			park,
		}
	case Option, Question:
	}
	return nil
}

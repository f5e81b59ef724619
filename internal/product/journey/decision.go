package journey

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// DecisionID identifies a decision.
type DecisionID string

// Prefix implements id.Kind.
func (DecisionID) Prefix() string { return "dec" }

// WaitKey is what a node of a run waits for (flow.Wait) that goes on when the decision
// is taken. It is answered with an Instruction.
func (d DecisionID) WaitKey() string { return "decision/" + string(d) }

// Kind is what a decision is about. The texts are stored and in the API.
type Kind string

// The kinds.
const (
	Direction Kind = "direction" // proceed, narrow, pivot or park
	NextStep  Kind = "next_step" // iterate, ship or park
	Option    Kind = "option"    // which way to build
	Question  Kind = "question"  // anything else, any number open at once
)

// The choices of Direction and NextStep.
const (
	Proceed = "proceed"
	Narrow  = "narrow"
	Pivot   = "pivot"
	Park    = "park"
	Iterate = "iterate"
	Ship    = "ship"
)

// Alternative is one of the answers a decision offers.
type Alternative struct {
	Value       string   `json:"value"`
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Next        string   `json:"next,omitempty"` // what happens when it is chosen
	Pros        []string `json:"pros,omitempty"`
	Cons        []string `json:"cons,omitempty"`
}

// Advice is what we suggest and why.
type Advice struct {
	Value       string   `json:"value"`
	Reasons     []string `json:"reasons,omitempty"`
	ChangesMind string   `json:"changes_mind,omitempty"` // what would make us suggest another
}

// EffectKind says what a choice changed.
type EffectKind string

// The effects.
const (
	StageMoved    EffectKind = "stage"    // Object is from→to
	RunStarted    EffectKind = "run"      // Object is the kind of run
	ProjectParked EffectKind = "parked"   // Object is empty
	WroteVersion  EffectKind = "document" // Object names document and version: brief@2
)

// Effect is one thing a choice changed.
type Effect struct {
	Kind   EffectKind `json:"kind"`
	Object string     `json:"object,omitempty"`
}

// Decision is a question to the founder and, once it is taken, the answer.
type Decision struct {
	ID       DecisionID
	Project  project.ID
	Kind     Kind
	Topic    string // of a question, in a word: pricing, checkout; may be empty
	Question string
	Options  []Alternative // never nil; empty: any answer in words
	Advice   *Advice       // nil: none, or it was said before and nothing has changed
	Stage    Stage         // the project's when it was asked
	AskedBy  account.UserID
	AskedAt  time.Time

	Choice    string // an Alternative's value, or words where there were none; empty while open
	Words     string // what to keep, the new direction, the note
	Because   string
	Otherwise bool     // not what we advised
	Effects   []Effect // never nil
	DecidedBy account.UserID
	DecidedAt *time.Time // nil while open
}

const decisionColumns = `
d.id, d.project_id AS project, d.kind, d.topic, d.question, d.options, d.advice, d.stage,
coalesce(d.asked_by, '') AS asked_by, d.asked_at, coalesce(d.choice, '') AS choice, d.words, d.because,
d.otherwise, d.effects, coalesce(d.decided_by, '') AS decided_by, d.decided_at`

// decisions returns the decisions of a query on decision d.
func decisions(ctx context.Context, q querier, sql string, args ...any) ([]Decision, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("ask for decisions: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[Decision])
	if err != nil {
		return nil, fmt.Errorf("read decisions: %w", err)
	}
	return all, nil
}

// oneDecision returns the only decision of a query; none is pgx.ErrNoRows.
func oneDecision(ctx context.Context, q querier, sql string, args ...any) (Decision, error) {
	all, err := decisions(ctx, q, sql, args...)
	if err == nil && len(all) == 0 {
		err = pgx.ErrNoRows
	}
	if err != nil {
		return Decision{}, err
	}
	return all[0], nil
}

const (
	getDecision  = `SELECT ` + decisionColumns + ` FROM decision d WHERE d.project_id = $1 AND d.id = $2`
	openNow      = `SELECT ` + decisionColumns + ` FROM decision d WHERE d.project_id = $1 AND d.decided_at IS NULL ORDER BY d.id`
	openOfKind   = `SELECT ` + decisionColumns + ` FROM decision d WHERE d.project_id = $1 AND d.kind = $2 AND d.decided_at IS NULL ORDER BY d.id`
	byAskKey     = `SELECT ` + decisionColumns + ` FROM decision d WHERE d.project_id = $1 AND d.ask_key = $2`
	byDecideKey  = `SELECT ` + decisionColumns + ` FROM decision d WHERE d.project_id = $1 AND d.decide_key = $2`
	listPageFrom = `
SELECT ` + decisionColumns + ` FROM decision d
WHERE d.project_id = $1 AND ($2 = '' OR d.id < $2) AND ($3 = '' OR d.kind = $3) ORDER BY d.id DESC LIMIT $4`
)

// openOf returns what waits for the founder, oldest first.
func openOf(ctx context.Context, q querier, i project.ID) ([]Decision, error) {
	return decisions(ctx, q, openNow, i)
}

// Decision returns one decision of a project.
func (j *Journeys) Decision(ctx context.Context, actor account.Actor, i project.ID, d DecisionID) (Decision, error) {
	if _, err := j.projects.Get(ctx, actor, i); err != nil {
		return Decision{}, err
	}
	got, err := oneDecision(ctx, j.db, getDecision, i, d)
	if errors.Is(err, pgx.ErrNoRows) {
		return Decision{}, errNoDecision()
	}
	return got, err
}

func errNoDecision() error {
	return fault.New(fault.NotFound, "", "There is no such decision.")
}

const (
	defaultLimit = 50
	maxLimit     = 100
)

// Query selects decisions. The zero Query is the latest 50.
type Query struct {
	Kind  Kind   // empty: all
	After string // cursor of the page before
	Limit int    // 1–100; 0 is 50
}

// Page is one page of a list. Next is empty on the last one.
type Page struct {
	Decisions []Decision
	Next      string
}

// Decisions returns the decisions of a project, the latest asked first. A cursor that
// is not one of ours is fault.Malformed; fault.Invalid on kind or limit.
func (j *Journeys) Decisions(ctx context.Context, actor account.Actor, i project.ID, q Query) (Page, error) {
	if _, err := j.projects.Get(ctx, actor, i); err != nil {
		return Page{}, err
	}
	switch q.Kind {
	case "", Direction, NextStep, Option, Question:
	default:
		return Page{}, fault.OnField("kind", "Choose direction, next_step, option or question.")
	}
	if q.Limit < 0 || q.Limit > maxLimit {
		return Page{}, fault.OnField("limit", "Choose 1 to 100.")
	}
	if q.Limit == 0 {
		q.Limit = defaultLimit
	}
	if q.After != "" {
		if _, err := id.Parse[DecisionID](q.After); err != nil {
			return Page{}, fault.New(fault.Malformed, "bad_cursor", "This page of the list does not exist. Begin at its start.")
		}
	}
	// One more than is shown tells whether there is a next page.
	found, err := decisions(ctx, j.db, listPageFrom, i, q.After, q.Kind, q.Limit+1)
	if err != nil {
		return Page{}, err
	}
	page := Page{Decisions: found}
	if len(found) > q.Limit {
		page.Decisions = found[:q.Limit]
		page.Next = string(page.Decisions[q.Limit-1].ID)
	}
	return page, nil
}

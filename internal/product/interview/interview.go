// Package interview leads from an idea to one page about it: it says what can be made
// of the idea, asks what would change the first version most, and writes brief and
// scope from the answers.
//
// Terms. A round is a set of questions asked together; round 0 is about the idea
// itself, when it was too short or was not understood. Depth says how many there are.
// You decide leaves a question to us: what we assume is written with the question and
// shown at once. Enough ends a round early. A section is a part of the page that a model
// writes in one go. A file is text, a picture or a PDF that came with the idea (package
// attachment); a model reads it once, and what it found is used like the founder's words.
// A contradiction is a pair of answers that do not go together.
//
// Invariants. What the founder said is kept with every earlier wording. An answer names
// its question, so that nothing is skipped by saying it twice. Which question is next
// follows from what is answered. Model work is done by runs that are started in the
// transaction of the answer that calls for it; a run that another one has overtaken
// writes nothing. What a model says is held to its form and to the rules of form.go
// before anything is stored, repaired once, else the work fails by name and can be
// asked for again. Trouble at the provider fails nothing: the run waits and goes on.
// The documents behind the page are written by a run each time some are asked for, one
// after the other: each is stored when it is finished and fails alone (paper.go).
package interview

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/event"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
	"cofounder/internal/product/interview/attachment"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Config is what Interviews needs.
type Config struct {
	DB        *pgxpool.Pool
	Clock     clock.Clock
	IDs       *id.Source
	Accounts  *account.Accounts
	Projects  *project.Projects
	Journeys  *journey.Journeys
	Documents *document.Documents
	Runs      *flow.Engine
	Model     *meter.Model
}

// Interviews is the door to this package, safe for concurrent use.
type Interviews struct {
	cfg   Config
	forms forms
	texts *prompts
}

// New returns Interviews over cfg and registers the work it does with cfg.Runs.
func New(cfg Config) *Interviews {
	i := &Interviews{cfg: cfg, forms: newForms(), texts: newPrompts()}
	cfg.Runs.Register(project.RunInterview, flow.Handlers{project.FirstNode: i.guarded(i.withFiles(i.read)), nodeAsk: i.guarded(i.withFiles(i.ask))})
	cfg.Runs.Register(project.RunCheckAnswers, flow.Handlers{project.FirstNode: i.guarded(i.check)})
	cfg.Runs.Register(project.RunWriteBrief, flow.Handlers{
		project.FirstNode: i.guarded(i.begin), nodeSection: i.guarded(i.withFiles(i.section)), nodeFinish: i.guarded(i.finish),
	})
	cfg.Runs.Register(project.RunWriteDocuments, flow.Handlers{project.FirstNode: i.guarded(i.papers), nodePaper: i.guarded(i.paper)})
	return i
}

// State is what goes on. The texts are stored and in the API.
type State string

// The states.
const (
	Asking  State = "asking"  // a question waits for the founder
	Reading State = "reading" // we read, and think about what to ask
	Writing State = "writing" // we write the page
	Written State = "written"
	Failed  State = "failed" // Retry goes on
)

// Verdict is what can be made of an idea.
type Verdict string

// The verdicts.
const (
	Can     Verdict = "can"
	Partly  Verdict = "partly"
	Cannot  Verdict = "cannot"
	Decline Verdict = "decline"
)

// Interview is the talk about one idea.
type Interview struct {
	Project  project.ID
	State    State
	FailedAt State // while Failed: Reading or Writing
	Depth    Depth
	Round    int    // of the questions; 0: it is still about the idea itself
	Reason   string // while Failed, in plain words
	Trouble  string // what we wait for while the work goes on by itself; may be empty
	Verdict  Verdict
	// Line says what kind of thing we can build of the idea, or what we cannot.
	Line      string
	Chips     *Chips     // what we understood, with the founder's corrections; nil: not read yet
	Questions []Question // in the order in which they are asked
	// Current is the question that waits for an answer; empty: none does.
	Current        QuestionID
	Contradictions []Contradiction
	// Stale names the sections that answers given since the page was written inform.
	Stale    []string
	Sections []Section // of the page, while it is written
	Files    []File    // that came with the idea
}

// Understanding is what we took from the idea.
type Understanding struct {
	Name   string `json:"name"`
	People []Noun `json:"people"`
	Things []Noun `json:"things"`
}

// Noun is somebody who uses the product, or something it keeps track of.
type Noun struct {
	Name    string   `json:"name" doc:"in the founder's word, singular"`
	Details []string `json:"details" doc:"what is kept about each, in the founder's words"`
}

// row is an interview as it is stored.
type row struct {
	State         State
	FailedAt      State
	Depth         Depth
	Round         int
	Reason        string
	Trouble       string
	Verdict       Verdict
	Line          string
	Understanding json.RawMessage
	Revision      int
	PageRevision  int
	Starts        int
	Run           string
	RunRevision   int // what Run works from
}

// querier is what pools and transactions can both do.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

const getRow = `
SELECT state, failed_at, depth, round, reason, trouble, verdict, line, understanding, revision, page_revision, starts, run, run_revision
FROM interview WHERE project_id = $1`

// rowOf returns the interview of a project; a project that began without one is
// fault.NotFound.
func rowOf(ctx context.Context, q querier, p project.ID) (row, error) {
	found, err := q.Query(ctx, getRow, p)
	if err != nil {
		return row{}, fmt.Errorf("ask for interview: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(found, pgx.RowToStructByName[row])
	if errors.Is(err, pgx.ErrNoRows) {
		return row{}, fault.New(fault.NotFound, "", "I was not told this idea yet.")
	}
	if err != nil {
		return row{}, fmt.Errorf("read interview: %w", err)
	}
	return r, nil
}

const setRow = `
UPDATE interview SET state = $2, failed_at = $3, depth = $4, round = $5, reason = $6, trouble = $7, verdict = $8, line = $9,
    understanding = $10, revision = $11, page_revision = $12, starts = $13, run = $14, run_revision = $15, changed_at = $16
WHERE project_id = $1`

// saveTx stores r and tells what happened. Whoever commits tx wakes the project.
func (i *Interviews) saveTx(ctx context.Context, tx pgx.Tx, p project.ID, r row, kind string, data any) error {
	now := i.cfg.Clock.Now()
	if _, err := tx.Exec(ctx, setRow, p, r.State, r.FailedAt, r.Depth, r.Round, r.Reason, r.Trouble, r.Verdict, r.Line,
		r.Understanding, r.Revision, r.PageRevision, r.Starts, r.Run, r.RunRevision, now); err != nil {
		return fmt.Errorf("store interview: %w", err)
	}
	return event.AppendTx(ctx, tx, project.StreamOf(p), now, event.Draft{Kind: kind, Data: data})
}

// Get returns the interview of a project, read at one moment.
func (i *Interviews) Get(ctx context.Context, actor account.Actor, p project.ID) (Interview, error) {
	if _, err := i.cfg.Projects.Get(ctx, actor, p); err != nil {
		return Interview{}, err
	}
	var got Interview
	err := pgx.BeginTxFunc(ctx, i.cfg.DB, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) (err error) {
		got, err = whole(ctx, tx, p)
		return err
	})
	return got, err
}

func whole(ctx context.Context, q querier, p project.ID) (Interview, error) {
	r, err := rowOf(ctx, q, p)
	if err != nil {
		return Interview{}, err
	}
	all := Interview{
		Project: p, State: r.State, FailedAt: r.FailedAt, Depth: r.Depth, Round: r.Round, Reason: r.Reason, Trouble: r.Trouble,
		Verdict: r.Verdict, Line: r.Line, Stale: []string{},
	}
	fixed, err := correctionsOf(ctx, q, p)
	if err != nil {
		return Interview{}, err
	}
	read, err := r.understood()
	if err != nil {
		return Interview{}, err
	}
	if read != nil {
		now := chips(*read, fixed.Corrections)
		all.Chips = &now
	}
	if all.Questions, err = questionsOf(ctx, q, p); err != nil {
		return Interview{}, err
	}
	if r.State == Asking {
		all.Current = current(all.Questions, r.Round)
	}
	if r.State == Written {
		all.Stale = stale(all.Questions, fixed, r.PageRevision)
	}
	if all.Contradictions, err = contradictionsOf(ctx, q, p); err != nil {
		return Interview{}, err
	}
	if all.Sections, err = sectionsOf(ctx, q, p, r.Run); err != nil {
		return Interview{}, err
	}
	all.Files, err = filesOf(ctx, q, p, r.PageRevision)
	return all, err
}

// locked runs do in a transaction in which nobody else changes the project, which is
// active, for an actor who may write, and returns the interview after it.
func (i *Interviews) locked(ctx context.Context, actor account.Actor, p project.ID,
	do func(tx pgx.Tx, p project.Project, r row) error,
) (Interview, error) {
	return i.unlessHeld(ctx, actor, p, func(tx pgx.Tx, in project.Project) error {
		r, err := rowOf(ctx, tx, p)
		if err != nil {
			return err
		}
		return do(tx, in, r)
	})
}

// unlessHeld is locked for what does not need an interview before it.
func (i *Interviews) unlessHeld(ctx context.Context, actor account.Actor, p project.ID, do func(tx pgx.Tx, p project.Project) error) (Interview, error) {
	if err := actor.Need(account.MayWrite); err != nil {
		return Interview{}, err
	}
	var after Interview
	err := db.InTx(ctx, i.cfg.DB, func(tx pgx.Tx) error {
		got, err := i.cfg.Projects.LockTx(ctx, tx, actor, p)
		if err != nil {
			return err
		}
		switch got.Status {
		case project.Deleted:
			return fault.New(fault.Conflict, "project_deleted", "This project is deleted. Restore it first.")
		case project.Parked:
			return fault.New(fault.Conflict, "project_parked", "This project is on hold. Take it off hold first.")
		case project.Active:
		}
		if err := do(tx, got); err != nil {
			return err
		}
		after, err = whole(ctx, tx, p)
		return err
	})
	if err != nil {
		return Interview{}, err
	}
	i.cfg.Projects.Wake(p)
	i.cfg.Runs.Poke()
	return after, nil
}

// startTx starts the run that does the work of a state and lets r wait for it.
func (i *Interviews) startTx(ctx context.Context, tx pgx.Tx, actor account.Actor, p project.Project, r *row, s State) error {
	r.State, r.FailedAt, r.Reason, r.Trouble = s, "", "", ""
	r.Starts++
	r.RunRevision = r.Revision
	kind := project.RunInterview
	if s == Writing {
		kind = project.RunWriteBrief
	}
	run, err := i.cfg.Runs.StartTx(ctx, tx, p.Run(kind, actor.User, fmt.Sprintf("%s/interview/%d", p.ID, r.Starts), order{Start: r.Starts}))
	r.Run = string(run)
	return err
}

// told is the data of the events of this package.
type told struct {
	Question QuestionID `json:"question,omitempty"`
	Section  string     `json:"section,omitempty"`

	File attachment.ID `json:"file,omitempty"`

	State State      `json:"state,omitempty"`
	At    *time.Time `json:"at,omitempty"` // when the work goes on by itself
}

// The kinds of events in the stream of a project; their data names the question, the
// section and the state.
const (
	Began     = "interview.began"
	Answered  = "interview.answered"
	Corrected = "interview.corrected" // what we understood
	WasRead   = "interview.read"
	Asked     = "interview.asked"   // there are new questions
	Waits     = "interview.waiting" // trouble; goes on by itself
	GoesOn    = "interview.started" // work was started
	Wrote     = "interview.section" // a section of the page is finished
	Done      = "interview.written"
	Broke     = "interview.failed"
	Settled   = "interview.contradiction" // the founder chose
	Attached  = "interview.attached"      // a file came
	Detached  = "interview.detached"
	FileRead  = "interview.file_read"
)

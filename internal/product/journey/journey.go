// Package journey leads a project from idea to product: its stage, the decisions its
// founder takes and what they change.
//
// Terms. A stage is one of idea, brief, direction_chosen, first_version, improving. A
// fact is something stored that happened ("a brief is written"), read from the view
// project_fact, to which every package adds its own. A milestone is a fact with a
// weight; progress is computed from milestones and set by nobody. A decision is a
// question to the founder with its options, our advice, the choice and what the choice
// changed. Words are what the founder adds to a choice: what to keep, the new direction.
//
// Invariants. Only this package moves stages, and only where a fact grants it; each
// move is kept with its cause. A decision is taken once, together with its effects or
// not at all; of each kind but question at most one is open. Opening and deciding are
// idempotent by key. Effects that take time are runs started in the same transaction,
// and what waits for a decision is answered in it.
// Nothing here removes or changes what a founder wrote. All writes about one project
// wait for each other. What happens is told in the stream of the project: stage.moved,
// decision.opened, decision.taken, project.parked, project.unparked; whoever commits a
// transaction with a method named …Tx calls Wake of project and Poke of flow.
package journey

import (
	"context"
	"fmt"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/event"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Config is what Journeys needs.
type Config struct {
	DB       *pgxpool.Pool
	Clock    clock.Clock
	IDs      *id.Source
	Projects *project.Projects
	Runs     *flow.Engine
}

// Journeys is the door to this package, safe for concurrent use.
type Journeys struct {
	db       *pgxpool.Pool
	clock    clock.Clock
	ids      *id.Source
	projects *project.Projects
	runs     *flow.Engine
}

// New returns Journeys over cfg.
func New(cfg Config) *Journeys {
	return &Journeys{
		db: cfg.DB, clock: cfg.Clock, ids: cfg.IDs, projects: cfg.Projects,
		runs: cfg.Runs,
	}
}

// Journey is where a project is and how it got there.
type Journey struct {
	Stage     Stage
	EnteredAt *time.Time // nil at Idea, where a project is from the start
	Percent   int        // of the whole way; see Progress
	Stages    []Progress // Brief to Improving
	Open      []Decision // waiting for the founder, oldest first
	// Block says why a build cannot start now; nil: it can.
	Block *Block
}

// querier is what pools and transactions can both do.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Get returns the journey of a project, read at one moment.
func (j *Journeys) Get(ctx context.Context, actor account.Actor, i project.ID) (Journey, error) {
	p, err := j.projects.Get(ctx, actor, i)
	if err != nil {
		return Journey{}, err
	}
	var all Journey
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, j.db, snapshot, func(tx pgx.Tx) error {
		all, err = read(ctx, tx, p)
		return err
	})
	if err != nil {
		return Journey{}, fmt.Errorf("read journey of %s: %w", i, err)
	}
	return all, nil
}

// read returns the journey of a project the actor sees.
func read(ctx context.Context, q querier, p project.Project) (Journey, error) {
	at, err := stageOf(ctx, q, p.ID)
	if err != nil {
		return Journey{}, err
	}
	facts, err := factsOf(ctx, q, p.ID)
	if err != nil {
		return Journey{}, err
	}
	open, err := openOf(ctx, q, p.ID)
	if err != nil {
		return Journey{}, err
	}
	stages := progress(facts)
	return Journey{
		Stage: at.Stage, EnteredAt: at.EnteredAt, Percent: overall(stages), Stages: stages,
		Open: open, Block: block(p, open, facts),
	}, nil
}

// locked runs do in a transaction in which nobody else changes the project.
func (j *Journeys) locked(ctx context.Context, actor account.Actor, i project.ID,
	do func(tx pgx.Tx, p project.Project) error,
) error {
	if err := actor.Need(account.MayWrite); err != nil {
		return err
	}
	err := db.InTx(ctx, j.db, func(tx pgx.Tx) error {
		if err := flow.LockProjectTx(ctx, tx, string(actor.Workspace), string(i)); err != nil {
			return err
		}
		p, err := j.projects.LockTx(ctx, tx, actor, i)
		if err != nil {
			return err
		}
		return do(tx, p)
	})
	if err != nil {
		return err
	}
	j.projects.Wake(i)
	j.runs.Poke()
	return nil
}

// tellTx appends to the stream of a project. Whoever commits tx wakes the hub.
func (j *Journeys) tellTx(ctx context.Context, tx pgx.Tx, i project.ID, kind string, data any) error {
	return event.AppendTx(ctx, tx, project.StreamOf(i), j.clock.Now(), event.Draft{Kind: kind, Data: data})
}

// Package document keeps what is written about a project: brief, scope and the others,
// in all their versions.
//
// Terms. A kind says which document; a project has at most one of each. A section is a
// field of its content; an item is an element of a section that has an id (feature,
// criterion, assumption). A version is the whole content at one time and is never
// changed. A writing is the work of a model on a document; it is asked, writing,
// written or failed. A proposal is a writing that would replace words of the founder's.
//
// Invariants. All versions are kept; an edit, a writing, an accepted proposal and a
// restore each make one. Words of the founder's are replaced by nobody but the founder:
// where a new writing differs from a section the founder edited it becomes a proposal.
// Two people who edit one section are both heard: the second gets the difference and
// chooses. Ids of items stay the same over versions (identity.go). A number in a brief
// of ours was said by the founder. No lock is held while a model writes.
package document

import (
	"context"
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
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Config is what Documents needs.
type Config struct {
	DB       *pgxpool.Pool
	Clock    clock.Clock
	IDs      *id.Source
	Projects *project.Projects
	Runs     *flow.Engine
}

// Documents is the door to this package, safe for concurrent use.
type Documents struct {
	db       *pgxpool.Pool
	clock    clock.Clock
	ids      *id.Source
	projects *project.Projects
	runs     *flow.Engine
}

// New returns Documents over cfg.
func New(cfg Config) *Documents {
	return &Documents{db: cfg.DB, clock: cfg.Clock, ids: cfg.IDs, projects: cfg.Projects, runs: cfg.Runs}
}

// State is what goes on with the writing of a document.
type State string

// The states. With Asked, Writing and Failed an earlier version may be there.
const (
	NotAsked State = "not_asked"
	Asked    State = "asked"
	Writing  State = "writing"
	Written  State = "written"
	Failed   State = "failed"
)

// Document is one document of a project.
type Document struct {
	Kind      Kind
	State     State
	Reason    string     // why the writing failed, in plain words
	Trouble   string     // what the writing waits for while it goes on by itself; may be empty
	ChangedAt *time.Time // nil: never asked for
	Current   *Version   // nil: nothing is written yet
	Confirmed int        // the version of the scope the founder said yes to; 0: none
	Proposal  *Proposal  // waits for the founder; nil: none
}

// querier is what pools and transactions can both do.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// row is a document as it is stored.
type row struct {
	Kind      Kind
	State     State
	Reason    string
	Trouble   string
	Run       string
	Current   int
	Confirmed int
	ChangedAt time.Time
}

const documentColumns = `
d.kind, d.state, d.reason, d.trouble, d.run, coalesce(d.current, 0) AS current, coalesce(d.confirmed, 0) AS confirmed, d.changed_at`

const (
	getRow  = `SELECT ` + documentColumns + ` FROM document d WHERE d.project_id = $1 AND d.kind = $2`
	getRows = `SELECT ` + documentColumns + ` FROM document d WHERE d.project_id = $1`
)

func rows(ctx context.Context, q querier, sql string, args ...any) ([]row, error) {
	found, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("ask for documents: %w", err)
	}
	all, err := pgx.CollectRows(found, pgx.RowToStructByName[row])
	if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	return all, nil
}

// rowOf returns what is stored of a document; nothing is a row that is NotAsked.
func rowOf(ctx context.Context, q querier, i project.ID, k Kind) (row, error) {
	all, err := rows(ctx, q, getRow, i, k)
	if err != nil || len(all) == 0 {
		return row{Kind: k, State: NotAsked}, err
	}
	return all[0], nil
}

func errNoDocument() error {
	return fault.New(fault.NotFound, "", "There is no such document.")
}

// Get returns a document, also one that was never asked for. No such kind is
// fault.NotFound.
func (d *Documents) Get(ctx context.Context, actor account.Actor, i project.ID, k Kind) (Document, error) {
	if _, err := d.projects.Get(ctx, actor, i); err != nil {
		return Document{}, err
	}
	if _, ok := ParseKind(string(k)); !ok {
		return Document{}, errNoDocument()
	}
	var got Document
	err := d.reading(ctx, func(tx pgx.Tx) error {
		r, err := rowOf(ctx, tx, i, k)
		if err != nil {
			return err
		}
		got, err = whole(ctx, tx, i, r)
		return err
	})
	return got, err
}

// List returns all documents of a project, one of each kind, in the order in which they
// are written, with their current versions.
func (d *Documents) List(ctx context.Context, actor account.Actor, i project.ID) ([]Document, error) {
	if _, err := d.projects.Get(ctx, actor, i); err != nil {
		return nil, err
	}
	all := make([]Document, 0, len(Kinds()))
	err := d.reading(ctx, func(tx pgx.Tx) error {
		found, err := rows(ctx, tx, getRows, i)
		if err != nil {
			return err
		}
		stored := map[Kind]row{}
		for _, r := range found {
			stored[r.Kind] = r
		}
		for _, k := range Kinds() {
			r, ok := stored[k]
			if !ok {
				r = row{Kind: k, State: NotAsked}
			}
			one, err := whole(ctx, tx, i, r)
			if err != nil {
				return err
			}
			all = append(all, one)
		}
		return nil
	})
	return all, err
}

// reading runs do on one moment of the database.
func (d *Documents) reading(ctx context.Context, do func(tx pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, d.db, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, do)
}

// whole adds to a row what belongs to it.
func whole(ctx context.Context, q querier, i project.ID, r row) (Document, error) {
	doc := Document{Kind: r.Kind, State: r.State, Reason: r.Reason, Trouble: r.Trouble, Confirmed: r.Confirmed}
	if !r.ChangedAt.IsZero() {
		doc.ChangedAt = &r.ChangedAt
	}
	if r.Current > 0 {
		v, err := versionOf(ctx, q, i, r.Kind, r.Current)
		if err != nil {
			return Document{}, err
		}
		doc.Current = &v
	}
	waiting, err := waitingProposal(ctx, q, i, r.Kind)
	if err == nil {
		doc.Proposal = &waiting
	} else if !errors.Is(err, pgx.ErrNoRows) {
		return Document{}, err
	}
	return doc, nil
}

// locked runs do in a transaction in which nobody else changes the project, which is
// not deleted, for an actor who has the right.
func (d *Documents) locked(ctx context.Context, actor account.Actor, right account.Right, i project.ID,
	do func(tx pgx.Tx, p project.Project) error,
) error {
	err := db.InTx(ctx, d.db, func(tx pgx.Tx) error {
		p, err := d.lockTx(ctx, tx, actor, right, i)
		if err != nil {
			return err
		}
		return do(tx, p)
	})
	if err != nil {
		return err
	}
	d.projects.Wake(i)
	d.runs.Poke()
	return nil
}

func (d *Documents) lockTx(ctx context.Context, tx pgx.Tx, actor account.Actor, right account.Right, i project.ID) (project.Project, error) {
	if err := actor.Need(right); err != nil {
		return project.Project{}, err
	}
	p, err := d.projects.LockTx(ctx, tx, actor, i)
	if err != nil {
		return project.Project{}, err
	}
	if p.Status == project.Deleted {
		return project.Project{}, fault.New(fault.Conflict, "project_deleted", "This project is deleted. Restore it first.")
	}
	return p, nil
}

// news is the data of the events of this package.
type news struct {
	Kind    Kind `json:"kind"`
	Version int  `json:"version,omitempty"`
}

// tellTx appends to the stream of a project. Whoever commits tx wakes the hub.
func (d *Documents) tellTx(ctx context.Context, tx pgx.Tx, i project.ID, kind string, n news) error {
	return event.AppendTx(ctx, tx, project.StreamOf(i), d.clock.Now(), event.Draft{Kind: kind, Data: n})
}

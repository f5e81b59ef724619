// Package project is the noun everything hangs from. A project belongs to one
// workspace and has an idea, a name and a status; its stage is package journey's.
//
// Invariants. Every query is filtered by the actor's workspace and, for someone
// invited to single projects, by membership. Deleting is soft: for 30 days
// everything can be downloaded and restored, then Purge removes it with
// everything that belongs to it: rows by their foreign keys, the rest by the pieces
// other packages give. The projects of a workspace that was deleted itself go with
// the next purge.
package project

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/event"
	"cofounder/internal/product/account"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ID identifies a project.
type ID = account.ProjectID

// Status is where a project is in its life.
type Status string

// The statuses.
const (
	Active  Status = "active"
	Parked  Status = "parked"
	Deleted Status = "deleted"
)

// KeepDeleted is how long a deleted project can be restored.
const KeepDeleted = 30 * 24 * time.Hour

// Project is one idea on its way to a product.
type Project struct {
	ID        ID
	Workspace account.WorkspaceID
	Name      string // 1–80 characters
	Idea      string // the founder's own words, at most 100 000 bytes
	Language  string // that what we write is in, a BCP 47 tag; empty: not known yet
	Status    Status
	ParkNote  string // kept while deleted, so that restoring brings it back
	CreatedAt time.Time
	UpdatedAt time.Time
	DeletedAt *time.Time // set while Status is Deleted; purged KeepDeleted later
}

// Config is what Projects needs.
type Config struct {
	DB    *pgxpool.Pool
	Clock clock.Clock
	IDs   *id.Source
	// Events is woken after what was told of a project, and followed by Follow.
	Events *event.Hub
}

// Projects is the door to this package, safe for concurrent use.
type Projects struct {
	db     *pgxpool.Pool
	clock  clock.Clock
	ids    *id.Source
	events *event.Hub
}

// New returns Projects over cfg.
func New(cfg Config) *Projects {
	return &Projects{db: cfg.DB, clock: cfg.Clock, ids: cfg.IDs, events: cfg.Events}
}

const columns = `p.id, p.workspace_id AS workspace, p.name, p.idea, p.language, p.status, p.park_note, p.created_at, p.updated_at, p.deleted_at`

// seen limits a query on project p to what an actor sees; its arguments are the
// first three.
const seen = `p.workspace_id = $1 AND (NOT $3 OR EXISTS (
    SELECT FROM member_project mp
    WHERE mp.workspace_id = p.workspace_id AND mp.user_id = $2 AND mp.project_id = p.id))`

// sees returns the arguments of seen, followed by more.
func sees(actor account.Actor, more ...any) []any {
	return append([]any{actor.Workspace, actor.User, actor.Restricted}, more...)
}

// querier is what pools and transactions can both do.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// one returns the single project of a query; none is fault.NotFound.
func one(ctx context.Context, q querier, sql string, args ...any) (Project, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return Project{}, fmt.Errorf("ask for project: %w", err)
	}
	got, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Project])
	if errors.Is(err, pgx.ErrNoRows) {
		return Project{}, errNoProject()
	}
	if err != nil {
		return Project{}, fmt.Errorf("read project: %w", err)
	}
	return got, nil
}

func errNoProject() error {
	return fault.New(fault.NotFound, "", "There is no such project.")
}

const get = `SELECT ` + columns + ` FROM project p WHERE ` + seen + ` AND p.id = $4`

// Get returns a project of any status but purged.
func (p *Projects) Get(ctx context.Context, actor account.Actor, i ID) (Project, error) {
	if err := actor.Need(account.MayRead); err != nil {
		return Project{}, err
	}
	return one(ctx, p.db, get, sees(actor, i)...)
}

const locate = `
SELECT p.workspace_id
FROM project p
JOIN member m ON m.workspace_id = p.workspace_id
LEFT JOIN member_project mp ON mp.workspace_id = p.workspace_id AND mp.user_id = m.user_id AND mp.project_id = p.id
WHERE p.id = $1 AND m.user_id = $2 AND (NOT m.restricted OR mp.project_id IS NOT NULL)`

// Locate returns the workspace of a project the user may see, whichever of their
// workspaces it is in; fault.NotFound otherwise. It lets a link to a project open
// without first choosing its team.
func (p *Projects) Locate(ctx context.Context, u account.UserID, i ID) (account.WorkspaceID, error) {
	var w account.WorkspaceID
	err := p.db.QueryRow(ctx, locate, i, u).Scan(&w)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", errNoProject()
	}
	if err != nil {
		return "", fmt.Errorf("locate project: %w", err)
	}
	return w, nil
}

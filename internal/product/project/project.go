// Package project is the noun everything hangs from. A project belongs to one
// workspace and has an idea, a name and a status; its stage is package journey's.
//
// Invariants. Every query is filtered by the actor's workspace and, for someone
// invited to single projects, by membership. Deleting is soft: for 30 days
// everything can be downloaded and restored, then Purge removes it with
// everything that belongs to it (by foreign keys).
package project

import (
	"context"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"

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

// KeepDeleted is how long a deleted project can be restored (SPEC 2).
const KeepDeleted = 30 * 24 * time.Hour

// Project is one idea on its way to a product.
type Project struct {
	ID        ID
	Workspace account.WorkspaceID
	Name      string // 1–80 characters
	Idea      string // the founder's own words, at most 100 000 bytes
	Status    Status
	ParkNote  string
	CreatedAt time.Time
	UpdatedAt time.Time
	DeletedAt *time.Time // set while Status is Deleted; purged KeepDeleted later
}

// Draft is what makes a project. An empty name is taken from the idea.
type Draft struct {
	Name string
	Idea string
}

// Config is what Projects needs.
type Config struct {
	DB    *pgxpool.Pool
	Clock clock.Clock
	IDs   *id.Source
}

// Projects is the door to this package, safe for concurrent use.
type Projects struct{ cfg Config }

// New returns Projects over cfg.
func New(cfg Config) *Projects { return &Projects{cfg: cfg} }

// Create makes an active project. fault.Invalid on idea when it is empty or too
// long, or on name when too long.
func (p *Projects) Create(ctx context.Context, actor account.Actor, d Draft) (Project, error) {
	panic("stub")
}

// Get returns a project of any status but purged.
func (p *Projects) Get(ctx context.Context, actor account.Actor, i ID) (Project, error) {
	panic("stub")
}

// Query selects projects. The zero Query is the first 50 that are not deleted,
// newest first.
type Query struct {
	Status Status // empty: active and parked
	After  string // cursor of the last page
	Limit  int    // 1–100; 0 is 50
}

// Page is one page of a list. Next is empty on the last one.
type Page struct {
	Projects []Project
	Next     string
}

// List returns the actor's projects. A cursor that is not one of ours is
// fault.Malformed.
func (p *Projects) List(ctx context.Context, actor account.Actor, q Query) (Page, error) {
	panic("stub")
}

// Rename changes the name.
func (p *Projects) Rename(ctx context.Context, actor account.Actor, i ID, name string) (Project, error) {
	panic("stub")
}

// Park puts a project on hold with an optional note. Parking twice changes
// nothing; a deleted project is fault.Conflict.
func (p *Projects) Park(ctx context.Context, actor account.Actor, i ID, note string) (Project, error) {
	panic("stub")
}

// Unpark takes a project off hold.
func (p *Projects) Unpark(ctx context.Context, actor account.Actor, i ID) (Project, error) {
	panic("stub")
}

// Delete marks a project deleted; owners only.
func (p *Projects) Delete(ctx context.Context, actor account.Actor, i ID) (Project, error) {
	panic("stub")
}

// Restore takes a deletion back; owners only. The project is as it was before,
// parked if it was parked.
func (p *Projects) Restore(ctx context.Context, actor account.Actor, i ID) (Project, error) {
	panic("stub")
}

// Locate returns the workspace of a project the user may see, whichever of their
// workspaces it is in; fault.NotFound otherwise. It lets a link to a project open
// without first choosing its team.
func (p *Projects) Locate(ctx context.Context, u account.UserID, i ID) (account.WorkspaceID, error) {
	panic("stub")
}

// Purge removes what was deleted more than KeepDeleted ago, a batch at a time, and
// returns how many projects. Any process may call it at any time.
func (p *Projects) Purge(ctx context.Context) (int, error) { panic("stub") }

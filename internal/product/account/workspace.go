package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"
	"cofounder/internal/product/account/form"

	"github.com/jackc/pgx/v5"
)

// maxWorkspaces is how many workspaces a user may own.
const maxWorkspaces = 50

// Workspace owns projects.
type Workspace struct {
	ID        WorkspaceID
	Name      string
	Role      Role // of the one who asks
	CreatedAt time.Time
}

// A token acts in one workspace and sees no other.
const listWorkspaces = `
SELECT w.id, w.name, m.role, w.created_at FROM member m JOIN workspace w ON w.id = m.workspace_id
WHERE m.user_id = $1 AND w.deleted_at IS NULL AND ($2 = '' OR w.id = $2) ORDER BY lower(w.name), w.id`

func (a *Accounts) workspaces(ctx context.Context, u UserID, only WorkspaceID) ([]Workspace, error) {
	list, err := all[Workspace](ctx, a.db, listWorkspaces, u, only)
	if err != nil {
		return nil, fmt.Errorf("list workspaces: %w", err)
	}
	return list, nil
}

// Workspaces lists those the actor's user belongs to, by name; for a token, the
// one it acts in.
func (a *Accounts) Workspaces(ctx context.Context, actor Actor) ([]Workspace, error) {
	if err := actor.needSelf(); err != nil {
		return nil, err
	}
	if actor.Session == "" {
		return a.workspaces(ctx, actor.User, actor.Workspace)
	}
	return a.workspaces(ctx, actor.User, "")
}

// Workspace returns the actor's own workspace.
func (a *Accounts) Workspace(ctx context.Context, actor Actor) (Workspace, error) {
	if err := actor.Need(MayRead); err != nil {
		return Workspace{}, err
	}
	list, err := a.workspaces(ctx, actor.User, actor.Workspace)
	if err != nil {
		return Workspace{}, err
	}
	if len(list) == 0 || actor.Workspace == "" {
		return Workspace{}, errNoTeam()
	}
	return list[0], nil
}

const countOwned = `SELECT count(*) FROM member WHERE user_id = $1 AND role = 'owner'`

// CreateWorkspace makes a workspace owned by the actor's user. While sign-up is
// closed only operators and people who own one may: fault.Forbidden with code
// sign_up_closed. fault.Invalid on name, fault.Conflict with code
// too_many_workspaces above fifty.
func (a *Accounts) CreateWorkspace(ctx context.Context, actor Actor, name string) (Workspace, error) {
	if err := actor.needSession(); err != nil {
		return Workspace{}, err
	}
	var f form.Form
	w := Workspace{Name: f.Line("name", name, 1, 80), Role: Owner, CreatedAt: a.clock.Now()}
	if err := f.Err(); err != nil {
		return Workspace{}, err
	}
	err := db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		if err := lockAliveTx(ctx, tx, actor.User); err != nil {
			return err
		}
		var owned int
		if err := tx.QueryRow(ctx, countOwned, actor.User).Scan(&owned); err != nil {
			return fmt.Errorf("count workspaces: %w", err)
		}
		switch {
		case owned >= maxWorkspaces:
			return fault.New(fault.Conflict, "too_many_workspaces", "You own fifty teams already.")
		case owned == 0 && !a.signUpOpen && !actor.Operator:
			return errSignUpClosed()
		}
		var err error
		w.ID, err = a.createWorkspaceTx(ctx, tx, w.CreatedAt, actor.User, w.Name)
		return err
	})
	if err != nil {
		return Workspace{}, err
	}
	return w, nil
}

const (
	insertWorkspace = `INSERT INTO workspace (id, name, created_at) VALUES ($1, $2, $3)`
	insertOwner     = `INSERT INTO member (workspace_id, user_id, role, joined_at) VALUES ($1, $2, 'owner', $3)`
)

func (a *Accounts) createWorkspaceTx(ctx context.Context, tx pgx.Tx, now time.Time, owner UserID, name string) (WorkspaceID, error) {
	w := id.Mint[WorkspaceID](a.ids)
	if _, err := tx.Exec(ctx, insertWorkspace, w, name, now); err != nil {
		return "", fmt.Errorf("create workspace: %w", err)
	}
	if _, err := tx.Exec(ctx, insertOwner, w, owner, now); err != nil {
		return "", fmt.Errorf("create owner of workspace: %w", err)
	}
	return w, recordTx(ctx, tx, now, event{kind: eventWorkspaceMade, by: owner, workspace: w})
}

const renameWorkspace = `UPDATE workspace SET name = $2 WHERE id = $1`

// RenameWorkspace renames the actor's workspace; owners only. fault.Invalid on
// name.
func (a *Accounts) RenameWorkspace(ctx context.Context, actor Actor, name string) (Workspace, error) {
	if err := actor.Need(MayOwn); err != nil {
		return Workspace{}, err
	}
	var f form.Form
	name = f.Line("name", name, 1, 80)
	if err := f.Err(); err != nil {
		return Workspace{}, err
	}
	now := a.clock.Now()
	err := db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		if err := lockTeamAsOwnerTx(ctx, tx, actor); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, renameWorkspace, actor.Workspace, name); err != nil {
			return fmt.Errorf("rename workspace: %w", err)
		}
		return recordTx(ctx, tx, now, event{kind: eventWorkspaceName, by: actor.User, workspace: actor.Workspace})
	})
	if err != nil {
		return Workspace{}, err
	}
	return a.Workspace(ctx, actor)
}

const (
	lockTeam = `SELECT id FROM workspace WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE`
	roleIn   = `SELECT role FROM member WHERE workspace_id = $1 AND user_id = $2`
)

// lockTeamTx makes the transaction the only one that changes who is in the
// workspace, and returns the actor's role of this moment. fault.NotFound when they
// are no longer in it.
func lockTeamTx(ctx context.Context, tx pgx.Tx, actor Actor) (Role, error) {
	if err := tx.QueryRow(ctx, lockTeam, actor.Workspace).Scan(nil); err != nil {
		return "", noTeamOr(err)
	}
	var r Role
	if err := tx.QueryRow(ctx, roleIn, actor.Workspace, actor.User).Scan(&r); err != nil {
		return "", noTeamOr(err)
	}
	return r, nil
}

func lockTeamAsOwnerTx(ctx context.Context, tx pgx.Tx, actor Actor) error {
	r, err := lockTeamTx(ctx, tx, actor)
	if err == nil && r != Owner {
		return errOwnerOnly()
	}
	return err
}

func noTeamOr(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return errNoTeam()
	}
	return fmt.Errorf("lock workspace: %w", err)
}

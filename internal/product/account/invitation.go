package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"

	"github.com/jackc/pgx/v5"
)

const (
	invitationLife = 7 * 24 * time.Hour
	// maxInvitations is how many of a workspace may be open.
	maxInvitations = 100
)

// Invitation lets whoever holds its link join once. It works as long as who made
// it owns the workspace: it is withdrawn for good when they no longer do, and does
// not work while they are suspended.
type Invitation struct {
	ID        InvitationID
	Role      Role
	Project   ProjectID // empty: all projects
	CreatedBy string    // name of who invited
	CreatedAt time.Time
	ExpiresAt time.Time // 7 days after creation
}

// InvitationDraft is what the inviting owner chooses.
type InvitationDraft struct {
	Role    Role
	Project ProjectID
}

const (
	openInvitations = `
FROM invitation i
JOIN member m ON m.workspace_id = i.workspace_id AND m.user_id = i.created_by AND m.role = 'owner'
JOIN app_user u ON u.id = i.created_by AND u.suspended_at IS NULL
WHERE i.workspace_id = $1 AND i.used_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > $2`
	countInvitations = `SELECT count(*) ` + openInvitations
	listInvitations  = `
SELECT i.id, i.role, coalesce(i.project_id, '') AS project, u.name AS created_by, i.created_at, i.expires_at ` + openInvitations + `
ORDER BY i.created_at DESC, i.id DESC`
	liveProject      = `SELECT EXISTS (SELECT FROM project WHERE id = $2 AND workspace_id = $1 AND deleted_at IS NULL)`
	insertInvitation = `
INSERT INTO invitation (id, workspace_id, role, project_id, code_hash, created_by, created_at, expires_at)
VALUES ($1, $2, $3, NULLIF($4, ''), $5, $6, $7, $8)`
)

// Invite makes an invitation; owners only, and not with a token. code is returned
// once. fault.Invalid on role or project; fault.Conflict with code
// too_many_invitations above a hundred open ones.
func (a *Accounts) Invite(ctx context.Context, actor Actor, d InvitationDraft) (code string, i Invitation, err error) {
	if err := errors.Join(actor.needSession(), actor.Need(MayOwn)); err != nil {
		return "", Invitation{}, err
	}
	switch {
	case !d.Role.known():
		return "", Invitation{}, errNoRole()
	case d.Role == Owner && d.Project != "":
		return "", Invitation{}, fault.OnField("role", "An owner sees every project. Choose member or viewer for a single one.")
	}
	now := a.clock.Now()
	code = newSecret()
	i = Invitation{ID: id.Mint[InvitationID](a.ids), Role: d.Role, Project: d.Project, CreatedAt: now, ExpiresAt: now.Add(invitationLife)}
	err = db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		if err := lockTeamAsOwnerTx(ctx, tx, actor); err != nil {
			return err
		}
		if err := mayInviteTx(ctx, tx, now, actor.Workspace, d.Project); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, insertInvitation, i.ID, actor.Workspace, i.Role, i.Project, hashOf(code), actor.User, now, i.ExpiresAt)
		if err != nil {
			return fmt.Errorf("invite: %w", err)
		}
		if err := tx.QueryRow(ctx, `SELECT name FROM app_user WHERE id = $1`, actor.User).Scan(&i.CreatedBy); err != nil {
			return fmt.Errorf("read who invites: %w", err)
		}
		return recordTx(ctx, tx, now, event{kind: eventInvited, by: actor.User, workspace: actor.Workspace, object: string(i.ID)})
	})
	return onlyIf(err, code, i)
}

func mayInviteTx(ctx context.Context, tx pgx.Tx, now time.Time, w WorkspaceID, p ProjectID) error {
	if p != "" {
		var exists bool
		if err := tx.QueryRow(ctx, liveProject, w, p).Scan(&exists); err != nil {
			return fmt.Errorf("look for project: %w", err)
		}
		if !exists {
			return fault.OnField("project", "There is no such project in this team.")
		}
	}
	var open int
	if err := tx.QueryRow(ctx, countInvitations, w, now).Scan(&open); err != nil {
		return fmt.Errorf("count invitations: %w", err)
	}
	if open >= maxInvitations {
		return fault.New(fault.Conflict, "too_many_invitations", "A hundred invitations are open. Revoke one that is not needed.")
	}
	return nil
}

// Invitations lists those of the workspace that are open, newest first; owners
// only.
func (a *Accounts) Invitations(ctx context.Context, actor Actor) ([]Invitation, error) {
	if actor.Role != Owner {
		return nil, errOwnerOnly()
	}
	list, err := all[Invitation](ctx, a.db, listInvitations, actor.Workspace, a.clock.Now())
	if err != nil {
		return nil, fmt.Errorf("list invitations: %w", err)
	}
	return list, nil
}

const revokeInvitation = `
UPDATE invitation SET revoked_at = coalesce(revoked_at, $3) WHERE id = $1 AND workspace_id = $2 AND used_at IS NULL`

// RevokeInvitation ends an invitation; owners only, and not with a token. Revoking
// twice changes nothing; one that was used or is another team's is fault.NotFound.
func (a *Accounts) RevokeInvitation(ctx context.Context, actor Actor, i InvitationID) error {
	if err := errors.Join(actor.needSession(), actor.Need(MayOwn)); err != nil {
		return err
	}
	now := a.clock.Now()
	return db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		if err := lockTeamAsOwnerTx(ctx, tx, actor); err != nil {
			return err
		}
		done, err := tx.Exec(ctx, revokeInvitation, i, actor.Workspace, now)
		if err != nil {
			return fmt.Errorf("revoke invitation: %w", err)
		}
		if done.RowsAffected() == 0 {
			return fault.New(fault.NotFound, "", "This invitation does not exist or was used.")
		}
		return recordTx(ctx, tx, now, event{kind: eventInviteWithdrawn, by: actor.User, workspace: actor.Workspace, object: string(i)})
	})
}

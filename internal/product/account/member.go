package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"

	"github.com/jackc/pgx/v5"
)

// Membership is one person in a workspace.
type Membership struct {
	User     UserID
	Name     string
	Email    string
	Role     Role
	Projects []ProjectID // empty: all projects, unless Restricted
	// Restricted is set for someone invited to single projects. When those are
	// gone Projects is empty and they see none.
	Restricted bool
	JoinedAt   time.Time
}

// Somebody restricted sees those they share a project with, who see all among them;
// of the others' projects only the shared ones.
const listMembers = `
WITH shared AS (SELECT project_id FROM member_project WHERE workspace_id = $1 AND user_id = $2)
SELECT m.user_id AS user, u.name, coalesce(u.email, '') AS email, m.role, m.restricted, m.joined_at,
       coalesce((SELECT array_agg(p.project_id ORDER BY p.project_id) FROM member_project p
                 WHERE p.workspace_id = m.workspace_id AND p.user_id = m.user_id
                   AND (NOT $3 OR p.project_id IN (SELECT project_id FROM shared))), '{}') AS projects
FROM member m JOIN app_user u ON u.id = m.user_id
WHERE m.workspace_id = $1
  AND (NOT $3 OR m.user_id = $2 OR NOT m.restricted AND EXISTS (SELECT FROM shared) OR EXISTS (
      SELECT FROM member_project p WHERE p.workspace_id = m.workspace_id AND p.user_id = m.user_id
         AND p.project_id IN (SELECT project_id FROM shared)))
ORDER BY CASE m.role WHEN 'owner' THEN 0 WHEN 'member' THEN 1 ELSE 2 END, lower(u.name), m.joined_at, m.user_id`

// Members lists the people of the actor's workspace, owners first. Somebody
// invited to single projects sees only those they share one with.
func (a *Accounts) Members(ctx context.Context, actor Actor) ([]Membership, error) {
	if err := actor.Need(MayRead); err != nil {
		return nil, err
	}
	list, err := all[Membership](ctx, a.db, listMembers, actor.Workspace, actor.User, actor.Restricted)
	if err != nil {
		return nil, fmt.Errorf("list members: %w", err)
	}
	return list, nil
}

const (
	setRole = `
UPDATE member SET role = $3, restricted = restricted AND $3 <> 'owner' WHERE workspace_id = $1 AND user_id = $2`
	seeAll = `
DELETE FROM member_project p USING member m
WHERE m.workspace_id = $1 AND m.user_id = $2 AND NOT m.restricted
  AND p.workspace_id = m.workspace_id AND p.user_id = m.user_id`
	// withdrawInvitations ends for good what somebody offered as an owner.
	withdrawInvitations = `
UPDATE invitation SET revoked_at = $3
WHERE workspace_id = $1 AND created_by = $2 AND used_at IS NULL AND revoked_at IS NULL
  AND NOT EXISTS (SELECT FROM member m WHERE m.workspace_id = $1 AND m.user_id = $2 AND m.role = 'owner')`
	otherOwners = `
SELECT count(*) FROM member WHERE workspace_id = $1 AND role = 'owner' AND user_id <> $2`
)

// SetRole changes a member's role; owners only. Who becomes an owner sees every
// project; invitations made by who was one end. Taking the last owner's role is fault.Conflict with code last_owner.
// fault.NotFound for somebody who is not in the workspace, fault.Invalid on role. Not
// for tokens.
func (a *Accounts) SetRole(ctx context.Context, actor Actor, u UserID, r Role) error {
	if err := errors.Join(actor.needSession(), actor.Need(MayOwn)); err != nil {
		return err
	}
	if !r.known() {
		return errNoRole()
	}
	now := a.clock.Now()
	return db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		if err := lockTeamAsOwnerTx(ctx, tx, actor); err != nil {
			return err
		}
		present, err := memberTx(ctx, tx, actor.Workspace, u)
		if err != nil || present == r {
			return err
		}
		if err := spareOwnerTx(ctx, tx, actor.Workspace, u); err != nil {
			return err
		}
		err = writeTx(ctx, tx,
			write{setRole, []any{actor.Workspace, u, r}},
			write{seeAll, []any{actor.Workspace, u}},
			write{withdrawInvitations, []any{actor.Workspace, u, now}},
		)
		if err != nil {
			return fmt.Errorf("set role: %w", err)
		}
		return recordTx(ctx, tx, now, event{kind: eventRoleChanged, by: actor.User, subject: u, workspace: actor.Workspace, object: string(r)})
	})
}

func errNoRole() error {
	return fault.OnField("role", "Choose owner, member or viewer.")
}

// memberTx returns the role of somebody in a workspace, or fault.NotFound.
func memberTx(ctx context.Context, tx pgx.Tx, w WorkspaceID, u UserID) (Role, error) {
	var r Role
	err := tx.QueryRow(ctx, roleIn, w, u).Scan(&r)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", fault.New(fault.NotFound, "", "There is no such person in this team.")
	}
	if err != nil {
		return "", fmt.Errorf("read role: %w", err)
	}
	return r, nil
}

// spareOwnerTx returns fault.Conflict when u is the only owner of the workspace,
// fault.NotFound when u is not in it.
func spareOwnerTx(ctx context.Context, tx pgx.Tx, w WorkspaceID, u UserID) error {
	if r, err := memberTx(ctx, tx, w, u); err != nil || r != Owner {
		return err
	}
	var others int
	if err := tx.QueryRow(ctx, otherOwners, w, u).Scan(&others); err != nil {
		return fmt.Errorf("count owners: %w", err)
	}
	if others == 0 {
		return fault.New(fault.Conflict, "last_owner", "A team needs an owner. Make somebody else an owner first.")
	}
	return nil
}

const (
	deleteMember = `DELETE FROM member WHERE workspace_id = $1 AND user_id = $2`
	moveSessions = `
UPDATE session SET workspace_id = (
    SELECT m.workspace_id FROM member m WHERE m.user_id = $2 ORDER BY m.joined_at, m.workspace_id LIMIT 1)
WHERE user_id = $2 AND workspace_id = $1`
)

// RemoveMember takes a person out of the actor's workspace, with their tokens for
// it; their sessions go on in another of their workspaces, if there is one. Owners
// may remove anyone, others only themselves; never the last owner: fault.Conflict
// with code last_owner. Invitations they made end. fault.NotFound for
// somebody who is not in the workspace. Not for tokens.
func (a *Accounts) RemoveMember(ctx context.Context, actor Actor, u UserID) error {
	if err := actor.needSession(); err != nil {
		return err
	}
	if u != actor.User {
		if err := actor.Need(MayOwn); err != nil {
			return err
		}
	}
	now := a.clock.Now()
	return db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		own, err := lockTeamTx(ctx, tx, actor)
		if err != nil {
			return err
		}
		if own != Owner && u != actor.User {
			return errOwnerOnly()
		}
		if err := spareOwnerTx(ctx, tx, actor.Workspace, u); err != nil {
			return err
		}
		// Tokens and single projects go with the row.
		err = writeTx(ctx, tx,
			write{deleteMember, []any{actor.Workspace, u}},
			write{moveSessions, []any{actor.Workspace, u}},
			write{withdrawInvitations, []any{actor.Workspace, u, now}},
		)
		if err != nil {
			return fmt.Errorf("remove member: %w", err)
		}
		return recordTx(ctx, tx, now, event{kind: eventMemberRemoved, by: actor.User, subject: u, workspace: actor.Workspace})
	})
}

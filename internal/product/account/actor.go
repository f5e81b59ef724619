package account

import (
	"context"
	"errors"
	"fmt"

	"cofounder/internal/base/fault"

	"github.com/jackc/pgx/v5"
)

// membershipRow is the part of an Actor that is read anew each time.
type membershipRow struct {
	Workspace  WorkspaceID
	Role       Role
	Restricted bool
	Operator   bool
	Suspended  bool
}

const actorIn = `
SELECT coalesce(m.workspace_id, '') AS workspace, coalesce(m.role, '') AS role, coalesce(m.restricted, false) AS restricted,
       u.operator, u.suspended_at IS NOT NULL AS suspended
FROM session s
JOIN app_user u ON u.id = s.user_id
LEFT JOIN member m ON m.user_id = u.id AND ($3 = '' OR m.workspace_id = $3)
WHERE s.id = $1 AND s.expires_at > $2 AND u.deleted_at IS NULL
ORDER BY m.workspace_id IS NOT DISTINCT FROM s.workspace_id DESC, m.joined_at, m.workspace_id
LIMIT 1`

// ActorIn returns the session's user as an actor in a workspace they belong to;
// fault.NotFound otherwise. An empty workspace means the session's own, or another
// of theirs when they are no longer in it; a user in no workspace at all gets an
// Actor without one, who can still look after their own account.
func (a *Accounts) ActorIn(ctx context.Context, s Session, w WorkspaceID) (Actor, error) {
	row, err := one[membershipRow](ctx, a.db, actorIn, s.ID, a.clock.Now(), w)
	switch {
	case errors.Is(err, pgx.ErrNoRows) || err == nil && row.Suspended:
		return Actor{}, errSignedOut()
	case err != nil:
		return Actor{}, fmt.Errorf("read membership: %w", err)
	case w != "" && row.Workspace != w:
		return Actor{}, errNoTeam()
	}
	return Actor{
		User: s.User.ID, Workspace: row.Workspace, Role: row.Role, Scope: ScopeWrite,
		Restricted: row.Restricted, Operator: row.Operator, Session: s.ID,
	}, nil
}

const forRun = `
SELECT coalesce(m.workspace_id, '') AS workspace, coalesce(m.role, '') AS role, coalesce(m.restricted, false) AS restricted,
       u.operator, u.suspended_at IS NOT NULL AS suspended
FROM app_user u
LEFT JOIN member m ON m.user_id = u.id AND m.workspace_id = $2
WHERE u.id = $1 AND u.deleted_at IS NULL`

// ForRun re-reads the user who started a run when a node of it starts. A
// suspended or removed user is fault.Forbidden with code suspended or
// not_a_member.
func (a *Accounts) ForRun(ctx context.Context, u UserID, w WorkspaceID) (Actor, error) {
	row, err := one[membershipRow](ctx, a.db, forRun, u, w)
	switch {
	case errors.Is(err, pgx.ErrNoRows) || err == nil && row.Role == "" && !row.Suspended:
		return Actor{}, fault.New(fault.Forbidden, "not_a_member", "Whoever started this is no longer in the team.")
	case err != nil:
		return Actor{}, fmt.Errorf("read membership: %w", err)
	case row.Suspended:
		return Actor{}, errSuspended()
	}
	return Actor{User: u, Workspace: row.Workspace, Role: row.Role, Scope: ScopeWrite, Restricted: row.Restricted}, nil
}

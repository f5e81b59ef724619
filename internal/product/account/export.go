package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Export is a user's data. Lists are never null.
type Export struct {
	User       ExportUser        `json:"user"`
	Sessions   []ExportSession   `json:"sessions"`
	Tokens     []ExportToken     `json:"tokens"`
	Passkeys   []ExportPasskey   `json:"passkeys"`
	Workspaces []ExportWorkspace `json:"workspaces"`
	Events     []ExportEvent     `json:"events"`
}

// ExportUser is the user's own row.
type ExportUser struct {
	ID          UserID     `json:"id"`
	Email       string     `json:"email"`
	Name        string     `json:"name"`
	HasPassword bool       `json:"has_password"`
	Operator    bool       `json:"operator"`
	CreatedAt   time.Time  `json:"created_at"`
	SuspendedAt *time.Time `json:"suspended_at"`
}

// ExportSession is one signed-in browser.
type ExportSession struct {
	ID         SessionID `json:"id"`
	UserAgent  string    `json:"user_agent"`
	Address    string    `json:"address"`
	CreatedAt  time.Time `json:"created_at"`
	LastSeenAt time.Time `json:"last_seen_at"`
	ExpiresAt  time.Time `json:"expires_at"`
}

// ExportToken is one API token, of any workspace, without its secret.
type ExportToken struct {
	ID         TokenID     `json:"id"`
	Workspace  WorkspaceID `json:"workspace"`
	Name       string      `json:"name"`
	Scope      Scope       `json:"scope"`
	Hint       string      `json:"hint"`
	CreatedAt  time.Time   `json:"created_at"`
	ExpiresAt  *time.Time  `json:"expires_at"`
	LastUsedAt *time.Time  `json:"last_used_at"`
}

// ExportPasskey is one passkey, without its key.
type ExportPasskey struct {
	ID         PasskeyID  `json:"id"`
	Name       string     `json:"name"`
	CreatedAt  time.Time  `json:"created_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
}

// ExportWorkspace is one membership. Projects are exported from their own pages.
type ExportWorkspace struct {
	ID       WorkspaceID `json:"id"`
	Name     string      `json:"name"`
	Role     Role        `json:"role"`
	JoinedAt time.Time   `json:"joined_at"`
}

// ExportEvent is one thing the user did, or that was done to their account, as the
// audit keeps it for a year. Object is an id or a role.
type ExportEvent struct {
	At        time.Time   `json:"at"`
	Kind      string      `json:"kind"`
	By        UserID      `json:"by"`
	Workspace WorkspaceID `json:"workspace"`
	Object    string      `json:"object"`
}

const (
	exportUser = `
SELECT id, coalesce(email, '') AS email, name, password_hash IS NOT NULL AS has_password, operator, created_at, suspended_at
FROM app_user WHERE id = $1 AND deleted_at IS NULL`
	exportSessions = `
SELECT id, user_agent, address, created_at, last_seen_at, expires_at FROM session WHERE user_id = $1 ORDER BY id`
	exportTokens = `
SELECT id, workspace_id AS workspace, name, scope, hint, created_at, expires_at, last_used_at
FROM api_token WHERE user_id = $1 ORDER BY id`
	exportPasskeys   = `SELECT id, name, created_at, last_used_at FROM passkey WHERE user_id = $1 ORDER BY id`
	exportWorkspaces = `
SELECT w.id, w.name, m.role, m.joined_at FROM member m JOIN workspace w ON w.id = m.workspace_id
WHERE m.user_id = $1 ORDER BY w.id`
	exportEvents = `
SELECT at, kind, coalesce(user_id, '') AS by, coalesce(workspace_id, '') AS workspace, object
FROM account_event WHERE user_id = $1 OR subject_id = $1 ORDER BY id`
)

// ExportData returns everything kept about the actor's own user as a value that
// encodes to JSON, read at one moment; no secrets, no hashes. Not for tokens.
func (a *Accounts) ExportData(ctx context.Context, actor Actor) (Export, error) {
	if err := actor.needSession(); err != nil {
		return Export{}, err
	}
	var e Export
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, a.db, snapshot, func(tx pgx.Tx) error {
		var err error
		if e.User, err = one[ExportUser](ctx, tx, exportUser, actor.User); err != nil {
			return err
		}
		if e.Sessions, err = all[ExportSession](ctx, tx, exportSessions, actor.User); err != nil {
			return err
		}
		if e.Tokens, err = all[ExportToken](ctx, tx, exportTokens, actor.User); err != nil {
			return err
		}
		if e.Passkeys, err = all[ExportPasskey](ctx, tx, exportPasskeys, actor.User); err != nil {
			return err
		}
		if e.Workspaces, err = all[ExportWorkspace](ctx, tx, exportWorkspaces, actor.User); err != nil {
			return err
		}
		e.Events, err = all[ExportEvent](ctx, tx, exportEvents, actor.User)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Export{}, errSignedOut()
	}
	if err != nil {
		return Export{}, fmt.Errorf("export account: %w", err)
	}
	return e, nil
}

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

// maxTokens is how many tokens a user may have in a workspace.
const maxTokens = 100

// Token is an API token (on screen: access key). It acts in one workspace as its
// user, with at most its scope. A change of password does not end it.
type Token struct {
	ID         TokenID
	Name       string
	Scope      Scope
	Hint       string // last four characters of the secret
	CreatedAt  time.Time
	ExpiresAt  *time.Time // nil: never
	LastUsedAt *time.Time // kept to the minute
}

// TokenDraft is what the maker of a token chooses.
type TokenDraft struct {
	Name  string // 1–80 characters
	Scope Scope
	Days  int // 1–366 days; 0 never expires
}

const (
	countTokens = `SELECT count(*) FROM api_token WHERE workspace_id = $1 AND user_id = $2`
	insertToken = `
INSERT INTO api_token (id, workspace_id, user_id, name, scope, secret_hash, hint, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
)

// CreateToken makes a token in the actor's workspace. secret (cof_…) is returned
// once. A token cannot make tokens: fault.Forbidden; nor can a session that is not
// fresh make one that may write: fault.Forbidden with code sign_in_again.
// fault.Invalid on name, scope or days; fault.Conflict with code too_many_tokens above a hundred.
func (a *Accounts) CreateToken(ctx context.Context, actor Actor, d TokenDraft) (secret string, t Token, err error) {
	if err := errors.Join(actor.needSession(), actor.Need(MayRead)); err != nil {
		return "", Token{}, err
	}
	var f form.Form
	name := f.Line("name", d.Name, 1, 80)
	if d.Scope != ScopeRead && d.Scope != ScopeWrite {
		f.Refuse("scope", "Choose read or write.")
	}
	if d.Days < 0 || d.Days > 366 {
		f.Refuse("days", "Choose 1 to 366 days, or 0 for a key that does not expire.")
	}
	if err := f.Err(); err != nil {
		return "", Token{}, err
	}
	if d.Scope == ScopeWrite {
		if err := a.needFresh(ctx, actor); err != nil {
			return "", Token{}, err
		}
	}
	now := a.clock.Now()
	secret = newTokenSecret()
	t = Token{ID: id.Mint[TokenID](a.ids), Name: name, Scope: d.Scope, Hint: secret[len(secret)-4:], CreatedAt: now}
	if d.Days > 0 {
		end := now.AddDate(0, 0, d.Days)
		t.ExpiresAt = &end
	}
	err = db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		if err := lockAliveTx(ctx, tx, actor.User); err != nil {
			return err
		}
		var present int
		if err := tx.QueryRow(ctx, countTokens, actor.Workspace, actor.User).Scan(&present); err != nil {
			return fmt.Errorf("count tokens: %w", err)
		}
		if present >= maxTokens {
			return fault.New(fault.Conflict, "too_many_tokens", "There are a hundred access keys already. Revoke one that is not used.")
		}
		_, err := tx.Exec(ctx, insertToken, t.ID, actor.Workspace, actor.User, t.Name, t.Scope, hashOf(secret), t.Hint, now, t.ExpiresAt)
		if violates(err, "api_token_workspace_id_user_id_fkey") {
			return errNoTeam() // removed a moment ago
		}
		if err != nil {
			return fmt.Errorf("create token: %w", err)
		}
		return recordTx(ctx, tx, now, event{kind: eventTokenMade, by: actor.User, workspace: actor.Workspace, object: string(t.ID)})
	})
	return onlyIf(err, secret, t)
}

const listTokens = `
SELECT id, name, scope, hint, created_at, expires_at, last_used_at FROM api_token
WHERE workspace_id = $1 AND user_id = $2 ORDER BY created_at DESC, id DESC`

// Tokens lists the actor's own tokens in the workspace, newest first, expired ones
// too until they are swept a month later.
func (a *Accounts) Tokens(ctx context.Context, actor Actor) ([]Token, error) {
	if err := actor.needSelf(); err != nil {
		return nil, err
	}
	list, err := all[Token](ctx, a.db, listTokens, actor.Workspace, actor.User)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return list, nil
}

const revokeToken = `DELETE FROM api_token WHERE id = $1 AND user_id = $2 AND workspace_id = $3`

// RevokeToken ends one of the actor's own tokens in the workspace; a token needs
// the write scope for it. fault.NotFound for any other.
func (a *Accounts) RevokeToken(ctx context.Context, actor Actor, t TokenID) error {
	if err := actor.needSelf(); err != nil {
		return err
	}
	if actor.Scope != ScopeWrite {
		return actor.Need(MayWrite)
	}
	now := a.clock.Now()
	return db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, revokeToken, t, actor.User, actor.Workspace)
		if err != nil {
			return fmt.Errorf("revoke token: %w", err)
		}
		if done.RowsAffected() == 0 {
			return fault.New(fault.NotFound, "", "This access key does not exist or was revoked.")
		}
		return recordTx(ctx, tx, now, event{kind: eventTokenRevoked, by: actor.User, workspace: actor.Workspace, object: string(t)})
	})
}

// tokenActor is what a token's secret leads to.
type tokenActor struct {
	ID         TokenID
	UserID     UserID
	Workspace  WorkspaceID
	Scope      Scope
	Role       Role
	Restricted bool
	Unseen     bool // since a while: worth writing down
}

const (
	authenticateToken = `
SELECT t.id, t.user_id, t.workspace_id AS workspace, t.scope, m.role, m.restricted,
       t.last_used_at IS NULL OR t.last_used_at <= $3 AS unseen
FROM api_token t
JOIN member m ON m.workspace_id = t.workspace_id AND m.user_id = t.user_id
JOIN app_user u ON u.id = t.user_id
WHERE t.secret_hash = $1 AND (t.expires_at IS NULL OR t.expires_at > $2) AND u.suspended_at IS NULL AND u.deleted_at IS NULL`
	touchToken = `UPDATE api_token SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)`
)

// AuthenticateToken returns the actor a bearer secret stands for, or
// fault.Unauthenticated when it is unknown, expired or revoked, or its user is
// suspended or no longer in the workspace.
func (a *Accounts) AuthenticateToken(ctx context.Context, secret string) (Actor, error) {
	refused := fault.New(fault.Unauthenticated, "bad_token", "This access key is not valid, or no longer.")
	if !tokenShaped(secret) {
		return Actor{}, refused
	}
	now := a.clock.Now()
	before := now.Add(-touchEvery)
	row, err := one[tokenActor](ctx, a.db, authenticateToken, hashOf(secret), now, before)
	if errors.Is(err, pgx.ErrNoRows) {
		return Actor{}, refused
	}
	if err != nil {
		return Actor{}, fmt.Errorf("authenticate token: %w", err)
	}
	if row.Unseen {
		if _, err := a.db.Exec(ctx, touchToken, row.ID, now, before); err != nil {
			return Actor{}, fmt.Errorf("note the use of a token: %w", err)
		}
	}
	return Actor{
		User: row.UserID, Workspace: row.Workspace, Role: row.Role, Scope: row.Scope,
		Restricted: row.Restricted, Token: row.ID,
	}, nil
}

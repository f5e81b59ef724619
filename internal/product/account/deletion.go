package account

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"

	"github.com/jackc/pgx/v5"
)

const (
	lockOwnTeams = `
SELECT w.id, w.name FROM workspace w JOIN member m ON m.workspace_id = w.id
WHERE m.user_id = $1 AND w.deleted_at IS NULL ORDER BY w.id FOR NO KEY UPDATE OF w`
	// orphaned are the workspaces that others would be left in without an owner.
	orphaned = `
SELECT coalesce(string_agg(w.name, ', ' ORDER BY lower(w.name), w.id), '') FROM workspace w JOIN member m ON m.workspace_id = w.id
WHERE m.user_id = $1 AND m.role = 'owner'
  AND EXISTS (SELECT FROM member o WHERE o.workspace_id = w.id AND o.user_id <> $1)
  AND NOT EXISTS (SELECT FROM member o WHERE o.workspace_id = w.id AND o.user_id <> $1 AND o.role = 'owner')`
	// deleteLonely takes the workspaces nobody else is in. What was typed is
	// overwritten at once; projects are purged by package project and the row
	// goes by Sweep when none is left.
	deleteLonely = `
UPDATE workspace w SET deleted_at = $2, name = 'deleted'
FROM member m
WHERE m.workspace_id = w.id AND m.user_id = $1
  AND NOT EXISTS (SELECT FROM member o WHERE o.workspace_id = w.id AND o.user_id <> $1)`
	eraseUser = `
UPDATE app_user SET email = NULL, name = '', password_hash = NULL, operator = false, suspended_at = NULL, deleted_at = $2
WHERE id = $1`
)

// DeleteAccount ends the actor's account at once: sessions, tokens, passkeys,
// links and invitations are removed, name and address erased. The user's row stays
// without personal data, so that history can say "a deleted user". Workspaces
// nobody else belongs to are deleted: nothing of theirs can be reached any more,
// and their projects go with the next purge, without the 30 days. confirm must
// equal the user's e-mail address (or the word delete where there is none), else
// fault.Invalid on confirm. fault.Forbidden with code sign_in_again in a session that
// is not fresh; fault.Conflict with code last_owner while the user is
// the last owner of a workspace with other members.
func (a *Accounts) DeleteAccount(ctx context.Context, actor Actor, confirm string) error {
	now := a.clock.Now()
	own, err := a.ownCredentials(ctx, actor, now)
	if err != nil {
		return err
	}
	if !own.Recent {
		return errSignInAgain()
	}
	want := own.Email
	if want == "" {
		want = "delete"
	}
	if strings.ToLower(strings.TrimSpace(confirm)) != want {
		return fault.OnField("confirm", "Type "+want+" to delete your account.")
	}
	return db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		if err := lockAliveTx(ctx, tx, own.ID); err != nil {
			return err
		}
		if err := leaveTeamsTx(ctx, tx, now, own.ID); err != nil {
			return err
		}
		if err := forgetUserTx(ctx, tx, own.ID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, eraseUser, own.ID, now); err != nil {
			return fmt.Errorf("erase user: %w", err)
		}
		return recordTx(ctx, tx, now, event{kind: eventAccountDeleted, by: own.ID})
	})
}

func leaveTeamsTx(ctx context.Context, tx pgx.Tx, now time.Time, u UserID) error {
	if _, err := tx.Exec(ctx, lockOwnTeams, u); err != nil {
		return fmt.Errorf("lock own workspaces: %w", err)
	}
	var names string
	if err := tx.QueryRow(ctx, orphaned, u).Scan(&names); err != nil {
		return fmt.Errorf("look for workspaces without another owner: %w", err)
	}
	if names != "" {
		return fault.Newf(fault.Conflict, "last_owner", "Others are still in %s and you are the only owner. Make somebody else an owner, or remove them, first.", names)
	}
	if _, err := tx.Exec(ctx, deleteLonely, u, now); err != nil {
		return fmt.Errorf("delete own workspaces: %w", err)
	}
	return nil
}

// forgetUserTx removes what belongs to a user alone. Tokens and single projects go
// with the memberships.
func forgetUserTx(ctx context.Context, tx pgx.Tx, u UserID) error {
	var writes []write
	for _, sql := range []string{
		`DELETE FROM member WHERE user_id = $1`,
		`DELETE FROM session WHERE user_id = $1`,
		`DELETE FROM sign_in_link WHERE user_id = $1`,
		`DELETE FROM sign_in_place WHERE user_id = $1`,
		`DELETE FROM passkey WHERE user_id = $1`,
		`DELETE FROM passkey_ceremony WHERE user_id = $1`,
		`DELETE FROM invitation WHERE created_by = $1 AND used_at IS NULL`,
	} {
		writes = append(writes, write{sql, []any{u}})
	}
	if err := writeTx(ctx, tx, writes...); err != nil {
		return fmt.Errorf("forget user: %w", err)
	}
	return nil
}

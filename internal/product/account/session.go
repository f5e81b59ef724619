package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"

	"github.com/jackc/pgx/v5"
)

const (
	// sessionIdle ends a session this long after the last visit,
	// sessionLife in any case.
	sessionIdle = 30 * 24 * time.Hour
	sessionLife = 180 * 24 * time.Hour
	// touchEvery is how exact last visits are, so that reading pages does not
	// write rows.
	touchEvery = time.Minute
	// maxSessions of one user are kept; the least recently used go first.
	maxSessions = 100
)

// Session is one signed-in browser.
type Session struct {
	ID         SessionID
	User       User
	Workspace  WorkspaceID // the one last looked at; empty for a user in no team
	Device     Device
	CreatedAt  time.Time
	LastSeenAt time.Time // kept to the minute
	ExpiresAt  time.Time // 30 days after the last visit
}

// sessionRow is a session as sessionColumns reads it.
type sessionRow struct {
	ID            SessionID
	Workspace     WorkspaceID
	UserAgent     string
	Address       string
	CreatedAt     time.Time
	LastSeenAt    time.Time
	ExpiresAt     time.Time
	UserID        UserID
	Email         string
	Name          string
	HasPassword   bool
	Operator      bool
	UserCreatedAt time.Time
}

const sessionColumns = `
SELECT s.id, coalesce(s.workspace_id, '') AS workspace, s.user_agent, s.address, s.created_at, s.last_seen_at, s.expires_at,
       s.user_id, coalesce(u.email, '') AS email, u.name, u.password_hash IS NOT NULL AS has_password, u.operator,
       u.created_at AS user_created_at
FROM session s JOIN app_user u ON u.id = s.user_id `

func (r sessionRow) session() Session {
	return Session{
		ID:        r.ID,
		Workspace: r.Workspace,
		User: User{
			ID: r.UserID, Email: r.Email, Name: r.Name, HasPassword: r.HasPassword,
			Operator: r.Operator, CreatedAt: r.UserCreatedAt,
		},
		Device:     Device{UserAgent: r.UserAgent, Address: r.Address},
		CreatedAt:  r.CreatedAt,
		LastSeenAt: r.LastSeenAt,
		ExpiresAt:  r.ExpiresAt,
	}
}

// insertSession begins in the workspace the user last looked at, else in the one
// joined first.
const insertSession = `
INSERT INTO session (id, user_id, workspace_id, secret_hash, user_agent, address, created_at, last_seen_at, expires_at, reset_until)
VALUES ($1, $2, (
    SELECT m.workspace_id FROM member m
    LEFT JOIN session s ON s.user_id = m.user_id AND s.workspace_id = m.workspace_id
    WHERE m.user_id = $2
    ORDER BY s.last_seen_at DESC NULLS LAST, m.joined_at, m.workspace_id LIMIT 1
), $3, $4, $5, $6, $6, $7, $8)`

const trimSessions = `
DELETE FROM session WHERE id IN (
    SELECT id FROM session WHERE user_id = $1 ORDER BY last_seen_at DESC, id DESC OFFSET $2)`

// opening is what a session is opened with.
type opening struct {
	user       UserID
	device     Device
	resetUntil *time.Time // set by a reset link
}

// openSessionTx opens a session for a user whose row the transaction has locked.
func (a *Accounts) openSessionTx(ctx context.Context, tx pgx.Tx, now time.Time, o opening) (string, Session, error) {
	secret := newSecret()
	key := id.Mint[SessionID](a.ids)
	_, err := tx.Exec(ctx, insertSession, key, o.user, hashOf(secret),
		printable(o.device.UserAgent, 400), printable(o.device.Address, 64), now, now.Add(sessionIdle), o.resetUntil)
	if err != nil {
		return "", Session{}, fmt.Errorf("open session: %w", err)
	}
	if _, err := tx.Exec(ctx, trimSessions, o.user, maxSessions); err != nil {
		return "", Session{}, fmt.Errorf("trim sessions: %w", err)
	}
	if err := rememberPlaceTx(ctx, tx, now, o.user, o.device.Address); err != nil {
		return "", Session{}, err
	}
	row, err := one[sessionRow](ctx, tx, sessionColumns+`WHERE s.id = $1`, key)
	if err != nil {
		return "", Session{}, fmt.Errorf("read opened session: %w", err)
	}
	return secret, row.session(), nil
}

// printable cuts what a client claims about itself to something that can be
// stored and shown.
func printable(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

const (
	authenticate = sessionColumns + `
WHERE s.secret_hash = $1 AND s.expires_at > $2 AND u.suspended_at IS NULL AND u.deleted_at IS NULL`
	touchSession = `
UPDATE session SET last_seen_at = $2, expires_at = $3 WHERE id = $1 AND last_seen_at <= $4`
)

// Authenticate returns the session a cookie's secret belongs to, or
// fault.Unauthenticated when it is unknown, expired, revoked or its user is
// suspended. It extends the session, writing at most once a minute.
func (a *Accounts) Authenticate(ctx context.Context, secret string) (Session, error) {
	if !secretShaped(secret) {
		return Session{}, errSignedOut()
	}
	now := a.clock.Now()
	row, err := one[sessionRow](ctx, a.db, authenticate, hashOf(secret), now)
	if errors.Is(err, pgx.ErrNoRows) {
		return Session{}, errSignedOut()
	}
	if err != nil {
		return Session{}, fmt.Errorf("authenticate session: %w", err)
	}
	s := row.session()
	if before := now.Add(-touchEvery); !s.LastSeenAt.After(before) {
		s.LastSeenAt = now
		s.ExpiresAt = earlier(now.Add(sessionIdle), s.CreatedAt.Add(sessionLife))
		if _, err := a.db.Exec(ctx, touchSession, s.ID, s.LastSeenAt, s.ExpiresAt, before); err != nil {
			return Session{}, fmt.Errorf("extend session: %w", err)
		}
	}
	return s, nil
}

func earlier(x, y time.Time) time.Time {
	if x.Before(y) {
		return x
	}
	return y
}

const switchWorkspace = `
UPDATE session SET workspace_id = m.workspace_id
FROM member m
WHERE session.id = $1 AND session.user_id = $2 AND m.user_id = $2 AND m.workspace_id = $3`

// SwitchWorkspace makes w the session's workspace. fault.NotFound when the user is
// not in it.
func (a *Accounts) SwitchWorkspace(ctx context.Context, s Session, w WorkspaceID) error {
	done, err := a.db.Exec(ctx, switchWorkspace, s.ID, s.User.ID, w)
	if err != nil {
		return fmt.Errorf("switch workspace: %w", err)
	}
	if done.RowsAffected() == 0 {
		return errNoTeam()
	}
	return nil
}

func errNoTeam() error {
	return fault.New(fault.NotFound, "", "There is no such team.")
}

const listSessions = sessionColumns + `
WHERE s.user_id = $1 AND s.expires_at > $2 AND u.deleted_at IS NULL ORDER BY s.last_seen_at DESC, s.id DESC`

// Sessions lists the actor's own live sessions, newest visit first.
func (a *Accounts) Sessions(ctx context.Context, actor Actor) ([]Session, error) {
	if err := actor.needSelf(); err != nil {
		return nil, err
	}
	list, err := all[sessionRow](ctx, a.db, listSessions, actor.User, a.clock.Now())
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	sessions := make([]Session, len(list))
	for i, row := range list {
		sessions[i] = row.session()
	}
	return sessions, nil
}

const revokeSession = `DELETE FROM session WHERE id = $1 AND user_id = $2`

// RevokeSession ends one of the actor's own sessions; also their present one,
// which is how signing out works. fault.NotFound for one that is not theirs.
func (a *Accounts) RevokeSession(ctx context.Context, actor Actor, s SessionID) error {
	if err := actor.needSession(); err != nil {
		return err
	}
	now := a.clock.Now()
	return db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, revokeSession, s, actor.User)
		if err != nil {
			return fmt.Errorf("revoke session: %w", err)
		}
		if done.RowsAffected() == 0 {
			return fault.New(fault.NotFound, "", "This session does not exist or has ended.")
		}
		return recordTx(ctx, tx, now, event{kind: eventSessionRevoked, by: actor.User, object: string(s)})
	})
}

const revokeOthers = `DELETE FROM session WHERE user_id = $1 AND id <> $2`

// RevokeOtherSessions ends all of the actor's sessions but the present one and
// returns how many.
func (a *Accounts) RevokeOtherSessions(ctx context.Context, actor Actor) (int, error) {
	if err := actor.needSession(); err != nil {
		return 0, err
	}
	now := a.clock.Now()
	ended := 0
	err := db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, revokeOthers, actor.User, actor.Session)
		if err != nil {
			return fmt.Errorf("revoke other sessions: %w", err)
		}
		ended = int(done.RowsAffected())
		if ended == 0 {
			return nil
		}
		return recordTx(ctx, tx, now, event{kind: eventSessionRevoked, by: actor.User, object: "others"})
	})
	return ended, err
}

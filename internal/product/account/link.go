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

const (
	// linkLife is how long a link printed by the terminal is good.
	linkLife = 15 * time.Minute
	// freshReset is how long after using a reset link a password can be set
	// without the old one.
	freshReset = 15 * time.Minute
	// firstAccountLock is the advisory lock under which the first account is
	// made; the bytes of "cof:1st".
	firstAccountLock = 0x636f663a317374
)

const (
	linkStart = "start"
	linkReset = "reset"
)

const insertLink = `
INSERT INTO sign_in_link (code_hash, kind, user_id, created_at, expires_at) VALUES ($1, $2, NULLIF($3, ''), $4, $5)`

func (a *Accounts) mintLink(ctx context.Context, kind string, u UserID) (string, error) {
	code := newSecret()
	now := a.clock.Now()
	if _, err := a.db.Exec(ctx, insertLink, hashOf(code), kind, u, now, now.Add(linkLife)); err != nil {
		return "", fmt.Errorf("mint %s link: %w", kind, err)
	}
	return code, nil
}

// MintStartLink makes the code of a one-use link that signs the owner in, valid
// for 15 minutes. The owner is the operator whose account is oldest, suspended ones
// aside. While there is none the one who redeems it becomes the first, owner of a
// workspace and operator.
func (a *Accounts) MintStartLink(ctx context.Context) (code string, err error) {
	return a.mintLink(ctx, linkStart, "")
}

const (
	// findOwner finds a suspended one only where there is no other.
	findOwner = `
SELECT id, suspended_at FROM app_user
WHERE operator AND deleted_at IS NULL ORDER BY suspended_at IS NOT NULL, created_at, id LIMIT 1`
	findByEmail = `SELECT id, suspended_at FROM app_user WHERE email = $1 AND deleted_at IS NULL`
)

// MintResetLink makes the code of a one-use link, valid for 15 minutes, that signs
// this user in and lets them set a new password without the old one. An empty
// email means the owner. fault.NotFound for an unknown address, fault.Forbidden
// with code suspended for a suspended user.
func (a *Accounts) MintResetLink(ctx context.Context, email string) (code string, err error) {
	var u UserID
	var suspended *time.Time
	if email == "" {
		err = a.db.QueryRow(ctx, findOwner).Scan(&u, &suspended)
	} else {
		address, _ := parseEmail(email)
		err = a.db.QueryRow(ctx, findByEmail, address).Scan(&u, &suspended)
	}
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", fault.New(fault.NotFound, "", "There is no account with this address.")
	case err != nil:
		return "", fmt.Errorf("find whom to reset: %w", err)
	case suspended != nil:
		return "", errSuspended()
	}
	return a.mintLink(ctx, linkReset, u)
}

// Redeemed says what a link did.
type Redeemed struct {
	Session Session
	First   bool // this made the first account
	Reset   bool // a new password should be set now
}

// Redeem uses a link's code and opens a session. fault.NotFound for a code that
// never was, fault.Gone with code link_used or link_expired otherwise,
// fault.Forbidden with code suspended, and for a start link fault.Conflict with code
// operator_suspended when every operator is; both leave the link unused. Of two
// requests with one code exactly one succeeds.
func (a *Accounts) Redeem(ctx context.Context, code string, d Device) (secret string, r Redeemed, err error) {
	if !secretShaped(code) {
		return "", Redeemed{}, errNoLink()
	}
	now := a.clock.Now()
	err = db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		kind, u, err := useLinkTx(ctx, tx, now, code)
		if err != nil {
			return err
		}
		o := opening{user: u, device: d}
		if kind == linkReset {
			r.Reset = true
			until := now.Add(freshReset)
			o.resetUntil = &until
			err = lockAliveTx(ctx, tx, u)
		} else {
			o.user, r.First, err = a.ownerTx(ctx, tx, now)
		}
		if err != nil {
			return err
		}
		if err := recordTx(ctx, tx, now, event{kind: eventLinkUsed, by: o.user, object: kind}); err != nil {
			return err
		}
		secret, r.Session, err = a.openSessionTx(ctx, tx, now, o)
		return err
	})
	return onlyIf(err, secret, r)
}

func errNoLink() error {
	return fault.New(fault.NotFound, "", "This link is not complete, or it is not one of ours.")
}

func errLinkUsed() error {
	return fault.New(fault.Gone, "link_used", "This link was used already. Each works once.")
}

func errLinkExpired() error {
	return fault.New(fault.Gone, "link_expired", "This link has expired. Ask for a new one.")
}

const (
	useLink = `
UPDATE sign_in_link SET used_at = $2 WHERE code_hash = $1 AND used_at IS NULL AND expires_at > $2
RETURNING kind, coalesce(user_id, '')`
	readLink = `SELECT used_at IS NOT NULL FROM sign_in_link WHERE code_hash = $1`
)

func useLinkTx(ctx context.Context, tx pgx.Tx, now time.Time, code string) (kind string, u UserID, err error) {
	err = tx.QueryRow(ctx, useLink, hashOf(code), now).Scan(&kind, &u)
	if err == nil {
		return kind, u, nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return "", "", fmt.Errorf("use link: %w", err)
	}
	var used bool
	err = tx.QueryRow(ctx, readLink, hashOf(code)).Scan(&used)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", "", errNoLink()
	case err != nil:
		return "", "", fmt.Errorf("read link: %w", err)
	case used:
		return "", "", errLinkUsed()
	}
	return "", "", errLinkExpired()
}

// ownerTx returns the operator a start link stands for, made now if there is none.
// The lock lets two links make one owner, not two.
func (a *Accounts) ownerTx(ctx context.Context, tx pgx.Tx, now time.Time) (u UserID, first bool, err error) {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(firstAccountLock)); err != nil {
		return "", false, fmt.Errorf("lock the first account: %w", err)
	}
	var suspended *time.Time
	err = tx.QueryRow(ctx, findOwner+` FOR NO KEY UPDATE`).Scan(&u, &suspended)
	switch {
	case err == nil && suspended != nil:
		return "", false, fault.Newf(fault.Conflict, "operator_suspended", "The account that runs this installation (%s) is suspended, so this link signs nobody in.", u)
	case err == nil:
		return u, false, nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return "", false, fmt.Errorf("find the owner: %w", err)
	}
	if u, err = a.createUserTx(ctx, tx, now, newUser{operator: true}); err != nil {
		return "", false, err
	}
	_, err = a.createWorkspaceTx(ctx, tx, now, u, firstWorkspace)
	return u, true, err
}

const lockUser = `SELECT suspended_at FROM app_user WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE`

// lockAliveTx locks a user's row, so that nothing is given to somebody who is
// deleting their account. A user who is gone is fault.Unauthenticated, a suspended
// one fault.Forbidden.
func lockAliveTx(ctx context.Context, tx pgx.Tx, u UserID) error {
	var suspended *time.Time
	err := tx.QueryRow(ctx, lockUser, u).Scan(&suspended)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return errSignedOut()
	case err != nil:
		return fmt.Errorf("lock user: %w", err)
	case suspended != nil:
		return errSuspended()
	}
	return nil
}

const hasUsers = `SELECT EXISTS (SELECT FROM app_user WHERE deleted_at IS NULL)`

// HasUsers reports whether there is any account yet.
func (a *Accounts) HasUsers(ctx context.Context) (bool, error) {
	var has bool
	if err := a.db.QueryRow(ctx, hasUsers).Scan(&has); err != nil {
		return false, fmt.Errorf("look for users: %w", err)
	}
	return has, nil
}

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

func errWrongCredentials() error {
	return fault.New(fault.Unauthenticated, "wrong_credentials", "This e-mail address and password do not belong together.")
}

const findCredentials = `
SELECT id, password_hash FROM app_user
WHERE email = $1 AND password_hash IS NOT NULL AND deleted_at IS NULL`

// SignIn checks an e-mail address and password and opens a session. secret goes
// into the cookie and is not stored. A wrong pair is fault.Unauthenticated with
// code wrong_credentials, the same and after the same work for unknown addresses;
// too many tries are fault.TooMany with at most a quarter of an hour to wait. Whoever is right about a suspended account is
// told so: fault.Forbidden with code suspended.
func (a *Accounts) SignIn(ctx context.Context, email, password string, d Device) (secret string, s Session, err error) {
	now := a.clock.Now()
	address, plausible := parseEmail(email)
	known := false
	if plausible {
		if known, err = a.knowsPlace(ctx, now, address, d.Address); err != nil {
			return "", Session{}, err
		}
	}
	limits := signInLimits(address, d.Address)
	if !known {
		limits = append(limits, strangeLimit(address))
	}
	if err := a.try(ctx, now, limits); err != nil {
		return "", Session{}, err
	}
	found := struct {
		ID           UserID
		PasswordHash string
	}{PasswordHash: a.hasher.nobody}
	if plausible {
		err := a.db.QueryRow(ctx, findCredentials, address).Scan(&found.ID, &found.PasswordHash)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return "", Session{}, fmt.Errorf("find credentials: %w", err)
		}
	}
	right, stale, err := a.hasher.check(ctx, found.PasswordHash, password)
	if err != nil {
		return "", Session{}, fmt.Errorf("check password of %s: %w", found.ID, err)
	}
	if !right {
		return "", Session{}, errWrongCredentials()
	}
	fresh := found.PasswordHash
	if stale {
		if fresh, err = a.hasher.hash(ctx, password); err != nil {
			return "", Session{}, fmt.Errorf("renew password hash of %s: %w", found.ID, err)
		}
	}
	err = db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		if err := renewHashTx(ctx, tx, found.ID, found.PasswordHash, fresh); err != nil {
			return err
		}
		if err := forgiveTx(ctx, tx, limits); err != nil {
			return err
		}
		if err := recordTx(ctx, tx, now, event{kind: eventSignedIn, by: found.ID}); err != nil {
			return err
		}
		secret, s, err = a.openSessionTx(ctx, tx, now, opening{user: found.ID, device: d})
		return err
	})
	return onlyIf(err, secret, s)
}

// onlyIf returns what a transaction made if it was committed, and nothing of it
// otherwise.
func onlyIf[T any](err error, secret string, made T) (string, T, error) {
	if err != nil {
		var none T
		return "", none, err
	}
	return secret, made, nil
}

const (
	lockCredentials = `
SELECT coalesce(password_hash, '') AS password_hash, suspended_at FROM app_user
WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE`
	setHash = `UPDATE app_user SET password_hash = $2 WHERE id = $1`
)

// renewHashTx locks the user, makes sure that the hash just checked is still
// theirs, so that a password changed meanwhile lets nobody in, and stores fresh if
// it is another.
func renewHashTx(ctx context.Context, tx pgx.Tx, u UserID, checked, fresh string) error {
	var present string
	var suspended *time.Time
	err := tx.QueryRow(ctx, lockCredentials, u).Scan(&present, &suspended)
	switch {
	case errors.Is(err, pgx.ErrNoRows) || err == nil && present != checked:
		return errWrongCredentials()
	case err != nil:
		return fmt.Errorf("lock credentials: %w", err)
	case suspended != nil:
		return errSuspended()
	case fresh == checked:
		return nil
	}
	if _, err := tx.Exec(ctx, setHash, u, fresh); err != nil {
		return fmt.Errorf("store password hash: %w", err)
	}
	return nil
}

package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"
	"cofounder/internal/product/account/form"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const readUser = `
SELECT id, coalesce(email, '') AS email, name, password_hash IS NOT NULL AS has_password, operator, created_at, suspended_at
FROM app_user WHERE id = $1 AND deleted_at IS NULL`

// Profile returns the actor's own user.
func (a *Accounts) Profile(ctx context.Context, actor Actor) (User, error) {
	if err := actor.needSelf(); err != nil {
		return User{}, err
	}
	u, err := one[User](ctx, a.db, readUser, actor.User)
	if errors.Is(err, pgx.ErrNoRows) {
		return User{}, errSignedOut()
	}
	if err != nil {
		return User{}, fmt.Errorf("read profile: %w", err)
	}
	return u, nil
}

// ProfileEdit is what a user may change about themselves. Name has at most 80
// characters.
type ProfileEdit struct {
	Name            string
	Email           string
	CurrentPassword string // needed only to change an address that is set
}

const setProfile = `
UPDATE app_user SET name = $2, email = NULLIF($3, '')
WHERE id = $1 AND deleted_at IS NULL AND password_hash IS NOT DISTINCT FROM NULLIF($4, '')`

// SetProfile changes the actor's own name and e-mail address. Changing an address
// that is already set needs the current password, if there is one; an address
// cannot be taken away again. fault.Invalid on name, email or current_password;
// fault.TooMany as SignUp for too many addresses.
func (a *Accounts) SetProfile(ctx context.Context, actor Actor, p ProfileEdit) (User, error) {
	now := a.clock.Now()
	own, err := a.ownCredentials(ctx, actor, now)
	if err != nil {
		return User{}, err
	}
	var f form.Form
	name := f.Line("name", p.Name, 0, 80)
	email := ""
	if p.Email != "" || own.Email != "" {
		email = readEmail(&f, p.Email)
	}
	if err := f.Err(); err != nil {
		return User{}, err
	}
	changed := email != own.Email
	if changed && own.Email != "" {
		if err := a.confirmPassword(ctx, now, own, p.CurrentPassword); err != nil {
			return User{}, err
		}
	}
	if changed {
		if err := a.try(ctx, now, changeLimits(own.ID, own.Address)); err != nil {
			return User{}, err
		}
	}
	err = db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		if err := changedOne(tx.Exec(ctx, setProfile, own.ID, name, email, own.Hash)); err != nil {
			return err
		}
		if !changed {
			return nil
		}
		return recordTx(ctx, tx, now, event{kind: eventEmailChanged, by: own.ID})
	})
	if err != nil {
		return User{}, err
	}
	return a.Profile(ctx, actor)
}

// credentials are what proves who somebody is, and whether they need to.
type credentials struct {
	ID    UserID
	Email string
	Name  string
	Hash  string // empty: no password
	Fresh bool   // came by a reset link a moment ago
	// Recent is set when the session was opened a moment ago, Passkey when there
	// is one to sign in with.
	Recent  bool
	Passkey bool
	Address string // the network address the session was opened from
}

const ownCredentials = `
SELECT u.id, coalesce(u.email, '') AS email, u.name, coalesce(u.password_hash, '') AS hash,
       coalesce(s.reset_until > $3, false) AS fresh, s.created_at > $4 AS recent, s.address,
       EXISTS (SELECT FROM passkey p WHERE p.user_id = u.id) AS passkey
FROM session s JOIN app_user u ON u.id = s.user_id
WHERE s.id = $1 AND u.id = $2 AND s.expires_at > $3 AND u.deleted_at IS NULL AND u.suspended_at IS NULL`

func (a *Accounts) ownCredentials(ctx context.Context, actor Actor, now time.Time) (credentials, error) {
	if err := actor.needSession(); err != nil {
		return credentials{}, err
	}
	own, err := one[credentials](ctx, a.db, ownCredentials, actor.Session, actor.User, now, now.Add(-freshSession))
	if errors.Is(err, pgx.ErrNoRows) {
		return credentials{}, errSignedOut()
	}
	if err != nil {
		return credentials{}, fmt.Errorf("read own credentials: %w", err)
	}
	return own, nil
}

// confirmPassword returns nil when current is the user's password, or when none is
// needed; fault.Invalid on current_password otherwise, fault.TooMany after five
// wrong ones.
func (a *Accounts) confirmPassword(ctx context.Context, now time.Time, own credentials, current string) error {
	if own.Hash == "" || own.Fresh {
		return nil
	}
	limits := currentPasswordLimits(own.ID)
	if err := a.try(ctx, now, limits); err != nil {
		return err
	}
	right, _, err := a.hasher.check(ctx, own.Hash, current)
	if err != nil {
		return fmt.Errorf("check current password: %w", err)
	}
	if !right {
		return fault.OnField("current_password", "This is not your current password.")
	}
	return db.InTx(ctx, a.db, func(tx pgx.Tx) error { return forgiveTx(ctx, tx, limits) })
}

// SetPassword sets the actor's password. current must be right when one is set,
// unless the session came from a reset link less than 15 minutes ago. Other
// sessions end. fault.Invalid on field current_password or password;
// fault.Conflict with code email_missing while there is no address to sign in
// with: SecureAccount sets both. A first password beside a passkey needs a fresh
// session: fault.Forbidden with code sign_in_again. Access keys go on working.
func (a *Accounts) SetPassword(ctx context.Context, actor Actor, current, next string) error {
	now := a.clock.Now()
	own, err := a.ownCredentials(ctx, actor, now)
	if err != nil {
		return err
	}
	if own.Email == "" {
		return fault.New(fault.Conflict, "email_missing", "Add an e-mail address together with the password, so that you can sign in with both.")
	}
	if own.Hash == "" && own.Passkey && !own.Recent {
		return errSignInAgain()
	}
	var f form.Form
	checkPassword(&f, next, own.Email, own.Name)
	if err := f.Err(); err != nil {
		return err
	}
	if err := a.confirmPassword(ctx, now, own, current); err != nil {
		return err
	}
	return a.setPassword(ctx, now, actor, own, next)
}

// SecureAccount is "make sure I can get back in": it gives an account
// that has no password its e-mail address and first password in one step. Other
// sessions end. After a reset link it also replaces both. fault.Conflict with code
// already_secured when a password is set, fault.Forbidden with code sign_in_again
// when there is a passkey and the session is not fresh, fault.Invalid on email or
// password, fault.TooMany as SignUp for too many addresses.
func (a *Accounts) SecureAccount(ctx context.Context, actor Actor, email, password string) error {
	now := a.clock.Now()
	own, err := a.ownCredentials(ctx, actor, now)
	if err != nil {
		return err
	}
	if own.Hash != "" && !own.Fresh {
		return fault.New(fault.Conflict, "already_secured", "A password is set already. Change it with the current one.")
	}
	if own.Passkey && !own.Recent {
		return errSignInAgain()
	}
	var f form.Form
	present := own.Email
	own.Email = readEmail(&f, email)
	checkPassword(&f, password, own.Email, own.Name)
	if err := f.Err(); err != nil {
		return err
	}
	if own.Email != present {
		if err := a.try(ctx, now, changeLimits(own.ID, own.Address)); err != nil {
			return err
		}
	}
	return a.setPassword(ctx, now, actor, own, password)
}

const (
	setPassword = `
UPDATE app_user SET email = $2, password_hash = $3
WHERE id = $1 AND deleted_at IS NULL AND password_hash IS NOT DISTINCT FROM NULLIF($4, '')`
	endReset       = `UPDATE session SET reset_until = NULL WHERE id = $1`
	dropResetLinks = `DELETE FROM sign_in_link WHERE user_id = $1 AND used_at IS NULL`
)

func (a *Accounts) setPassword(ctx context.Context, now time.Time, actor Actor, own credentials, next string) error {
	hash, err := a.hasher.hash(ctx, next)
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	return db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		if err := changedOne(tx.Exec(ctx, setPassword, own.ID, own.Email, hash, own.Hash)); err != nil {
			return err
		}
		err := writeTx(ctx, tx,
			write{revokeOthers, []any{own.ID, actor.Session}},
			write{endReset, []any{actor.Session}},
			write{dropResetLinks, []any{own.ID}},
		)
		if err != nil {
			return fmt.Errorf("end what the old password allowed: %w", err)
		}
		return recordTx(ctx, tx, now, event{kind: eventPasswordSet, by: own.ID})
	})
}

// changedOne reads the answer to a write that must have met exactly the state
// that was checked before: an address somebody else has is fault.Invalid, a
// password changed meanwhile fault.Conflict.
func changedOne(done pgconn.CommandTag, err error) error {
	switch {
	case violates(err, "app_user_email"):
		return errEmailTaken()
	case err != nil:
		return fmt.Errorf("write credentials: %w", err)
	case done.RowsAffected() == 0:
		return fault.New(fault.Conflict, "changed_meanwhile", "Your account was changed somewhere else a moment ago. Please look again.")
	}
	return nil
}

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
	"github.com/jackc/pgx/v5/pgconn"
)

// firstWorkspace is what a user's own workspace is called until they rename it.
const firstWorkspace = "My team"

// Credentials are what a new user types. Name has 1–80 characters.
type Credentials struct {
	Name, Email, Password string
}

// read checks c and returns it as it is stored.
func (c Credentials) read() (Credentials, error) {
	var f form.Form
	read := Credentials{Name: f.Line("name", c.Name, 1, 80), Email: readEmail(&f, c.Email), Password: c.Password}
	checkPassword(&f, c.Password, read.Email, read.Name)
	return read, f.Err()
}

// SignUp makes a user with a workspace of their own and opens a session.
// fault.Forbidden when sign-up is closed (code sign_up_closed) or nobody has used
// the first start link yet (not_started), fault.Invalid for a bad address or a
// weak password, fault.TooMany after ten from one network in an hour. A known
// address is fault.Invalid on email, saying only that an account cannot be made
// with it.
func (a *Accounts) SignUp(ctx context.Context, c Credentials, d Device) (secret string, s Session, err error) {
	if !a.signUpOpen {
		return "", Session{}, errSignUpClosed()
	}
	started, err := a.HasUsers(ctx)
	if err != nil {
		return "", Session{}, err
	}
	if !started {
		return "", Session{}, fault.New(fault.Forbidden, "not_started", "The first account is made by the link that the terminal printed.")
	}
	return a.signUp(ctx, c, d, func(ctx context.Context, tx pgx.Tx, now time.Time, u UserID) error {
		_, err := a.createWorkspaceTx(ctx, tx, now, u, firstWorkspace)
		return err
	})
}

func errSignUpClosed() error {
	return fault.New(fault.Forbidden, "sign_up_closed", "New accounts are by invitation here. Ask whoever runs this installation.")
}

// signUp makes a user, gives them a place with settle, and opens a session, all in
// one transaction.
func (a *Accounts) signUp(ctx context.Context, c Credentials, d Device,
	settle func(ctx context.Context, tx pgx.Tx, now time.Time, u UserID) error,
) (secret string, s Session, err error) {
	read, err := c.read()
	if err != nil {
		return "", Session{}, err
	}
	now := a.clock.Now()
	if err := a.try(ctx, now, signUpLimits(d.Address)); err != nil {
		return "", Session{}, err
	}
	hash, err := a.hasher.hash(ctx, read.Password)
	if err != nil {
		return "", Session{}, fmt.Errorf("sign up: %w", err)
	}
	err = db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		u, err := a.createUserTx(ctx, tx, now, newUser{email: read.Email, name: read.Name, hash: hash})
		if err != nil {
			return err
		}
		if err := recordTx(ctx, tx, now, event{kind: eventSignedUp, by: u}); err != nil {
			return err
		}
		if err := settle(ctx, tx, now, u); err != nil {
			return err
		}
		secret, s, err = a.openSessionTx(ctx, tx, now, opening{user: u, device: d})
		return err
	})
	return onlyIf(err, secret, s)
}

// newUser is a user to be stored; empty texts are unknown.
type newUser struct {
	email, name, hash string
	operator          bool
}

const insertUser = `
INSERT INTO app_user (id, email, name, password_hash, operator, created_at)
VALUES ($1, NULLIF($2, ''), $3, NULLIF($4, ''), $5, $6)`

func (a *Accounts) createUserTx(ctx context.Context, tx pgx.Tx, now time.Time, n newUser) (UserID, error) {
	u := id.Mint[UserID](a.ids)
	if _, err := tx.Exec(ctx, insertUser, u, n.email, n.name, n.hash, n.operator, now); err != nil {
		if violates(err, "app_user_email") {
			return "", errEmailTaken()
		}
		return "", fmt.Errorf("create user: %w", err)
	}
	return u, nil
}

func errEmailTaken() error {
	return fault.OnField("email", "An account cannot be made with this address. If it is yours, sign in instead.")
}

// violates reports whether err is PostgreSQL's refusal by this unique index or
// constraint.
func violates(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.ConstraintName == constraint
}

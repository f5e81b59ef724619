package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/jackc/pgx/v5"
)

func errPasskeyRefused() *fault.Error {
	return fault.New(fault.Unauthenticated, "passkey_refused", "This passkey does not belong to an account here, or no longer.")
}

// BeginPasskeySignIn returns the options for navigator.credentials.get; no user is
// named, so nothing is told about who has an account. fault.Misdirected as
// PasskeyTrouble; fault.TooMany when everybody together began six hundred within a
// minute.
func (a *Accounts) BeginPasskeySignIn(ctx context.Context) (options json.RawMessage, ceremony string, err error) {
	if a.passkeyTrouble != nil {
		return nil, "", a.passkeyTrouble
	}
	if err := a.try(ctx, a.clock.Now(), begunLimits()); err != nil {
		return nil, "", err
	}
	assertion, session, err := a.passkeys.BeginDiscoverableLogin()
	if err != nil {
		return nil, "", fmt.Errorf("begin passkey sign-in: %w", err)
	}
	return a.remember(ctx, "", assertion, session)
}

// FinishPasskeySignIn opens a session for the user whose passkey answered.
// fault.Unauthenticated with code passkey_refused when it is unknown, does not
// verify, did not verify its user though it did when it was registered, or its counter shows that a copy exists; fault.Forbidden with code
// suspended; fault.Gone, fault.Malformed and fault.TooMany as FinishPasskey and
// SignIn.
func (a *Accounts) FinishPasskeySignIn(ctx context.Context, ceremony string, answer json.RawMessage, d Device) (secret string, s Session, err error) {
	if a.passkeyTrouble != nil {
		return "", Session{}, a.passkeyTrouble
	}
	now := a.clock.Now()
	session, err := a.recall(ctx, ceremony, "")
	if err != nil {
		return "", Session{}, err
	}
	if len(answer) > maxAnswer {
		return "", Session{}, errPasskeyUnreadable()
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return "", Session{}, errPasskeyUnreadable().Because(explained(err))
	}
	limits := passkeyLimits(d.Address)
	if err := a.try(ctx, now, limits); err != nil {
		return "", Session{}, err
	}
	row, used, err := a.verifyPasskey(ctx, session, parsed)
	if err != nil {
		return "", Session{}, err
	}
	cloned := used.Authenticator.CloneWarning
	err = db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		if err := lockAliveTx(ctx, tx, row.UserID); err != nil {
			return err
		}
		ok, err := notePasskeyTx(ctx, tx, now, row, used)
		if err != nil {
			return err
		}
		if !ok {
			cloned = true
			return recordTx(ctx, tx, now, event{kind: eventPasskeyCloned, by: row.UserID, object: string(row.ID)})
		}
		if err := forgiveTx(ctx, tx, limits); err != nil {
			return err
		}
		if err := recordTx(ctx, tx, now, event{kind: eventPasskeyUsed, by: row.UserID, object: string(row.ID)}); err != nil {
			return err
		}
		secret, s, err = a.openSessionTx(ctx, tx, now, opening{user: row.UserID, device: d})
		return err
	})
	if err == nil && cloned {
		err = errPasskeyRefused().Because(errors.New("the passkey's counter went backwards: a copy of it exists"))
	}
	return onlyIf(err, secret, s)
}

// verifyPasskey checks an answer against the stored credential it names.
func (a *Accounts) verifyPasskey(ctx context.Context, session webauthn.SessionData, answer *protocol.ParsedCredentialAssertionData) (credentialRow, *webauthn.Credential, error) {
	row, err := one[credentialRow](ctx, a.db, credentialColumns+`WHERE rp_id = $1 AND credential_id = $2`, a.passkeys.Config.RPID, answer.RawID)
	if errors.Is(err, pgx.ErrNoRows) {
		return credentialRow{}, nil, errPasskeyRefused()
	}
	if err != nil {
		return credentialRow{}, nil, fmt.Errorf("find passkey: %w", err)
	}
	holder := person{id: row.UserID, credentials: []webauthn.Credential{row.credential()}}
	used, err := a.passkeys.ValidateDiscoverableLogin(func(_, _ []byte) (webauthn.User, error) {
		return holder, nil // the library compares the handle with the holder's
	}, session, answer)
	if err != nil {
		return credentialRow{}, nil, errPasskeyRefused().Because(explained(err))
	}
	if row.UserVerified && !answer.Response.AuthenticatorData.Flags.UserVerified() {
		return credentialRow{}, nil, errPasskeyRefused().Because(errors.New("the passkey verified its user when it was registered, and did not now"))
	}
	return row, used, nil
}

const (
	// notePasskey moves the counter forward only, so that of two answers with
	// one count, given at once, the second shows up as a copy. Authenticators
	// that synchronise their keys count nothing and always say 0.
	notePasskey = `
UPDATE passkey SET sign_count = $2, backup_state = $3, last_used_at = $4
WHERE id = $1 AND NOT $5 AND (sign_count < $2 OR sign_count = 0 AND $2 = 0)`
	noteClone = `UPDATE passkey SET cloned_at = $2 WHERE id = $1`
)

// notePasskeyTx stores what an answer tells about the authenticator and reports
// whether it may be believed.
func notePasskeyTx(ctx context.Context, tx pgx.Tx, now time.Time, row credentialRow, used *webauthn.Credential) (bool, error) {
	done, err := tx.Exec(ctx, notePasskey, row.ID, int64(used.Authenticator.SignCount), used.Flags.BackupState, now, used.Authenticator.CloneWarning)
	if err != nil {
		return false, fmt.Errorf("note the use of a passkey: %w", err)
	}
	if done.RowsAffected() == 1 {
		return true, nil
	}
	if _, err := tx.Exec(ctx, noteClone, row.ID, now); err != nil {
		return false, fmt.Errorf("note a copied passkey: %w", err)
	}
	return false, nil
}

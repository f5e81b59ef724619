package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"
	"cofounder/internal/product/account/form"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/jackc/pgx/v5"
)

const (
	// maxPasskeys is how many a user may have.
	maxPasskeys = 20
	// maxAnswer is the most bytes of a browser's answer that are read.
	maxAnswer = 64 << 10
)

// Passkey is a WebAuthn credential of a user.
type Passkey struct {
	ID         PasskeyID
	Name       string
	CreatedAt  time.Time
	LastUsedAt *time.Time
}

// BeginPasskey returns the options a browser's navigator.credentials.create
// needs, as JSON, and a ceremony key that FinishPasskey takes back. A ceremony is
// good for 5 minutes and one use. fault.Misdirected as PasskeyTrouble;
// fault.Forbidden with code sign_in_again in a session that is not fresh, unless this
// is the first passkey of somebody without a password; fault.Conflict with code
// too_many_passkeys above twenty.
func (a *Accounts) BeginPasskey(ctx context.Context, actor Actor) (options json.RawMessage, ceremony string, err error) {
	if err := a.needPasskeys(ctx, actor); err != nil {
		return nil, "", err
	}
	u, err := a.Profile(ctx, actor)
	if err != nil {
		return nil, "", err
	}
	known, err := a.credentialsOf(ctx, u.ID)
	if err != nil {
		return nil, "", err
	}
	if len(known) >= maxPasskeys {
		return nil, "", fault.New(fault.Conflict, "too_many_passkeys", "There are twenty passkeys already. Remove one that is not used.")
	}
	holder := person{id: u.ID, email: u.Email, name: u.Name, credentials: known}
	creation, session, err := a.passkeys.BeginRegistration(holder,
		webauthn.WithExclusions(webauthn.Credentials(known).CredentialDescriptors()))
	if err != nil {
		return nil, "", fmt.Errorf("begin passkey: %w", err)
	}
	return a.remember(ctx, u.ID, creation, session)
}

// needPasskeys returns nil when the actor may add a passkey and they can work.
func (a *Accounts) needPasskeys(ctx context.Context, actor Actor) error {
	if err := actor.needSession(); err != nil {
		return err
	}
	if a.passkeyTrouble != nil {
		return a.passkeyTrouble
	}
	return a.needFreshOrFirst(ctx, actor)
}

const insertPasskey = `
INSERT INTO passkey (id, user_id, name, rp_id, credential_id, public_key, sign_count, transports, aaguid,
                     user_verified, backup_eligible, backup_state, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`

// FinishPasskey stores the credential the browser answered with. An empty name
// becomes "Passkey". fault.Forbidden as BeginPasskey; fault.Gone with code ceremony_over for a ceremony that is
// unknown, used, expired or somebody else's; fault.Malformed for an answer that
// cannot be read; fault.Invalid on answer for one that does not fit; fault.Conflict
// with code passkey_known for a credential that is stored already.
func (a *Accounts) FinishPasskey(ctx context.Context, actor Actor, ceremony, name string, answer json.RawMessage) (Passkey, error) {
	if err := a.needPasskeys(ctx, actor); err != nil {
		return Passkey{}, err
	}
	var f form.Form
	p := Passkey{Name: f.Line("name", name, 0, 80), CreatedAt: a.clock.Now()}
	if err := f.Err(); err != nil {
		return Passkey{}, err
	}
	if p.Name == "" {
		p.Name = "Passkey"
	}
	session, err := a.recall(ctx, ceremony, actor.User)
	if err != nil {
		return Passkey{}, err
	}
	if len(answer) > maxAnswer {
		return Passkey{}, errPasskeyUnreadable()
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return Passkey{}, errPasskeyUnreadable().Because(explained(err))
	}
	c, err := a.passkeys.CreateCredential(person{id: actor.User}, session, parsed)
	if err != nil {
		return Passkey{}, fault.OnField("answer", "The passkey does not fit what was asked for. Please try once more.").Because(explained(err))
	}
	p.ID = id.Mint[PasskeyID](a.ids)
	err = db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		if err := lockAliveTx(ctx, tx, actor.User); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, insertPasskey, p.ID, actor.User, p.Name, a.passkeys.Config.RPID, c.ID, c.PublicKey,
			int64(c.Authenticator.SignCount), transports(c.Transport), c.Authenticator.AAGUID,
			c.Flags.UserVerified, c.Flags.BackupEligible, c.Flags.BackupState, p.CreatedAt)
		if violates(err, "passkey_rp_id_credential_id_key") {
			return fault.New(fault.Conflict, "passkey_known", "This passkey is stored already.")
		}
		if err != nil {
			return fmt.Errorf("store passkey: %w", err)
		}
		return recordTx(ctx, tx, p.CreatedAt, event{kind: eventPasskeyAdded, by: actor.User, object: string(p.ID)})
	})
	if err != nil {
		return Passkey{}, err
	}
	return p, nil
}

func errPasskeyUnreadable() *fault.Error {
	return fault.New(fault.Malformed, "passkey_unreadable", "The browser's answer cannot be read.")
}

// explained returns the library's error with the details it keeps apart, for the
// log.
func explained(err error) error {
	var p *protocol.Error
	if errors.As(err, &p) && p.DevInfo != "" {
		return fmt.Errorf("%w (%s)", err, p.DevInfo)
	}
	return err
}

const listPasskeys = `
SELECT id, name, created_at, last_used_at FROM passkey WHERE user_id = $1 ORDER BY created_at DESC, id DESC`

// Passkeys lists the actor's own, newest first.
func (a *Accounts) Passkeys(ctx context.Context, actor Actor) ([]Passkey, error) {
	if err := actor.needSelf(); err != nil {
		return nil, err
	}
	list, err := all[Passkey](ctx, a.db, listPasskeys, actor.User)
	if err != nil {
		return nil, fmt.Errorf("list passkeys: %w", err)
	}
	return list, nil
}

const deletePasskey = `DELETE FROM passkey WHERE id = $1 AND user_id = $2`

// RemovePasskey forgets one; fault.NotFound for one that is not the actor's,
// fault.Forbidden with code sign_in_again in a session that is not fresh. The last way
// to sign in may be removed: the terminal always makes a new link.
func (a *Accounts) RemovePasskey(ctx context.Context, actor Actor, p PasskeyID) error {
	if err := a.needFresh(ctx, actor); err != nil {
		return err
	}
	now := a.clock.Now()
	return db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, deletePasskey, p, actor.User)
		if err != nil {
			return fmt.Errorf("remove passkey: %w", err)
		}
		if done.RowsAffected() == 0 {
			return fault.New(fault.NotFound, "", "This passkey does not exist or was removed.")
		}
		return recordTx(ctx, tx, now, event{kind: eventPasskeyRemoved, by: actor.User, object: string(p)})
	})
}

// credentialRow is a stored credential as the library checks it.
type credentialRow struct {
	ID             PasskeyID
	UserID         UserID
	CredentialID   []byte
	PublicKey      []byte
	SignCount      int64
	Transports     []string
	AAGUID         []byte
	UserVerified   bool
	BackupEligible bool
	BackupState    bool
}

const credentialColumns = `
SELECT id, user_id, credential_id, public_key, sign_count, transports, aaguid, user_verified, backup_eligible, backup_state
FROM passkey `

func (r credentialRow) credential() webauthn.Credential {
	c := webauthn.Credential{
		ID: r.CredentialID, PublicKey: r.PublicKey,
		Flags: webauthn.CredentialFlags{
			UserPresent: true, UserVerified: r.UserVerified, BackupEligible: r.BackupEligible, BackupState: r.BackupState,
		},
		Authenticator: webauthn.Authenticator{AAGUID: r.AAGUID, SignCount: uint32(r.SignCount)}, //nolint:gosec // checked by the column
	}
	for _, t := range r.Transports {
		c.Transport = append(c.Transport, protocol.AuthenticatorTransport(t))
	}
	return c
}

func (a *Accounts) credentialsOf(ctx context.Context, u UserID) ([]webauthn.Credential, error) {
	list, err := all[credentialRow](ctx, a.db, credentialColumns+`WHERE user_id = $1 AND rp_id = $2 ORDER BY id`, u, a.passkeys.Config.RPID)
	if err != nil {
		return nil, fmt.Errorf("read passkeys: %w", err)
	}
	credentials := make([]webauthn.Credential, len(list))
	for i, row := range list {
		credentials[i] = row.credential()
	}
	return credentials, nil
}

func transports(list []protocol.AuthenticatorTransport) []string {
	texts := make([]string, len(list))
	for i, t := range list {
		texts[i] = string(t)
	}
	return texts
}

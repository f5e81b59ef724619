package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"cofounder/internal/base/fault"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/jackc/pgx/v5"
)

// ceremonyLife is how long a browser may take to ask its user.
const ceremonyLife = 5 * time.Minute

// newPasskeys returns the relying party for a public address, or why there is
// none. Browsers bind a passkey to a host name, never to an IP address, and offer
// them only where the page is secure: https, or localhost
// (https://www.w3.org/TR/webauthn-3/#scope).
func newPasskeys(public string) (party *webauthn.WebAuthn, trouble, err error) {
	if public == "" {
		return nil, errNoPasskeys("This installation does not know its own address."), nil
	}
	u, err := url.Parse(public)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, nil, fmt.Errorf("the public address %q is not one like https://example.com", public)
	}
	host := strings.ToLower(u.Hostname())
	local := host == "localhost" || strings.HasSuffix(host, ".localhost")
	if _, err := netip.ParseAddr(host); err == nil {
		return nil, errNoPasskeys("Passkeys need a name, and this installation is reached by a number (" + host + ")."), nil
	}
	if u.Scheme != "https" && !local {
		return nil, errNoPasskeys("Passkeys need a secure address that begins with https."), nil
	}
	party, err = webauthn.New(&webauthn.Config{
		RPID:                  host,
		RPDisplayName:         "cofounder",
		RPOrigins:             []string{u.Scheme + "://" + strings.ToLower(u.Host)},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey:        protocol.ResidentKeyRequirementRequired,
			RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification:   protocol.VerificationPreferred,
		},
		Timeouts: webauthn.TimeoutsConfig{ // told to the browser; ours is the row's
			Registration: webauthn.TimeoutConfig{Timeout: ceremonyLife, TimeoutUVD: ceremonyLife},
			Login:        webauthn.TimeoutConfig{Timeout: ceremonyLife, TimeoutUVD: ceremonyLife},
		},
	})
	if err != nil {
		return nil, errNoPasskeys("Passkeys cannot work under the address of this installation (" + host + ").").Because(err), nil
	}
	return party, nil, nil
}

func errNoPasskeys(why string) *fault.Error {
	return fault.New(fault.Misdirected, "passkeys_unavailable", why+" The setting is COFOUNDER_URL.")
}

// PasskeyTrouble returns nil where passkeys can work, else fault.Misdirected with
// code passkeys_unavailable and the reason. It is the same for everybody until the
// program starts again.
func (a *Accounts) PasskeyTrouble() error { return a.passkeyTrouble }

// person is a user as the WebAuthn library sees them. The handle stored on the
// authenticator is the opaque id, so that it tells nobody's name.
type person struct {
	id          UserID
	email, name string
	credentials []webauthn.Credential
}

// WebAuthnID implements webauthn.User.
func (p person) WebAuthnID() []byte { return []byte(p.id) }

// WebAuthnName implements webauthn.User; the browser shows it in its list.
func (p person) WebAuthnName() string {
	if p.email != "" {
		return p.email
	}
	return p.WebAuthnDisplayName()
}

// WebAuthnDisplayName implements webauthn.User.
func (p person) WebAuthnDisplayName() string {
	if p.name != "" {
		return p.name
	}
	return "Owner"
}

// WebAuthnCredentials implements webauthn.User.
func (p person) WebAuthnCredentials() []webauthn.Credential { return p.credentials }

const insertCeremony = `
INSERT INTO passkey_ceremony (key_hash, user_id, data, expires_at) VALUES ($1, NULLIF($2, ''), $3, $4)`

// remember stores what the second half of a ceremony needs and returns the options
// for the browser with the key to it.
func (a *Accounts) remember(ctx context.Context, u UserID, options any, session *webauthn.SessionData) (json.RawMessage, string, error) {
	encoded, err := json.Marshal(options)
	if err != nil {
		return nil, "", fmt.Errorf("encode passkey options: %w", err)
	}
	data, err := json.Marshal(session)
	if err != nil {
		return nil, "", fmt.Errorf("encode ceremony: %w", err)
	}
	key := newSecret()
	if _, err := a.db.Exec(ctx, insertCeremony, hashOf(key), u, data, a.clock.Now().Add(ceremonyLife)); err != nil {
		return nil, "", fmt.Errorf("store ceremony: %w", err)
	}
	return encoded, key, nil
}

// takeCeremony ends a ceremony as it is read: one answer, right or wrong.
const takeCeremony = `
DELETE FROM passkey_ceremony WHERE key_hash = $1 AND coalesce(user_id, '') = $2 AND expires_at > $3 RETURNING data`

// recall takes back what remember stored for this user, who is nobody when signing
// in.
func (a *Accounts) recall(ctx context.Context, key string, u UserID) (webauthn.SessionData, error) {
	var data []byte
	err := a.db.QueryRow(ctx, takeCeremony, hashOf(key), u, a.clock.Now()).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) {
		return webauthn.SessionData{}, fault.New(fault.Gone, "ceremony_over", "This took too long, or was answered already. Please try again.")
	}
	if err != nil {
		return webauthn.SessionData{}, fmt.Errorf("take ceremony: %w", err)
	}
	var session webauthn.SessionData
	if err := json.Unmarshal(data, &session); err != nil {
		return webauthn.SessionData{}, fmt.Errorf("decode ceremony: %w", err)
	}
	return session, nil
}

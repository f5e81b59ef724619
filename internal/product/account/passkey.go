package account

import (
	"context"
	"encoding/json"
	"time"
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
// good for 5 minutes and one use.
func (a *Accounts) BeginPasskey(ctx context.Context, actor Actor) (options json.RawMessage, ceremony string, err error) {
	panic("stub")
}

// FinishPasskey stores the credential the browser answered with.
func (a *Accounts) FinishPasskey(ctx context.Context, actor Actor, ceremony, name string, answer json.RawMessage) (Passkey, error) {
	panic("stub")
}

// Passkeys lists the actor's own, newest first.
func (a *Accounts) Passkeys(ctx context.Context, actor Actor) ([]Passkey, error) { panic("stub") }

// RemovePasskey forgets one. The last way to sign in may be removed: the terminal
// always makes a new link.
func (a *Accounts) RemovePasskey(ctx context.Context, actor Actor, p PasskeyID) error {
	panic("stub")
}

// BeginPasskeySignIn returns the options for navigator.credentials.get; no user is
// named, so nothing is told about who has an account.
func (a *Accounts) BeginPasskeySignIn(ctx context.Context) (options json.RawMessage, ceremony string, err error) {
	panic("stub")
}

// FinishPasskeySignIn opens a session for the user whose passkey answered.
func (a *Accounts) FinishPasskeySignIn(ctx context.Context, ceremony string, answer json.RawMessage, d Device) (secret string, s Session, err error) {
	panic("stub")
}

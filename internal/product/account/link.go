package account

import "context"

// MintStartLink makes the code of a one-use link that signs the owner in, valid
// for 15 minutes. While there is no account the one who redeems it becomes the
// first, owner of the first workspace and operator.
func (a *Accounts) MintStartLink(ctx context.Context) (code string, err error) { panic("stub") }

// MintResetLink makes the code of a one-use link, valid for 15 minutes, that signs
// this user in and lets them set a new password without the old one. An empty
// email means the owner. fault.NotFound for an unknown address.
func (a *Accounts) MintResetLink(ctx context.Context, email string) (code string, err error) {
	panic("stub")
}

// Redeem uses a link's code and opens a session. fault.NotFound for a code that
// never was, fault.Gone with code link_used or link_expired otherwise. Of two
// requests with one code exactly one succeeds.
func (a *Accounts) Redeem(ctx context.Context, code string, d Device) (secret string, r Redeemed, err error) {
	panic("stub")
}

// Redeemed says what a link did.
type Redeemed struct {
	Session Session
	First   bool // this made the first account
	Reset   bool // a new password should be set now
}

// HasUsers reports whether there is any account yet.
func (a *Accounts) HasUsers(ctx context.Context) (bool, error) { panic("stub") }

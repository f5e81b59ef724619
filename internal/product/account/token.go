package account

import (
	"context"
	"time"
)

// Token is an API token (on screen: access key). It acts in one workspace as its
// user, with at most its scope.
type Token struct {
	ID         TokenID
	Name       string
	Scope      Scope
	Hint       string // last four characters of the secret
	CreatedAt  time.Time
	ExpiresAt  *time.Time // nil: never
	LastUsedAt *time.Time // kept to the minute
}

// TokenDraft is what the maker of a token chooses.
type TokenDraft struct {
	Name  string // 1–80 characters
	Scope Scope
	Days  int // 1–366 days; 0 never expires
}

// CreateToken makes a token in the actor's workspace. secret (cof_…) is returned
// once. A token cannot make tokens: fault.Forbidden.
func (a *Accounts) CreateToken(ctx context.Context, actor Actor, d TokenDraft) (secret string, t Token, err error) {
	panic("stub")
}

// Tokens lists the actor's own tokens in the workspace, newest first.
func (a *Accounts) Tokens(ctx context.Context, actor Actor) ([]Token, error) { panic("stub") }

// RevokeToken ends one of the actor's own tokens.
func (a *Accounts) RevokeToken(ctx context.Context, actor Actor, t TokenID) error { panic("stub") }

// AuthenticateToken returns the actor a bearer secret stands for, or
// fault.Unauthenticated.
func (a *Accounts) AuthenticateToken(ctx context.Context, secret string) (Actor, error) {
	panic("stub")
}

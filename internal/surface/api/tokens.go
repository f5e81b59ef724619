package api

import (
	"context"
	"net/http"
	"time"

	"cofounder/internal/product/account"
)

// Token is an access key without its secret. It is exported because only then huma
// and encoding/json see its fields where it is embedded.
type Token struct {
	ID         account.TokenID `json:"id"`
	Name       string          `json:"name"`
	Scope      account.Scope   `json:"scope" enum:"read,write"`
	Hint       string          `json:"hint" doc:"The last four characters of the secret"`
	CreatedAt  time.Time       `json:"created_at"`
	ExpiresAt  *time.Time      `json:"expires_at" doc:"null: never"`
	LastUsedAt *time.Time      `json:"last_used_at" doc:"To the minute"`
}

type tokenDraft struct {
	Name  string        `json:"name" minLength:"1" maxLength:"80"`
	Scope account.Scope `json:"scope" enum:"read,write"`
	Days  int           `json:"days,omitempty" minimum:"0" maximum:"366" doc:"Until it expires; 0 is never"`
}

type tokenIn struct{ Body tokenDraft }

type newToken struct {
	Token
	Secret string `json:"secret" doc:"The access key itself, shown only now"`
}

type newTokenOut struct{ Body newToken }

type tokenPath struct {
	Token string `path:"token"`
}

func (a *api) tokens() {
	register(a, operation{
		id: "list-tokens", method: http.MethodGet, path: "/tokens", tag: tagMe, access: person,
		summary: "List your access keys for this workspace",
	}, a.listTokens)
	register(a, operation{
		id: "create-token", method: http.MethodPost, path: "/tokens", tag: tagMe, access: person, secret: true, status: http.StatusCreated,
		summary: "Make an access key for this workspace",
	}, a.createToken)
	register(a, operation{
		id: "revoke-token", method: http.MethodDelete, path: "/tokens/{token}", tag: tagMe, access: person,
		summary: "End one of your access keys",
	}, a.revokeToken)
}

func (a *api) listTokens(ctx context.Context, actor account.Actor, _ *nothing) (*pageOut[Token], error) {
	all, err := a.cfg.Accounts.Tokens(ctx, actor)
	if err != nil {
		return nil, err
	}
	return listed(all, "", func(t account.Token) Token { return Token(t) }), nil
}

func (a *api) createToken(ctx context.Context, actor account.Actor, in *tokenIn) (*newTokenOut, error) {
	secret, t, err := a.cfg.Accounts.CreateToken(ctx, actor, account.TokenDraft(in.Body))
	if err != nil {
		return nil, err
	}
	return &newTokenOut{Body: newToken{Token: Token(t), Secret: secret}}, nil
}

func (a *api) revokeToken(ctx context.Context, actor account.Actor, in *tokenPath) (*nothing, error) {
	id, err := parse[account.TokenID](in.Token)
	if err != nil {
		return nil, err
	}
	return &nothing{}, a.cfg.Accounts.RevokeToken(ctx, actor, id)
}

package api

import (
	"context"
	"net/http"
	"time"

	"cofounder/internal/product/account"
)

type passkey struct {
	ID         account.PasskeyID `json:"id"`
	Name       string            `json:"name"`
	CreatedAt  time.Time         `json:"created_at"`
	LastUsedAt *time.Time        `json:"last_used_at"`
}

type passkeyPath struct {
	Passkey string `path:"passkey"`
}

func (a *api) passkeys() {
	register(a, operation{
		id: "list-passkeys", method: http.MethodGet, path: "/passkeys", tag: tagMe, access: person,
		summary: "List your passkeys",
		notes:   "Passkeys are added in the browser, in the settings.",
	}, a.listPasskeys)
	register(a, operation{
		id: "remove-passkey", method: http.MethodDelete, path: "/passkeys/{passkey}", tag: tagMe, access: person, own: true,
		summary: "Forget one of your passkeys",
	}, a.removePasskey)
}

func (a *api) listPasskeys(ctx context.Context, actor account.Actor, _ *nothing) (*pageOut[passkey], error) {
	all, err := a.cfg.Accounts.Passkeys(ctx, actor)
	if err != nil {
		return nil, err
	}
	return listed(all, "", func(p account.Passkey) passkey { return passkey(p) }), nil
}

func (a *api) removePasskey(ctx context.Context, actor account.Actor, in *passkeyPath) (*nothing, error) {
	id, err := parse[account.PasskeyID](in.Passkey)
	if err != nil {
		return nil, err
	}
	return &nothing{}, a.cfg.Accounts.RemovePasskey(ctx, actor, id)
}

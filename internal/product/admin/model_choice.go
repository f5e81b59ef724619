package admin

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/jackc/pgx/v5"
)

// ChooseModels chooses which models do single tasks wherever the key of this
// installation pays: it changes what that key pays for everybody. Beside what a reason
// and an actor are refused for, it fails as meter.Connections.SetOperatorRoles does.
func (d *Desk) ChooseModels(ctx context.Context, actor account.Actor, chosen map[meter.Role]string, reason string) error {
	if err := need(actor); err != nil {
		return err
	}
	reason, err := reasonOf(reason)
	if err != nil {
		return err
	}
	return d.cfg.Connections.SetOperatorRoles(ctx, d.cfg.Model, actor, chosen, func(tx pgx.Tx, before, after map[meter.Role]string) error {
		return d.noteTx(ctx, tx, Entry{
			User: actor.User, Action: ChooseModels, Subject: "models", Note: changedModels(before, after), Reason: reason,
		})
	})
}

// changedModels says which tasks got another model, in the order of meter.Roles.
func changedModels(before, after map[meter.Role]string) string {
	const usual = "the usual one"
	var changed []string
	for _, role := range meter.Roles() {
		was, is := cmp.Or(before[role], usual), cmp.Or(after[role], usual)
		if was != is {
			changed = append(changed, fmt.Sprintf("%s: %s instead of %s", role, is, was))
		}
	}
	return cmp.Or(strings.Join(changed, "; "), "as before")
}

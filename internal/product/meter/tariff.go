package meter

import (
	"context"

	"cofounder/internal/product/account"
	"cofounder/internal/product/project"
)

// Tariff is what a team pays at one moment for what models do in each role.
type Tariff struct {
	Payer  Payer
	Prices map[Role]Price
}

// Free reports whether nothing costs anything.
func (t Tariff) Free() bool {
	for _, p := range t.Prices {
		if !p.Free() {
			return false
		}
	}
	return true
}

// Weigh returns an amount in the unit of allowances; 0 where nothing weighs anything.
func (t Tariff) Weigh(n NanoUSD) Weighed {
	for _, p := range t.Prices {
		if p.unit > 0 {
			return (pico(n) * 1000).amount(p.unit).Weighed
		}
	}
	return 0
}

// Tariff returns what the actor's team would pay now, for work that plays roles. Its
// errors are those with which Call would refuse: no AI, no model for a role, no price.
func (m *Model) Tariff(ctx context.Context, actor account.Actor, p project.ID, roles ...Role) (Tariff, error) {
	if err := actor.Need(account.MayRead); err != nil {
		return Tariff{}, err
	}
	conn, err := m.connect(ctx, Charge{Actor: actor, Project: p})
	if err != nil {
		return Tariff{}, err
	}
	card, err := m.card(conn.Endpoint.RateCard)
	if err != nil {
		return Tariff{}, err
	}
	t := Tariff{Payer: conn.Payer, Prices: map[Role]Price{}}
	for _, role := range roles {
		model, err := conn.Model(role)
		if err != nil {
			return Tariff{}, err
		}
		if t.Prices[role], err = card.Price(model, m.meter.clock.Now()); err != nil {
			return Tariff{}, err
		}
	}
	return t, nil
}

package option

import (
	"context"
	"fmt"

	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"
)

// Left is what a team may still spend.
type Left struct {
	Set bool // somebody has chosen limits; always where nothing costs anything
	// Nano is the least over all windows that would stop a build; nil: no limit does.
	Nano *meter.NanoUSD

	weighed *meter.Weighed // as Nano, of an allowance
	run     *meter.NanoUSD // what a build may cost; nil: no limit
	tariff  meter.Tariff
}

// leftOf reads what the actor's team may still spend. Who tries things out without a plan
// has what is left of the trial.
func (o *Options) leftOf(ctx context.Context, actor account.Actor, t meter.Tariff) (Left, error) {
	l := Left{tariff: t, Set: t.Free()}
	if t.Free() {
		return l, nil
	}
	team, err := o.cfg.Meter.TeamStanding(ctx, actor)
	if err != nil {
		return Left{}, err
	}
	l.Set, l.run = team.Set, team.Run
	l = l.narrow(team.Period)
	if !team.Paced { // else a build that was agreed to may borrow from the days to come
		l = l.narrow(team.Day)
	}
	if t.Payer == meter.OnTrial {
		trial, err := o.cfg.Meter.TrialStanding(ctx, actor)
		if err != nil {
			return Left{}, err
		}
		l = l.narrow(trial.Period)
	}
	return l, nil
}

// narrow is l with a window of a budget.
func (l Left) narrow(u meter.Used) Left {
	if u.Limit != nil {
		n := max(0, *u.Limit-u.Spent.Nano-u.Reserved.Nano)
		if l.Nano == nil || n < *l.Nano {
			l.Nano = &n
		}
	}
	if u.LimitWeighed != nil {
		n := max(0, *u.LimitWeighed-u.Spent.Weighed-u.Reserved.Weighed)
		if l.weighed == nil || n < *l.weighed {
			l.weighed = &n
		}
	}
	return l
}

// half is how much of what is left may be spent without a second word.
const half = 2

// tight says why a ceiling needs a second word; empty: it does not.
func (l Left) tight(ceiling meter.NanoUSD) string {
	switch {
	case l.Nano != nil && ceiling > *l.Nano:
		return fmt.Sprintf("This could take up to %s, which is more than the %s that is left of your limit; at the limit the build pauses.", ceiling, *l.Nano)
	case l.Nano != nil && ceiling*half > *l.Nano:
		return fmt.Sprintf("This could take up to %s, more than half of the %s that is left of your limit.", ceiling, *l.Nano)
	case l.weighed != nil && l.tariff.Weigh(ceiling)*half > *l.weighed:
		return fmt.Sprintf("This could take up to %s, more than half of what is left of your allowance.", ceiling)
	case l.run != nil && ceiling > *l.run:
		return fmt.Sprintf("This could take up to %s, and you set %s as the limit for one build.", ceiling, *l.run)
	}
	return ""
}

package option

import (
	"context"
	"fmt"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// directTx decides to go on with the idea, unless that was decided and is not asked anew.
func (o *Options) directTx(ctx context.Context, tx pgx.Tx, d deal) error {
	p := d.project.ID
	_, err := o.cfg.Journeys.BuildableTx(ctx, tx, d.actor, p)
	f := fault.Of(err)
	if err == nil || f != nil && f.Code == "option_needed" {
		return nil
	}
	if f == nil || f.Code != "direction_open" && f.Code != "direction_needed" {
		return err
	}
	_, err = o.cfg.Journeys.DecideNowTx(ctx, tx, d.actor, p, journey.Ask{Kind: journey.Direction},
		journey.Verdict{Key: d.build.Key + "/direction", Choice: journey.Proceed})
	return asOpen(err, p, "direction_open", "Another question about the direction waits for you. Answer it first.")
}

// asOpen turns the refusal of a choice that an open decision does not have into one that
// says where it waits.
func asOpen(err error, p project.ID, code, detail string) error {
	if f := fault.Of(err); f != nil && f.Kind == fault.Invalid && len(f.Fields) > 0 && f.Fields[0].Name == "choice" {
		return conflict(p, code, detail, "decisions").Because(err)
	}
	return err
}

// decideTx records which option of a set was chosen.
func (o *Options) decideTx(ctx context.Context, tx pgx.Tx, actor account.Actor, p project.ID, set Set, v journey.Verdict) (journey.Decision, error) {
	ask := journey.Ask{Kind: journey.Option, Question: "Which way to build?"}
	for _, one := range set.Options {
		ask.Options = append(ask.Options, journey.Alternative{
			Value: string(one.ID), Title: one.Name, Description: strings.Join(one.WhatYouGet, "\n"), Pros: one.WhatYouGet, Cons: one.WhatIsLeftOut,
		})
		if one.Recommended {
			ask.Advice = &journey.Advice{Value: string(one.ID), Reasons: []string{one.Because}}
		}
	}
	d, err := o.cfg.Journeys.DecideNowTx(ctx, tx, actor, p, ask, v)
	return d, asOpen(err, p, "option_open", "Another question about the way to build waits for you. Answer it first.")
}

// Choose decides on a way to build without building it yet: it stands on the button from
// then on. The same key again changes nothing. The errors are those of BuildThis about
// options, decisions and the key.
func (o *Options) Choose(ctx context.Context, actor account.Actor, p project.ID, i ID, key, because string) (Set, error) {
	if _, err := o.cfg.Projects.Get(ctx, actor, p); err != nil {
		return Set{}, err
	}
	r, err := o.ratesOf(ctx, actor, p)
	if err != nil {
		return Set{}, err
	}
	err = o.locked(ctx, actor, p, func(tx pgx.Tx, _ project.Project) error {
		set, err := o.wholeTx(ctx, tx, actor, p, r)
		if err != nil {
			return err
		}
		if _, ok := set.Option(i); !ok {
			return o.missingTx(ctx, tx, p, i)
		}
		if err := set.ready(p); err != nil {
			return err
		}
		_, err = o.decideTx(ctx, tx, actor, p, set, journey.Verdict{Key: key, Choice: string(i), Because: because})
		return err
	})
	if err != nil {
		return Set{}, err
	}
	return o.Get(ctx, actor, p)
}

const thereWas = `SELECT EXISTS (SELECT FROM build_option WHERE project_id = $1 AND id = $2)`

// missingTx says why an option is not among those in force.
func (o *Options) missingTx(ctx context.Context, tx pgx.Tx, p project.ID, i ID) error {
	var was bool
	if err := tx.QueryRow(ctx, thereWas, p, i).Scan(&was); err != nil {
		return fmt.Errorf("look for %s: %w", i, err)
	}
	if was {
		return conflict(p, "refresh_first", "There are newer ways to build this. Look at them first.", "options")
	}
	return fault.New(fault.NotFound, "", "There is no such way to build.")
}

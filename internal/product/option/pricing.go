package option

import (
	"context"
	"fmt"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/meter/paid"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// askPriceTx starts the run that finds out what the words of a wish take, where somebody
// can tell; what was known of other words goes, and a run that looks at them has nothing
// to write any more.
func (o *Options) askPriceTx(ctx context.Context, tx pgx.Tx, actor account.Actor, in project.Project, r *wishRow, prices rates) error {
	r.Work, r.Says, r.Run = nil, "", ""
	switch {
	case prices.tariff.Payer == meter.Nobody:
		r.Pricing, r.Note = NoPrice, keptForLater
		return nil
	case !prices.known():
		r.Pricing, r.Note = NoPrice, prices.why
		return nil
	}
	r.Starts++
	run, err := o.cfg.Runs.StartTx(ctx, tx, in.Run(project.RunPriceWish, actor.User, fmt.Sprintf("%s/%d", r.ID, r.Starts), assignment{Wish: r.ID}))
	if err != nil {
		return err
	}
	r.Pricing, r.Note, r.Run = Working, "", string(run)
	return nil
}

// price finds out what one wish takes.
func (o *Options) price(ctx context.Context, w *work) (flow.Outcome, error) {
	wish, err := oneWish(ctx, o.cfg.DB, w.project.ID, w.order.Wish)
	if fault.Is(err, fault.NotFound) || err == nil && wish.Run != string(w.node.Run) {
		return flow.Done(nil), nil // it was removed, or has other words by now
	}
	if err != nil {
		return flow.Outcome{}, err
	}
	prices, err := o.ratesOf(ctx, w.actor, w.project.ID)
	if err != nil {
		return flow.Outcome{}, err
	}
	if prices.tariff.Payer == meter.Nobody { // the AI was disconnected meanwhile
		return flow.Done(nil), o.step(ctx, w, "note", func(ctx context.Context, tx pgx.Tx) error {
			return o.pricedTx(ctx, tx, w, func(r *wishRow) { r.Pricing, r.Note = NoPrice, keptForLater })
		})
	}
	m := material{project: w.project}
	err = pgx.BeginTxFunc(ctx, o.cfg.DB, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		papers, err := o.papersTx(ctx, tx, w.actor, w.project.ID)
		m.brief, m.scope = papers.brief, papers.scope
		return err
	})
	if fault.Is(err, fault.NotFound) {
		err = conflict(w.project.ID, "page_needed", "There is no page about your idea yet, so I cannot tell what this takes.", "questions")
	}
	if err != nil {
		return flow.Outcome{}, err
	}
	prompt, err := m.wishPrompt(wish.wish(prices))
	if err != nil {
		return flow.Outcome{}, err
	}
	_, err = paid.Ask(ctx, w.desk(o.cfg.Model), paid.Question[size]{
		Step: "wish", Role: meter.Writer, Effort: llm.MediumEffort, System: o.texts.pricer, Prompt: prompt, Form: o.forms.wish,
		KeepTx: func(ctx context.Context, tx pgx.Tx, v size) error {
			return o.pricedTx(ctx, tx, w, func(r *wishRow) {
				r.Pricing, r.Work, r.Says, r.Note = Priced, &Work{Must: v.Must, Also: v.Also}, v.Says, ""
			})
		},
	})
	if err != nil {
		return flow.Outcome{}, err
	}
	o.cfg.Projects.Wake(w.project.ID)
	return flow.Done(nil), nil
}

// pricedTx changes the wish of a run, unless another run has taken over.
func (o *Options) pricedTx(ctx context.Context, tx pgx.Tx, w *work, do func(r *wishRow)) error {
	if _, err := o.cfg.Projects.LockTx(ctx, tx, w.actor, w.project.ID); err != nil {
		return err
	}
	r, err := oneWish(ctx, tx, w.project.ID, w.order.Wish)
	if fault.Is(err, fault.NotFound) || err == nil && r.Run != string(w.node.Run) {
		return errOvertaken
	}
	if err != nil {
		return err
	}
	do(&r)
	return o.saveWishTx(ctx, tx, w.project.ID, r)
}

// noteWishTx says that pricing waits or has failed.
func (o *Options) noteWishTx(ctx context.Context, tx pgx.Tx, w *work, s State, text string) error {
	return o.pricedTx(ctx, tx, w, func(r *wishRow) {
		r.Note = text
		if s == Failed {
			r.Pricing, r.Run = NotPossible, ""
		}
	})
}

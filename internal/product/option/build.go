package option

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/account/form"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// ConfirmWords is what Build.Confirm must say where it is needed, so that nobody spends
// so much by a slip.
func ConfirmWords(ceiling meter.NanoUSD) string { return "up to " + ceiling.String() }

// BuildThis orders a build: it decides the direction where that is open or was never
// decided, confirms the scope, records the option, sets the ceiling as the limit of the
// run and starts it. All of it, or nothing; the same again changes nothing. The run waits
// in line until somebody can build.
//
// fault.Invalid on key, ceiling and the choices; fault.PaymentRequired with code
// no_limits; fault.Conflict, each with the field see (where it is seen to), with code
// project_deleted, project_parked, options_needed, being_written, page_being_written,
// refresh_first, build_running, no_price, price_changed, confirm_needed, direction_open,
// option_open or key_reused.
func (o *Options) BuildThis(ctx context.Context, actor account.Actor, p project.ID, b Build) (Order, error) {
	if _, err := o.cfg.Projects.Get(ctx, actor, p); err != nil {
		return Order{}, err
	}
	r, err := o.ratesOf(ctx, actor, p) // before the project is locked: it asks elsewhere
	if err != nil {
		return Order{}, err
	}
	left, err := o.leftOf(ctx, actor, r.tariff)
	if err != nil {
		return Order{}, err
	}
	var made Order
	err = o.locked(ctx, actor, p, func(tx pgx.Tx, in project.Project) error {
		b, err := b.checked()
		if err != nil {
			return err
		}
		done, err := oneOrder(ctx, tx, orderOfKey, p, b.Key)
		if !errors.Is(err, pgx.ErrNoRows) {
			made = done.order()
			return b.again(p, done, err)
		}
		d := deal{actor: actor, project: in, build: b, rates: r, left: left}
		made, err = o.buildTx(ctx, tx, d)
		return err
	})
	if err != nil {
		return Order{}, err
	}
	return o.withState(ctx, actor, made)
}

// maxKey and maxWords bound what is given, in characters and bytes.
const (
	maxKey   = 180 // with what the decisions add it stays a key of theirs
	maxWords = 20_000
)

// checked returns b as it is stored.
func (b Build) checked() (Build, error) {
	var f form.Form
	b.Key = f.Line("key", b.Key, 1, maxKey)
	b.Because = f.Block("because", b.Because, maxWords)
	b.Confirm = f.Line("confirm", b.Confirm, 0, maxKey)
	if b.Ceiling < 0 {
		f.Refuse("ceiling", "Choose an amount of $0 or more.")
	}
	b.check(&f)
	return b, f.Err()
}

// again answers a key that was used before.
func (b Build) again(p project.ID, done orderRow, err error) error {
	if err != nil {
		return err
	}
	if done.Option != b.Option || done.Ceiling != b.Ceiling || done.order().Choices != b.Choices {
		return conflict(p, "key_reused", "This key belongs to another build. Send a new one.", "brief")
	}
	return nil
}

// deal is all that an order is made from.
type deal struct {
	actor   account.Actor
	project project.Project
	build   Build
	rates   rates
	left    Left
}

const insertOrder = `
INSERT INTO build_order (id, project_id, key, option_id, decision_id, scope, quote, ceiling_nano, on_question, at_limit, tell, run,
    expected_tokens, expected_nano, expected_seconds, ordered_by, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`

// buildTx makes an order of what was looked at in a transaction that has locked the
// project.
func (o *Options) buildTx(ctx context.Context, tx pgx.Tx, d deal) (Order, error) {
	p, b := d.project.ID, d.build
	set, chosen, err := o.offeredTx(ctx, tx, d)
	if err != nil {
		return Order{}, err
	}
	if err := d.price(chosen); err != nil {
		return Order{}, err
	}
	if err := o.directTx(ctx, tx, d); err != nil {
		return Order{}, err
	}
	if err := o.cfg.Documents.ConfirmTx(ctx, tx, d.actor, p, set.Scope); err != nil {
		return Order{}, err
	}
	words := fmt.Sprintf("up to %s, %s", b.Ceiling, b.words())
	decision, err := o.decideTx(ctx, tx, d.actor, p, set, journey.Verdict{Key: b.Key + "/option", Choice: string(chosen.ID), Words: words, Because: b.Because})
	if err != nil {
		return Order{}, err
	}
	made := Order{
		ID: id.Mint[OrderID](o.cfg.IDs), Option: chosen.ID, Decision: decision.ID, Scope: set.Scope, Quote: *chosen.Quote, Ceiling: b.Ceiling,
		Choices: b.Choices, State: flow.Queued, By: d.actor.User, At: o.cfg.Clock.Now(),
	}
	made.Run, err = o.cfg.Runs.StartTx(ctx, tx, d.project.Run(project.RunBuild, d.actor.User, string(made.ID), Assignment{Order: made.ID}))
	if err != nil {
		return Order{}, err
	}
	if err := o.cfg.Meter.AcceptQuoteTx(ctx, tx, d.actor, string(made.Run), made.Ceiling); err != nil {
		return Order{}, err
	}
	e := expect(chosen.work, d.rates.tariff)
	if _, err := tx.Exec(ctx, insertOrder, made.ID, p, b.Key, made.Option, made.Decision, made.Scope, made.Quote, made.Ceiling, made.OnQuestion,
		made.AtLimit, made.Tell, made.Run, e.tokens, e.cost, int64(e.took.Seconds()), made.By, made.At); err != nil {
		return Order{}, fmt.Errorf("store order: %w", err)
	}
	return made, o.tellTx(ctx, tx, p, Ordered, news{Order: made.ID})
}

// Assignment is the input of the run that builds.
type Assignment struct {
	Order OrderID `json:"order"`
}

// offeredTx returns the set in force and the option of it that is ordered, or why none
// can be.
func (o *Options) offeredTx(ctx context.Context, tx pgx.Tx, d deal) (Set, Option, error) {
	p := d.project.ID
	set, err := o.wholeTx(ctx, tx, d.actor, p, d.rates)
	if err != nil {
		return Set{}, Option{}, err
	}
	if err := set.ready(p); err != nil {
		return Set{}, Option{}, err
	}
	chosen, ok := set.Option(d.build.Option)
	if !ok {
		return Set{}, Option{}, conflict(p, "refresh_first", "This is not one of the ways to build that are in force. Look at them first.", "options")
	}
	return set, chosen, o.nothingUnderwayTx(ctx, tx, d.project)
}

// nothingUnderwayTx refuses while the page is written, since then it is about to say
// something else, and while another build is not over.
func (o *Options) nothingUnderwayTx(ctx context.Context, tx pgx.Tx, in project.Project) error {
	for kind, refusal := range map[flow.Kind]*fault.Error{
		project.RunWriteBrief: conflict(in.ID, "page_being_written", "The page about your idea is being written again. It takes a moment.", "brief"),
		project.RunBuild:      conflict(in.ID, "build_running", "A build of this project is under way or waits in line already.", "build"),
	} {
		run, err := o.cfg.Runs.UnderwayTx(ctx, tx, string(in.Workspace), string(in.ID), kind)
		if err != nil {
			return err
		}
		if run != "" {
			return refusal
		}
	}
	return nil
}

// ready refuses a set of which nothing can be ordered or chosen.
func (s Set) ready(p project.ID) error {
	switch {
	case s.State == Writing:
		return conflict(p, "being_written", "I am still working out how to build this. It takes a moment.", "options")
	case s.ID == "":
		return conflict(p, "options_needed", "I have not worked out yet how to build this. Ask me to first.", "options")
	case s.Stale:
		return conflict(p, "refresh_first", "The page has changed since I worked out how to build it. Refresh first, so that you get what the page says now.", "options")
	}
	return nil
}

// price refuses a ceiling that does not belong to what the build costs now, or that
// needs a second word.
func (d deal) price(chosen Option) error {
	p, b := d.project.ID, d.build
	switch {
	case chosen.Quote == nil:
		return conflict(p, "no_price", d.rates.why, "brief")
	case chosen.Quote.Free() != (b.Ceiling == 0):
		return conflict(p, "price_changed", "What this costs has changed since the page was drawn. Look at it again.", "brief").
			WithField("ceiling", chosen.Quote.Ceiling().String())
	case chosen.Quote.Free():
		return nil
	case !d.left.Set:
		return fault.New(fault.PaymentRequired, "no_limits", "Nothing that costs money starts before you have set a limit. Set one under Spending.").
			WithField("see", "/spending")
	}
	why := d.left.tight(b.Ceiling)
	words := ConfirmWords(b.Ceiling)
	if why != "" && !strings.EqualFold(b.Confirm, words) {
		return conflict(p, "confirm_needed", why+" If that is what you want, say it in words: “"+words+"”.", "brief").WithField("confirm", words)
	}
	return nil
}

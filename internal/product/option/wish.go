package option

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"
	"cofounder/internal/product/account/form"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// WishID identifies a wish.
type WishID string

// Prefix implements id.Kind.
func (WishID) Prefix() string { return "wsh" }

// Pricing is how far it is known what a wish takes. The texts are stored and in the API.
type Pricing string

// The states of pricing.
const (
	NoPrice     Pricing = "not_asked" // nobody can tell; Wish.Note says why
	Working     Pricing = "working"
	Priced      Pricing = "priced"
	NotPossible Pricing = "failed" // Wish.Note says why; it can be asked for again
)

// Wish is something somebody of the team would like of the product, in their words.
type Wish struct {
	ID       WishID
	Text     string
	Revision int // of the text, from 1
	Ticked   bool
	Pricing  Pricing
	// Quote is nil until the wish is priced, and where no prices are known.
	Quote  *Quote
	Says   string // what it is, in one sentence; empty until it is priced
	Note   string
	Author account.UserID
	At     time.Time
}

const (
	maxWish    = 20_000 // bytes
	mostWishes = 500
)

// wishRow is a wish as it is stored.
type wishRow struct {
	ID       WishID
	Text     string
	Revision int
	Ticked   bool
	Pricing  Pricing
	Work     *Work
	Says     string
	Note     string
	Run      string
	Starts   int
	Author   account.UserID
	At       time.Time
}

func (r wishRow) wish(prices rates) Wish {
	w := Wish{
		ID: r.ID, Text: r.Text, Revision: r.Revision, Ticked: r.Ticked, Pricing: r.Pricing, Says: r.Says, Note: r.Note, Author: r.Author, At: r.At,
	}
	if r.Work != nil && prices.known() {
		q := Estimate(*r.Work, prices.tariff, prices.past)
		w.Quote = &q
	}
	return w
}

const (
	wishColumns = `w.id, w.text, w.revision, w.ticked, w.pricing, w.work, w.says, w.note, w.run, w.starts, w.author, w.at`

	getWish   = `SELECT ` + wishColumns + ` FROM wish w WHERE w.project_id = $1 AND w.id = $2 AND w.removed_at IS NULL`
	getWishes = `SELECT ` + wishColumns + ` FROM wish w WHERE w.project_id = $1 AND w.removed_at IS NULL ORDER BY w.id`

	insertWish = `INSERT INTO wish (id, project_id, text, pricing, note, author, at) VALUES ($1, $2, $3, 'not_asked', $4, $5, $6)`
	setWish    = `
UPDATE wish SET text = $3, revision = $4, ticked = $5, pricing = $6, work = $7, says = $8, note = $9, run = $10, starts = $11
WHERE project_id = $1 AND id = $2`
	removeWish = `UPDATE wish SET removed_at = $3, run = '' WHERE project_id = $1 AND id = $2`
)

// Wishes returns the wishes of a project, the oldest first.
func (o *Options) Wishes(ctx context.Context, actor account.Actor, p project.ID) ([]Wish, error) {
	if _, err := o.cfg.Projects.Get(ctx, actor, p); err != nil {
		return nil, err
	}
	prices, err := o.ratesOf(ctx, actor, p)
	if err != nil {
		return nil, err
	}
	found, err := o.cfg.DB.Query(ctx, getWishes, p)
	if err != nil {
		return nil, fmt.Errorf("ask for wishes: %w", err)
	}
	kept, err := pgx.CollectRows(found, pgx.RowToStructByName[wishRow])
	if err != nil {
		return nil, fmt.Errorf("read wishes: %w", err)
	}
	all := make([]Wish, 0, len(kept))
	for _, r := range kept {
		all = append(all, r.wish(prices))
	}
	return all, nil
}

func oneWish(ctx context.Context, q querier, p project.ID, w WishID) (wishRow, error) {
	found, err := q.Query(ctx, getWish, p, w)
	if err != nil {
		return wishRow{}, fmt.Errorf("ask for wish: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(found, pgx.RowToStructByName[wishRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return wishRow{}, fault.New(fault.NotFound, "", "There is no such wish.")
	}
	if err != nil {
		return wishRow{}, fmt.Errorf("read wish: %w", err)
	}
	return r, nil
}

// keptForLater is what is said of a wish while no AI is connected.
const keptForLater = "I kept your wish; with an AI connected I will price it."

// WishFor keeps a wish, and finds out what it takes where that can be told. A project on
// hold takes wishes, too. fault.Invalid on text; fault.Conflict with code project_deleted
// or too_many_wishes.
func (o *Options) WishFor(ctx context.Context, actor account.Actor, p project.ID, text string) (Wish, error) {
	made := WishID("")
	return o.wishing(ctx, actor, p, &made, func(tx pgx.Tx, in project.Project, prices rates) error {
		text, err := wishText(text)
		if err != nil {
			return err
		}
		var n int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM wish WHERE project_id = $1 AND removed_at IS NULL`, p).Scan(&n); err != nil {
			return fmt.Errorf("count wishes: %w", err)
		}
		if n >= mostWishes {
			return conflict(p, "too_many_wishes", "There are 500 wishes already. Remove some that matter no more.", "roadmap")
		}
		made = id.Mint[WishID](o.cfg.IDs)
		if _, err := tx.Exec(ctx, insertWish, made, p, text, keptForLater, actor.User, o.cfg.Clock.Now()); err != nil {
			return fmt.Errorf("keep wish: %w", err)
		}
		if err := o.tellTx(ctx, tx, p, WishKept, news{Wish: made}); err != nil {
			return err
		}
		return o.changeWishTx(ctx, tx, p, made, func(r *wishRow) error { return o.askPriceTx(ctx, tx, actor, in, r, prices) })
	})
}

func wishText(text string) (string, error) {
	var f form.Form
	text = f.Block("text", text, maxWish)
	if text == "" && !f.Refused("text") {
		f.Refuse("text", "Say what you would like.")
	}
	return text, f.Err()
}

// WishChange is what is changed about a wish; what is nil stays.
type WishChange struct {
	Text   *string
	Ticked *bool
}

// ChangeWish gives a wish other words, which are priced anew, or ticks it. fault.Invalid
// on text. One that is not there is fault.NotFound.
func (o *Options) ChangeWish(ctx context.Context, actor account.Actor, p project.ID, w WishID, c WishChange) (Wish, error) {
	return o.wishing(ctx, actor, p, &w, func(tx pgx.Tx, in project.Project, prices rates) error {
		return o.changeWishTx(ctx, tx, p, w, func(r *wishRow) error {
			if c.Ticked != nil {
				r.Ticked = *c.Ticked
			}
			if c.Text == nil {
				return nil
			}
			text, err := wishText(*c.Text)
			if err != nil || text == r.Text {
				return err
			}
			r.Text, r.Revision = text, r.Revision+1
			return o.askPriceTx(ctx, tx, actor, in, r, prices)
		})
	})
}

// PriceWish finds out what a wish takes: after a failure, or since an AI is connected.
// While that is under way it changes nothing. Without an AI it is fault.Conflict with code
// no_ai.
func (o *Options) PriceWish(ctx context.Context, actor account.Actor, p project.ID, w WishID) (Wish, error) {
	return o.wishing(ctx, actor, p, &w, func(tx pgx.Tx, in project.Project, prices rates) error {
		return o.changeWishTx(ctx, tx, p, w, func(r *wishRow) error {
			if prices.tariff.Payer == meter.Nobody {
				return conflict(p, "no_ai", keptForLater, "roadmap")
			}
			if r.Pricing == Working {
				return nil
			}
			return o.askPriceTx(ctx, tx, actor, in, r, prices)
		})
	})
}

// RemoveWish takes a wish off the list. One that is not there is fault.NotFound.
func (o *Options) RemoveWish(ctx context.Context, actor account.Actor, p project.ID, w WishID) error {
	return o.lockedWishes(ctx, actor, p, func(tx pgx.Tx, _ project.Project) error {
		if _, err := oneWish(ctx, tx, p, w); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, removeWish, p, w, o.cfg.Clock.Now()); err != nil {
			return fmt.Errorf("remove wish: %w", err)
		}
		return o.tellTx(ctx, tx, p, WishChanged, news{Wish: w})
	})
}

// wishing does something with wishes and returns the one it was about.
func (o *Options) wishing(ctx context.Context, actor account.Actor, p project.ID, w *WishID, do func(tx pgx.Tx, in project.Project, prices rates) error) (Wish, error) {
	if _, err := o.cfg.Projects.Get(ctx, actor, p); err != nil {
		return Wish{}, err
	}
	prices, err := o.ratesOf(ctx, actor, p)
	if err != nil {
		return Wish{}, err
	}
	var after wishRow
	err = o.lockedWishes(ctx, actor, p, func(tx pgx.Tx, in project.Project) error {
		if err := do(tx, in, prices); err != nil {
			return err
		}
		after, err = oneWish(ctx, tx, p, *w)
		return err
	})
	return after.wish(prices), err
}

// lockedWishes is locked for what a project on hold takes, too.
func (o *Options) lockedWishes(ctx context.Context, actor account.Actor, p project.ID, do func(tx pgx.Tx, in project.Project) error) error {
	return o.lockedIf(ctx, actor, p, func(in project.Project) error {
		if in.Status == project.Parked {
			return nil
		}
		return goesOn(in)
	}, do)
}

func (o *Options) changeWishTx(ctx context.Context, tx pgx.Tx, p project.ID, w WishID, do func(r *wishRow) error) error {
	r, err := oneWish(ctx, tx, p, w)
	if err != nil {
		return err
	}
	if err := do(&r); err != nil {
		return err
	}
	return o.saveWishTx(ctx, tx, p, r)
}

func (o *Options) saveWishTx(ctx context.Context, tx pgx.Tx, p project.ID, r wishRow) error {
	if _, err := tx.Exec(ctx, setWish, p, r.ID, r.Text, r.Revision, r.Ticked, r.Pricing, r.Work, r.Says, r.Note, r.Run, r.Starts); err != nil {
		return fmt.Errorf("store wish: %w", err)
	}
	return o.tellTx(ctx, tx, p, WishChanged, news{Wish: r.ID})
}

package option

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// row is a set as it is stored.
type row struct {
	ID       SetID
	Number   int
	Compare  bool
	Feedback string
	Brief    int
	Scope    int
	State    State
	Reason   string
	Trouble  string
	OnlyOne  string
	Run      string
}

// querier is what pools and transactions can both do.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

const (
	setColumns = `s.id, s.number, s.compare, s.feedback, s.brief, s.scope, s.state, s.reason, s.trouble, s.only_one, s.run`

	latestSet  = `SELECT ` + setColumns + ` FROM option_set s WHERE s.project_id = $1 ORDER BY s.number DESC LIMIT 1`
	setInForce = `SELECT ` + setColumns + ` FROM option_set s WHERE s.project_id = $1 AND s.state = 'written' ORDER BY s.number DESC LIMIT 1`

	optionsOf = `SELECT o.id, o.content, o.recommended FROM build_option o WHERE o.project_id = $1 AND o.set_id = $2 ORDER BY o.recommended DESC, o.place`
)

// oneSet returns the only set of a query; none is the zero row, which has number 0.
func oneSet(ctx context.Context, q querier, sql string, p project.ID) (row, error) {
	found, err := q.Query(ctx, sql, p)
	if err != nil {
		return row{}, fmt.Errorf("ask for options: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(found, pgx.RowToStructByName[row])
	if errors.Is(err, pgx.ErrNoRows) {
		return row{State: NotAsked}, nil
	}
	if err != nil {
		return row{}, fmt.Errorf("read options: %w", err)
	}
	return r, nil
}

// Get returns the ways to build a project, with what each would take by the prices in
// force.
func (o *Options) Get(ctx context.Context, actor account.Actor, p project.ID) (Set, error) {
	if _, err := o.cfg.Projects.Get(ctx, actor, p); err != nil {
		return Set{}, err
	}
	rates, err := o.ratesOf(ctx, actor, p)
	if err != nil {
		return Set{}, err
	}
	var set Set
	err = pgx.BeginTxFunc(ctx, o.cfg.DB, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) (err error) {
		set, err = o.wholeTx(ctx, tx, actor, p, rates)
		return err
	})
	if err != nil {
		return Set{}, err
	}
	return o.finished(ctx, actor, set, rates)
}

// finished adds to a set what is known elsewhere: how the build goes, and what is left to
// spend.
func (o *Options) finished(ctx context.Context, actor account.Actor, set Set, r rates) (Set, error) {
	if set.Order != nil {
		order, err := o.withState(ctx, actor, *set.Order)
		if err != nil {
			return Set{}, err
		}
		set.Order = &order
	}
	var err error
	if set.Left, err = o.leftOf(ctx, actor, r.tariff); err != nil {
		return Set{}, err
	}
	for n, one := range set.Options {
		if one.Quote != nil && !one.Quote.Free() {
			set.Options[n].Tight = set.Left.tight(one.Quote.Ceiling())
		}
	}
	return set, nil
}

// rates are what quotes are made of.
type rates struct {
	tariff meter.Tariff // without prices: there is none, and why says why not
	past   []Past
	why    string
}

func (r rates) known() bool { return len(r.tariff.Prices) > 0 }

// ratesOf reads what quotes are made of. That a team's AI cannot be priced is a part of
// it, not an error.
func (o *Options) ratesOf(ctx context.Context, actor account.Actor, p project.ID) (rates, error) {
	tariff, err := o.cfg.Model.Tariff(ctx, actor, p, builders()...)
	if f := fault.Of(err); f != nil && f.Kind == fault.Conflict {
		return rates{why: f.Detail}, nil
	}
	if err != nil {
		return rates{}, err
	}
	past, err := o.past(ctx, tariff.Free())
	return rates{tariff: tariff, past: past}, err
}

// wholeTx reads the ways to build a project the actor sees.
func (o *Options) wholeTx(ctx context.Context, tx pgx.Tx, actor account.Actor, p project.ID, r rates) (Set, error) {
	latest, err := oneSet(ctx, tx, latestSet, p)
	if err != nil {
		return Set{}, err
	}
	set := Set{State: latest.State, Feedback: latest.Feedback, Reason: latest.Reason, Trouble: latest.Trouble, Options: []Option{}, Unpriced: r.why}
	if set.Order, err = lastOrder(ctx, tx, p); err != nil {
		return Set{}, err
	}
	force := latest
	if latest.State != Written {
		if force, err = oneSet(ctx, tx, setInForce, p); err != nil {
			return Set{}, err
		}
	}
	if force.Number == 0 {
		return set, nil
	}
	set.ID, set.Number, set.Compare, set.OnlyOne, set.Brief, set.Scope = force.ID, force.Number, force.Compare, force.OnlyOne, force.Brief, force.Scope
	papers, err := o.papersTx(ctx, tx, actor, p)
	if err != nil {
		return Set{}, err
	}
	set.Stale = papers.brief.Number != force.Brief || papers.scope.Number != force.Scope
	made := papers.plan
	if set.Stale {
		if made, err = o.planTx(ctx, tx, actor, p, force.Scope); err != nil {
			return Set{}, err
		}
	}
	if set.Options, err = optionsIn(ctx, tx, p, force.ID, made, r); err != nil {
		return Set{}, err
	}
	chosen, err := o.cfg.Journeys.ChosenOptionTx(ctx, tx, p)
	if err != nil {
		return Set{}, err
	}
	if _, ok := set.Option(ID(chosen)); ok {
		set.Chosen = ID(chosen)
	}
	return set, nil
}

// optionsIn returns the options of a set, made for the scope plan.
func optionsIn(ctx context.Context, q querier, p project.ID, set SetID, plan document.Scope, r rates) ([]Option, error) {
	found, err := q.Query(ctx, optionsOf, p, set)
	if err != nil {
		return nil, fmt.Errorf("ask for options: %w", err)
	}
	kept, err := pgx.CollectRows(found, pgx.RowToStructByName[struct {
		ID          ID
		Content     json.RawMessage
		Recommended bool
	}])
	if err != nil {
		return nil, fmt.Errorf("read options: %w", err)
	}
	all := make([]Option, 0, len(kept))
	for _, k := range kept {
		one := Option{ID: k.ID, Recommended: k.Recommended}
		if err := json.Unmarshal(k.Content, &one.Content); err != nil {
			return nil, fmt.Errorf("read %s: %w", k.ID, err)
		}
		one.work, one.Coverage = covered(plan, one.Covers)
		if r.known() {
			q := Estimate(one.work, r.tariff, r.past)
			one.Quote = &q
		}
		all = append(all, one)
	}
	return all, nil
}

// covered counts the criteria of a scope that an option does, and returns which per cent
// of all that is, rounded down.
func covered(plan document.Scope, covers []string) (Work, int) {
	var w Work
	all := 0
	for _, f := range plan.Features {
		if f.Priority == document.Later {
			continue
		}
		for _, c := range f.Criteria {
			all++
			switch {
			case !slices.Contains(covers, c.ID):
			case c.Must:
				w.Must++
			default:
				w.Also++
			}
		}
	}
	if all == 0 {
		return w, 100 //nolint:mnd // nothing is left out
	}
	return w, 100 * (w.Must + w.Also) / all
}

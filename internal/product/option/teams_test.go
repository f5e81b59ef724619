package option_test

import (
	"context"
	"reflect"
	"testing"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/option"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// Every method, with a project of another team, of none, and what is no id at all: not
// found, whatever else is wrong with the call, and nothing is written.
func TestTwoTeams(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start(t)
	bob := w.tell(t, walks)
	set := bob.awaitState(t, option.Written)
	best, _ := set.Best()
	wish, err := w.WishFor(t.Context(), bob.actor, bob.id, "A shop.")
	if err != nil {
		t.Fatal(err)
	}
	order, err := w.BuildThis(t.Context(), bob.actor, bob.id, option.Build{Key: "k", Option: best.ID, Choices: option.UsualChoices()})
	if err != nil {
		t.Fatal(err)
	}
	ann := w.founder(t)
	targets := map[string]struct {
		actor account.Actor
		id    project.ID
	}{
		"another team's": {ann, bob.id}, "none": {ann, id.Mint[project.ID](w.ids)}, "malformed": {ann, "prj_x' OR true --"}, "empty": {ann, ""},
	}
	yes, text := true, "taken"
	calls := map[string]func(ctx context.Context, a account.Actor, p project.ID) error{
		"Get": func(ctx context.Context, a account.Actor, p project.ID) error { _, err := w.Get(ctx, a, p); return err },
		"Ask": func(ctx context.Context, a account.Actor, p project.ID) error {
			_, err := w.Ask(ctx, a, p, option.Wanted{Compare: true})
			return err
		},
		"Choose": func(ctx context.Context, a account.Actor, p project.ID) error {
			_, err := w.Choose(ctx, a, p, best.ID, "k2", "")
			return err
		},
		"BuildThis": func(ctx context.Context, a account.Actor, p project.ID) error {
			_, err := w.BuildThis(ctx, a, p, option.Build{Key: "k", Option: best.ID})
			return err
		},
		"OrderOf": func(ctx context.Context, a account.Actor, p project.ID) error {
			_, err := w.OrderOf(ctx, a, p, order.Run)
			return err
		},
		"Place": func(ctx context.Context, a account.Actor, p project.ID) error {
			_, err := w.Place(ctx, a, p, order)
			return err
		},
		"End": func(ctx context.Context, a account.Actor, p project.ID) error { return w.End(ctx, a, p, order.ID) },
		"Wishes": func(ctx context.Context, a account.Actor, p project.ID) error {
			_, err := w.Wishes(ctx, a, p)
			return err
		},
		"WishFor": func(ctx context.Context, a account.Actor, p project.ID) error {
			_, err := w.WishFor(ctx, a, p, text)
			return err
		},
		"ChangeWish": func(ctx context.Context, a account.Actor, p project.ID) error {
			_, err := w.ChangeWish(ctx, a, p, wish.ID, option.WishChange{Text: &text, Ticked: &yes})
			return err
		},
		"PriceWish": func(ctx context.Context, a account.Actor, p project.ID) error {
			_, err := w.PriceWish(ctx, a, p, wish.ID)
			return err
		},
		"RemoveWish": func(ctx context.Context, a account.Actor, p project.ID) error {
			return w.RemoveWish(ctx, a, p, wish.ID)
		},
		"Alignment": func(ctx context.Context, a account.Actor, p project.ID) error {
			_, err := w.Alignment(ctx, a, p)
			return err
		},
	}
	before := w.rows(t)
	for name, call := range calls {
		for what, x := range targets {
			faulttest.Wants(t, name+" of "+what, call(t.Context(), x.actor, x.id), "not_found")
		}
	}
	if after := w.rows(t); after != before {
		t.Errorf("something was written: %s, before %s", after, before)
	}
	// RecordTx is for the run that builds and says which one it is.
	calls["RecordTx"] = nil
	for m := range reflect.TypeFor[*option.Options]().Methods() {
		if _, ok := calls[m.Name]; !ok {
			t.Errorf("%s is new: say here what it does with another team's project", m.Name)
		}
	}
	err = db.InTx(t.Context(), w.db, func(tx pgx.Tx) error {
		return w.RecordTx(t.Context(), tx, flow.RunID("run_00000000000000000000000000"), option.Outcome{})
	})
	faulttest.Wants(t, "RecordTx of none", err, "not_found")
}

// rows is how much there is in what this package writes.
func (w *world) rows(t *testing.T) string {
	t.Helper()
	var all string
	err := w.db.QueryRow(t.Context(), `
SELECT concat_ws(' ', (SELECT count(*) FROM option_set), (SELECT count(*) FROM build_option), (SELECT count(*) FROM build_order),
    (SELECT md5(string_agg(w::text, ',' ORDER BY id)) FROM wish w), (SELECT count(*) FROM decision), (SELECT count(*) FROM run))`).Scan(&all)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

package option_test

import (
	"strings"
	"testing"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/option"

	"github.com/jackc/pgx/v5"
)

// ready is a desk whose way to build is worked out, and an order for it.
func ready(t *testing.T) (*desk, option.Build) {
	t.Helper()
	d := newWorld(t).start(t).tell(t, walks)
	best, ok := d.awaitState(t, option.Written).Best()
	if !ok {
		t.Fatal("there is no way to build")
	}
	return d, option.Build{Key: "k", Option: best.ID, Choices: option.UsualChoices()}
}

// refuses orders, wants a refusal that says where to look, and that nothing was written.
func (d *desk) refuses(t *testing.T, what string, b option.Build, want string) {
	t.Helper()
	before := d.rows(t)
	_, err := d.BuildThis(t.Context(), d.actor, d.id, b)
	faulttest.Wants(t, what, err, want)
	if f := fault.Of(err); f != nil && f.Kind == fault.Conflict && (len(f.Detail) < 20 || !strings.HasPrefix(f.Fields[0].Detail, "/p/"+string(d.id)+"/")) {
		t.Errorf("%s: says %q, leads to %v", what, f.Detail, f.Fields)
	}
	if after := d.rows(t); after != before {
		t.Errorf("%s: something was written: %s, before %s", what, after, before)
	}
}

// edit changes a line of the page, as the founder.
func (d *desk) edit(t *testing.T, k document.Kind, place, value string) {
	t.Helper()
	doc, err := d.documents.Get(t.Context(), d.actor, d.id, k)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.documents.Edit(t.Context(), d.actor, d.id, k, document.Edit{
		Place: document.ParsePlace(place), Value: []byte(value), Base: doc.Current.Number,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatStandsInTheWay(t *testing.T) {
	t.Parallel()
	d, b := ready(t)
	change := func(do func(*option.Build)) option.Build {
		c := b
		do(&c)
		return c
	}
	d.refuses(t, "no key", change(func(b *option.Build) { b.Key = " " }), "invalid key")
	d.refuses(t, "no choices", change(func(b *option.Build) { b.Choices = option.Choices{} }), "invalid on_question at_limit tell")
	d.refuses(t, "mail", change(func(b *option.Build) { b.Tell = option.ByMail }), "invalid tell")
	d.refuses(t, "less than nothing", change(func(b *option.Build) { b.Ceiling = -1 }), "invalid ceiling")
	d.refuses(t, "a price for what is free", change(func(b *option.Build) { b.Ceiling = 1 }), "conflict price_changed see ceiling")
	d.refuses(t, "another option", change(func(b *option.Build) { b.Option = "opt_00000000000000000000000000" }), "conflict refresh_first see")
	viewer := *d
	viewer.actor.Role = account.Viewer
	viewer.refuses(t, "a viewer", b, "forbidden viewer_only")

	if _, err := d.projects.Park(t.Context(), d.actor, d.id, "until spring"); err != nil {
		t.Fatal(err)
	}
	d.refuses(t, "on hold", b, "conflict project_parked see")
	if _, err := d.projects.Unpark(t.Context(), d.actor, d.id); err != nil {
		t.Fatal(err)
	}

	// A question of ours that offers no way on, such as when the idea cannot be built.
	ask := journey.Ask{Key: "a", Kind: journey.Direction, Options: []journey.Alternative{{Value: journey.Narrow, Title: "Make it smaller"}}}
	open, err := d.journeys.Open(t.Context(), d.actor, d.id, ask)
	if err != nil {
		t.Fatal(err)
	}
	d.refuses(t, "another question about the direction", b, "conflict direction_open see")
	if _, err := d.journeys.Decide(t.Context(), d.actor, d.id, open.ID, journey.Verdict{Key: "n", Choice: journey.Narrow, Words: "Only the calendar."}); err != nil {
		t.Fatal(err)
	}
	// It is written again from now on, or is another by now.
	_, err = d.BuildThis(t.Context(), d.actor, d.id, b)
	if got := faulttest.Says(err); got != "conflict page_being_written see" && got != "conflict refresh_first see" && got != "conflict being_written see" {
		t.Errorf("while the page is written again: %q (%v)", got, err)
	}
}

// An edit of the page makes what was worked out stale: refresh, then build.
func TestRefreshFirst(t *testing.T) {
	t.Parallel()
	d, b := ready(t)
	d.edit(t, document.BriefKind, "value", `"Fewer calls on Sundays."`)
	if set := d.look(t); !set.Stale || len(set.Options) != 1 {
		t.Errorf("after an edit %+v", set)
	}
	d.refuses(t, "stale", b, "conflict refresh_first see")
	_, err := d.Choose(t.Context(), d.actor, d.id, b.Option, "c", "")
	faulttest.Wants(t, "choosing what is stale", err, "conflict refresh_first see")
	if _, err := d.Ask(t.Context(), d.actor, d.id, option.Wanted{}); err != nil {
		t.Fatal(err)
	}
	set := d.await(t, "a fresh one", func(s option.Set) bool { return s.State == option.Written && !s.Stale })
	d.refuses(t, "the one before", b, "conflict refresh_first see")
	b.Option = set.Options[0].ID
	if _, err := d.BuildThis(t.Context(), d.actor, d.id, b); err != nil {
		t.Fatal(err)
	}
	b.Key = "another"
	d.refuses(t, "twice", b, "conflict build_running see")
	b.Key, b.AtLimit = "k", option.StopThere
	d.refuses(t, "the key of another", b, "conflict key_reused see")
}

// Two or three to compare; choosing another is a decision against our advice, and the
// button builds it then.
func TestCompareAndChoose(t *testing.T) {
	t.Parallel()
	d, b := ready(t)
	asked, err := d.Ask(t.Context(), d.actor, d.id, option.Wanted{Compare: true, Feedback: "Smaller, please."})
	if err != nil || asked.State != option.Writing || len(asked.Options) != 1 || asked.Feedback != "Smaller, please." {
		t.Fatalf("asked %+v, %v", asked, err)
	}
	set := d.await(t, "two ways", func(s option.Set) bool { return s.State == option.Written && s.Compare })
	if len(set.Options) != 2 || !set.Options[0].Recommended || set.Options[1].Recommended || set.Options[1].Coverage >= set.Options[0].Coverage {
		t.Fatalf("two ways %+v", set.Options)
	}
	if set.Options[1].Quote.Tokens.P50 >= set.Options[0].Quote.Tokens.P50 {
		t.Errorf("less is not less: %+v, %+v", set.Options[1].Quote, set.Options[0].Quote)
	}
	other := set.Options[1].ID
	for range 2 { // the same again changes nothing
		if set, err = d.Choose(t.Context(), d.actor, d.id, other, "c", "It is quicker."); err != nil || set.Chosen != other {
			t.Fatalf("chosen %s, %v", set.Chosen, err)
		}
	}
	page, err := d.journeys.Decisions(t.Context(), d.actor, d.id, journey.Query{Kind: journey.Option})
	if err != nil || len(page.Decisions) != 1 || !page.Decisions[0].Otherwise || page.Decisions[0].Because != "It is quicker." || len(page.Decisions[0].Options) != 2 {
		t.Errorf("decisions %+v, %v", page.Decisions, err)
	}
	_, err = d.Choose(t.Context(), d.actor, d.id, "opt_00000000000000000000000000", "x", "")
	faulttest.Wants(t, "choosing none", err, "not_found")
	if best, _ := set.Best(); best.ID != other {
		t.Errorf("on the button is %s, want %s", best.ID, other)
	}
	b.Option = other
	order, err := d.BuildThis(t.Context(), d.actor, d.id, b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.OrderOf(t.Context(), d.actor, d.id, order.Run)
	if err != nil || got != order || got.State != flow.Queued {
		t.Errorf("the order of the run %+v, %v; want %+v", got, err, order)
	}
}

// What a build came to is in the next quote, once.
func TestWhatBuildsCameTo(t *testing.T) {
	t.Parallel()
	d, b := ready(t)
	order, err := d.BuildThis(t.Context(), d.actor, d.id, b)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		err := db.InTx(t.Context(), d.db, func(tx pgx.Tx) error {
			return d.RecordTx(t.Context(), tx, order.Run, option.Outcome{Tokens: 5_000_000, Took: 3 * 60 * 1e9})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	best, _ := d.look(t).Best()
	if best.Quote.First() || best.Quote.Builds != 1 || best.Quote.Minutes.P50 <= order.Quote.Minutes.P50 || !best.Quote.Free() {
		t.Errorf("quote %+v, before %+v", best.Quote, order.Quote)
	}
}

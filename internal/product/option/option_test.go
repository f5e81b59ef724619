package option_test

import (
	"testing"

	"cofounder/internal/platform/flow"
	"cofounder/internal/product/document"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/option"
	"cofounder/internal/product/project"
)

// With no AI connected a page has its way to build when it is done, for nothing; one
// click orders it.
func TestFromPageToBuild(t *testing.T) {
	t.Parallel()
	d := newWorld(t).start(t).tell(t, walks)
	set := d.awaitState(t, option.Written)
	if len(set.Options) != 1 || set.Compare || set.Stale || set.Brief != 1 || set.Scope != 1 {
		t.Fatalf("set %+v", set)
	}
	best, ok := set.Best()
	if !ok || !best.Recommended || best.Coverage != 100 || best.Quote == nil || !best.Quote.Free() || !best.Quote.First() || best.Technical.Stack != option.Go {
		t.Fatalf("the way to build %+v", best)
	}
	b := option.Build{Key: "k", Option: best.ID, Choices: option.UsualChoices()}
	order, err := d.BuildThis(t.Context(), d.actor, d.id, b)
	if err != nil {
		t.Fatal(err)
	}
	if order.State != flow.Queued || order.Ceiling != 0 || order.Scope != 1 {
		t.Errorf("order %+v", order)
	}
	again, err := d.BuildThis(t.Context(), d.actor, d.id, b)
	if err != nil || again != order {
		t.Errorf("again %+v, %v", again, err)
	}
	j, err := d.journeys.Get(t.Context(), d.actor, d.id)
	if err != nil || j.Stage != journey.DirectionChosen || j.Block != nil || len(j.Open) != 0 {
		t.Errorf("journey %+v, %v", j, err)
	}
	scope, err := d.documents.Get(t.Context(), d.actor, d.id, document.ScopeKind)
	if err != nil || scope.Confirmed != 1 {
		t.Errorf("scope confirmed %d, %v", scope.Confirmed, err)
	}
	if set = d.look(t); set.Chosen != best.ID || set.Order == nil || set.Order.ID != order.ID {
		t.Errorf("afterwards %+v", set)
	}
	var kind flow.Kind
	if err := d.db.QueryRow(t.Context(), `SELECT kind FROM run WHERE id = $1`, order.Run).Scan(&kind); err != nil || kind != project.RunBuild {
		t.Errorf("run %s, %v", kind, err)
	}
}

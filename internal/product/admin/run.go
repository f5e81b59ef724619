package admin

import (
	"context"
	"fmt"
	"slices"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/jackc/pgx/v5"
)

// Query chooses runs. The zero Query is the newest of all teams.
type Query struct {
	State flow.State
	Kind  flow.Kind
	Team  account.WorkspaceID
	After string // the cursor of the page before
}

// Run is a run with the names of whom it belongs to; a name is empty where its owner is
// gone.
type Run struct {
	flow.Run

	Team        string
	ProjectName string
	StarterName string
}

// RunPage is one page of a list. Next is empty on the last one.
type RunPage struct {
	Runs []Run
	Next string
}

// States are those that runs can be chosen by.
func States() []flow.State {
	return []flow.State{flow.Queued, flow.Running, flow.Waiting, flow.Paused, flow.Finished, flow.Failed, flow.Ended}
}

// Runs lists runs of all teams, newest first. A cursor that is not one of ours is
// fault.Malformed, another state fault.Invalid.
func (d *Desk) Runs(ctx context.Context, actor account.Actor, q Query) (RunPage, error) {
	if err := need(actor); err != nil {
		return RunPage{}, err
	}
	if q.State != "" && !slices.Contains(States(), q.State) {
		return RunPage{}, fault.OnField("state", "There is no such state of a run.")
	}
	c := flow.Choice{State: q.State, Kind: q.Kind, Workspace: string(q.Team), Limit: pageSize + 1}
	if q.After != "" {
		var err error
		if c.After, err = id.Parse[flow.RunID](q.After); err != nil {
			return RunPage{}, errBadCursor(err)
		}
	}
	found, err := d.cfg.Flow.RunsOfAll(ctx, c)
	if err != nil {
		return RunPage{}, err
	}
	page := RunPage{}
	if len(found) > pageSize {
		found = found[:pageSize]
		page.Next = string(found[pageSize-1].ID)
	}
	page.Runs, err = d.named(ctx, found)
	return page, err
}

const namesOf = `
SELECT id, name FROM workspace WHERE id = ANY($1)
UNION ALL SELECT id, name FROM project WHERE id = ANY($1)
UNION ALL SELECT id, coalesce(nullif(name, ''), email, '') FROM app_user WHERE id = ANY($1)`

// names finds what teams, projects and people are called, by their ids.
func (d *Desk) names(ctx context.Context, ids []string) (map[string]string, error) {
	rows, err := d.cfg.DB.Query(ctx, namesOf, ids)
	if err != nil {
		return nil, fmt.Errorf("look up names: %w", err)
	}
	var key, name string
	names := map[string]string{}
	_, err = pgx.ForEachRow(rows, []any{&key, &name}, func() error {
		names[key] = name
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up names: %w", err)
	}
	return names, nil
}

func (d *Desk) named(ctx context.Context, runs []flow.Run) ([]Run, error) {
	ids := make([]string, 0, 3*len(runs))
	for _, r := range runs {
		ids = append(ids, r.Workspace, r.Project, r.Starter)
	}
	names, err := d.names(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]Run, len(runs))
	for i, r := range runs {
		out[i] = Run{Run: r, Team: names[r.Workspace], ProjectName: names[r.Project], StarterName: names[r.Starter]}
	}
	return out, nil
}

// Kinds are those of which there are runs.
func (d *Desk) Kinds(ctx context.Context, actor account.Actor) ([]flow.Kind, error) {
	if err := need(actor); err != nil {
		return nil, err
	}
	return d.cfg.Flow.Kinds(ctx)
}

// Condition is how the work of all processes goes.
func (d *Desk) Condition(ctx context.Context, actor account.Actor) (flow.Condition, error) {
	if err := need(actor); err != nil {
		return flow.Condition{}, err
	}
	return d.cfg.Flow.Condition(ctx)
}

// Detail is one run with all that is known of it. What calls of models cost is from the
// ledger.
type Detail struct {
	Run   Run
	Story flow.Story
	// Models are the sums by model, Nodes those by node, of which one without a name
	// has what belongs to none.
	Models []meter.Line
	Total  meter.Line
	Nodes  map[flow.NodeID]Cost
	// Audit is what was done to it, newest first.
	Audit []Entry
}

// Cost is what the calls of one node came to.
type Cost struct {
	Calls  int
	Input  llm.Tokens // cached or not
	Output llm.Tokens
	Spent  meter.NanoUSD
}

// Run returns one run of any team; fault.NotFound.
func (d *Desk) Run(ctx context.Context, actor account.Actor, run flow.RunID) (Detail, error) {
	if err := need(actor); err != nil {
		return Detail{}, err
	}
	story, err := d.cfg.Flow.StoryOfAny(ctx, run)
	if err != nil {
		return Detail{}, err
	}
	out := Detail{Story: story, Nodes: map[flow.NodeID]Cost{}}
	named, err := d.named(ctx, []flow.Run{story.Run})
	if err != nil {
		return Detail{}, err
	}
	out.Run = named[0]
	of := meter.Filter{Run: string(run)}
	sums, err := d.cfg.Meter.StatementOfAll(ctx, actor, of, meter.ByModel)
	if err != nil {
		return Detail{}, err
	}
	out.Models, out.Total = sums.Lines, sums.Total
	err = d.cfg.Meter.EntriesOfAll(ctx, actor, of, func(e meter.Entry) error {
		c := out.Nodes[flow.NodeID(e.Node)]
		if e.Kind == meter.ACall {
			c.Calls++
			c.Input += e.Input + e.Write5m + e.Write1h + e.Read
			c.Output += e.Output
		}
		c.Spent += e.Nano
		out.Nodes[flow.NodeID(e.Node)] = c
		return nil
	})
	if err != nil {
		return Detail{}, err
	}
	out.Audit, err = d.auditOf(ctx, string(run))
	return out, err
}

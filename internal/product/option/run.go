package option

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/meter/paid"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// assignment is the input of the runs: of those this package starts the set or the wish,
// of those that follow a written page nothing.
type assignment struct {
	Set  SetID  `json:"set,omitempty"`
	Wish WishID `json:"wish,omitempty"`
}

// work is a node at work, with whom it works for and on what.
type work struct {
	node    *flow.Node
	actor   account.Actor
	project project.Project
	order   assignment
}

func (w *work) desk(m *meter.Model) paid.Desk {
	return paid.Desk{Model: m, Node: w.node, Actor: w.actor, Project: w.project.ID}
}

// errOvertaken ends a run that has nothing to write any more.
var errOvertaken = errors.New("another run has taken over")

// guarded reads what every node needs and turns its errors into what follows from them.
func (o *Options) guarded(do func(ctx context.Context, w *work) (flow.Outcome, error)) flow.Handler {
	return func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
		w := &work{node: n}
		err := o.open(ctx, w)
		var out flow.Outcome
		if err == nil {
			out, err = do(ctx, w)
		}
		if err == nil || context.Cause(ctx) != nil {
			return out, err
		}
		return o.after(ctx, w, err)
	}
}

func (o *Options) open(ctx context.Context, w *work) error {
	n := w.node
	if err := n.RunInput(&w.order); err != nil {
		return err
	}
	var err error
	if w.actor, err = o.cfg.Accounts.ForRun(ctx, account.UserID(n.Starter), account.WorkspaceID(n.Workspace)); err != nil {
		return err
	}
	w.project, err = o.cfg.Projects.Get(ctx, w.actor, project.ID(n.Project))
	return err
}

// after decides what follows from an error: nothing for who was overtaken, a pause where
// somebody lost their rights, rest and going on for trouble that passes, else a failure
// the founder is told of.
func (o *Options) after(ctx context.Context, w *work, err error) (flow.Outcome, error) {
	next := flow.Next{Name: w.node.Name}
	refused := fault.Of(err)
	switch {
	case errors.Is(err, errOvertaken):
		return flow.Done(nil), nil
	case w.project.ID == "" && refused != nil:
		return flow.Halt(project.OfAccount, refused.Detail, next), nil //nolint:nilerr // the run waits, and says why
	}
	c := paid.After(w.node, o.cfg.Clock.Now(), err)
	switch {
	case c.Again:
		return flow.Outcome{}, err
	case c.Wait != nil:
		told := o.note(ctx, w, Writing, c.Says, news{At: c.Wait.Until})
		if errors.Is(told, errOvertaken) {
			return flow.Done(nil), nil
		}
		return flow.Await(*c.Wait, next), told
	}
	reason := fmt.Sprintf("%s Nothing you wrote is lost. (Reference %s)", strings.TrimSpace(c.Why), w.node.Run)
	told := o.note(ctx, w, Failed, reason, news{})
	if errors.Is(told, errOvertaken) {
		return flow.Done(nil), nil
	}
	return flow.Fail("options", err.Error()), told
}

// note says in a step that the work waits or has failed.
func (o *Options) note(ctx context.Context, w *work, s State, text string, n news) error {
	key := "trouble"
	if s == Failed {
		key = "failed"
	}
	return o.step(ctx, w, key, func(ctx context.Context, tx pgx.Tx) error {
		if w.node.Kind == project.RunPriceWish {
			return o.noteWishTx(ctx, tx, w, s, text)
		}
		return o.noteSetTx(ctx, tx, w, s, text, n)
	})
}

// step is a step of the node that only writes.
func (o *Options) step(ctx context.Context, w *work, key string, do func(ctx context.Context, tx pgx.Tx) error) error {
	_, err := flow.Step(ctx, w.node, key, func(context.Context) (bool, error) { return true, nil }, func(c *flow.Commit, _ bool) error {
		c.Tx(func(ctx context.Context, tx pgx.Tx) error {
			if _, err := o.cfg.Projects.LockTx(ctx, tx, w.actor, w.project.ID); err != nil {
				return err
			}
			return do(ctx, tx)
		})
		return nil
	})
	if err == nil {
		o.cfg.Projects.Wake(w.project.ID)
	}
	return err
}

const (
	setOfRun = `SELECT ` + setColumns + ` FROM option_set s WHERE s.project_id = $1 AND s.run = $2`

	noteSet = `
UPDATE option_set SET state = $3, reason = CASE WHEN $3 = 'failed' THEN $4 ELSE '' END,
    trouble = CASE WHEN $3 = 'failed' THEN '' ELSE $4 END, changed_at = $5
WHERE project_id = $1 AND run = $2 AND state = 'writing'`
)

func (o *Options) noteSetTx(ctx context.Context, tx pgx.Tx, w *work, s State, text string, n news) error {
	done, err := tx.Exec(ctx, noteSet, w.project.ID, w.node.Run, s, text, o.cfg.Clock.Now())
	if err != nil {
		return fmt.Errorf("note options: %w", err)
	}
	if done.RowsAffected() == 0 {
		return errOvertaken
	}
	kind := Wait
	if s == Failed {
		kind = Broke
	}
	return o.tellTx(ctx, tx, w.project.ID, kind, n)
}

// setOf returns the set a run writes.
func setOf(ctx context.Context, q querier, p project.ID, run flow.RunID) (row, bool, error) {
	found, err := q.Query(ctx, setOfRun, p, run)
	if err != nil {
		return row{}, false, fmt.Errorf("ask for options: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(found, pgx.RowToStructByName[row])
	if errors.Is(err, pgx.ErrNoRows) {
		return row{}, false, nil
	}
	if err != nil {
		return row{}, false, fmt.Errorf("read options: %w", err)
	}
	return r, true, nil
}

// write works out one set.
func (o *Options) write(ctx context.Context, w *work) (flow.Outcome, error) {
	if w.order.Set == "" {
		if err := o.step(ctx, w, "begin", func(ctx context.Context, tx pgx.Tx) error { return o.beginTx(ctx, tx, w) }); err != nil {
			return flow.Outcome{}, err
		}
	}
	r, ok, err := setOf(ctx, o.cfg.DB, w.project.ID, w.node.Run)
	if err != nil || !ok || r.State != Writing {
		return flow.Done(nil), err // it was not needed, another took its place, or it is written
	}
	m, before, err := o.materialOf(ctx, w, r)
	if err != nil {
		return flow.Outcome{}, err
	}
	plan, _ := m.scope.Content.(document.Scope) //nolint:errcheck // the kind was asked for
	here := o.cfg.Stacks()
	prompt, err := m.optionsPrompt(r, here, before)
	if err != nil {
		return flow.Outcome{}, err
	}
	_, err = paid.Ask(ctx, w.desk(o.cfg.Model), paid.Question[options]{
		Step: "options", Role: meter.Writer, Effort: llm.HighEffort, System: o.texts.optioner, Prompt: prompt,
		Form: o.forms.options, Rule: fits(plan, r.Compare, here),
		KeepTx: func(ctx context.Context, tx pgx.Tx, v options) error { return o.keepTx(ctx, tx, w, r, v) },
	})
	if err != nil {
		return flow.Outcome{}, err
	}
	o.cfg.Projects.Wake(w.project.ID)
	return flow.Done(nil), nil
}

// beginTx makes a set for a page that was written, unless there is one for it or the
// founder asked for one meanwhile.
func (o *Options) beginTx(ctx context.Context, tx pgx.Tx, w *work) error {
	latest, err := oneSet(ctx, tx, latestSet, w.project.ID)
	if err != nil {
		return err
	}
	if latest.Run == string(w.node.Run) { // it goes on after a rest
		return nil
	}
	papers, err := o.papersTx(ctx, tx, w.actor, w.project.ID)
	if fault.Is(err, fault.NotFound) {
		return nil // no scope was written
	}
	if err != nil {
		return err
	}
	if latest.State != Failed && latest.Brief == papers.brief.Number && latest.Scope == papers.scope.Number {
		return nil
	}
	if latest.State == Writing { // from a page that is an old one now
		if _, err := tx.Exec(ctx, dropSet, w.project.ID, latest.ID); err != nil {
			return fmt.Errorf("drop options: %w", err)
		}
	}
	return o.insertTx(ctx, tx, w.project.ID, row{
		ID: id.Mint[SetID](o.cfg.IDs), Number: latest.Number + 1, Brief: papers.brief.Number, Scope: papers.scope.Number, Run: string(w.node.Run),
		Compare: latest.Compare,
	})
}

const (
	dropSet   = `DELETE FROM option_set WHERE project_id = $1 AND id = $2`
	insertSet = `
INSERT INTO option_set (id, project_id, number, compare, feedback, brief, scope, state, run, asked_at, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'writing', $8, $9, $9)`
)

func (o *Options) insertTx(ctx context.Context, tx pgx.Tx, p project.ID, r row) error {
	if _, err := tx.Exec(ctx, insertSet, r.ID, p, r.Number, r.Compare, r.Feedback, r.Brief, r.Scope, r.Run, o.cfg.Clock.Now()); err != nil {
		return fmt.Errorf("begin options: %w", err)
	}
	return o.tellTx(ctx, tx, p, WereAsked, news{Set: r.ID})
}

// papers are brief and scope in force.
type papers struct {
	brief, scope document.Version
	plan         document.Scope
}

func (o *Options) papersTx(ctx context.Context, tx pgx.Tx, actor account.Actor, p project.ID) (papers, error) {
	var all papers
	var err error
	if all.brief, err = o.cfg.Documents.CurrentTx(ctx, tx, actor, p, document.BriefKind); err != nil {
		return papers{}, err
	}
	if all.scope, err = o.cfg.Documents.CurrentTx(ctx, tx, actor, p, document.ScopeKind); err != nil {
		return papers{}, err
	}
	all.plan, _ = all.scope.Content.(document.Scope) //nolint:errcheck // the kind was asked for
	return all, nil
}

// planTx is the scope in one of its versions.
func (o *Options) planTx(ctx context.Context, tx pgx.Tx, actor account.Actor, p project.ID, number int) (document.Scope, error) {
	v, err := o.cfg.Documents.VersionTx(ctx, tx, actor, p, document.ScopeKind, number)
	plan, _ := v.Content.(document.Scope) //nolint:errcheck // the kind was asked for
	return plan, err
}

// materialOf reads what a set is made from, and the options that were there before.
func (o *Options) materialOf(ctx context.Context, w *work, r row) (material, []Option, error) {
	m := material{project: w.project}
	var before []Option
	err := pgx.BeginTxFunc(ctx, o.cfg.DB, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) (err error) {
		if m.brief, err = o.cfg.Documents.VersionTx(ctx, tx, w.actor, w.project.ID, document.BriefKind, r.Brief); err != nil {
			return err
		}
		if m.scope, err = o.cfg.Documents.VersionTx(ctx, tx, w.actor, w.project.ID, document.ScopeKind, r.Scope); err != nil {
			return err
		}
		force, err := oneSet(ctx, tx, setInForce, w.project.ID)
		if err != nil || force.Number == 0 {
			return err
		}
		before, err = optionsIn(ctx, tx, w.project.ID, force.ID, document.Scope{}, rates{})
		return err
	})
	return m, before, err
}

const (
	insertOption = `INSERT INTO build_option (id, project_id, set_id, place, content, recommended) VALUES ($1, $2, $3, $4, $5, $6)`
	finishSet    = `
UPDATE option_set SET state = 'written', reason = '', trouble = '', only_one = $4, changed_at = $3
WHERE project_id = $1 AND run = $2 AND state = 'writing'`
)

// keepTx stores the options of a set, whole.
func (o *Options) keepTx(ctx context.Context, tx pgx.Tx, w *work, r row, v options) error {
	if _, err := o.cfg.Projects.LockTx(ctx, tx, w.actor, w.project.ID); err != nil {
		return err
	}
	done, err := tx.Exec(ctx, finishSet, w.project.ID, w.node.Run, o.cfg.Clock.Now(), v.OnlyOne)
	if err != nil {
		return fmt.Errorf("finish options: %w", err)
	}
	if done.RowsAffected() == 0 {
		return errOvertaken
	}
	var all pgx.Batch
	for place, one := range v.Options {
		raw, err := json.Marshal(one.content())
		if err != nil {
			return fmt.Errorf("write option: %w", err)
		}
		all.Queue(insertOption, id.Mint[ID](o.cfg.IDs), w.project.ID, r.ID, place, raw, one.Recommended)
	}
	if err := tx.SendBatch(ctx, &all).Close(); err != nil {
		return fmt.Errorf("store options: %w", err)
	}
	return o.tellTx(ctx, tx, w.project.ID, WereWritten, news{Set: r.ID})
}

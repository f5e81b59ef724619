package interview

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/meter/paid"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// The nodes behind the first one.
const (
	nodeAsk     = "ask"
	nodeSection = "section"
	nodeFinish  = "finish"
)

// order is the input of the runs: of those of this package Start, of those a decision
// started its instruction, of those asked for as documents their kinds. Reread asks the
// check of answers to read the idea again first, with the founder's corrections.
type order struct {
	Start    int                `json:"start,omitempty"`
	Reread   bool               `json:"reread,omitempty"`
	Decision journey.DecisionID `json:"decision,omitempty"`
	Choice   string             `json:"choice,omitempty"`
	Words    string             `json:"words,omitempty"`
	Kinds    []document.Kind    `json:"kinds,omitempty"`
}

// work is a node at work, with whom it works for and on what.
type work struct {
	node    *flow.Node
	actor   account.Actor
	project project.Project
	row     row // as it was when the node began
	order   order
	asked   []Question
	clashes []Contradiction
	files   []File
	fixed   storedCorrections
	before  string // every earlier wording of the answers
}

// errOvertaken ends a run that has nothing to write any more.
var errOvertaken = errors.New("another run has taken over")

// guarded reads what every node needs and turns its errors into what follows from them.
func (i *Interviews) guarded(do func(ctx context.Context, w *work) (flow.Outcome, error)) flow.Handler {
	return func(ctx context.Context, n *flow.Node) (flow.Outcome, error) {
		w := &work{node: n}
		err := i.open(ctx, w)
		var out flow.Outcome
		if err == nil {
			out, err = do(ctx, w)
		}
		if err == nil || context.Cause(ctx) != nil {
			return out, err
		}
		return i.after(ctx, w, err)
	}
}

func (i *Interviews) open(ctx context.Context, w *work) error {
	n := w.node
	if err := n.RunInput(&w.order); err != nil {
		return err
	}
	var err error
	if w.actor, err = i.cfg.Accounts.ForRun(ctx, account.UserID(n.Starter), account.WorkspaceID(n.Workspace)); err != nil {
		return err
	}
	if w.project, err = i.cfg.Projects.Get(ctx, w.actor, project.ID(n.Project)); err != nil {
		return err
	}
	w.row, err = rowOf(ctx, i.cfg.DB, w.project.ID)
	if fault.Is(err, fault.NotFound) { // a project from before there were interviews
		err = i.adopt(ctx, w)
	}
	if err != nil {
		return err
	}
	if w.asked, err = questionsOf(ctx, i.cfg.DB, w.project.ID); err != nil {
		return err
	}
	if w.clashes, err = contradictionsOf(ctx, i.cfg.DB, w.project.ID); err != nil {
		return err
	}
	if w.files, err = filesOf(ctx, i.cfg.DB, w.project.ID, w.row.PageRevision); err != nil {
		return err
	}
	if w.fixed, err = correctionsOf(ctx, i.cfg.DB, w.project.ID); err != nil {
		return err
	}
	if err := i.cfg.DB.QueryRow(ctx, everSaid, w.project.ID).Scan(&w.before); err != nil {
		return fmt.Errorf("read earlier wordings: %w", err)
	}
	return nil
}

// everSaid are all wordings of all answers: a section may rest on one that was changed
// while the next section was written.
const everSaid = `SELECT coalesce(string_agg(text, E'\n' ORDER BY revision), '') FROM question_answer WHERE project_id = $1`

const adoptInterview = insertInterview + ` ON CONFLICT DO NOTHING`

func (i *Interviews) adopt(ctx context.Context, w *work) error {
	if _, err := i.cfg.DB.Exec(ctx, adoptInterview, w.project.ID, i.cfg.Clock.Now()); err != nil {
		return fmt.Errorf("adopt project: %w", err)
	}
	var err error
	w.row, err = rowOf(ctx, i.cfg.DB, w.project.ID)
	return err
}

// again is the node itself, to be done once more.
func (w *work) again() (flow.Next, error) {
	var input json.RawMessage
	err := w.node.Input(&input)
	return flow.Next{Name: w.node.Name, Input: input}, err
}

// after decides what follows from an error: nothing for who was overtaken, rest and
// going on for trouble that passes, a pause where somebody lost their rights, else a
// failure the founder is told of.
func (i *Interviews) after(ctx context.Context, w *work, err error) (flow.Outcome, error) {
	next, broken := w.again()
	if broken != nil {
		return flow.Outcome{}, broken
	}
	switch refused := fault.Of(err); {
	case errors.Is(err, errOvertaken):
		return flow.Done(nil), nil
	case w.project.ID == "" && refused != nil:
		return flow.Halt(project.OfAccount, refused.Detail, next), nil //nolint:nilerr // the run waits, and says why
	}
	c := paid.After(w.node, i.cfg.Clock.Now(), err)
	switch {
	case c.Again:
		return flow.Outcome{}, err
	case c.Wait != nil:
		return i.rest(ctx, w, c.Says, *c.Wait, next)
	case w.node.Kind == project.RunWriteDocuments:
		return flow.Fail("documents", err.Error()), i.failPapers(ctx, w, "failed", w.order.Kinds, w.reason(c))
	}
	return i.broke(ctx, w, err, w.reason(c))
}

// reason is why something failed, for the founder.
func (w *work) reason(c paid.Consequence) string {
	return fmt.Sprintf("%s Nothing you wrote is lost. (Reference %s)", strings.TrimSpace(c.Why), w.node.Run)
}

// rest says what is waited for, and waits.
func (i *Interviews) rest(ctx context.Context, w *work, trouble string, wait flow.Wait, next flow.Next) (flow.Outcome, error) {
	if w.node.Kind == project.RunCheckAnswers { // nobody waits for it
		return flow.Await(wait, next), nil
	}
	err := i.change(ctx, w, "trouble", func(_ context.Context, _ pgx.Tx, r *row) (string, told, error) {
		r.Trouble = trouble
		return Waits, told{State: r.State, At: &wait.Until}, nil
	})
	if errors.Is(err, errOvertaken) {
		return flow.Done(nil), nil
	}
	return flow.Await(wait, next), err
}

// broke ends the run as failed. The reference finds it in the logs and the run in the
// operator's list.
func (i *Interviews) broke(ctx context.Context, w *work, cause error, reason string) (flow.Outcome, error) {
	if w.node.Kind == project.RunCheckAnswers {
		return flow.Fail("check", cause.Error()), nil
	}
	err := i.change(ctx, w, "failed", func(ctx context.Context, tx pgx.Tx, r *row) (string, told, error) {
		r.State, r.FailedAt, r.Reason, r.Trouble = Failed, r.State, reason, ""
		if w.node.Kind == project.RunWriteBrief {
			for _, k := range w.order.kinds() {
				f := document.Failure{Kind: k, Run: string(w.node.Run), Reason: reason}
				if err := i.cfg.Documents.FailTx(ctx, tx, w.actor, w.project.ID, f); err != nil {
					return "", told{}, err
				}
			}
		}
		return Broke, told{State: Failed}, nil
	})
	if errors.Is(err, errOvertaken) {
		return flow.Done(nil), nil
	}
	return flow.Fail("interview", cause.Error()), err
}

// change is a step that changes the interview for the run that may. do returns which
// event tells it.
func (i *Interviews) change(ctx context.Context, w *work, key string, do func(ctx context.Context, tx pgx.Tx, r *row) (string, told, error)) error {
	_, err := flow.Step(ctx, w.node, key, func(context.Context) (bool, error) { return true, nil }, func(c *flow.Commit, _ bool) error {
		c.Tx(func(ctx context.Context, tx pgx.Tx) error { return i.changeTx(ctx, tx, w, do) })
		return nil
	})
	if err == nil {
		i.cfg.Projects.Wake(w.project.ID)
	}
	return err
}

func (i *Interviews) changeTx(ctx context.Context, tx pgx.Tx, w *work, do func(ctx context.Context, tx pgx.Tx, r *row) (string, told, error)) error {
	if _, err := i.cfg.Projects.LockTx(ctx, tx, w.actor, w.project.ID); err != nil {
		return err
	}
	r, err := rowOf(ctx, tx, w.project.ID)
	if err != nil {
		return err
	}
	if r.Run != string(w.node.Run) {
		return errOvertaken
	}
	r.Trouble = ""
	kind, data, err := do(ctx, tx, &r)
	if err != nil {
		return err
	}
	return i.saveTx(ctx, tx, w.project.ID, r, kind, data)
}

// ask asks a model as a step of the work, and tells of what came.
func ask[T any](ctx context.Context, i *Interviews, w *work, q paid.Question[T]) (T, error) {
	v, err := paid.Ask(ctx, paid.Desk{Model: i.cfg.Model, Node: w.node, Actor: w.actor, Project: w.project.ID}, q)
	if err == nil {
		i.cfg.Projects.Wake(w.project.ID)
		i.cfg.Runs.Poke()
	}
	return v, err
}

package option

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/account/form"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// OrderID identifies an order.
type OrderID string

// Prefix implements id.Kind.
func (OrderID) Prefix() string { return "ord" }

// OnQuestion is what to do with a question while the founder is away.
type OnQuestion string

// The choices.
const (
	WaitForMe   OnQuestion = "wait"   // the build pauses until it is answered
	DecideForMe OnQuestion = "decide" // the plainest answer is taken, and shown
)

// AtLimit is what to do at the ceiling.
type AtLimit string

// The choices.
const (
	AskMe     AtLimit = "ask"  // pause and ask
	StopThere AtLimit = "stop" // end with what works by then
)

// Tell is how the founder hears of it.
type Tell string

// The choices.
const (
	OnPage Tell = "page"
	ByMail Tell = "mail" // only where a test mail has arrived
)

// Choices are what the founder says before the button. The zero Choices are none.
type Choices struct {
	OnQuestion OnQuestion
	AtLimit    AtLimit
	Tell       Tell
}

// UsualChoices are those that a page begins with: nothing is decided and nothing more is
// spent without the founder.
func UsualChoices() Choices { return Choices{OnQuestion: WaitForMe, AtLimit: AskMe, Tell: OnPage} }

func (c Choices) check(f *form.Form) {
	if !slices.Contains([]OnQuestion{WaitForMe, DecideForMe}, c.OnQuestion) {
		f.Refuse("on_question", "Choose wait or decide.")
	}
	if !slices.Contains([]AtLimit{AskMe, StopThere}, c.AtLimit) {
		f.Refuse("at_limit", "Choose ask or stop.")
	}
	switch c.Tell {
	case OnPage:
	case ByMail:
		f.Refuse("tell", "No mail is sent from here, so I can only tell you on the page.")
	default:
		f.Refuse("tell", "Choose page.")
	}
}

// words say the choices as the decision keeps them.
func (c Choices) words() string {
	question, limit := "questions wait for me", "at the limit ask me"
	if c.OnQuestion == DecideForMe {
		question = "questions are decided for me"
	}
	if c.AtLimit == StopThere {
		limit = "at the limit stop with what works"
	}
	return question + ", " + limit
}

// Build is what a founder says with "Build this".
type Build struct {
	// Key makes it idempotent within the project.
	Key     string
	Option  ID
	Ceiling meter.NanoUSD // as it stood on the button; 0 where nothing costs anything
	Choices
	// Confirm repeats the ceiling in words where more than half of what is left could be
	// spent, or more than a build may cost; see ConfirmWords.
	Confirm string
	Because string // why this one; optional
}

// Order is a build that was asked for.
type Order struct {
	ID       OrderID
	Option   ID
	Decision journey.DecisionID // which chose the option
	Scope    int                // the version that was confirmed
	Quote    Quote              // as it was shown
	Ceiling  meter.NanoUSD
	Choices
	Run   flow.RunID
	State flow.State // of the run
	By    account.UserID
	At    time.Time
}

// orderRow is an order as it is read, with the run it started.
type orderRow struct {
	ID         OrderID
	Key        string
	Option     ID
	Decision   journey.DecisionID
	Scope      int
	Quote      Quote
	Ceiling    meter.NanoUSD
	OnQuestion OnQuestion
	AtLimit    AtLimit
	Tell       Tell
	Run        flow.RunID
	By         account.UserID
	At         time.Time
}

func (r orderRow) order() Order {
	return Order{
		ID: r.ID, Option: r.Option, Decision: r.Decision, Scope: r.Scope, Quote: r.Quote, Ceiling: r.Ceiling,
		Choices: Choices{OnQuestion: r.OnQuestion, AtLimit: r.AtLimit, Tell: r.Tell}, Run: r.Run, By: r.By, At: r.At,
	}
}

const (
	orderColumns = `o.id, o.key, o.option_id AS option, o.decision_id AS decision, o.scope, o.quote, o.ceiling_nano AS ceiling,
o.on_question, o.at_limit, o.tell, o.run, o.ordered_by AS by, o.at`

	orderOfKey  = `SELECT ` + orderColumns + ` FROM build_order o WHERE o.project_id = $1 AND o.key = $2`
	orderOfRun  = `SELECT ` + orderColumns + ` FROM build_order o WHERE o.project_id = $1 AND o.run = $2`
	newestOrder = `SELECT ` + orderColumns + ` FROM build_order o WHERE o.project_id = $1 ORDER BY o.id DESC LIMIT 1`
)

// oneOrder returns the only order of a query; none is pgx.ErrNoRows.
func oneOrder(ctx context.Context, q querier, sql string, args ...any) (orderRow, error) {
	found, err := q.Query(ctx, sql, args...)
	if err != nil {
		return orderRow{}, fmt.Errorf("ask for orders: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(found, pgx.RowToStructByName[orderRow])
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return orderRow{}, fmt.Errorf("read orders: %w", err)
	}
	return r, err
}

// lastOrder is the newest order of a project; nil: there is none.
func lastOrder(ctx context.Context, q querier, p project.ID) (*Order, error) {
	r, err := oneOrder(ctx, q, newestOrder, p)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // no order is no error
	}
	last := r.order()
	return &last, err
}

// OrderOf returns the order that started a run of the actor's team, for whoever does the
// work. One that is not there is fault.NotFound.
func (o *Options) OrderOf(ctx context.Context, actor account.Actor, p project.ID, run flow.RunID) (Order, error) {
	if _, err := o.cfg.Projects.Get(ctx, actor, p); err != nil {
		return Order{}, err
	}
	r, err := oneOrder(ctx, o.cfg.DB, orderOfRun, p, run)
	if errors.Is(err, pgx.ErrNoRows) {
		return Order{}, fault.New(fault.NotFound, "", "There is no such build.")
	}
	if err != nil {
		return Order{}, err
	}
	return o.withState(ctx, actor, r.order())
}

func (o *Options) withState(ctx context.Context, actor account.Actor, order Order) (Order, error) {
	run, err := o.cfg.Runs.Run(ctx, string(actor.Workspace), order.Run)
	order.State = run.State
	return order, err
}

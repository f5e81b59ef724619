// Package option works out ways to build a project, says what each would take, and
// starts the build of the one the founder chooses. It keeps the wishes for later, too.
//
// Terms. A way to build is an option; on screen it is called that. A set is the options
// that were worked out together from one brief and one scope: one in quick, two or three
// to compare, one of them recommended. The set with the highest number that is written is
// in force; it is stale when brief or scope have a newer version. A quote is what a build
// takes, in tokens, money and minutes. An order is what the founder said with "Build
// this": the option, the ceiling, and what to do while they are away. A wish is something
// to come later.
//
// Invariants. Of a set exactly one option is recommended, and every option does all that
// must work. Only stacks whose tools are here are offered. Model work is done by runs; a
// set is stored whole or not at all, and one at a time is written. What is ordered was
// shown: the option is of the set in force, which is not stale, and the ceiling becomes
// the limit of the run. An order, the decisions it makes, the scope it confirms and the
// run it starts are one transaction; of each key there is one. A quote is a pure function
// of the work, the prices in force and the builds on record (quote.go).
// What happens is told in the stream of the project: options.asked, options.waiting,
// options.written, options.failed, option.chosen, build.ordered, wish.kept, wish.changed.
package option

import (
	"context"
	"slices"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/event"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Config is what Options needs.
type Config struct {
	DB        *pgxpool.Pool
	Clock     clock.Clock
	IDs       *id.Source
	Accounts  *account.Accounts
	Projects  *project.Projects
	Journeys  *journey.Journeys
	Documents *document.Documents
	Runs      *flow.Engine
	Meter     *meter.Meter
	Model     *meter.Model
	// Stacks tells what this computer has the tools for; it must not block.
	Stacks func() []Stack
}

// Options is the door to this package, safe for concurrent use.
type Options struct {
	cfg   Config
	forms forms
	texts *prompts
}

// New returns Options over cfg and registers the work it does with cfg.Runs.
func New(cfg Config) *Options {
	o := &Options{cfg: cfg, forms: newForms(), texts: newPrompts()}
	cfg.Runs.Register(project.RunWriteOptions, flow.Handlers{project.FirstNode: o.guarded(o.write)})
	cfg.Runs.Register(project.RunPriceWish, flow.Handlers{project.FirstNode: o.guarded(o.price)})
	return o
}

// ID identifies an option.
type ID string

// Prefix implements id.Kind.
func (ID) Prefix() string { return "opt" }

// SetID identifies a set.
type SetID string

// Prefix implements id.Kind.
func (SetID) Prefix() string { return "ops" }

// State is what goes on with a set. The texts are stored and in the API.
type State string

// The states.
const (
	NotAsked State = "not_asked"
	Writing  State = "writing"
	Written  State = "written"
	Failed   State = "failed" // asking again goes on
)

// Stack is what a product is made with.
type Stack string

// The stacks. The texts are stored and in the API.
const (
	Go     Stack = "go"
	Node   Stack = "node"
	Python Stack = "python"
	Static Stack = "static" // pages without a server of their own
)

// Stacks lists all stacks, the plainest to run first.
func Stacks() []Stack { return []Stack{Go, Node, Python, Static} }

// Risk is how likely the build does not come out as wished.
type Risk string

// The levels of risk.
const (
	LowRisk     Risk = "low"
	MediumRisk  Risk = "medium"
	HighRisk    Risk = "high"
	NotExamined Risk = "not_examined" // by who has no opinion
)

// Technical is what developers want to know; founders find it folded.
type Technical struct {
	Approach  string   `json:"approach"`
	Stack     Stack    `json:"stack"`
	TradeOffs []string `json:"trade_offs"`
}

// Content is what a model says about one option.
type Content struct {
	Name             string    `json:"name"`
	WhatYouGet       []string  `json:"what_you_get"`
	WhatIsLeftOut    []string  `json:"what_is_left_out"`
	WhatCouldGoWrong []string  `json:"what_could_go_wrong"`
	Because          string    `json:"because"` // why it is, or is not, recommended
	Technical        Technical `json:"technical"`
	Risk             Risk      `json:"risk_level"`
	Covers           []string  `json:"covers"` // ids of criteria
}

// Option is one way to build.
type Option struct {
	ID ID
	Content
	Recommended bool
	// Coverage is which per cent of the criteria in this version it does.
	Coverage int
	// Quote is nil when it cannot be told; Set.Unpriced says why.
	Quote *Quote
	// Tight says why this needs a second word, ConfirmWords; empty: it does not.
	Tight string

	work Work
}

// Set is the ways to build a project as they are now.
type Set struct {
	ID      SetID // empty: none was written yet
	Number  int
	Options []Option // the recommended one first; of the set in force, while another is written too
	Compare bool
	OnlyOne string // why a comparison holds one option only
	Brief   int    // the versions it was made from
	Scope   int
	Stale   bool // brief or scope have changed since
	// Chosen is the option that was decided on, when it is one of these.
	Chosen ID
	Left   Left
	// Unpriced says why there are no quotes; empty: there are.
	Unpriced string
	// Order is the last build that was asked for; nil: none was.
	Order *Order

	State    State
	Feedback string // of what is written now
	Reason   string // while Failed, in plain words
	Trouble  string // what we wait for while the work goes on by itself
}

// Option returns an option of the set, and whether there is one.
func (s Set) Option(i ID) (Option, bool) {
	at := slices.IndexFunc(s.Options, func(o Option) bool { return o.ID == i })
	if at < 0 {
		return Option{}, false
	}
	return s.Options[at], true
}

// Best is the option to build: the chosen one, else the recommended one; false while
// there is none.
func (s Set) Best() (Option, bool) {
	if o, ok := s.Option(s.Chosen); ok {
		return o, true
	}
	at := slices.IndexFunc(s.Options, func(o Option) bool { return o.Recommended })
	if at < 0 {
		return Option{}, false
	}
	return s.Options[at], true
}

// locked runs do in a transaction in which nobody else changes the project, which is
// active, for an actor who may write.
func (o *Options) locked(ctx context.Context, actor account.Actor, p project.ID, do func(tx pgx.Tx, in project.Project) error) error {
	return o.lockedIf(ctx, actor, p, goesOn, do)
}

// lockedIf is locked for a project that may be in another state, too.
func (o *Options) lockedIf(ctx context.Context, actor account.Actor, p project.ID,
	may func(project.Project) error, do func(tx pgx.Tx, in project.Project) error,
) error {
	if err := actor.Need(account.MayWrite); err != nil {
		return err
	}
	err := db.InTx(ctx, o.cfg.DB, func(tx pgx.Tx) error {
		in, err := o.cfg.Projects.LockTx(ctx, tx, actor, p)
		if err != nil {
			return err
		}
		if err := may(in); err != nil {
			return err
		}
		return do(tx, in)
	})
	if err != nil {
		return err
	}
	o.cfg.Projects.Wake(p)
	o.cfg.Runs.Poke()
	return nil
}

// goesOn refuses a project in which nothing goes on.
func goesOn(p project.Project) error {
	switch p.Status {
	case project.Deleted:
		return conflict(p.ID, "project_deleted", "This project is deleted. Restore it first.", "")
	case project.Parked:
		return conflict(p.ID, "project_parked", "This project is on hold. Take it off hold first.", "")
	case project.Active:
	}
	return nil
}

// conflict is a refusal with a link to where it is seen to: at is the page, below the
// project's address; empty is its first page.
func conflict(p project.ID, code, detail, at string) *fault.Error {
	return fault.New(fault.Conflict, code, detail).WithField("see", "/p/"+string(p)+"/"+at)
}

// news is the data of the events of this package.
type news struct {
	Set   SetID     `json:"set,omitempty"`
	Order OrderID   `json:"order,omitempty"`
	Wish  WishID    `json:"wish,omitempty"`
	At    time.Time `json:"at,omitzero"` // when the work goes on by itself
}

// The kinds of events in the stream of a project.
const (
	WereAsked   = "options.asked"
	Wait        = "options.waiting"
	WereWritten = "options.written"
	Broke       = "options.failed"
	Ordered     = "build.ordered"
	WasEnded    = "build.ended"
	WishKept    = "wish.kept"
	WishChanged = "wish.changed"
)

// tellTx appends to the stream of a project. Whoever commits tx wakes the hub.
func (o *Options) tellTx(ctx context.Context, tx pgx.Tx, p project.ID, kind string, n news) error {
	return event.AppendTx(ctx, tx, project.StreamOf(p), o.cfg.Clock.Now(), event.Draft{Kind: kind, Data: n})
}

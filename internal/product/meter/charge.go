package meter

import (
	"slices"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"
)

// BudgetID names something money is counted for. It is opaque: nothing is read out of
// it, and budgets form no tree.
type BudgetID string

// WorkspaceBudget is the budget of a team. Nothing paid starts before somebody has
// set its limits.
func WorkspaceBudget(w account.WorkspaceID) BudgetID { return BudgetID(w) }

// ProjectBudget is the budget of a project.
func ProjectBudget(p project.ID) BudgetID { return BudgetID(p) }

// UserBudget is the budget of a person, across all teams.
func UserBudget(u account.UserID) BudgetID { return BudgetID(u) }

// RunBudget is the budget of one run of a team.
func RunBudget(w account.WorkspaceID, run string) BudgetID {
	return BudgetID("run/" + string(w) + "/" + run)
}

// TrialBudget is what a person may use before there is a plan, whatever number of
// teams they make.
func TrialBudget(u account.UserID) BudgetID { return BudgetID("trial/" + string(u)) }

// Charge says whom a model call counts against: who started it and in which team, for
// which project, and by which step of which run. Together with the number of the attempt
// they name a row of the ledger. Run, node, epoch and step are opaque here, but for one
// thing: the node of a durable run (a flow.NodeID) must be held at this epoch.
type Charge struct {
	Actor   account.Actor
	Project project.ID // "" for a call that belongs to none
	Run     string     // never empty; "probe" for the test of a connection
	Node    string
	Epoch   int64
	Step    string // never empty, and another one for each call of the run
	Role    Role   // what the model is asked to be
}

// claimed reports whether the charge is that of a durable run's node, which must then be
// held at this epoch.
func (c Charge) claimed() bool {
	_, err := id.Parse[flow.NodeID](c.Node)
	return err == nil
}

func (c Charge) check() error {
	switch {
	case c.Actor.Workspace == "" || c.Actor.User == "":
		return fault.New(fault.Forbidden, "", "You are not a member of this team.")
	case c.Run == "" || c.Step == "":
		return fault.New(fault.Internal, "charge_incomplete", "A model call names no run or no step.")
	}
	return c.Actor.Need(account.MayWrite)
}

// probeRun is the run of tests of connections. It goes on for ever, so that it has no
// budget of its own: a test counts against its team and its person.
const probeRun = "probe"

// own lists the budgets every charge counts against.
func (c Charge) own() []BudgetID {
	ids := []BudgetID{UserBudget(c.Actor.User), WorkspaceBudget(c.Actor.Workspace)}
	if c.Run != probeRun {
		ids = append(ids, RunBudget(c.Actor.Workspace, c.Run))
	}
	if c.Project != "" {
		ids = append(ids, ProjectBudget(c.Project))
	}
	return ids
}

// budgets lists all it counts against, in the order in which they are locked.
func (c Charge) budgets(also []BudgetID) []BudgetID {
	ids := append(c.own(), also...)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Payer is whose money a call is.
type Payer string

// The payers. The texts are stored.
const (
	OwnKey  Payer = "own_key" // the team's own key
	OnPlan  Payer = "plan"
	OnTrial Payer = "trial"
	Nobody  Payer = "nobody" // the demo model: it costs nothing
)

// confirms is the budget whose limits must have been set before p pays for c.
func (c Charge) confirms(p Payer) BudgetID {
	if p == OnTrial {
		return TrialBudget(c.Actor.User)
	}
	return WorkspaceBudget(c.Actor.Workspace)
}

// gives reports whether what our mistakes cost goes back to the allowance. With a key
// of one's own the provider has been paid, and it is only listed.
func (p Payer) gives() bool { return p == OnPlan || p == OnTrial }

// Call is one attempt at a model call that wants to be paid for.
type Call struct {
	Payer    Payer
	Endpoint string
	Price    Price
	// InputUpper is the most tokens the prompt can have, MaxTokens the most the
	// answer may have. It may be granted lower, not below 4 096.
	InputUpper llm.Tokens
	MaxTokens  llm.Tokens
	// Also are budgets the payer sets beside those of the charge, for example
	// TrialBudget. Their limits must have been set.
	Also []BudgetID
}

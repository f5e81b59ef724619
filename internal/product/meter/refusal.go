package meter

import (
	"fmt"
	"time"

	"cofounder/internal/base/fault"
)

// Scope says whose limit stands in the way.
type Scope string

// The scopes. The texts are in the API.
const (
	ScopeRun       Scope = "run"
	ScopeProject   Scope = "project"
	ScopeUser      Scope = "user"
	ScopeWorkspace Scope = "workspace"
	ScopePayer     Scope = "payer" // a budget the payer named: a trial, the operator's own
)

// Window is the time a limit is for. The texts are in the API.
type Window string

// The windows.
const (
	Day    Window = "day"    // a day in UTC
	Period Window = "period" // a month, or for ever where the budget never renews
)

// LimitError is a call that was not made because a limit stands in the way. It is a
// fault too: TooMany with RetryAfter where waiting until tomorrow helps,
// PaymentRequired otherwise. Its codes: no_limits (nobody has set any), day_limit,
// month_limit, run_limit, trial_used, limit_used.
type LimitError struct {
	Budget   BudgetID
	Scope    Scope
	Window   Window
	Left     Amount     // of the unit that is too little; the other may be anything
	Needed   Amount     // what the call could have cost at least, at its shortest
	ResetsAt *time.Time // nil: never by itself

	fault *fault.Error
}

const noLimits = "no_limits"

// Error is for logs.
func (r *LimitError) Error() string {
	return fmt.Sprintf("%s (%s, %s: %s and %d weighed left, %s and %d needed)",
		r.fault, r.Budget, r.Window, r.Left.Nano, r.Left.Weighed, r.Needed.Nano, r.Needed.Weighed)
}

// Unwrap returns the fault that says it in plain words.
func (r *LimitError) Unwrap() error { return r.fault }

func refuse(c Charge, call Call, v verdict, now time.Time) *LimitError {
	r := &LimitError{
		Budget: WorkspaceBudget(c.Actor.Workspace), Scope: ScopeWorkspace, Window: Period,
		Needed: call.Price.worst(call.InputUpper).amount(min(leastOutput, call.MaxTokens)),
	}
	if v.Budget == nil || !v.Confirmed {
		r.fault = fault.New(fault.PaymentRequired, noLimits, "Nothing that costs money starts before you have set a limit. Set one under Spending.")
		return r
	}
	r.Budget, r.Window, r.Scope = *v.Budget, Window(*v.Part), c.scope(*v.Budget)
	if v.LeftNano != nil {
		r.Left.Nano = max(0, *v.LeftNano)
	}
	if v.LeftWeighed != nil {
		r.Left.Weighed = max(0, *v.LeftWeighed)
	}
	r.ResetsAt = v.Resets
	r.fault = r.explain(call.Payer, now)
	return r
}

// explain says it in plain words; the page adds the time in the reader's own zone.
func (r *LimitError) explain(p Payer, now time.Time) *fault.Error {
	switch {
	case r.Scope == ScopeRun:
		return fault.New(fault.PaymentRequired, "run_limit", "The next step could cost more than is left of the limit of this build. Nothing was spent beyond it. Raise the limit to go on.")
	case r.ResetsAt != nil && r.Window == Day:
		return fault.Newf(fault.TooMany, "day_limit", "Today's limit%s is used up. I go on when the next day begins, at midnight UTC.", r.Scope.of()).
			WithRetry(r.ResetsAt.Sub(now))
	case r.ResetsAt != nil:
		return fault.Newf(fault.PaymentRequired, "month_limit", "The month's limit%s is used up. I go on when the next month begins, on %s, or when it is raised.",
			r.Scope.of(), r.ResetsAt.Format("2 January"))
	case p == OnTrial:
		return fault.New(fault.PaymentRequired, "trial_used", "What can be tried without a plan is used up. Choose a plan to go on; everything made so far stays.")
	}
	return fault.Newf(fault.PaymentRequired, "limit_used", "The limit%s is used up. Raise it to go on.", r.Scope.of())
}

// of names whose limit it is, as people say it, with a space before it. A limit of
// everything a person sees needs no name; whoever is alone knows of no team.
func (s Scope) of() string {
	switch s {
	case ScopeRun:
		return " of this build"
	case ScopeProject:
		return " of this project"
	case ScopeUser:
		return " of your account"
	case ScopeWorkspace:
		return ""
	case ScopePayer:
	}
	return " of this installation"
}

func (c Charge) scope(b BudgetID) Scope {
	switch b {
	case RunBudget(c.Actor.Workspace, c.Run):
		return ScopeRun
	case ProjectBudget(c.Project):
		return ScopeProject
	case UserBudget(c.Actor.User):
		return ScopeUser
	case WorkspaceBudget(c.Actor.Workspace):
		return ScopeWorkspace
	}
	return ScopePayer
}

package project

import (
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
)

// The kinds of runs that packages of lower rank start without knowing who does the
// work; app joins the two. A kind nobody has registered for stays queued.
const (
	// RunInterview reads an idea and asks about it.
	RunInterview flow.Kind = "interview"
	// RunCheckAnswers looks whether a new answer goes with the others.
	RunCheckAnswers flow.Kind = "check_answers"
	// RunWriteBrief writes brief and scope from the answers, or again after narrow
	// and pivot.
	RunWriteBrief flow.Kind = "write_brief"
	// RunWriteDocuments writes the documents that are asked for, one after the other.
	RunWriteDocuments flow.Kind = "write_documents"
	// RunWriteOptions works out ways to build what brief and scope say.
	RunWriteOptions flow.Kind = "write_options"
	// RunPriceWish finds out what a wish would take.
	RunPriceWish flow.Kind = "price_wish"
	// RunBuild builds what a founder ordered.
	RunBuild flow.Kind = "build"
	// RunChange turns a founder's words into a change with its price.
	RunChange flow.Kind = "change"
	// RunReadiness looks whether the current version can go online.
	RunReadiness flow.Kind = "readiness"
)

// Why runs of a project are paused, besides what their founder or flow say.
const (
	OfAccount flow.Reason = "account" // the starter was suspended or left the team
	OnHold    flow.Reason = "on_hold" // the project is on hold; ends with that
	OfDeleted flow.Reason = "deleted" // the project is deleted; ends when it is restored
)

// MayRun returns why work on p has to pause, if it has.
func (p Project) MayRun() flow.Reason {
	switch p.Status {
	case Parked:
		return OnHold
	case Deleted:
		return OfDeleted
	case Active:
	}
	return ""
}

// FirstNode is the node with which runs of these kinds begin.
const FirstNode = "begin"

// Run returns a run for p that starter asked for, to be given to flow. The same key is
// the same run, however often it is started; input encodes to JSON.
func (p Project) Run(kind flow.Kind, starter account.UserID, key string, input any) flow.NewRun {
	return flow.NewRun{
		Kind: kind, Workspace: string(p.Workspace), Project: string(p.ID), Starter: string(starter),
		First: flow.Next{Name: FirstNode}, Input: input, Dedupe: key,
	}
}

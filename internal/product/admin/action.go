package admin

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"

	"github.com/jackc/pgx/v5"
)

// ByAdministrator is the reason of runs that were ended from here.
const ByAdministrator flow.Reason = "administrator"

// endedDetail is what the founder is told; why is for the audit.
const endedDetail = "Whoever runs this installation ended this."

// Keep says which recorded steps a replay keeps.
type Keep string

// The choices. Only the last steps can be forgotten: what was recorded later was made of
// what was recorded before.
const (
	KeepAll  Keep = "all"
	KeepPaid Keep = "paid" // up to the last that holds a model's answer; nothing is paid twice
	KeepNone Keep = "none" // all is done and paid again
)

// PayAgain is what an operator writes to let answers be paid for a second time.
const PayAgain = "pay again"

// Replay is how a node is done anew.
type Replay struct {
	Node flow.NodeID
	Keep Keep
	// Words must be PayAgain where a step is forgotten that was paid for.
	Words string
}

// End ends a run of any team for good.
func (d *Desk) End(ctx context.Context, actor account.Actor, run flow.RunID, reason string) error {
	return d.act(ctx, actor, Entry{Action: EndRun, Subject: string(run), Reason: reason}, func(tx pgx.Tx, team string) error {
		return d.cfg.Flow.EndTx(ctx, tx, team, run, ByAdministrator, endedDetail)
	})
}

// Retry takes a run up again that failed or rests after a failure. Nothing that was
// recorded is done again.
func (d *Desk) Retry(ctx context.Context, actor account.Actor, run flow.RunID, reason string) error {
	return d.act(ctx, actor, Entry{Action: RetryRun, Subject: string(run), Reason: reason}, func(tx pgx.Tx, _ string) error {
		return d.cfg.Flow.RetryTx(ctx, tx, run)
	})
}

// Replay lets a node that did not get on be done anew; fault.Invalid on keep, and on words
// where something would be paid for twice that nobody allowed.
func (d *Desk) Replay(ctx context.Context, actor account.Actor, run flow.RunID, r Replay, reason string) error {
	notes := map[Keep]string{
		KeepAll: "all steps kept", KeepPaid: "steps after the last paid one forgotten", KeepNone: "all steps forgotten",
	}
	note, known := notes[r.Keep]
	if !known {
		return fault.OnField("keep", "Choose what becomes of the steps that are done.")
	}
	e := Entry{Action: ReplayNode, Subject: string(run), Part: string(r.Node), Note: note, Reason: reason}
	return d.act(ctx, actor, e, func(tx pgx.Tx, _ string) error {
		return d.cfg.Flow.ReplayTx(ctx, tx, run, r.Node, func(steps []string) (int, error) {
			paid, err := d.cfg.Meter.PaidStepsTx(ctx, tx, string(run), string(r.Node))
			if err != nil {
				return 0, err
			}
			return r.kept(steps, paid)
		})
	})
}

// kept is how many of the first steps are kept.
func (r Replay) kept(steps, paid []string) (int, error) {
	last := 0 // steps up to the last paid one
	for i, s := range steps {
		if slices.Contains(paid, s) {
			last = i + 1
		}
	}
	switch r.Keep {
	case KeepAll:
		return len(steps), nil
	case KeepPaid:
		return last, nil
	case KeepNone:
	}
	if last > 0 && !strings.EqualFold(strings.TrimSpace(r.Words), PayAgain) {
		return 0, fault.OnField("words", fmt.Sprintf("Answers that were paid for would be paid for again. If you want that, write: %s", PayAgain))
	}
	return 0, nil
}

// act does something to a run and writes down that it was done, in one transaction.
func (d *Desk) act(ctx context.Context, actor account.Actor, e Entry, do func(tx pgx.Tx, team string) error) error {
	if err := need(actor); err != nil {
		return err
	}
	var err error
	if e.Reason, err = reasonOf(e.Reason); err != nil {
		return err
	}
	e.User = actor.User
	err = db.InTx(ctx, d.cfg.DB, func(tx pgx.Tx) error {
		team, err := d.cfg.Flow.WorkspaceTx(ctx, tx, flow.RunID(e.Subject))
		if err != nil {
			return err
		}
		e.Workspace = account.WorkspaceID(team)
		if err := do(tx, team); err != nil {
			return err
		}
		return d.noteTx(ctx, tx, e)
	})
	d.cfg.Flow.Poke()
	return err
}

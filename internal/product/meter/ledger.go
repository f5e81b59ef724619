package meter

import (
	"context"
	"fmt"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// Kind is what a row of the ledger is about. The texts are stored.
type Kind string

// The kinds.
const (
	ACall   Kind = "call"   // one attempt
	ACredit Kind = "credit" // a call taken upon us
	ALate   Kind = "late"   // a bill for a call that had been written off
)

// Entry is one row of the ledger.
type Entry struct {
	ID         EntryID
	Kind       Kind
	At         time.Time // written
	ReservedAt time.Time // the call began
	Day        time.Time // midnight UTC of the day it counts in
	Workspace  account.WorkspaceID
	Project    project.ID // "" for none
	Starter    account.UserID
	Run        string
	Node       string
	Epoch      int64
	Step       string
	Attempt    int
	Role       Role
	Payer      Payer
	Endpoint   string
	Model      string
	AnsweredBy string // the model the provider named, where it named another
	RequestID  string
	State      llm.State
	Superseded bool
	Failure    llm.Kind // "" for an answer
	Reason     llm.Reason

	Input, Write5m, Write1h, Read, Output, Thinking llm.Tokens

	RatesFrom                                                 time.Time
	InputRate, Write5mRate, Write1hRate, ReadRate, OutputRate Rate

	Reserved  NanoUSD
	Nano      NanoUSD // what counts
	Weighed   Weighed
	Uncounted NanoUSD
	Mistake   Mistake
	Listed    NanoUSD // what the mistake had cost
	Of        *EntryID
}

func (e Entry) usage() llm.Usage {
	return llm.Usage{
		Input: e.Input, CacheWrite5m: e.Write5m, CacheWrite1h: e.Write1h, CacheRead: e.Read,
		Output: e.Output, Thinking: e.Thinking, Known: e.State == llm.Settled,
	}
}

func (e Entry) rates() Rates {
	return Rates{Input: e.InputRate, CacheWrite5m: e.Write5mRate, CacheWrite1h: e.Write1hRate, CacheRead: e.ReadRate, Output: e.OutputRate}
}

const entryColumns = `l.id, l.kind, l.at, l.reserved_at, l.day, l.workspace_id AS workspace, l.project_id AS project, l.starter_id AS starter,
    l.run, l.node, l.epoch, l.step, l.attempt, l.role, l.payer, l.endpoint, l.model, l.answered_by, l.request_id, l.state, l.superseded,
    l.failure, l.reason, l.input, l.write_5m AS write5m, l.write_1h AS write1h, l.read, l.output, l.thinking,
    l.rates_from, l.input_rate, l.write_5m_rate AS write5m_rate, l.write_1h_rate AS write1h_rate, l.read_rate, l.output_rate,
    l.reserved, l.nano, l.weighed, l.uncounted, l.mistake, l.listed, l.of`

// Filter chooses rows of the ledger. The zero value of each field chooses all.
type Filter struct {
	From, To time.Time // days in UTC, both included
	Project  project.ID
	Run      string
}

// chosen limits a query on the ledger l to what somebody may see and has chosen.
const chosen = `(@workspace::text = '' OR l.workspace_id = @workspace)
    AND (NOT @restricted OR EXISTS (SELECT FROM member_project mp
        WHERE mp.workspace_id = l.workspace_id AND mp.user_id = @user AND mp.project_id = l.project_id))
    AND (@project = '' OR l.project_id = @project) AND (@run = '' OR l.run = @run)
    AND l.day BETWEEN coalesce(@from::date, '-infinity') AND coalesce(@to::date, 'infinity')`

func (f Filter) args(actor account.Actor) pgx.StrictNamedArgs {
	args := pgx.StrictNamedArgs{
		"workspace": actor.Workspace, "user": actor.User, "restricted": actor.Restricted,
		"project": f.Project, "run": f.Run, "from": nil, "to": nil,
	}
	if !f.From.IsZero() {
		args["from"] = f.From.UTC()
	}
	if !f.To.IsZero() {
		args["to"] = f.To.UTC()
	}
	return args
}

// everyone is who an operator asks as, about all teams.
func everyone(actor account.Actor) (account.Actor, error) {
	if !actor.Operator {
		return account.Actor{}, fault.New(fault.Forbidden, "operator_only", "Only whoever runs this installation can see that.")
	}
	return account.Actor{User: actor.User}, nil
}

const listEntries = `SELECT ` + entryColumns + ` FROM ledger l WHERE ` + chosen + ` ORDER BY l.day, l.reserved_at, l.attempt, l.id`

// Entries calls each for every row of the ledger that the actor may see and has
// chosen, by day and in the order in which the calls began. Its error ends the list
// and is returned.
func (m *Meter) Entries(ctx context.Context, actor account.Actor, f Filter, each func(Entry) error) error {
	if err := actor.Need(account.MayRead); err != nil {
		return err
	}
	return m.entries(ctx, actor, f, each)
}

// EntriesOfAll is Entries over all teams; operators only.
func (m *Meter) EntriesOfAll(ctx context.Context, actor account.Actor, f Filter, each func(Entry) error) error {
	all, err := everyone(actor)
	if err != nil {
		return err
	}
	return m.entries(ctx, all, f, each)
}

func (m *Meter) entries(ctx context.Context, actor account.Actor, f Filter, each func(Entry) error) error {
	rows, err := m.db.Query(ctx, listEntries, f.args(actor))
	if err != nil {
		return fmt.Errorf("list ledger: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		e, err := pgx.RowToStructByName[Entry](rows)
		if err != nil {
			return fmt.Errorf("list ledger: %w", err)
		}
		if err := each(e); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list ledger: %w", err)
	}
	return nil
}

const paidSteps = `
SELECT DISTINCT l.step FROM ledger l
WHERE l.run = $1 AND l.node = $2 AND l.kind = 'call' AND l.state <> 'void' AND NOT l.superseded`

// PaidStepsTx returns the steps of a durable run's node that hold the answer of a model, as
// tx sees them: doing one of them again pays again.
func (m *Meter) PaidStepsTx(ctx context.Context, tx pgx.Tx, run, node string) ([]string, error) {
	rows, err := tx.Query(ctx, paidSteps, run, node)
	if err != nil {
		return nil, fmt.Errorf("read paid steps: %w", err)
	}
	steps, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read paid steps: %w", err)
	}
	return steps, nil
}

package meter

import (
	"context"
	"fmt"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"

	"github.com/jackc/pgx/v5"
)

// Mistake says why a call was ours to pay.
type Mistake string

// The mistakes (SPEC 8). The texts are stored and in the API.
const (
	Overload    Mistake = "overload"      // the AI was overloaded or broke off after we had begun
	Unreadable  Mistake = "unreadable"    // an answer that could not be used
	LoopStop    Mistake = "loop_stop"     // going round in circles, rolled back
	OurFault    Mistake = "our_fault"     // anything else that went wrong here
	DoesNotWork Mistake = "does_not_work" // mending what was ticked and did not work
	NoVersion   Mistake = "no_version"    // a build that ended without a version
)

func (m Mistake) known() bool {
	switch m {
	case Overload, Unreadable, LoopStop, OurFault, DoesNotWork, NoVersion:
		return true
	}
	return false
}

// mistakeOf says whose fault a failed attempt was; "" means not ours: somebody
// stopped it, or the model declined.
func mistakeOf(k llm.Kind) Mistake {
	switch k {
	case llm.Overloaded, llm.RateLimited, llm.Unavailable:
		return Overload
	case llm.Unreadable, llm.Truncated:
		return Unreadable
	case llm.ContextTooLong, llm.Rejected, llm.Unauthorised, llm.SpendLimit, llm.Budget, abandoned:
		return OurFault
	case llm.Refused, llm.Cancelled:
	}
	return ""
}

// Calls names rows of the ledger: single ones, or those of a run, from an instant on
// (zero: from its beginning), or of some of its steps.
type Calls struct {
	Entries []EntryID

	Workspace account.WorkspaceID
	Run       string
	Since     time.Time
	Steps     []string
}

// Given is what CreditTx did.
type Given struct {
	Calls  int
	Listed NanoUSD // what the mistakes had cost
	Back   Amount  // of that, what went back to the allowance
}

// A credit counts in the windows of now, so that it is there at once, also for a call
// of last month. The run's own budget gets nothing back: mistakes are inside the quote,
// and a build that makes nothing else must end.
const credit = `
WITH entry AS (
    INSERT INTO ledger (workspace_id, project_id, starter_id, run, node, epoch, step, attempt, role, payer, endpoint, model, rates_from,
        reserved_at, id, kind, at, of, state, superseded, failure, reason,
        input_rate, write_5m_rate, write_1h_rate, read_rate, output_rate, nano, weighed, mistake, listed, day, budgets, sinces)
    SELECT l.workspace_id, l.project_id, l.starter_id, l.run, l.node, l.epoch, l.step, l.attempt, l.role, l.payer, l.endpoint, l.model, l.rates_from,
        l.reserved_at, l.id || '/credit', 'credit', @at, l.id, l.state, l.superseded, l.failure, l.reason,
        l.input_rate, l.write_5m_rate, l.write_1h_rate, l.read_rate, l.output_rate,
        CASE WHEN l.payer = ANY(@giving) THEN -l.nano ELSE 0 END, CASE WHEN l.payer = ANY(@giving) THEN -l.weighed ELSE 0 END,
        @mistake, l.nano, t.day, coalesce(w.budgets, '{}'), coalesce(w.sinces, '{}')
    FROM ledger l
    CROSS JOIN LATERAL (SELECT greatest(@today::date, max(h.day)) AS day FROM budget h WHERE h.id = ANY(l.budgets)) t
    CROSS JOIN LATERAL (
        SELECT array_agg(h.id ORDER BY h.id) AS budgets, array_agg(` + sinceOf + ` ORDER BY h.id) AS sinces
        FROM budget h WHERE h.id = ANY(l.budgets) AND h.id <> 'run/' || l.workspace_id || '/' || l.run) w
    WHERE l.kind = 'call' AND l.nano > 0 AND (l.id = ANY(@entries) OR (
        l.run = @run AND l.workspace_id = @workspace AND l.reserved_at >= @since AND (@steps::text[] IS NULL OR l.step = ANY(@steps))))
    ON CONFLICT (id) DO NOTHING
    RETURNING budgets, sinces, day, nano, weighed, listed
), change AS (
    INSERT INTO budget_change (budgets, sinces, day, released, released_weighed, spent, spent_weighed)
    SELECT budgets, sinces, day, 0, 0, nano, weighed FROM entry WHERE nano < 0 OR weighed < 0
)
SELECT count(*) AS calls, coalesce(sum(listed), 0)::bigint AS listed, coalesce(-sum(nano), 0)::bigint AS nano, coalesce(-sum(weighed), 0)::bigint AS weighed
FROM entry`

// CreditTx takes calls upon us. Where a plan or a trial paid, what they cost goes back
// to the allowance at once; where the team's own key paid it is listed, since the
// provider was paid. A call is credited once, whatever the reasons; only what is in the
// ledger can be: settle first.
func (m *Meter) CreditTx(ctx context.Context, tx pgx.Tx, why Mistake, which Calls) (Given, error) {
	if !why.known() {
		return Given{}, fault.Newf(fault.Internal, "unknown_mistake", "There is no mistake called %q.", why)
	}
	now := m.clock.Now()
	var given Given
	err := tx.QueryRow(ctx, credit, pgx.StrictNamedArgs{
		"at": now, "today": now, "mistake": why, "giving": []Payer{OnPlan, OnTrial},
		"entries": which.Entries, "workspace": which.Workspace, "run": which.Run, "since": which.Since, "steps": which.Steps,
	}).Scan(&given.Calls, &given.Listed, &given.Back.Nano, &given.Back.Weighed)
	if err != nil {
		return Given{}, fmt.Errorf("credit: %w", err)
	}
	return given, nil
}

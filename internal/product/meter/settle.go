package meter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/base/faultpoint"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/llm"

	"github.com/jackc/pgx/v5"
)

// settleTime bounds the last write after a paid call, which is made also when the
// call's own context is over.
const settleTime = 10 * time.Second

// querier is what pools and transactions can both do.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// MaxTokens implements llm.Ticket.
func (r Reservation) MaxTokens() llm.Tokens { return r.Output }

// Failed implements llm.Ticket: it settles an attempt that gave no answer, alone and
// at once. What it cost though nothing came of it is our mistake, unless somebody
// stopped it or the model declined.
func (r Reservation) Failed(ctx context.Context, o llm.Outcome) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	r.meter.done(r.ID)
	if o.State == llm.Unknown {
		return r.forget(ctx, o)
	}
	s := r.settlement(o)
	mistake := mistakeOf(o.Err)
	if mistake == "" || s.cost.Amount == (Amount{}) {
		return r.meter.settle(ctx, r.meter.db, s)
	}
	return db.InTx(ctx, r.meter.db, func(tx pgx.Tx) error {
		if err := r.meter.settle(ctx, tx, s); err != nil {
			return err
		}
		_, err := r.meter.CreditTx(ctx, tx, mistake, Calls{Entries: []EntryID{r.ID}})
		return err
	})
}

const markUnknown = `
UPDATE reservation SET failure = $2, reason = $3, expires_at = $4 WHERE id = $1`

// forget leaves a call of which nobody knows what it cost: it keeps its whole
// reservation until Sweep writes it off.
func (r Reservation) forget(ctx context.Context, o llm.Outcome) error {
	at := r.meter.clock.Now().Add(lifetime)
	if _, err := r.meter.db.Exec(ctx, markUnknown, r.ID, o.Err, o.Reason, at); err != nil {
		return fmt.Errorf("mark unknown: %w", err)
	}
	return nil
}

// Answered makes a receipt of an attempt that gave an answer. Nothing is written.
func (r Reservation) Answered(o llm.Outcome) Receipt {
	return Receipt{meter: r.meter, settlement: r.settlement(o)}
}

// Receipt is a call that gave an answer and still has to be settled: with SettleTx or
// QueueTx in the transaction that keeps the answer, or, if that cannot commit, with Settle. The
// zero Receipt is that of no call: there is nothing to settle.
type Receipt struct {
	meter      *Meter
	settlement settlement
}

// ID is the ledger's row of the call, once settled.
func (r Receipt) ID() EntryID { return r.settlement.id }

// Cost is what the call costs.
func (r Receipt) Cost() Amount { return r.settlement.cost.Amount }

// SettleTx writes the call to the ledger together with what it paid for. It locks
// nothing but the call's own row. When tx does not commit, nothing is settled.
func (r Receipt) SettleTx(ctx context.Context, tx pgx.Tx) error {
	if r.meter == nil {
		return nil
	}
	return r.meter.settle(ctx, tx, r.settlement)
}

// QueueTx is SettleTx as a part of a batch, which costs no round trip of its own. The
// batch must be sent as one transaction; ctx is for what is logged.
func (r Receipt) QueueTx(ctx context.Context, b *pgx.Batch) {
	if r.meter == nil {
		return
	}
	b.Queue(settle, r.settlement.args(r.meter.clock.Now())).QueryRow(func(row pgx.Row) error {
		return r.meter.settled(ctx, row, r.settlement)
	})
}

// Settle writes a call to the ledger whose answer could not be kept, because the step
// was fenced off, stopped or failed: it is marked superseded. It also works when ctx is
// over. After a SettleTx that did commit it changes nothing.
func (r Receipt) Settle(ctx context.Context) error {
	if r.meter == nil {
		return nil
	}
	r.settlement.superseded = true
	return r.settleAlone(ctx)
}

// settleAlone settles by a statement of its own, also when ctx is over.
func (r Receipt) settleAlone(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	return r.meter.settle(ctx, r.meter.db, r.settlement)
}

// settlement is what the ledger is to say about one attempt.
type settlement struct {
	id         EntryID
	state      llm.State
	usage      llm.Usage
	cost       Cost
	answeredBy string
	outcome    llm.Outcome
	superseded bool
}

// settlement prices an outcome. What nobody knows is never priced at nothing: usage
// that is missing or cannot be true costs the whole reservation.
func (r Reservation) settlement(o llm.Outcome) settlement {
	s := settlement{id: r.ID, state: o.State, usage: o.Usage, outcome: o}
	if o.Model != r.price.Model {
		s.answeredBy = o.Model
	}
	switch {
	case o.State == llm.Void:
		s.usage = llm.Usage{}
		s.cost = r.price.Cost(s.usage)
	case !plausible(o.Usage) || o.State == llm.Settled && !o.Usage.Known:
		s.state, s.usage = llm.Estimated, llm.Usage{}
		s.cost = r.price.Cost(s.usage)
		s.cost.Amount = r.Reserved
	default:
		s.cost = r.price.Cost(o.Usage)
		if !s.cost.Exact {
			s.state = llm.Estimated
		}
		if s.state == llm.Estimated {
			s.cost.Nano = min(s.cost.Nano, r.Reserved.Nano)
			s.cost.Weighed = min(s.cost.Weighed, r.Reserved.Weighed)
		}
	}
	return s
}

func plausible(u llm.Usage) bool {
	for _, n := range []llm.Tokens{u.Input, u.CacheWrite5m, u.CacheWrite1h, u.CacheRead, u.Output, u.Thinking} {
		if n < 0 || n > maxTokens {
			return false
		}
	}
	return true
}

// key are the columns that a ledger's row takes over from its reservation.
const key = `workspace_id, project_id, starter_id, run, node, epoch, step, attempt, role, payer, endpoint, model, rates_from, budgets, sinces, day, reserved_at`

// settle moves an attempt from the reservations to the ledger. An attempt that has no
// reservation any more was settled before, which is all right, or its process was away
// so long that Sweep had written it off: what it turned out to cost beyond that is noted
// and counted against nobody, since the room was given to others meanwhile and limits
// hold.
const settle = `
WITH gone AS (
    DELETE FROM reservation WHERE id = @id RETURNING *
), entry AS (
    INSERT INTO ledger (` + key + `, id, kind, at, answered_by, request_id, state, superseded, failure, reason,
        input, write_5m, write_1h, read, output, thinking,
        input_rate, write_5m_rate, write_1h_rate, read_rate, output_rate, reserved, nano, weighed)
    SELECT ` + key + `, id, 'call', @at, @answered_by, @request_id, @state, @superseded, @failure, @reason,
        @input, @write_5m, @write_1h, @read, @output, @thinking,
        @input_rate, @write_5m_rate, @write_1h_rate, @read_rate, @output_rate, nano, @nano, @weighed
    FROM gone
), change AS (
    INSERT INTO budget_change (budgets, sinces, day, released, released_weighed, spent, spent_weighed)
    SELECT budgets, sinces, day, nano, weighed, @nano, @weighed FROM gone
), before AS (
    SELECT ` + key + `, id, state, nano FROM ledger WHERE id = @id AND kind = 'call' AND NOT EXISTS (SELECT FROM gone)
), noted AS (
    INSERT INTO ledger (` + key + `, id, kind, at, of, answered_by, request_id, state, superseded, failure, reason,
        input, write_5m, write_1h, read, output, thinking,
        input_rate, write_5m_rate, write_1h_rate, read_rate, output_rate, nano, weighed, uncounted)
    SELECT workspace_id, project_id, starter_id, run, node, epoch, step, attempt, role, payer, endpoint, model, rates_from, '{}', '{}', day, reserved_at,
        id || '/late', 'late', @at, id, @answered_by, @request_id, @state, @superseded, @failure, @reason,
        @input, @write_5m, @write_1h, @read, @output, @thinking,
        @input_rate, @write_5m_rate, @write_1h_rate, @read_rate, @output_rate, 0, 0, greatest(0, @nano - nano)
    FROM before WHERE state = 'unknown'
    ON CONFLICT (id) DO NOTHING
    RETURNING id
)
SELECT (SELECT nano FROM gone) AS reserved, EXISTS (SELECT FROM before) AS before, EXISTS (SELECT FROM noted) AS noted`

// errNoReservation says that there is neither a reservation nor a row of the ledger.
var errNoReservation = errors.New("there was never a reservation")

// settle writes a settlement by one statement. A statement that waited for somebody who
// settled the same call does not see the row they wrote; it is asked a second time.
func (m *Meter) settle(ctx context.Context, q querier, s settlement) error {
	faultpoint.At("meter.settle.before")
	err := m.settled(ctx, q.QueryRow(ctx, settle, s.args(m.clock.Now())), s)
	if errors.Is(err, errNoReservation) {
		err = m.settled(ctx, q.QueryRow(ctx, settle, s.args(m.clock.Now())), s)
	}
	if err != nil {
		return err
	}
	faultpoint.At("meter.settle.after")
	return nil
}

// settled reads what the statement did.
func (m *Meter) settled(ctx context.Context, row pgx.Row, s settlement) error {
	var reserved *NanoUSD
	var before, noted bool
	switch err := row.Scan(&reserved, &before, &noted); {
	case err != nil:
		return fmt.Errorf("settle: %w", err)
	case reserved == nil && !before:
		return fmt.Errorf("settle %s: %w", s.id, errNoReservation)
	case noted:
		m.log.WarnContext(ctx, "model call settled after it was written off", "entry", s.id, "cost", s.cost.Nano.String())
	case reserved != nil && s.cost.Nano > *reserved:
		// The provider went beyond what it was asked for. The money is gone, so it
		// counts; the budget may now be over its limit by that much.
		m.log.ErrorContext(ctx, "model call cost more than its worst case", "entry", s.id,
			"model", s.outcome.Model, "reserved", reserved.String(), "cost", s.cost.Nano.String())
	}
	return nil
}

func (s settlement) args(at time.Time) pgx.StrictNamedArgs {
	u, r := s.usage, s.cost.Rates
	return pgx.StrictNamedArgs{
		"id": s.id, "at": at, "answered_by": s.answeredBy, "request_id": s.outcome.RequestID,
		"state": s.state, "superseded": s.superseded, "failure": s.outcome.Err, "reason": s.outcome.Reason,
		"input": u.Input, "write_5m": u.CacheWrite5m, "write_1h": u.CacheWrite1h, "read": u.CacheRead, "output": u.Output, "thinking": u.Thinking,
		"input_rate": r.Input, "write_5m_rate": r.CacheWrite5m, "write_1h_rate": r.CacheWrite1h, "read_rate": r.CacheRead, "output_rate": r.Output,
		"nano": s.cost.Nano, "weighed": s.cost.Weighed,
	}
}

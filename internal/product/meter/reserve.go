package meter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/faultpoint"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/llm"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// leastOutput is how far an answer may be shortened to fit what is left: below it a
// model that thinks has nothing left to say.
const leastOutput llm.Tokens = 4096

// lifetime is how long a reservation lives without a sign of life: as long as a call
// whose cost is not known keeps its full reservation.
const lifetime = 15 * time.Minute

// Reservation is the right to make one attempt: its worst case is taken off every
// budget it counts against until it is settled or voided.
type Reservation struct {
	ID       EntryID
	Attempt  int        // counted over all attempts of the step, from 1
	Output   llm.Tokens // what the answer may have, at most what was asked for
	Reserved Amount

	meter *Meter
	price Price
}

// reserveSQL decides about one attempt and takes its worst case, in one statement that
// commits by itself. What each CTE is for:
//
//	claim    one row while the worker that asks still has the node it works on
//	held     locks the budgets in the order of their ids; their values are the newest
//	today    the day it counts for: never before a day already begun; and whether anything
//	         else forbids to spend: no limits or allowance of the payer's yet, a starter who
//	         is suspended, a lost node
//	present  the counters as they are in the windows of today, with the limits in force
//	room     how many tokens of answer fit into each window of each budget; NULL: no limit,
//	         or it costs nothing
//	ok       one row when it fits everywhere, none when not
//	taken, noted  the writes, made only with ok
const reserveSQL = `
WITH claim AS MATERIALIZED (` + flow.ClaimSQL + `), held AS MATERIALIZED (
    SELECT id, renews, anchor, paced, borrows, confirmed_at, run_limit, day_limit, day_limit_weighed, period_limit, period_limit_weighed,
        day, since, day_spent, day_reserved, day_spent_weighed, day_reserved_weighed,
        period_spent, period_reserved, period_spent_weighed, period_reserved_weighed
    FROM budget WHERE id = ANY(@budgets::text[]) ORDER BY id FOR UPDATE
), today AS (
    SELECT greatest(@today::date, max(day)) AS day, bool_or(borrows) AS borrows,
           @free::boolean OR coalesce(bool_or(CASE WHEN @planned::boolean THEN period_limit_weighed IS NOT NULL ELSE confirmed_at IS NOT NULL END)
               FILTER (WHERE id = @confirms), false) AS confirmed,
           EXISTS (SELECT FROM app_user u WHERE u.id = @starter AND (u.suspended_at IS NOT NULL OR u.deleted_at IS NOT NULL)) AS suspended,
           NOT @claimed::boolean OR EXISTS (SELECT FROM claim) AS current
    FROM held
), present AS (
    SELECT h.id, h.renews, t.day, w.since,
        CASE WHEN NOT (h.paced AND t.borrows) THEN h.day_limit END AS day_limit,
        CASE WHEN NOT (h.paced AND t.borrows) THEN h.day_limit_weighed END AS day_limit_weighed,
        CASE WHEN h.id = @run_budget AND h.confirmed_at IS NULL
             THEN (SELECT run_limit FROM held WHERE id = @workspace) ELSE h.period_limit END AS period_limit,
        h.period_limit_weighed,
        CASE WHEN h.day = t.day THEN h.day_spent ELSE 0 END AS day_spent,
        CASE WHEN h.day = t.day THEN h.day_reserved ELSE 0 END AS day_reserved,
        CASE WHEN h.day = t.day THEN h.day_spent_weighed ELSE 0 END AS day_spent_weighed,
        CASE WHEN h.day = t.day THEN h.day_reserved_weighed ELSE 0 END AS day_reserved_weighed,
        CASE WHEN h.since = w.since THEN h.period_spent ELSE 0 END AS period_spent,
        CASE WHEN h.since = w.since THEN h.period_reserved ELSE 0 END AS period_reserved,
        CASE WHEN h.since = w.since THEN h.period_spent_weighed ELSE 0 END AS period_spent_weighed,
        CASE WHEN h.since = w.since THEN h.period_reserved_weighed ELSE 0 END AS period_reserved_weighed
    FROM held h CROSS JOIN today t CROSS JOIN LATERAL (SELECT ` + sinceOf + ` AS since) w
), room AS (
    SELECT p.id, w.part, w.resets, w.nano, w.weighed, CASE WHEN NOT (@free AND @input::bigint = 0 AND @output::bigint = 0) THEN least(
        CASE WHEN w.nano * 1000 < @input::bigint THEN -1
             WHEN @output::bigint = 0 THEN NULL
             ELSE (w.nano * 1000 - @input) / @output END,
        CASE WHEN w.weighed::numeric * nullif(@unit::bigint, 0) < @input THEN -1
             WHEN @output = 0 THEN NULL
             ELSE least(@most::bigint, floor((w.weighed::numeric * nullif(@unit, 0) - @input) / @output)) END
        )::bigint END AS tokens
    FROM present p CROSS JOIN LATERAL (VALUES
        ('day', p.day + 1, p.day_limit - p.day_spent - p.day_reserved,
            p.day_limit_weighed - p.day_spent_weighed - p.day_reserved_weighed),
        ('period', CASE p.renews WHEN 'monthly' THEN (p.since + interval '1 month')::date END,
            p.period_limit - p.period_spent - p.period_reserved,
            p.period_limit_weighed - p.period_spent_weighed - p.period_reserved_weighed)
    ) AS w (part, resets, nano, weighed)
), fit AS (
    SELECT least(@most, min(tokens)) AS tokens FROM room
), ok AS (
    SELECT f.tokens, (@input + f.tokens * @output + 999) / 1000 AS nano,
        coalesce((@input + f.tokens * @output + @unit - 1) / nullif(@unit, 0), 0) AS weighed
    FROM fit f CROSS JOIN today t
    WHERE f.tokens >= @least::bigint AND t.confirmed AND NOT t.suspended AND t.current
      AND (SELECT count(*) FROM held) = cardinality(@budgets)
), taken AS (
    UPDATE budget b SET day = p.day, since = p.since,
        day_spent = p.day_spent, day_reserved = p.day_reserved + ok.nano,
        day_spent_weighed = p.day_spent_weighed, day_reserved_weighed = p.day_reserved_weighed + ok.weighed,
        period_spent = p.period_spent, period_reserved = p.period_reserved + ok.nano,
        period_spent_weighed = p.period_spent_weighed, period_reserved_weighed = p.period_reserved_weighed + ok.weighed
    FROM present p CROSS JOIN ok WHERE b.id = p.id
), noted AS (
    INSERT INTO reservation (id, reserved_at, expires_at, workspace_id, project_id, starter_id, run, node, epoch, step,
        attempt, role, payer, endpoint, model, rates_from, input_rate, write_5m_rate, write_1h_rate, read_rate, output_rate,
        input_upper, max_tokens, nano, weighed, estimate, estimate_weighed, day, budgets, sinces)
    SELECT @id, @at::timestamptz, @at + @lifetime::interval, @workspace, @project, @starter, @run, @node, @epoch, @step,
        1 + greatest(
            (SELECT max(l.attempt) FROM ledger l WHERE l.run = @run AND l.node = @node AND l.epoch = @epoch AND l.step = @step AND l.workspace_id = @workspace),
            (SELECT max(r.attempt) FROM reservation r WHERE r.run = @run AND r.node = @node AND r.epoch = @epoch AND r.step = @step AND r.workspace_id = @workspace),
            0),
        @role, @payer, @endpoint, @model, @rates_from, @input_rate, @write_5m_rate, @write_1h_rate, @read_rate, @output_rate,
        @input_upper, ok.tokens, ok.nano, ok.weighed, @estimate, @estimate_weighed,
        (SELECT day FROM today), (SELECT array_agg(id ORDER BY id) FROM present), (SELECT array_agg(since ORDER BY id) FROM present)
    FROM ok
    RETURNING attempt
)
SELECT ok.tokens, ok.nano, ok.weighed, noted.attempt, t.confirmed, t.suspended, t.current,
    ARRAY(SELECT i FROM unnest(@budgets) AS i WHERE i NOT IN (SELECT id FROM held)) AS missing,
    tight.id AS budget, tight.part, tight.resets, tight.nano AS left_nano, tight.weighed AS left_weighed
FROM today t LEFT JOIN ok ON true LEFT JOIN noted ON true
LEFT JOIN LATERAL (SELECT id, part, resets, nano, weighed FROM room WHERE tokens < @least ORDER BY resets DESC NULLS FIRST, id LIMIT 1) tight ON ok.tokens IS NULL`

// sinceOf is the first day of the period that the day t.day falls into, for a budget
// h. It never goes back: after anchor has changed, the period under way goes on until
// the new one begins.
const sinceOf = `CASE h.renews WHEN 'monthly' THEN greatest(h.since,
    (date_trunc('month', (t.day - (h.anchor - 1))::timestamp))::date + (h.anchor - 1)) ELSE h.since END`

// verdict is the one row of reserveSQL.
type verdict struct {
	Tokens, Nano, Weighed *int64 // nil: refused
	Attempt               *int
	Confirmed, Suspended  bool
	Current               bool // the claim is the newest of its node, or the charge has none
	Missing               []BudgetID
	Budget                *BudgetID // the tightest, when that is why
	Part                  *string
	Resets                *time.Time
	LeftNano              *NanoUSD
	LeftWeighed           *Weighed
}

// Reserve takes the worst case of one attempt off every budget the charge counts
// against, or refuses: *LimitError says which budget, how much is left and when it starts
// anew. A starter who is suspended is fault.Forbidden with code suspended, whatever the
// limits say; a node of a run that was paused, ended or taken over is flow.ErrFenced, so
// that who lost it cannot spend. It is exact under any concurrency. Before it refuses, or shortens the answer, it
// folds in what calls have given back meanwhile.
//
// What is reserved must be settled or voided; a reservation nobody comes back to is
// found by Sweep.
func (m *Meter) Reserve(ctx context.Context, c Charge, call Call) (Reservation, error) {
	return m.reserve(ctx, c, call, leastOutput)
}

// reserve is Reserve with another least length of the answer.
func (m *Meter) reserve(ctx context.Context, c Charge, call Call, least llm.Tokens) (Reservation, error) {
	if err := c.check(); err != nil {
		return Reservation{}, err
	}
	if call.InputUpper <= 0 || call.MaxTokens <= 0 || call.InputUpper > maxTokens || call.MaxTokens > maxTokens {
		return Reservation{}, fault.Newf(fault.Internal, "call_unbounded", "A model call of %d and %d tokens has no worst case.", call.InputUpper, call.MaxTokens)
	}
	r := Reservation{ID: id.Mint[EntryID](m.ids), meter: m, price: call.Price}
	w := m.want(c, call, r.ID)
	folded := false
	for {
		v, err := w.ask(ctx, m)
		switch {
		case err != nil:
			return Reservation{}, err
		case v.Tokens != nil:
			r.Output, r.Attempt = llm.Tokens(*v.Tokens), *v.Attempt
			r.Reserved = Amount{Nano: NanoUSD(*v.Nano), Weighed: Weighed(*v.Weighed)}
			return r, nil
		case !v.Current:
			return Reservation{}, fault.New(fault.Conflict, "work_moved_on", "This work was paused, ended or taken over by another process, so it asks nothing more.").Because(flow.ErrFenced)
		case v.Suspended:
			return Reservation{}, fault.New(fault.Forbidden, "suspended", "The account of whoever started this is suspended, so nothing more is asked. Ask whoever runs this installation.")
		case len(v.Missing) > 0 && !w.opened:
			if err := w.open(ctx, m, v.Missing); err != nil {
				return Reservation{}, err
			}
		case v.Budget != nil && v.Confirmed && !folded:
			folded = true
			w.args["least"] = min(least, call.MaxTokens)
			if err := m.foldFor(ctx, w.budgets); err != nil {
				return Reservation{}, err
			}
		default:
			return Reservation{}, refuse(c, call, v, m.clock.Now())
		}
	}
}

// maxTokens bounds what a prompt or an answer can have, a hundred times what any
// model takes, so that prices cannot overflow.
const maxTokens llm.Tokens = 100_000_000

// want is one question to the database, asked until it is answered.
type want struct {
	charge  Charge
	budgets []BudgetID
	args    pgx.StrictNamedArgs
	opened  bool
}

func (m *Meter) want(c Charge, call Call, entry EntryID) *want {
	now := m.clock.Now()
	b := call.Price.worst(call.InputUpper)
	t := call.Price.tier(call.InputUpper)
	estimate := times(call.InputUpper, t.rates.Input).amount(call.Price.unit)
	budgets := c.budgets(append(slices.Clone(call.Also), c.confirms(call.Payer)))
	return &want{charge: c, budgets: budgets, args: pgx.StrictNamedArgs{
		"budgets": budgets, "workspace": c.Actor.Workspace, "run_budget": RunBudget(c.Actor.Workspace, c.Run),
		"confirms": c.confirms(call.Payer), "planned": call.Payer == OnPlan,
		"today": now, "at": now, "lifetime": lifetime, "free": call.Price.Free(),
		"input": b.input, "output": b.output, "unit": b.unit,
		"most": call.MaxTokens, "least": call.MaxTokens,
		"id": entry, "project": c.Project, "starter": c.Actor.User,
		"claimed": c.claimed(), "run": c.Run, "node": c.Node, "epoch": c.Epoch, "step": c.Step,
		"role": c.Role, "payer": call.Payer, "endpoint": call.Endpoint, "model": call.Price.Model, "rates_from": call.Price.From,
		"input_rate": t.rates.Input, "write_5m_rate": t.rates.CacheWrite5m, "write_1h_rate": t.rates.CacheWrite1h,
		"read_rate": t.rates.CacheRead, "output_rate": t.rates.Output,
		"input_upper": call.InputUpper, "estimate": estimate.Nano, "estimate_weighed": estimate.Weighed,
	}}
}

func (w *want) ask(ctx context.Context, m *Meter) (verdict, error) {
	rows, err := m.db.Query(ctx, reserveSQL, w.args)
	if err != nil {
		return verdict{}, fmt.Errorf("reserve: %w", err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[verdict])
	faultpoint.At("meter.reserve.after")
	if duplicate := (*pgconn.PgError)(nil); errors.As(err, &duplicate) && duplicate.ConstraintName == "reservation_step" {
		return verdict{}, fault.New(fault.Conflict, "step_under_way", "This step is already asking a model.")
	}
	if err != nil {
		return verdict{}, fmt.Errorf("reserve: %w", err)
	}
	return v, nil
}

// A run's budget never renews; those of people, projects and teams count by months
// until somebody sets limits. Nothing is locked: the rows are new.
const openBudgets = `
INSERT INTO budget (id, renews, day, since)
SELECT i, CASE WHEN i = @run THEN 'never' ELSE 'monthly' END, @today::date,
    CASE WHEN i = @run THEN 'epoch'::date ELSE date_trunc('month', @today::date::timestamp)::date END
FROM unnest(@missing::text[]) AS i ORDER BY i
ON CONFLICT (id) DO NOTHING`

// open makes budgets that nobody has set limits for, so that what is spent is
// counted from the first call on. Those of the payer's that are missing stay missing.
func (w *want) open(ctx context.Context, m *Meter, missing []BudgetID) error {
	w.opened = true
	own := w.charge.own()
	missing = slices.DeleteFunc(missing, func(b BudgetID) bool { return !slices.Contains(own, b) })
	_, err := m.db.Exec(ctx, openBudgets, pgx.StrictNamedArgs{
		"missing": missing, "run": w.args["run_budget"], "today": w.args["today"],
	})
	if err != nil {
		return fmt.Errorf("open budgets: %w", err)
	}
	return nil
}

-- +goose Up

-- What may be spent, and what was, under opaque ids: a run, a project, a person, a
-- team, or whatever else a charge names. Money is in nano-dollars, weighed amounts in
-- weighed tokens (package meter says what those are). A limit that is NULL is no limit.
--
-- The counters are those of the windows day and since name; a window that has passed
-- counts as empty. reserved is what calls under way may still cost. Only reserving and
-- folding write counters, each in one statement that locks the rows in the order of
-- their ids. The rows are small, hot and updated in place.
CREATE TABLE budget (
    id                      text COLLATE "C" PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 200),
    renews                  text NOT NULL DEFAULT 'never' CHECK (renews IN ('never', 'monthly')),
    anchor                  smallint NOT NULL DEFAULT 1 CHECK (anchor BETWEEN 1 AND 28), -- day of the month on which a period begins
    paced                   boolean NOT NULL DEFAULT false, -- the day's limit is pacing: who may borrow may pass it
    borrows                 boolean NOT NULL DEFAULT false, -- what counts here may borrow ahead
    confirmed_at            timestamptz,                    -- NULL: nobody has set limits, nothing paid may start
    run_limit               bigint CHECK (run_limit BETWEEN 0 AND 9000000000000000), -- of each run of a team that has no limit of its own
    day_limit               bigint CHECK (day_limit BETWEEN 0 AND 9000000000000000),
    day_limit_weighed       bigint CHECK (day_limit_weighed >= 0),
    period_limit            bigint CHECK (period_limit BETWEEN 0 AND 9000000000000000),
    period_limit_weighed    bigint CHECK (period_limit_weighed >= 0),
    day                     date NOT NULL,
    since                   date NOT NULL, -- first day of the period; 1970-01-01 when it never renews
    day_spent               bigint NOT NULL DEFAULT 0,
    day_reserved            bigint NOT NULL DEFAULT 0,
    day_spent_weighed       bigint NOT NULL DEFAULT 0,
    day_reserved_weighed    bigint NOT NULL DEFAULT 0,
    period_spent            bigint NOT NULL DEFAULT 0,
    period_reserved         bigint NOT NULL DEFAULT 0,
    period_spent_weighed    bigint NOT NULL DEFAULT 0,
    period_reserved_weighed bigint NOT NULL DEFAULT 0,
    -- What was spent and reserved, in the windows that began then, when a limit was last set.
    held_day                date,
    held_since              date,
    day_before              bigint NOT NULL DEFAULT 0,
    day_before_weighed      bigint NOT NULL DEFAULT 0,
    period_before           bigint NOT NULL DEFAULT 0,
    period_before_weighed   bigint NOT NULL DEFAULT 0,
    CONSTRAINT budget_reserved_not_negative CHECK (
        day_reserved >= 0 AND day_reserved_weighed >= 0 AND period_reserved >= 0 AND period_reserved_weighed >= 0)
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- Calls under way: one row per attempt, from before it is sent until it is settled or
-- voided. A row whose process died is found by expires_at.
CREATE TABLE reservation (
    id               text COLLATE "C" PRIMARY KEY, -- becomes the id of the ledger's row
    reserved_at      timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    failure          text NOT NULL DEFAULT '',     -- why what it cost is not known; '' while under way
    reason           text NOT NULL DEFAULT '',
    workspace_id     text COLLATE "C" NOT NULL,
    project_id       text COLLATE "C" NOT NULL,    -- '' for none
    starter_id       text COLLATE "C" NOT NULL,
    run              text COLLATE "C" NOT NULL,
    node             text COLLATE "C" NOT NULL,
    epoch            bigint NOT NULL,
    step             text COLLATE "C" NOT NULL,
    attempt          integer NOT NULL,
    role             text NOT NULL,
    payer            text NOT NULL,
    endpoint         text NOT NULL,
    model            text NOT NULL,
    rates_from       date NOT NULL,
    input_rate       bigint NOT NULL,
    write_5m_rate    bigint NOT NULL,
    write_1h_rate    bigint NOT NULL,
    read_rate        bigint NOT NULL,
    output_rate      bigint NOT NULL,
    input_upper      bigint NOT NULL,
    max_tokens       bigint NOT NULL,
    nano             bigint NOT NULL CHECK (nano >= 0),
    weighed          bigint NOT NULL CHECK (weighed >= 0),
    estimate         bigint NOT NULL CHECK (estimate BETWEEN 0 AND nano), -- what it counts when nobody ever says
    estimate_weighed bigint NOT NULL CHECK (estimate_weighed BETWEEN 0 AND weighed),
    day              date NOT NULL,
    budgets          text[] COLLATE "C" NOT NULL,
    sinces           date[] NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE INDEX reservation_expires ON reservation (expires_at);
-- Two attempts of one step at once would be a mistake of ours: the second is refused.
CREATE UNIQUE INDEX reservation_step ON reservation (run, node, epoch, step, attempt, workspace_id);

-- Changes on their way to the counters of budgets, so that settling a call locks no
-- budget. Folding takes rows away as it adds them up.
CREATE TABLE budget_change (
    seq              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    budgets          text[] COLLATE "C" NOT NULL,
    sinces           date[] NOT NULL,
    day              date NOT NULL,
    released         bigint NOT NULL, -- off what is reserved
    released_weighed bigint NOT NULL,
    spent            bigint NOT NULL, -- onto what is spent; negative for what is given back
    spent_weighed    bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- The books. One row per attempt (kind call), one per call given back or listed as our
-- mistake (credit, its id is that of the call and /credit), one per bill that came after
-- its call had been written off (late, …/late). Rows are never changed or removed. There are no foreign keys: the books outlive what
-- they are about, and hold ids and numbers only.
CREATE TABLE ledger (
    id            text COLLATE "C" PRIMARY KEY,
    kind          text NOT NULL CHECK (kind IN ('call', 'credit', 'late')),
    at            timestamptz NOT NULL, -- written
    reserved_at   timestamptz NOT NULL, -- the call began
    workspace_id  text COLLATE "C" NOT NULL,
    project_id    text COLLATE "C" NOT NULL,
    starter_id    text COLLATE "C" NOT NULL,
    run           text COLLATE "C" NOT NULL,
    node          text COLLATE "C" NOT NULL,
    epoch         bigint NOT NULL,
    step          text COLLATE "C" NOT NULL,
    attempt       integer NOT NULL,
    role          text NOT NULL,
    payer         text NOT NULL,
    endpoint      text NOT NULL,
    model         text NOT NULL,
    answered_by   text NOT NULL DEFAULT '', -- the model the provider named, where it named another
    request_id    text NOT NULL DEFAULT '', -- the provider's
    state         text NOT NULL CHECK (state IN ('settled', 'estimated', 'unknown', 'void')),
    superseded    boolean NOT NULL DEFAULT false, -- the step that paid for it did not commit
    failure       text NOT NULL DEFAULT '', -- the kind of error, '' for an answer
    reason        text NOT NULL DEFAULT '', -- the closer circumstance of a failure
    input         bigint NOT NULL DEFAULT 0, -- tokens, by the classes of the rate card
    write_5m      bigint NOT NULL DEFAULT 0,
    write_1h      bigint NOT NULL DEFAULT 0,
    read          bigint NOT NULL DEFAULT 0,
    output        bigint NOT NULL DEFAULT 0,
    thinking      bigint NOT NULL DEFAULT 0, -- part of output
    rates_from    date NOT NULL,             -- the price in force: millionths of a dollar per million tokens
    input_rate    bigint NOT NULL,
    write_5m_rate bigint NOT NULL,
    write_1h_rate bigint NOT NULL,
    read_rate     bigint NOT NULL,
    output_rate   bigint NOT NULL,
    reserved      bigint NOT NULL DEFAULT 0,
    nano          bigint NOT NULL,           -- what counts against the budgets
    weighed       bigint NOT NULL,
    uncounted     bigint NOT NULL DEFAULT 0, -- billed to us and counted against nobody (late)
    mistake       text NOT NULL DEFAULT '',  -- credit: whose reason
    listed        bigint NOT NULL DEFAULT 0, -- credit: what the mistake had cost
    of            text COLLATE "C" REFERENCES ledger, -- credit, late: the call
    day           date NOT NULL,
    budgets       text[] COLLATE "C" NOT NULL,
    sinces        date[] NOT NULL,
    CONSTRAINT ledger_call_counts CHECK (kind <> 'call' OR (nano >= 0 AND weighed >= 0 AND of IS NULL)),
    CONSTRAINT ledger_void_is_free CHECK (state <> 'void' OR nano = 0),
    CONSTRAINT ledger_credit_gives CHECK (kind <> 'credit' OR (nano <= 0 AND weighed <= 0 AND listed >= -nano AND of IS NOT NULL AND mistake <> '')),
    CONSTRAINT ledger_late_counts_nothing CHECK (kind <> 'late' OR (nano = 0 AND weighed = 0 AND of IS NOT NULL))
);
CREATE INDEX ledger_workspace ON ledger (workspace_id, day, id);
CREATE INDEX ledger_step ON ledger (run, node, epoch, step, attempt, workspace_id);
CREATE INDEX ledger_day ON ledger (day);

-- +goose StatementBegin
CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();

-- What each night's reconciliation found in the books of the days before, for whoever
-- runs this installation.
CREATE TABLE book_check (
    day       date PRIMARY KEY,     -- of the check, in UTC; a second one that day replaces the first
    at        timestamptz NOT NULL,
    first_day date NOT NULL,        -- of the days looked at
    last_day  date NOT NULL,
    entries   integer NOT NULL,     -- rows of the ledger looked at
    count     integer NOT NULL,     -- of what is not as it must be
    found     jsonb NOT NULL        -- the first hundred of it
);

-- +goose Up

-- Work that survives anything: a run is a graph of nodes, a node a sequence of steps.
-- Package flow says what the words mean. Workspaces, projects and starters are opaque
-- ids here, '' for none.
CREATE TABLE run (
    id           text COLLATE "C" PRIMARY KEY,
    kind         text NOT NULL,
    workspace_id text COLLATE "C" NOT NULL,
    project_id   text COLLATE "C" NOT NULL,
    starter_id   text COLLATE "C" NOT NULL,
    dedupe       text NOT NULL DEFAULT '',
    state        text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paused', 'done', 'failed', 'ended')),
    reason       text NOT NULL DEFAULT '', -- why it is paused, failed or ended
    detail       text NOT NULL DEFAULT '',
    input        json NOT NULL,
    output       json,
    "offset"     interval NOT NULL,        -- added to the time it became ready: its place in line
    due          timestamptz NOT NULL,     -- that place; kept while it works
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at   timestamptz,              -- first claim of its first node
    finished_at  timestamptz,
    worked       interval,                 -- time spent in nodes, once finished
    CONSTRAINT run_finished CHECK ((finished_at IS NULL) = (state IN ('open', 'paused')))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX run_dedupe ON run (workspace_id, kind, dedupe) WHERE dedupe <> '';
CREATE INDEX run_project ON run (workspace_id, project_id, id);
CREATE INDEX run_of_project ON run (project_id) WHERE project_id <> '';
CREATE INDEX run_kind ON run (kind, id);
CREATE INDEX run_queued ON run (due, id) WHERE started_at IS NULL AND state = 'open';
CREATE INDEX run_finished ON run (kind, finished_at) WHERE finished_at IS NOT NULL;

-- How many runs with the same key may be at work at once. held is the token: it is taken
-- when a node of the run is handed out, and given back when no node of it is ready or
-- at work, or, when kept, at its end.
CREATE TABLE run_limit (
    run_id text COLLATE "C" NOT NULL REFERENCES run ON DELETE CASCADE,
    key    text COLLATE "C" NOT NULL,
    most   integer NOT NULL CHECK (most > 0),
    kept   boolean NOT NULL,
    held   boolean NOT NULL DEFAULT false,
    PRIMARY KEY (run_id, key)
) WITH (fillfactor = 80);
CREATE INDEX run_limit_held ON run_limit (key) WHERE held;
CREATE INDEX run_limit_key ON run_limit (key);

-- joining: some branches are not done · waiting: for an answer or a time · held: its run
-- is paused · ready: in line · queued: with River · running: claimed by a worker.
CREATE TABLE node (
    id          text COLLATE "C" PRIMARY KEY,
    run_id      text COLLATE "C" NOT NULL REFERENCES run ON DELETE CASCADE,
    name        text NOT NULL,
    handler     text NOT NULL,           -- kind of the run / name of the node
    state       text NOT NULL CHECK (state IN ('joining', 'waiting', 'held', 'ready', 'queued', 'running', 'done', 'failed', 'ended')),
    epoch       bigint NOT NULL DEFAULT 0,
    worker      text COLLATE "C",
    job         bigint,                  -- River's row, while queued or running
    due         timestamptz NOT NULL,
    wait        text NOT NULL DEFAULT '' CHECK (wait IN ('', 'decision', 'time', 'budget', 'retry')),
    wait_key    text NOT NULL DEFAULT '',
    wake_at     timestamptz,
    answer      json,
    joins       text COLLATE "C",        -- the node that waits for this branch
    branch      integer NOT NULL DEFAULT 0,
    missing     integer NOT NULL DEFAULT 0 CHECK (missing >= 0), -- branches that are not done
    failures    integer NOT NULL DEFAULT 0,
    error       text NOT NULL DEFAULT '', -- for operators
    input       json NOT NULL,
    output      json,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    claimed_at  timestamptz,
    finished_at timestamptz,
    CONSTRAINT node_running CHECK ((worker IS NOT NULL) = (state = 'running')),
    CONSTRAINT node_finished CHECK ((finished_at IS NOT NULL) = (state IN ('done', 'failed', 'ended')))
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX node_run ON node (run_id, id);
CREATE INDEX node_ready ON node (due, id) WHERE state = 'ready';
CREATE INDEX node_busy ON node (state, worker) WHERE state IN ('queued', 'running');
CREATE INDEX node_wake ON node (wake_at) WHERE state = 'waiting' AND wake_at IS NOT NULL;
CREATE INDEX node_wait_key ON node (wait_key) WHERE wait_key <> '';
CREATE INDEX node_joins ON node (joins) WHERE joins IS NOT NULL;

-- What was done, by a key that names it. The table only grows.
CREATE TABLE step (
    node_id text COLLATE "C" NOT NULL REFERENCES node ON DELETE CASCADE,
    key     text COLLATE "C" NOT NULL,
    epoch   bigint NOT NULL,
    output  json NOT NULL,
    took    interval NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (node_id, key)
);

-- Each claim of a node.
CREATE TABLE attempt (
    node_id text COLLATE "C" NOT NULL REFERENCES node ON DELETE CASCADE,
    epoch   bigint NOT NULL,
    worker  text COLLATE "C" NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (node_id, epoch)
);

-- What somebody said to a run; taken by one step.
CREATE TABLE run_message (
    id        text COLLATE "C" PRIMARY KEY,
    run_id    text COLLATE "C" NOT NULL REFERENCES run ON DELETE CASCADE,
    author_id text COLLATE "C" NOT NULL,
    body      json NOT NULL,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    node_id   text COLLATE "C" REFERENCES node ON DELETE CASCADE,
    step      text COLLATE "C",
    CONSTRAINT run_message_taken CHECK ((node_id IS NULL) = (step IS NULL))
);
CREATE INDEX run_message_run ON run_message (run_id, id);

CREATE TABLE worker (
    id         text COLLATE "C" PRIMARY KEY,
    instance   text NOT NULL, -- of the process: the same id twice is refused
    slots      integer NOT NULL CHECK (slots > 0),
    handlers   text[] NOT NULL,
    draining   boolean NOT NULL DEFAULT false,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    beat       timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- Every write for a node begins with this: it locks the node for the claim that is
-- named, or refuses, which undoes the transaction around it.
-- +goose StatementBegin
CREATE FUNCTION node_fence(node_id text, claimed bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM node WHERE id = node_id AND epoch = claimed AND state = 'running' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'node % is not held at epoch %', node_id, claimed USING ERRCODE = 'CF001';
    END IF;
    RETURN true;
END;
$$;
-- +goose StatementEnd

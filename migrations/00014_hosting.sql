-- +goose Up

-- Apps that can be run, and where each runs now. The columns from owner on are
-- written by the process that runs it, by the database's clock.
CREATE TABLE hosted_app (
    label       text COLLATE "C" PRIMARY KEY CHECK (label ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    project_id  text COLLATE "C" NOT NULL REFERENCES project ON DELETE CASCADE,
    slot        text COLLATE "C" NOT NULL,        -- which of the project's apps: 'current', 'early'
    revision    bigint NOT NULL DEFAULT 1,        -- counts changes of what runs
    code        text NOT NULL,                    -- what runs, as whoever put it names it
    command     text[] NOT NULL CHECK (cardinality(command) > 0),
    data        text COLLATE "C" NOT NULL,        -- the data set it works on
    created_at  timestamptz NOT NULL,
    state       text NOT NULL DEFAULT 'stopped' CHECK (state IN ('stopped', 'starting', 'running', 'crashed', 'refused')),
    since       timestamptz NOT NULL,
    reason      text NOT NULL DEFAULT '',
    crashes     integer NOT NULL DEFAULT 0,       -- in a row
    retry_at    timestamptz,                      -- no start before, after a crash
    start_ms    bigint NOT NULL DEFAULT 0,        -- how long the last start took
    output      text NOT NULL DEFAULT '',         -- the end of what it last wrote
    owner       text COLLATE "C" NOT NULL DEFAULT '',
    machine     text COLLATE "C" NOT NULL DEFAULT '',
    address     text NOT NULL DEFAULT '',         -- where the owner is reached by others
    epoch       bigint NOT NULL DEFAULT 0,        -- counts owners; what an older one writes is refused
    lease_until timestamptz,
    used_at     timestamptz,
    memory      bigint NOT NULL DEFAULT 0,
    disk        bigint NOT NULL DEFAULT 0,
    processes   integer NOT NULL DEFAULT 0,
    cpu_ms      bigint NOT NULL DEFAULT 0,
    UNIQUE (project_id, slot),
    UNIQUE (project_id, data)                     -- one writer for each
) WITH (fillfactor = 50);
CREATE INDEX hosted_app_machine ON hosted_app (machine) WHERE owner <> '';

-- What apps keep: a list of files, in pieces that are stored once for each project.
CREATE TABLE hosted_data (
    project_id text COLLATE "C" NOT NULL REFERENCES project ON DELETE CASCADE,
    name       text COLLATE "C" NOT NULL,
    files      jsonb NOT NULL,
    pieces     bytea[] NOT NULL,                  -- every hash that files name, once
    bytes      bigint NOT NULL,
    saved_at   timestamptz NOT NULL,
    PRIMARY KEY (project_id, name)
);
CREATE TABLE hosted_piece (
    project_id text COLLATE "C" NOT NULL REFERENCES project ON DELETE CASCADE,
    hash       bytea NOT NULL,                    -- SHA-256 of body
    body       bytea NOT NULL,
    used_at    timestamptz NOT NULL,              -- when it was last written; kept an hour at least
    PRIMARY KEY (project_id, hash)
);
CREATE INDEX hosted_piece_used ON hosted_piece (used_at);

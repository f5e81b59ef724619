-- +goose Up

-- How a team reaches an AI. The key is sealed under the secret of the installation and
-- bound to the team and the address: in another row, or beside another address, it does
-- not open. known and test are what trying it found out; a change of address empties
-- them.
CREATE TABLE ai_connection (
    workspace_id text COLLATE "C" PRIMARY KEY REFERENCES workspace ON DELETE CASCADE,
    name         text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 80),
    preset       text NOT NULL,
    base_url     text NOT NULL CHECK (octet_length(base_url) BETWEEN 8 AND 500),
    auth         text NOT NULL CHECK (auth IN ('x-api-key', 'bearer', 'none')),
    sealed_key   bytea,
    best         text NOT NULL CHECK (char_length(best) BETWEEN 1 AND 200),
    standard     text NOT NULL CHECK (char_length(standard) BETWEEN 1 AND 200),
    small        text NOT NULL CHECK (char_length(small) BETWEEN 1 AND 200),
    rate_card    text NOT NULL,
    known        jsonb NOT NULL DEFAULT '{}', -- capabilities by model
    roles        jsonb NOT NULL DEFAULT '{}', -- other models for single roles, by role; emptied with a change of address
    test         jsonb,                       -- how the last test went; NULL: none since the address changed
    saved_at     timestamptz NOT NULL,
    CONSTRAINT ai_connection_no_key_without_use CHECK (auth <> 'none' OR sealed_key IS NULL)
);

-- The operator's choice of other models for single roles, which holds wherever the key
-- of this installation pays.
CREATE TABLE operator_role (
    role   text PRIMARY KEY,
    model  text NOT NULL CHECK (char_length(model) BETWEEN 1 AND 200),
    set_by text COLLATE "C" NOT NULL, -- no foreign key: it outlives the person
    set_at timestamptz NOT NULL
);

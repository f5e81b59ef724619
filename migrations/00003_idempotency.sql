-- +goose Up

-- One row per key a client sent with a write, kept until expires_at. There are no
-- foreign keys: the mechanism does not know what an owner is, and no row outlives
-- its day. request is a keyed mark, answer is sealed: bodies can hold passwords and
-- fresh access keys.
CREATE TABLE idempotency (
    owner      text COLLATE "C" NOT NULL,
    key        text COLLATE "C" NOT NULL,
    request    bytea NOT NULL,
    status     smallint,
    answer     bytea,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (owner, key),
    CONSTRAINT idempotency_pending_or_done CHECK ((status IS NULL) = (answer IS NULL))
);

CREATE INDEX idempotency_expires_at ON idempotency (expires_at);

-- +goose Up

-- What happened, stream by stream. last is the newest sequence and is taken by
-- updating the row, which orders appends by their commits; floor is the last
-- sequence that is no longer kept. Rows have room for the next version beside them,
-- so that counting touches no index.
CREATE TABLE event_stream (
    stream text COLLATE "C" PRIMARY KEY CHECK (octet_length(stream) BETWEEN 1 AND 100),
    last   bigint NOT NULL CHECK (last > 0),
    floor  bigint NOT NULL DEFAULT 0 CHECK (floor BETWEEN 0 AND last)
) WITH (fillfactor = 50);

-- json, not jsonb: what was written comes back as it was, and may hold any character.
-- No foreign key: the writer holds the lock of the stream already, and it would be
-- taken again for each row.
CREATE TABLE event (
    stream text COLLATE "C" NOT NULL,
    seq    bigint NOT NULL CHECK (seq > 0),
    kind   text NOT NULL CHECK (octet_length(kind) BETWEEN 1 AND 100),
    at     timestamptz NOT NULL,
    data   json NOT NULL,
    PRIMARY KEY (stream, seq)
);

-- +goose Up

-- Files the founder gives with an idea. heard is what a model found in a picture or a
-- PDF; of a text it stays empty, since its content is heard. note says in plain words
-- what could not be read. revision is that of the interview with this file.
CREATE TABLE attachment (
    id         text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES project ON DELETE CASCADE,
    name       text NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('text', 'picture', 'pdf')),
    media_type text NOT NULL,
    size       integer NOT NULL CHECK (size = octet_length(content)),
    sha256     text NOT NULL,
    content    bytea NOT NULL,
    state      text NOT NULL CHECK (state IN ('kept', 'read', 'unreadable')),
    heard      text NOT NULL DEFAULT '',
    note       text NOT NULL DEFAULT '',
    revision   integer NOT NULL,
    author     text COLLATE "C" NOT NULL REFERENCES app_user,
    at         timestamptz NOT NULL,
    UNIQUE (project_id, sha256),
    CONSTRAINT attachment_unreadable_says_why CHECK (state <> 'unreadable' OR note <> '')
);
-- What is in a file is as small as it gets, or compressed already.
ALTER TABLE attachment ALTER COLUMN content SET STORAGE EXTERNAL;

-- The language the founder writes in, as a BCP 47 tag; empty until the idea was read.
-- told: the founder chose it, and no reading changes it.
ALTER TABLE project ADD COLUMN language text NOT NULL DEFAULT '';
ALTER TABLE project ADD COLUMN language_told boolean NOT NULL DEFAULT false;

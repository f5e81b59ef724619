-- +goose Up

-- A repository: git objects by their name, and refs that point at them. The mechanism
-- does not know whose it is; whoever owns one keeps its id and deletes it. Its row is
-- the lock under which refs move and orphans are swept.
CREATE TABLE repo (
    id         text COLLATE "C" PRIMARY KEY,
    head       text COLLATE "C" NOT NULL, -- the branch a clone checks out
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Content-addressed, compressed with zstd by the program, so that the server need not
-- try. There is no foreign key: it would be checked for each of thousands of rows a
-- statement inserts. Inserts lock the repository's row instead, and deleting one
-- deletes its objects. seen_at is when somebody last stored or needed the object; one
-- that no ref reaches is swept once that is long ago.
CREATE TABLE repo_object (
    repo_id text COLLATE "C" NOT NULL,
    oid     bytea NOT NULL CHECK (octet_length(oid) = 20),
    kind    smallint NOT NULL CHECK (kind BETWEEN 1 AND 4), -- git's numbers: commit, tree, blob, tag
    size    integer NOT NULL CHECK (size >= 0),             -- before compression
    data    bytea NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (repo_id, oid)
);

ALTER TABLE repo_object ALTER COLUMN data SET STORAGE EXTERNAL;

CREATE INDEX repo_object_history ON repo_object (repo_id) WHERE kind = 1;

CREATE TABLE repo_ref (
    repo_id text COLLATE "C" NOT NULL REFERENCES repo ON DELETE CASCADE,
    name    text COLLATE "C" NOT NULL CHECK (octet_length(name) BETWEEN 6 AND 250),
    target  bytea NOT NULL CHECK (octet_length(target) = 20),
    PRIMARY KEY (repo_id, name)
);

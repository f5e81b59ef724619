-- +goose Up

-- What is written about a project: a row per kind that was ever asked for. state is
-- about the writing that goes on or went wrong; what was written before stays readable
-- all the while. confirmed is the version of the scope the founder said yes to.
CREATE TABLE document (
    project_id   text COLLATE "C" NOT NULL REFERENCES project ON DELETE CASCADE,
    kind         text NOT NULL CHECK (kind IN ('brief', 'scope', 'milestones', 'risks', 'how_it_works', 'architecture', 'handbook')),
    state        text NOT NULL CHECK (state IN ('asked', 'writing', 'written', 'failed')),
    reason       text NOT NULL DEFAULT '', -- why it failed, in plain words
    run          text COLLATE "C" NOT NULL DEFAULT '', -- what writes it
    current      integer CHECK (current >= 1),
    confirmed    integer CHECK (confirmed >= 1),
    confirmed_at timestamptz,
    changed_at   timestamptz NOT NULL,
    PRIMARY KEY (project_id, kind),
    CONSTRAINT document_failed_says_why CHECK ((state = 'failed') = (reason <> '')),
    CONSTRAINT document_written_is_there CHECK (state <> 'written' OR current IS NOT NULL)
);

-- Every version, never changed. content and confidence are package document's shapes;
-- edited names the sections whose words are the founder's.
CREATE TABLE document_version (
    project_id text COLLATE "C" NOT NULL,
    kind       text NOT NULL,
    number     integer NOT NULL CHECK (number >= 1),
    content    jsonb NOT NULL,
    confidence jsonb NOT NULL,
    edited     text[] NOT NULL,
    hash       text NOT NULL, -- of the content, as exports show it
    made_by    text NOT NULL CHECK (made_by IN ('us', 'founder', 'regeneration', 'restore')),
    author     text COLLATE "C" NOT NULL REFERENCES app_user, -- who edited, or for whom we wrote
    cause      text NOT NULL DEFAULT '', -- the decision, answer or run it came from
    note       text NOT NULL DEFAULT '',
    restored   integer,                  -- the version a restore brought back
    at         timestamptz NOT NULL,
    PRIMARY KEY (project_id, kind, number),
    FOREIGN KEY (project_id, kind) REFERENCES document ON DELETE CASCADE,
    CONSTRAINT document_restore_of CHECK ((made_by = 'restore') = (restored IS NOT NULL))
);

-- What we would write now over words of the founder's: shown and asked, never put in
-- their place unasked.
CREATE TABLE document_proposal (
    id         text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL,
    kind       text NOT NULL,
    content    jsonb NOT NULL,
    confidence jsonb NOT NULL,
    cause      text NOT NULL DEFAULT '',
    at         timestamptz NOT NULL,
    outcome    text CHECK (outcome IN ('accepted', 'declined', 'replaced')), -- NULL: waits
    closed_at  timestamptz,
    closed_by  text COLLATE "C" REFERENCES app_user, -- NULL with replaced
    FOREIGN KEY (project_id, kind) REFERENCES document ON DELETE CASCADE,
    CONSTRAINT document_proposal_closed CHECK ((outcome IS NULL) = (closed_at IS NULL))
);
CREATE UNIQUE INDEX document_proposal_waits ON document_proposal (project_id, kind) WHERE outcome IS NULL;

-- Comments of anybody who sees the project, at a version, a section or one item in it.
CREATE TABLE document_comment (
    id          text COLLATE "C" PRIMARY KEY,
    project_id  text COLLATE "C" NOT NULL,
    kind        text NOT NULL,
    number      integer NOT NULL, -- the version it was made at
    section     text NOT NULL DEFAULT '',
    item        text NOT NULL DEFAULT '', -- a criterion, feature or assumption
    author      text COLLATE "C" NOT NULL REFERENCES app_user,
    body        text NOT NULL CHECK (octet_length(body) BETWEEN 1 AND 10000),
    at          timestamptz NOT NULL,
    resolved_at timestamptz,
    resolved_by text COLLATE "C" REFERENCES app_user,
    FOREIGN KEY (project_id, kind, number) REFERENCES document_version ON DELETE CASCADE,
    CONSTRAINT document_comment_resolved CHECK ((resolved_at IS NULL) = (resolved_by IS NULL))
);
CREATE INDEX document_comment_list ON document_comment (project_id, kind, id);

CREATE VIEW document_fact AS
SELECT project_id AS project, 'brief_written'::text AS fact, min(at) AS at
FROM document_version WHERE kind = 'brief' GROUP BY project_id
UNION ALL
SELECT project_id, 'scope_written', min(at)
FROM document_version WHERE kind = 'scope' GROUP BY project_id
UNION ALL
-- Risks are named by the brief in force or by a document of their own.
SELECT d.project_id, 'risks_named', v.at
FROM document d JOIN document_version v ON v.project_id = d.project_id AND v.kind = d.kind AND v.number = d.current
WHERE d.kind = 'risks' OR d.kind = 'brief' AND jsonb_array_length(v.content->'risks') > 0
UNION ALL
-- Confirmed holds while later versions are the founder's own.
SELECT d.project_id, 'scope_confirmed', d.confirmed_at
FROM document d
WHERE d.kind = 'scope' AND d.confirmed IS NOT NULL AND NOT EXISTS (
    SELECT FROM document_version v
    WHERE v.project_id = d.project_id AND v.kind = d.kind AND v.number > d.confirmed AND v.made_by IN ('us', 'regeneration'));

CREATE OR REPLACE VIEW project_fact AS
SELECT project, fact, at FROM journey_fact
UNION ALL
SELECT project, fact, at FROM document_fact;

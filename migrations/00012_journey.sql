-- +goose Up

-- Where a project is on its way. No row: it is an idea (stage 0). Stage 5 exists in the
-- API as locked and is never stored.
CREATE TABLE project_stage (
    project_id text COLLATE "C" PRIMARY KEY REFERENCES project ON DELETE CASCADE,
    stage      smallint NOT NULL CHECK (stage BETWEEN 1 AND 4),
    entered_at timestamptz NOT NULL
);

-- Decisions in the order in which they were taken, whatever the clock says.
CREATE SEQUENCE decision_turn;

-- What was asked of the founder and what they chose. options, advice and effects are
-- package journey's own shapes; effects says what the choice changed.
CREATE TABLE decision (
    id         text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES project ON DELETE CASCADE,
    kind       text NOT NULL CHECK (kind IN ('direction', 'next_step', 'option', 'question')),
    topic      text NOT NULL DEFAULT '',
    question   text NOT NULL,
    options    jsonb NOT NULL,
    advice     jsonb,                                             -- NULL: none, or said before
    stage      smallint NOT NULL CHECK (stage BETWEEN 0 AND 4),   -- the project's when it was asked
    ask_key    text NOT NULL,
    asked_by   text COLLATE "C" REFERENCES app_user,              -- NULL: us
    asked_at   timestamptz NOT NULL,
    choice     text,
    words      text NOT NULL DEFAULT '', -- what to keep, the new direction, the note
    because    text NOT NULL DEFAULT '',
    otherwise  boolean NOT NULL DEFAULT false, -- not what we advised
    effects    jsonb NOT NULL DEFAULT '[]',
    facts      text NOT NULL DEFAULT '', -- a mark of what was known then
    decide_key text,
    decided_by text COLLATE "C" REFERENCES app_user,
    decided_at timestamptz,
    turn       bigint,
    UNIQUE (project_id, id),
    UNIQUE (project_id, ask_key),
    UNIQUE (project_id, decide_key),
    CONSTRAINT decision_whole CHECK (num_nonnulls(choice, decide_key, decided_by, decided_at, turn) IN (0, 5))
);
CREATE UNIQUE INDEX decision_one_open ON decision (project_id, kind) WHERE decided_at IS NULL AND kind <> 'question';
CREATE INDEX decision_list ON decision (project_id, id DESC);
CREATE INDEX decision_turns ON decision (project_id, kind, turn DESC) WHERE turn IS NOT NULL;

-- Every move between stages, never changed.
CREATE TABLE stage_move (
    seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id  text COLLATE "C" NOT NULL REFERENCES project ON DELETE CASCADE,
    at          timestamptz NOT NULL,
    from_stage  smallint NOT NULL,
    to_stage    smallint NOT NULL,
    actor_id    text COLLATE "C" NOT NULL REFERENCES app_user,
    cause       text NOT NULL CHECK (cause IN ('decision', 'brief', 'version', 'founder')),
    object      text NOT NULL, -- the decision, document or version that caused it
    correlation text NOT NULL  -- shared by all that one act caused
);
CREATE INDEX stage_move_project ON stage_move (project_id, seq);

-- The facts that milestones and stages are computed from. Each package that owns facts
-- has a view <package>_fact (project, fact, at) in a migration of its own, and that
-- migration also writes project_fact again with its view added at the end. A test
-- compares the two.
CREATE VIEW journey_fact AS
SELECT project_id AS project, 'direction_asked'::text AS fact, min(asked_at) AS at
FROM decision WHERE kind = 'direction' GROUP BY project_id
UNION ALL
SELECT d.project_id, 'direction_chosen', max(d.decided_at)
FROM decision d
WHERE d.kind = 'direction' AND d.choice = 'proceed' AND NOT EXISTS (
    SELECT FROM decision p
    WHERE p.project_id = d.project_id AND p.kind = 'direction' AND p.choice = 'pivot' AND p.turn > d.turn)
GROUP BY d.project_id
UNION ALL
-- A way to build was chosen for the scope as it was: narrow and pivot make a new one.
SELECT d.project_id, 'option_chosen', max(d.decided_at)
FROM decision d
WHERE d.kind = 'option' AND d.turn IS NOT NULL AND NOT EXISTS (
    SELECT FROM decision p
    WHERE p.project_id = d.project_id AND p.kind = 'direction' AND p.choice IN ('narrow', 'pivot') AND p.turn > d.turn)
GROUP BY d.project_id
UNION ALL
SELECT project_id, 'next_decided', max(decided_at)
FROM decision WHERE kind = 'next_step' AND turn IS NOT NULL GROUP BY project_id
UNION ALL
SELECT project_id, 'iterating', max(decided_at)
FROM decision WHERE kind = 'next_step' AND choice = 'iterate' GROUP BY project_id;

CREATE VIEW project_fact AS
SELECT project, fact, at FROM journey_fact;

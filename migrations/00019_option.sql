-- +goose Up

-- Ways to build that were worked out together, numbered by project; the highest that is
-- written is in force. brief and scope are the versions they were made from. run is the
-- one that may write here.
CREATE TABLE option_set (
    id         text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES project ON DELETE CASCADE,
    number     integer NOT NULL CHECK (number >= 1),
    compare    boolean NOT NULL,          -- several were asked for
    feedback   text NOT NULL DEFAULT '',  -- what the founder said about the ones before
    brief      integer NOT NULL CHECK (brief >= 1),
    scope      integer NOT NULL CHECK (scope >= 1),
    state      text NOT NULL CHECK (state IN ('writing', 'written', 'failed')),
    reason     text NOT NULL DEFAULT '',  -- why it failed, in plain words
    trouble    text NOT NULL DEFAULT '',  -- what is waited for while the work goes on by itself
    only_one   text NOT NULL DEFAULT '',  -- why a comparison holds one way only
    run        text COLLATE "C" NOT NULL,
    asked_at   timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    UNIQUE (project_id, number),
    UNIQUE (project_id, id),
    CONSTRAINT option_set_failed_says_why CHECK ((state = 'failed') = (reason <> ''))
);
CREATE UNIQUE INDEX option_set_one_at_work ON option_set (project_id) WHERE state = 'writing';

-- One way to build. content is package option's shape.
CREATE TABLE build_option (
    id          text COLLATE "C" PRIMARY KEY,
    project_id  text COLLATE "C" NOT NULL,
    set_id      text COLLATE "C" NOT NULL,
    place       integer NOT NULL,
    content     jsonb NOT NULL,
    recommended boolean NOT NULL,
    UNIQUE (set_id, place),
    FOREIGN KEY (project_id, set_id) REFERENCES option_set (project_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX build_option_recommended ON build_option (set_id) WHERE recommended;

-- What a founder said with "Build this": the way, what was shown, and what to do while
-- they are away. expected is what was expected of it then, so that what it came to can
-- be compared. Never changed.
CREATE TABLE build_order (
    id               text COLLATE "C" PRIMARY KEY,
    project_id       text COLLATE "C" NOT NULL REFERENCES project ON DELETE CASCADE,
    key              text NOT NULL,
    option_id        text COLLATE "C" NOT NULL REFERENCES build_option ON DELETE CASCADE,
    decision_id      text COLLATE "C" NOT NULL,
    scope            integer NOT NULL,     -- the version that was confirmed
    quote            jsonb NOT NULL,       -- as it was shown
    ceiling_nano     bigint NOT NULL CHECK (ceiling_nano >= 0), -- 0: nothing may be paid
    on_question      text NOT NULL CHECK (on_question IN ('wait', 'decide')),
    at_limit         text NOT NULL CHECK (at_limit IN ('ask', 'stop')),
    tell             text NOT NULL CHECK (tell IN ('page', 'mail')),
    run              text COLLATE "C" NOT NULL UNIQUE,
    expected_tokens  bigint NOT NULL CHECK (expected_tokens > 0),
    expected_nano    bigint NOT NULL CHECK (expected_nano >= 0),
    expected_seconds bigint NOT NULL CHECK (expected_seconds > 0),
    ordered_by       text COLLATE "C" NOT NULL REFERENCES app_user,
    at               timestamptz NOT NULL,
    UNIQUE (project_id, key)
);

-- What builds came to. Rows outlive their projects, hold nothing of them, and name no
-- team: quotes of all teams rest on them.
CREATE TABLE build_record (
    run              text COLLATE "C" PRIMARY KEY,
    tokens           bigint NOT NULL CHECK (tokens >= 0),
    nano             bigint NOT NULL CHECK (nano >= 0),
    seconds          bigint NOT NULL CHECK (seconds >= 0),
    expected_tokens  bigint NOT NULL CHECK (expected_tokens > 0),
    expected_nano    bigint NOT NULL CHECK (expected_nano >= 0), -- 0: by fixed rules, free
    expected_seconds bigint NOT NULL CHECK (expected_seconds > 0),
    at               timestamptz NOT NULL
);
CREATE INDEX build_record_newest ON build_record (at DESC);

-- What founders and their teams would like. work is what a model expects it to take;
-- NULL: not known. note says in plain words why there is no price.
CREATE TABLE wish (
    id         text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES project ON DELETE CASCADE,
    text       text NOT NULL CHECK (octet_length(text) BETWEEN 1 AND 20000),
    revision   integer NOT NULL DEFAULT 1, -- of the text
    ticked     boolean NOT NULL DEFAULT false,
    pricing    text NOT NULL CHECK (pricing IN ('not_asked', 'working', 'priced', 'failed')),
    work       jsonb,
    says       text NOT NULL DEFAULT '', -- one sentence about what it is
    note       text NOT NULL DEFAULT '',
    run        text COLLATE "C" NOT NULL DEFAULT '',
    starts     integer NOT NULL DEFAULT 0, -- runs so far: each has a key of its own
    author     text COLLATE "C" NOT NULL REFERENCES app_user,
    at         timestamptz NOT NULL,
    removed_at timestamptz,
    UNIQUE (project_id, id),
    CONSTRAINT wish_priced CHECK ((pricing = 'priced') = (work IS NOT NULL))
);
CREATE INDEX wish_list ON wish (project_id, id) WHERE removed_at IS NULL;

CREATE VIEW option_fact AS
SELECT project_id AS project, 'wishes_collected'::text AS fact, min(at) AS at
FROM wish WHERE removed_at IS NULL GROUP BY project_id;

CREATE OR REPLACE VIEW project_fact AS
SELECT project, fact, at FROM journey_fact
UNION ALL
SELECT project, fact, at FROM document_fact
UNION ALL
SELECT project, fact, at FROM option_fact;

-- +goose Up

-- How far the talk about an idea is, a row per project. follow_up, reading, asking,
-- writing, written or failed is about now; trouble says in plain words what is waited
-- for while the work goes on by itself. revision counts what the founder said,
-- page_revision is that of the page. run is the one that may write here.
CREATE TABLE interview (
    project_id    text COLLATE "C" PRIMARY KEY REFERENCES project ON DELETE CASCADE,
    state         text NOT NULL CHECK (state IN ('asking', 'reading', 'writing', 'written', 'failed')),
    failed_at     text NOT NULL DEFAULT '' CHECK (failed_at IN ('', 'reading', 'writing')), -- where, while failed
    depth         text NOT NULL CHECK (depth IN ('quick', 'deeper', 'deep', 'deepest')),
    round         integer NOT NULL CHECK (round >= 0), -- of questions; 0: still about the idea itself
    reason        text NOT NULL DEFAULT '',
    trouble       text NOT NULL DEFAULT '',
    verdict       text NOT NULL DEFAULT '' CHECK (verdict IN ('', 'can', 'partly', 'cannot', 'decline')),
    line          text NOT NULL DEFAULT '',
    understanding jsonb, -- NULL: not read yet
    revision      integer NOT NULL DEFAULT 0,
    page_revision integer NOT NULL DEFAULT 0,
    starts        integer NOT NULL DEFAULT 0, -- runs so far: each has a key of its own
    run           text COLLATE "C" NOT NULL DEFAULT '',
    run_revision  integer NOT NULL DEFAULT 0, -- what that run works from
    changed_at    timestamptz NOT NULL,
    CONSTRAINT interview_failed_says_why CHECK ((state = 'failed') = (reason <> '') AND (state = 'failed') = (failed_at <> ''))
);

-- What we asked. decides names the section of brief or scope that the answer informs,
-- assumes is what we take for granted when the founder leaves it to us.
CREATE TABLE question (
    id          text COLLATE "C" PRIMARY KEY,
    project_id  text COLLATE "C" NOT NULL REFERENCES interview ON DELETE CASCADE,
    round       integer NOT NULL,
    place       integer NOT NULL,
    text        text NOT NULL,
    why         text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('short', 'long', 'one_of', 'many_of')),
    suggestions text[] NOT NULL,
    hint        text NOT NULL,
    decides     text NOT NULL,
    assumes     text NOT NULL,
    gone_at     timestamptz, -- another one took its place before it was answered
    UNIQUE (project_id, id)
);
CREATE INDEX question_list ON question (project_id, round, place);

-- What the founder said to a question: all of it, the highest number is in force.
CREATE TABLE question_answer (
    project_id  text COLLATE "C" NOT NULL,
    question_id text COLLATE "C" NOT NULL,
    number      integer NOT NULL CHECK (number >= 1),
    text        text NOT NULL,
    ours        boolean NOT NULL, -- "You decide"
    revision    integer NOT NULL, -- of the interview, with this answer
    author      text COLLATE "C" NOT NULL REFERENCES app_user,
    at          timestamptz NOT NULL,
    PRIMARY KEY (project_id, question_id, number),
    FOREIGN KEY (project_id, question_id) REFERENCES question (project_id, id) ON DELETE CASCADE
);

-- Two answers that do not go together, and what the founder says about it.
CREATE TABLE contradiction (
    id           text COLLATE "C" PRIMARY KEY,
    project_id   text COLLATE "C" NOT NULL REFERENCES interview ON DELETE CASCADE,
    first        text COLLATE "C" NOT NULL, -- a question, or 'idea'
    second       text COLLATE "C" NOT NULL,
    first_quote  text NOT NULL,
    second_quote text NOT NULL,
    clash        text NOT NULL,
    choice       text CHECK (choice IN ('first', 'second', 'both', 'later')),
    because      text NOT NULL DEFAULT '',
    chosen_by    text COLLATE "C" REFERENCES app_user,
    chosen_at    timestamptz,
    at           timestamptz NOT NULL,
    UNIQUE (project_id, first, second, first_quote, second_quote),
    CONSTRAINT contradiction_chosen CHECK (num_nonnulls(choice, chosen_by, chosen_at) IN (0, 3)),
    CONSTRAINT contradiction_both_says_why CHECK (choice IS DISTINCT FROM 'both' OR because <> '')
);

-- The page while it is written: sections that are finished, by the run that writes.
-- answer is what the model said, as package interview reads it.
CREATE TABLE page_section (
    project_id text COLLATE "C" NOT NULL REFERENCES interview ON DELETE CASCADE,
    run        text COLLATE "C" NOT NULL,
    section    text NOT NULL,
    answer     jsonb NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (project_id, run, section)
);

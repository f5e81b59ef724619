-- +goose Up

-- What the founder corrected of what we understood of an idea: each time the whole list
-- against our reading, the highest number is in force.
CREATE TABLE interview_correction (
    project_id  text COLLATE "C" NOT NULL REFERENCES interview ON DELETE CASCADE,
    number      integer NOT NULL CHECK (number >= 1),
    corrections jsonb NOT NULL,
    revision    integer NOT NULL, -- of the interview, with these corrections
    author      text COLLATE "C" NOT NULL REFERENCES app_user,
    at          timestamptz NOT NULL,
    PRIMARY KEY (project_id, number)
);

-- +goose Up

-- The noun everything hangs from. What belongs to a project refers to it with
-- ON DELETE CASCADE, so that purging is one DELETE. A workspace cannot go before
-- its projects.
CREATE TABLE project (
    id           text COLLATE "C" PRIMARY KEY,
    workspace_id text COLLATE "C" NOT NULL REFERENCES workspace,
    name         text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 80),
    idea         text NOT NULL CHECK (octet_length(idea) BETWEEN 1 AND 100000),
    park_note    text NOT NULL DEFAULT '' CHECK (octet_length(park_note) <= 2000),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    parked_at    timestamptz,
    deleted_at   timestamptz,
    -- Deleting hides that a project was parked and restoring brings it back, so
    -- the status follows from the two dates and cannot disagree with them.
    status       text NOT NULL GENERATED ALWAYS AS (
        CASE WHEN deleted_at IS NOT NULL THEN 'deleted'
             WHEN parked_at IS NOT NULL THEN 'parked'
             ELSE 'active' END) STORED,
    CONSTRAINT project_note_needs_park CHECK (parked_at IS NOT NULL OR park_note = ''),
    UNIQUE (workspace_id, id)
);
CREATE INDEX project_list ON project (workspace_id, created_at DESC, id DESC);
CREATE INDEX project_deleted ON project (deleted_at) WHERE deleted_at IS NOT NULL;

-- Together with the workspace, so that nobody is let into another team's project.
ALTER TABLE member_project
    ADD FOREIGN KEY (workspace_id, project_id) REFERENCES project (workspace_id, id) ON DELETE CASCADE;
CREATE INDEX member_project_project ON member_project (workspace_id, project_id);

ALTER TABLE invitation
    ADD FOREIGN KEY (workspace_id, project_id) REFERENCES project (workspace_id, id) ON DELETE CASCADE;
CREATE INDEX invitation_project ON invitation (workspace_id, project_id);

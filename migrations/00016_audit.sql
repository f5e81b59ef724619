-- +goose Up

-- What whoever runs this installation did to what belongs to others, and why. Rows are
-- never changed or removed, and hold no foreign keys: they outlive whom they name.
CREATE TABLE audit (
    id           text COLLATE "C" PRIMARY KEY,
    at           timestamptz NOT NULL,
    user_id      text COLLATE "C" NOT NULL,
    action       text NOT NULL CHECK (action <> ''),
    subject      text COLLATE "C" NOT NULL CHECK (subject <> ''), -- the id of what it was done to
    part         text COLLATE "C" NOT NULL DEFAULT '',            -- the id of the part of it, '' for the whole
    workspace_id text COLLATE "C" NOT NULL,                       -- whose it is, '' for nobody's
    note         text NOT NULL DEFAULT '',                        -- how exactly, in the action's own words
    reason       text NOT NULL CHECK (char_length(reason) BETWEEN 3 AND 500)
);
CREATE INDEX audit_subject ON audit (subject, id);

-- +goose StatementBegin
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

-- +goose Up

-- People. A row outlives its account as a tombstone without personal data, so
-- that history can go on saying "a deleted user" did this.
CREATE TABLE app_user (
    id            text COLLATE "C" PRIMARY KEY,
    email         text COLLATE "C" CHECK (octet_length(email) BETWEEN 3 AND 254), -- normalised: trimmed, lower case
    name          text NOT NULL CHECK (char_length(name) <= 80),
    password_hash text,
    operator      boolean NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL,
    suspended_at  timestamptz,
    deleted_at    timestamptz,
    CONSTRAINT app_user_password_needs_email CHECK (password_hash IS NULL OR email IS NOT NULL),
    CONSTRAINT app_user_deleted_is_empty CHECK (
        deleted_at IS NULL OR (email IS NULL AND name = '' AND password_hash IS NULL AND NOT operator))
);
CREATE UNIQUE INDEX app_user_email ON app_user (email) WHERE email IS NOT NULL;
CREATE INDEX app_user_operator ON app_user (created_at, id) WHERE operator;

-- Teams. deleted_at is set when the last person leaves by deleting their
-- account; the row goes when its projects have been purged.
CREATE TABLE workspace (
    id         text COLLATE "C" PRIMARY KEY,
    name       text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 80),
    created_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE INDEX workspace_deleted ON workspace (deleted_at) WHERE deleted_at IS NOT NULL;

-- Who is what where. restricted: only the projects of member_project.
CREATE TABLE member (
    workspace_id text COLLATE "C" NOT NULL REFERENCES workspace ON DELETE CASCADE,
    user_id      text COLLATE "C" NOT NULL REFERENCES app_user ON DELETE CASCADE,
    role         text NOT NULL CHECK (role IN ('owner', 'member', 'viewer')),
    restricted   boolean NOT NULL DEFAULT false,
    joined_at    timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, user_id),
    CONSTRAINT member_owner_sees_all CHECK (NOT (restricted AND role = 'owner'))
);
CREATE INDEX member_user ON member (user_id);

-- The projects a restricted member was invited to. 00002 adds the reference to
-- project.
CREATE TABLE member_project (
    workspace_id text COLLATE "C" NOT NULL,
    user_id      text COLLATE "C" NOT NULL,
    project_id   text COLLATE "C" NOT NULL,
    PRIMARY KEY (workspace_id, user_id, project_id),
    FOREIGN KEY (workspace_id, user_id) REFERENCES member ON DELETE CASCADE
);

-- Signed-in browsers. reset_until: opened by a reset link, a new password needs
-- no old one until then.
CREATE TABLE session (
    id           text COLLATE "C" PRIMARY KEY,
    user_id      text COLLATE "C" NOT NULL REFERENCES app_user ON DELETE CASCADE,
    workspace_id text COLLATE "C" REFERENCES workspace ON DELETE SET NULL,
    secret_hash  bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
    user_agent   text NOT NULL CHECK (octet_length(user_agent) <= 400),
    address      text NOT NULL CHECK (octet_length(address) <= 64),
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    reset_until  timestamptz
);
CREATE INDEX session_by_user ON session (user_id, last_seen_at);
CREATE INDEX session_workspace ON session (workspace_id);
CREATE INDEX session_expires ON session (expires_at);

-- One-use links printed by the terminal. A start link names nobody: it signs in
-- whoever is the operator when it is used, or makes the first account.
CREATE TABLE sign_in_link (
    code_hash  bytea PRIMARY KEY CHECK (octet_length(code_hash) = 32),
    kind       text NOT NULL CHECK (kind IN ('start', 'reset')),
    user_id    text COLLATE "C" REFERENCES app_user ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    CONSTRAINT sign_in_link_reset_names_user CHECK ((kind = 'reset') = (user_id IS NOT NULL))
);
CREATE INDEX sign_in_link_user ON sign_in_link (user_id);
CREATE INDEX sign_in_link_expires ON sign_in_link (expires_at);

-- API tokens. They go with the membership they act through.
CREATE TABLE api_token (
    id           text COLLATE "C" PRIMARY KEY,
    workspace_id text COLLATE "C" NOT NULL,
    user_id      text COLLATE "C" NOT NULL,
    name         text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 80),
    scope        text NOT NULL CHECK (scope IN ('read', 'write')),
    secret_hash  bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
    hint         text NOT NULL CHECK (octet_length(hint) = 4),
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    last_used_at timestamptz,
    FOREIGN KEY (workspace_id, user_id) REFERENCES member ON DELETE CASCADE
);
CREATE INDEX api_token_member ON api_token (workspace_id, user_id);
CREATE INDEX api_token_user ON api_token (user_id);
CREATE INDEX api_token_expires ON api_token (expires_at) WHERE expires_at IS NOT NULL;

-- Links that let their holder join once. 00002 adds the reference to project.
CREATE TABLE invitation (
    id           text COLLATE "C" PRIMARY KEY,
    workspace_id text COLLATE "C" NOT NULL REFERENCES workspace ON DELETE CASCADE,
    role         text NOT NULL CHECK (role IN ('owner', 'member', 'viewer')),
    project_id   text COLLATE "C",
    code_hash    bytea NOT NULL UNIQUE CHECK (octet_length(code_hash) = 32),
    created_by   text COLLATE "C" NOT NULL REFERENCES app_user ON DELETE CASCADE,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    used_at      timestamptz,
    used_by      text COLLATE "C" REFERENCES app_user ON DELETE SET NULL,
    revoked_at   timestamptz,
    CONSTRAINT invitation_owner_sees_all CHECK (project_id IS NULL OR role <> 'owner')
);
CREATE INDEX invitation_workspace ON invitation (workspace_id, created_at);
CREATE INDEX invitation_created_by ON invitation (created_by);
CREATE INDEX invitation_used_by ON invitation (used_by);
CREATE INDEX invitation_expires ON invitation (expires_at);

-- WebAuthn credentials; columns as the Credential Record of
-- https://www.w3.org/TR/webauthn-3/#credential-record.
CREATE TABLE passkey (
    id              text COLLATE "C" PRIMARY KEY,
    user_id         text COLLATE "C" NOT NULL REFERENCES app_user ON DELETE CASCADE,
    name            text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 80),
    rp_id           text COLLATE "C" NOT NULL,
    credential_id   bytea NOT NULL CHECK (octet_length(credential_id) BETWEEN 1 AND 1023),
    public_key      bytea NOT NULL,
    sign_count      bigint NOT NULL CHECK (sign_count BETWEEN 0 AND 4294967295),
    transports      text[] NOT NULL,
    aaguid          bytea NOT NULL,
    user_verified   boolean NOT NULL,
    backup_eligible boolean NOT NULL,
    backup_state    boolean NOT NULL,
    created_at      timestamptz NOT NULL,
    last_used_at    timestamptz,
    cloned_at       timestamptz,
    UNIQUE (rp_id, credential_id)
);
CREATE INDEX passkey_user ON passkey (user_id);

-- What a WebAuthn ceremony must remember between its two halves.
CREATE TABLE passkey_ceremony (
    key_hash   bytea PRIMARY KEY CHECK (octet_length(key_hash) = 32),
    user_id    text COLLATE "C" REFERENCES app_user ON DELETE CASCADE, -- null: signing in
    data       jsonb NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX passkey_ceremony_user ON passkey_ceremony (user_id);
CREATE INDEX passkey_ceremony_expires ON passkey_ceremony (expires_at);

-- Tries counted per key until resets_at. Keys are hashes of what was tried.
CREATE TABLE throttle (
    key       bytea PRIMARY KEY CHECK (octet_length(key) = 32),
    tries     integer NOT NULL CHECK (tries >= 0),
    resets_at timestamptz NOT NULL
);
CREATE INDEX throttle_resets ON throttle (resets_at);

-- Where a user signed in from of late: those networks stay open while others try the
-- account too often. network is a hash.
CREATE TABLE sign_in_place (
    user_id    text COLLATE "C" NOT NULL REFERENCES app_user ON DELETE CASCADE,
    network    bytea NOT NULL CHECK (octet_length(network) = 32),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, network)
);
CREATE INDEX sign_in_place_expires ON sign_in_place (expires_at);

-- Who did what about accounts. No secrets, no addresses: ids and kinds.
CREATE TABLE account_event (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL,
    kind         text NOT NULL CHECK (kind ~ '^[a-z_]{3,40}$'),
    user_id      text COLLATE "C" REFERENCES app_user ON DELETE CASCADE, -- who did it
    subject_id   text COLLATE "C" REFERENCES app_user ON DELETE CASCADE, -- to whom, where that is someone else
    workspace_id text COLLATE "C" REFERENCES workspace ON DELETE SET NULL,
    object       text NOT NULL DEFAULT '' CHECK (octet_length(object) <= 80) -- an id or a role
);
CREATE INDEX account_event_user ON account_event (user_id, id);
CREATE INDEX account_event_subject ON account_event (subject_id);
CREATE INDEX account_event_workspace ON account_event (workspace_id, id);
CREATE INDEX account_event_at ON account_event (at);

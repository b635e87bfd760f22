-- People of the centre. An account is never deleted, only disabled: the audit trail names it for ever.
CREATE TABLE person (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    reading TEXT NOT NULL,
    roles INTEGER NOT NULL CHECK (roles BETWEEN 0 AND 63),
    is_disabled INTEGER NOT NULL CHECK (is_disabled IN (0, 1)),
    secret_hash TEXT,
    secret_is_long INTEGER NOT NULL CHECK (secret_is_long IN (0, 1)),
    last_sign_in_us INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    rev INTEGER NOT NULL
) STRICT;

-- Accounts that can act: few, and counted before each change of roles.
CREATE INDEX person_usable ON person (id) WHERE is_disabled = 0 AND secret_hash IS NOT NULL;

-- The one-day code with which a person sets a new secret; at most one an account.
CREATE TABLE person_code (
    person_id INTEGER PRIMARY KEY REFERENCES person (id),
    hash TEXT NOT NULL,
    until_us INTEGER NOT NULL,
    wrong_tries INTEGER NOT NULL CHECK (wrong_tries >= 0)
) STRICT;

-- Tokens are kept as their SHA-256, and for as long as a write that waited may name one.
CREATE TABLE sign_in (
    id INTEGER PRIMARY KEY,
    token_hash BLOB NOT NULL UNIQUE,
    person_id INTEGER NOT NULL REFERENCES person (id),
    terminal_id INTEGER NOT NULL,
    from_us INTEGER NOT NULL,
    until_us INTEGER NOT NULL CHECK (until_us > from_us),
    idle_us INTEGER NOT NULL CHECK (idle_us > 0),
    last_us INTEGER NOT NULL,
    ended_us INTEGER
) STRICT;

CREATE INDEX sign_in_open_by_person ON sign_in (person_id) WHERE ended_us IS NULL;

-- Wrong secrets. Names that are no account have rows like the others, so nothing shows which exist:
-- name_hash is a keyed hash of the name as typed. terminal_id 0: the name anywhere; name_hash of no bytes: the
-- terminal whatever the name. recent: instants of wrong secrets, 8 bytes each.
CREATE TABLE throttle (
    name_hash BLOB NOT NULL,
    terminal_id INTEGER NOT NULL,
    streak INTEGER NOT NULL,
    locked_until_us INTEGER NOT NULL,
    is_shut INTEGER NOT NULL CHECK (is_shut IN (0, 1)),
    last_us INTEGER NOT NULL,
    recent BLOB NOT NULL,
    PRIMARY KEY (name_hash, terminal_id)
) STRICT;

CREATE INDEX throttle_by_last ON throttle (last_us) WHERE is_shut = 0;

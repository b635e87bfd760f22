-- The centre's machines, their certificates, and the authority that signs them.
CREATE TABLE terminal (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 6),
    room_id INTEGER NOT NULL CHECK (room_id >= 0),
    is_private INTEGER NOT NULL CHECK (is_private IN (0, 1)),
    is_revoked INTEGER NOT NULL CHECK (is_revoked IN (0, 1)),
    certificate_until_us INTEGER NOT NULL,      -- 0: none yet
    last_seen_us INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    CHECK ((kind = 4) = (room_id > 0))          -- a door has a room, nothing else has
) STRICT;

CREATE INDEX terminal_by_rev ON terminal (rev);

-- A key is certified once in its life, so its fingerprint is unique.
CREATE TABLE certificate (
    serial TEXT PRIMARY KEY,
    terminal_id INTEGER NOT NULL REFERENCES terminal (id),
    generation INTEGER NOT NULL,                -- of the authority that signed it
    key_fingerprint BLOB NOT NULL UNIQUE,
    der BLOB NOT NULL,
    issued_us INTEGER NOT NULL,
    until_us INTEGER NOT NULL,                  -- shortened when a successor is issued
    is_revoked INTEGER NOT NULL CHECK (is_revoked IN (0, 1))
) STRICT;

CREATE INDEX certificate_by_terminal ON certificate (terminal_id, issued_us);

-- One is open at a time. The key made of the code is sealed, and erased on use, expiry or cancelling.
-- step as in EnrolmentSeen.Step; exporter names the connection that proved the code: the only one that may go on.
CREATE TABLE enrolment (
    id INTEGER PRIMARY KEY,
    terminal_id INTEGER NOT NULL REFERENCES terminal (id),
    generation INTEGER NOT NULL,                -- the authority offered to the machine
    step INTEGER NOT NULL CHECK (step BETWEEN 1 AND 5),
    is_open INTEGER CHECK (is_open = 1),        -- NULL once issued or ended
    salt BLOB NOT NULL,
    key_sealed BLOB,
    until_us INTEGER NOT NULL,
    tries_left INTEGER NOT NULL CHECK (tries_left >= 0),
    exporter BLOB,
    request BLOB,
    check_number TEXT,
    serial TEXT REFERENCES certificate (serial)
) STRICT;

CREATE UNIQUE INDEX enrolment_open ON enrolment (is_open) WHERE is_open = 1;
CREATE INDEX enrolment_by_exporter ON enrolment (exporter) WHERE exporter IS NOT NULL;

CREATE TABLE authority (
    generation INTEGER PRIMARY KEY,
    certificate BLOB NOT NULL,
    key_sealed BLOB NOT NULL,
    server_certificate BLOB NOT NULL,
    server_key_sealed BLOB NOT NULL,
    server_from_us INTEGER NOT NULL,
    server_until_us INTEGER NOT NULL,
    until_us INTEGER NOT NULL
) STRICT;

-- Where the rotation stands (AuthoritySeen.Step). other: from step 1 on the new authority; at step 0 the one that was
-- dropped last and can still be taken back.
CREATE TABLE trust (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    step INTEGER NOT NULL CHECK (step BETWEEN 0 AND 3),
    present INTEGER NOT NULL REFERENCES authority (generation),
    other INTEGER REFERENCES authority (generation),
    announced_us INTEGER NOT NULL,
    CHECK (step = 0 OR other IS NOT NULL)
) STRICT;

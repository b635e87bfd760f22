-- What every other table hangs on: the centre, the change feed's counter, the audit chain.

CREATE TABLE centre (
    only_row   INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    name       TEXT    NOT NULL,
    zone       TEXT    NOT NULL,                -- IANA
    fiscal_year_first_month INTEGER NOT NULL,
    made_us    INTEGER NOT NULL
) STRICT;

-- One row: taking it is the write turn, writing it ends a batch.
CREATE TABLE feed (
    only_row   INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    rev        INTEGER NOT NULL,                -- the newest change
    last_id    INTEGER NOT NULL,                -- the newest id; the centre's number is in the high bits
    epoch      BLOB    NOT NULL,                -- 16 random bytes: the database's identity
    oldest_rev INTEGER NOT NULL                 -- who stands before it starts afresh: tombstones are gone
) STRICT;

CREATE TABLE audit (
    seq            INTEGER NOT NULL PRIMARY KEY,
    at_us          INTEGER NOT NULL,
    person_id      INTEGER NOT NULL,
    terminal_id    INTEGER NOT NULL,
    operation      TEXT    NOT NULL,
    request_key    BLOB,
    request_digest BLOB,
    outcome        INTEGER NOT NULL,            -- 0 or an error code
    object_id      INTEGER NOT NULL,
    rev            INTEGER NOT NULL,
    field          TEXT,
    rule           TEXT,
    reason         TEXT,
    is_deferred    INTEGER NOT NULL,
    count          INTEGER NOT NULL,
    hash           BLOB    NOT NULL             -- of the row before and of this one
) STRICT;

CREATE UNIQUE INDEX audit_by_key ON audit (request_key) WHERE request_key IS NOT NULL;

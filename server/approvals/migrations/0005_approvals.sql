-- Calls that wait for a second person of the same right.
CREATE TABLE approval (
    id          INTEGER NOT NULL PRIMARY KEY,
    operation   TEXT    NOT NULL,
    object_id   INTEGER NOT NULL,               -- what it would change
    body        BLOB    NOT NULL,               -- the call as it came
    asked_by    INTEGER NOT NULL,
    asked_us    INTEGER NOT NULL,
    until_us    INTEGER NOT NULL,
    terminal_id INTEGER NOT NULL,
    decided_us  INTEGER,
    decided_by  INTEGER,
    is_approved INTEGER CHECK (is_approved IN (0, 1)),
    rev         INTEGER NOT NULL
) STRICT;

CREATE INDEX approval_open ON approval (until_us) WHERE decided_us IS NULL;

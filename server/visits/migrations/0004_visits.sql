-- Visitors: single counts, and the totals kept beside them by the same transactions.

CREATE TABLE visit_place (
    id         INTEGER NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    name_key   TEXT    NOT NULL UNIQUE,
    position   INTEGER NOT NULL,
    is_retired INTEGER NOT NULL CHECK (is_retired IN (0, 1)),
    rev        INTEGER NOT NULL
) STRICT;

CREATE TABLE visit_purpose (
    id         INTEGER NOT NULL PRIMARY KEY,
    place_id   INTEGER NOT NULL REFERENCES visit_place (id),
    name       TEXT    NOT NULL,
    name_key   TEXT    NOT NULL,
    position   INTEGER NOT NULL,
    is_retired INTEGER NOT NULL CHECK (is_retired IN (0, 1)),
    rev        INTEGER NOT NULL,
    UNIQUE (place_id, name_key)
) STRICT;

-- One count. Nothing is changed afterwards but is_undone; a correction is a line of its own.
CREATE TABLE visit (
    id          INTEGER NOT NULL PRIMARY KEY,
    day         INTEGER NOT NULL,               -- local YYYYMMDD that its figures belong to
    slot        INTEGER NOT NULL CHECK (slot BETWEEN 0 AND 47), -- half hour of that day
    at_us       INTEGER NOT NULL,               -- by the terminal
    received_us INTEGER NOT NULL,               -- by the server
    place_id    INTEGER NOT NULL REFERENCES visit_place (id),
    purpose_id  INTEGER REFERENCES visit_purpose (id), -- NULL: looked, nobody there
    people      INTEGER NOT NULL,
    is_estimate INTEGER NOT NULL CHECK (is_estimate IN (0, 1)),
    is_undone   INTEGER NOT NULL CHECK (is_undone IN (0, 1)),
    corrects_id INTEGER REFERENCES visit (id),
    reason      TEXT,
    terminal_id INTEGER NOT NULL,
    person_id   INTEGER NOT NULL,
    count_key   BLOB    NOT NULL,
    rev         INTEGER NOT NULL,
    CHECK (people > 0 OR corrects_id IS NOT NULL OR (people = 0 AND purpose_id IS NULL))
) STRICT;

-- Today's lines by rev for the feed; a span of days for lists.
CREATE INDEX visit_by_day ON visit (day, rev);
CREATE INDEX visit_by_correction ON visit (corrects_id) WHERE corrects_id IS NOT NULL;

-- Kept by the transaction that changes the lines beneath; purpose_id 0: looked, nobody there.
CREATE TABLE visit_day (
    id         INTEGER NOT NULL PRIMARY KEY,
    day        INTEGER NOT NULL,
    place_id   INTEGER NOT NULL,
    purpose_id INTEGER NOT NULL,
    people     INTEGER NOT NULL,
    lines      INTEGER NOT NULL,
    estimated  INTEGER NOT NULL,
    rev        INTEGER NOT NULL,
    UNIQUE (day, place_id, purpose_id)
) STRICT;

CREATE INDEX visit_day_by_rev ON visit_day (rev);

CREATE TABLE visit_slot (
    day        INTEGER NOT NULL,
    slot       INTEGER NOT NULL,
    place_id   INTEGER NOT NULL,
    purpose_id INTEGER NOT NULL,
    people     INTEGER NOT NULL,
    lines      INTEGER NOT NULL,
    estimated  INTEGER NOT NULL,
    PRIMARY KEY (day, slot, place_id, purpose_id)
) STRICT;

-- Months whose figures stand still.
CREATE TABLE period_close (
    month     INTEGER NOT NULL PRIMARY KEY,     -- YYYYMM
    closed_us INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    rev       INTEGER NOT NULL
) STRICT;

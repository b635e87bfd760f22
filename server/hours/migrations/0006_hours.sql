-- When the centre is open. Taken back rows stay, marked, so that terminals learn of it.

CREATE TABLE opening_hours (
    id         INTEGER NOT NULL PRIMARY KEY,
    from_day   INTEGER NOT NULL,               -- local YYYYMMDD; holds until the next one begins
    is_removed INTEGER NOT NULL CHECK (is_removed IN (0, 1)),
    rev        INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX opening_hours_by_day ON opening_hours (from_day) WHERE is_removed = 0;
CREATE INDEX opening_hours_by_rev ON opening_hours (rev);

CREATE TABLE open_span (
    hours_id     INTEGER NOT NULL REFERENCES opening_hours (id),
    position     INTEGER NOT NULL,
    days         INTEGER NOT NULL CHECK (days BETWEEN 1 AND 255), -- 1 Sunday … 64 Saturday, 128 national holiday
    open_minute  INTEGER NOT NULL CHECK (open_minute BETWEEN 0 AND 1439),
    close_minute INTEGER NOT NULL CHECK (close_minute BETWEEN 1 AND 1440),
    PRIMARY KEY (hours_id, position),
    CHECK (open_minute < close_minute)
) STRICT;

-- The centre's own closing days; never mixed with the holidays of the country.
CREATE TABLE closed_day (
    id         INTEGER NOT NULL PRIMARY KEY,
    from_day   INTEGER NOT NULL,
    to_day     INTEGER NOT NULL,               -- inclusive
    reason     TEXT    NOT NULL,
    is_removed INTEGER NOT NULL CHECK (is_removed IN (0, 1)),
    rev        INTEGER NOT NULL,
    CHECK (from_day <= to_day)
) STRICT;

CREATE INDEX closed_day_by_end ON closed_day (to_day) WHERE is_removed = 0;
CREATE INDEX closed_day_by_rev ON closed_day (rev);

-- The imported list. It decides every year of which it holds a day; other years follow the law's rules.
CREATE TABLE holiday (
    day        INTEGER NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    is_removed INTEGER NOT NULL CHECK (is_removed IN (0, 1)),
    rev        INTEGER NOT NULL
) STRICT;

CREATE INDEX holiday_by_rev ON holiday (rev);

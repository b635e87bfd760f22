-- Registered groups. A group is never deleted, only ended: bookings and figures name it for ever.
CREATE TABLE civic_group (
    id           INTEGER NOT NULL PRIMARY KEY,
    number       INTEGER NOT NULL UNIQUE CHECK (number > 0),
    name         TEXT    NOT NULL,
    reading      TEXT    NOT NULL,               -- in kana; may be empty
    field        TEXT    NOT NULL,
    from_day     INTEGER NOT NULL,               -- 0: drafted at the desk, not registered yet
    to_day       INTEGER NOT NULL,               -- the last day of the term
    is_ended     INTEGER NOT NULL CHECK (is_ended IN (0, 1)),
    end_reason   TEXT,
    note         TEXT    NOT NULL,
    person_id    INTEGER UNIQUE,                 -- its account, once a PIN was issued
    contact      BLOB,                           -- sealed with the data key "contact"
    created_us   INTEGER NOT NULL,
    rev          INTEGER NOT NULL,
    CHECK ((from_day = 0 AND to_day = 0) OR (from_day > 0 AND to_day >= from_day))
) STRICT;

CREATE INDEX civic_group_by_rev ON civic_group (rev);

-- What a search reads, apart from the groups so that it reads nothing else: their names folded (common/name_search.h).
CREATE TABLE civic_group_key (
    group_id     INTEGER NOT NULL PRIMARY KEY REFERENCES civic_group (id),
    is_ended     INTEGER NOT NULL CHECK (is_ended IN (0, 1)),
    loose_key    TEXT    NOT NULL,               -- number, name and reading
    name_key     TEXT    NOT NULL,
    reading_key  TEXT    NOT NULL,
    order_key    TEXT    NOT NULL                -- by reading, in Japanese order
) STRICT;

CREATE INDEX civic_group_key_by_loose ON civic_group_key (is_ended, loose_key);

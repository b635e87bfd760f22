-- Cases of advice. Text and contact stand only in sealed columns; everything else here names nobody.

CREATE TABLE consultation (
    id            INTEGER NOT NULL PRIMARY KEY,
    fiscal_year   INTEGER NOT NULL,
    number        INTEGER NOT NULL CHECK (number > 0), -- within its fiscal year
    opened_us     INTEGER NOT NULL,
    opened_day    INTEGER NOT NULL,             -- local YYYYMMDD of opened_us
    channel       INTEGER NOT NULL,
    client        INTEGER NOT NULL,
    group_id      INTEGER NOT NULL,             -- 0: none
    topic         TEXT    NOT NULL,
    people        INTEGER NOT NULL,
    owner_id      INTEGER NOT NULL,             -- 0: nobody's yet
    follow_up_day INTEGER NOT NULL,             -- 0: none
    outcome       INTEGER NOT NULL,
    referral      TEXT    NOT NULL,
    closed_us     INTEGER NOT NULL,             -- 0: open
    erase_day     INTEGER NOT NULL,             -- 0: open; else the day from which the personal parts are erased
    is_erased     INTEGER NOT NULL CHECK (is_erased IN (0, 1)),
    minutes       INTEGER NOT NULL,             -- of all entries, kept by the transaction that adds one
    entries       INTEGER NOT NULL,
    rev           INTEGER NOT NULL,
    UNIQUE (fiscal_year, number),
    CHECK ((closed_us = 0) = (erase_day = 0)),
    CHECK ((closed_us = 0) = (outcome = 0)),
    CHECK (is_erased = 0 OR closed_us <> 0)
) STRICT;

CREATE INDEX consultation_by_rev ON consultation (rev);
CREATE INDEX consultation_open ON consultation (id) WHERE closed_us = 0;
CREATE INDEX consultation_due ON consultation (erase_day) WHERE erase_day <> 0 AND is_erased = 0;

-- content: a packed ConsultationContent under the data key key_name; NULL once erased.
CREATE TABLE consultation_entry (
    id          INTEGER NOT NULL PRIMARY KEY,
    case_id     INTEGER NOT NULL REFERENCES consultation (id),
    at_us       INTEGER NOT NULL,
    received_us INTEGER NOT NULL,
    person_id   INTEGER NOT NULL,
    terminal_id INTEGER NOT NULL,
    minutes     INTEGER NOT NULL,
    key_name    TEXT    NOT NULL,               -- open, or the month of retention as YYYY-MM
    content     BLOB
) STRICT;

CREATE INDEX consultation_entry_by_case ON consultation_entry (case_id, id);

-- Somebody read a case that is not his: told to the office and to the owner.
CREATE TABLE consultation_notice (
    id        INTEGER NOT NULL PRIMARY KEY,
    case_id   INTEGER NOT NULL REFERENCES consultation (id),
    owner_id  INTEGER NOT NULL,
    reader_id INTEGER NOT NULL,
    at_us     INTEGER NOT NULL,
    day       INTEGER NOT NULL,
    reason    TEXT    NOT NULL,
    rev       INTEGER NOT NULL
) STRICT;

CREATE INDEX consultation_notice_by_rev ON consultation_notice (rev);

-- What was erased, and when.
CREATE TABLE consultation_erasure (
    case_id   INTEGER NOT NULL PRIMARY KEY REFERENCES consultation (id),
    erased_us INTEGER NOT NULL
) STRICT;

-- The months' data keys in use. A destroyed one stays listed, so that nothing is sealed into its month again.
CREATE TABLE consultation_key (
    key_name     TEXT    NOT NULL PRIMARY KEY,  -- YYYY-MM
    destroyed_us INTEGER NOT NULL               -- 0: in use
) STRICT;

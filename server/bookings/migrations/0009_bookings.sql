-- Who has which room when. A live booking takes its room in [start_us, end_us): held, confirmed, in use or ended;
-- one that was rejected, cancelled, not shown up for or lapsed stays as a record and takes nothing.

CREATE TABLE booking (
    id         INTEGER NOT NULL PRIMARY KEY,
    room_id    INTEGER NOT NULL REFERENCES room (id),
    group_id   INTEGER,                         -- NULL: applicant says who
    applicant  TEXT    NOT NULL,
    title      TEXT    NOT NULL,
    start_us   INTEGER NOT NULL,
    end_us     INTEGER NOT NULL,
    last_day   INTEGER NOT NULL,                -- local day of its last moment: the feed's horizon goes by it
    people     INTEGER NOT NULL,
    state      INTEGER NOT NULL CHECK (state BETWEEN 1 AND 8),
    is_live    INTEGER NOT NULL,
    is_public  INTEGER NOT NULL CHECK (is_public IN (0, 1)),
    is_record  INTEGER NOT NULL CHECK (is_record IN (0, 1)), -- keyed in afterwards
    has_moved  INTEGER NOT NULL CHECK (has_moved IN (0, 1)), -- it once was in another room
    lapse_day  INTEGER NOT NULL,                -- last local day of a tentative one
    reason     TEXT    NOT NULL,                -- of a rejection or cancellation
    person_id  INTEGER NOT NULL,                -- who last changed it, 0: the clock or a door
    changed_us INTEGER NOT NULL,
    rev        INTEGER NOT NULL,
    CHECK (end_us > start_us),
    CHECK ((is_live = 1 AND state IN (1, 2, 3, 4)) OR (is_live = 0 AND state IN (5, 6, 7, 8)))
) STRICT;

-- Live bookings of a room are disjoint, so the last one that starts before a moment is the only one that can reach
-- over it: one probe of this index.
CREATE INDEX booking_by_room ON booking (room_id, is_live, start_us, end_us);
CREATE INDEX booking_by_rev ON booking (rev, last_day);
CREATE INDEX booking_tentative ON booking (lapse_day) WHERE state = 1;

CREATE TRIGGER booking_insert_overlap BEFORE INSERT ON booking WHEN NEW.is_live = 1
BEGIN
    SELECT RAISE(ABORT, 'live bookings of a room overlap')
     WHERE (SELECT end_us FROM booking WHERE room_id = NEW.room_id AND is_live = 1 AND start_us < NEW.end_us
             ORDER BY start_us DESC LIMIT 1) > NEW.start_us;
END;

CREATE TRIGGER booking_update_overlap BEFORE UPDATE OF id, room_id, start_us, end_us, is_live ON booking
WHEN NEW.is_live = 1
BEGIN
    SELECT RAISE(ABORT, 'live bookings of a room overlap')
     WHERE (SELECT end_us FROM booking WHERE room_id = NEW.room_id AND is_live = 1 AND start_us < NEW.end_us
             AND id <> OLD.id ORDER BY start_us DESC LIMIT 1) > NEW.start_us;
END;

-- What the centre decided about bookings; no row: the program's own figures.
CREATE TABLE booking_limits (
    only_row        INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    longest_minutes INTEGER NOT NULL,
    ahead_days      INTEGER NOT NULL,
    hold_days       INTEGER NOT NULL,
    rev             INTEGER NOT NULL
) STRICT;

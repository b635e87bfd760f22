-- What can be booked: rooms, lobbies, exhibition panels.

CREATE TABLE room (
    id             INTEGER NOT NULL PRIMARY KEY,
    name           TEXT    NOT NULL,
    name_key       TEXT    NOT NULL UNIQUE,
    kind           INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 3),
    capacity       INTEGER NOT NULL CHECK (capacity >= 0),
    position       INTEGER NOT NULL,
    note           TEXT    NOT NULL,
    is_always_open INTEGER NOT NULL CHECK (is_always_open IN (0, 1)),
    is_retired     INTEGER NOT NULL CHECK (is_retired IN (0, 1)),
    rev            INTEGER NOT NULL
) STRICT;

CREATE INDEX room_by_rev ON room (rev);
CREATE INDEX room_by_position ON room (position, id);

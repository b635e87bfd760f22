-- Files on their way in: a piece a row, for an hour at most; gone when taken in, dropped or due.

CREATE TABLE import_file (
    id        INTEGER NOT NULL PRIMARY KEY,
    kind      INTEGER NOT NULL,
    file_name TEXT    NOT NULL,
    person_id INTEGER NOT NULL UNIQUE,          -- one at a time
    due_us    INTEGER NOT NULL,
    pieces    INTEGER NOT NULL,
    bytes     INTEGER NOT NULL
) STRICT;

CREATE TABLE import_piece (
    import_id INTEGER NOT NULL REFERENCES import_file (id),
    piece     INTEGER NOT NULL,
    bytes     BLOB    NOT NULL,
    PRIMARY KEY (import_id, piece)
) STRICT;

/* common/csv.h - reads comma-separated lines (RFC 4180): quoted cells with doubled quotes and line feeds in them,
 * LF or CRLF, a byte order mark. Pure. */
#ifndef MADOGUCHI_COMMON_CSV_H
#define MADOGUCHI_COMMON_CSV_H

#include <stddef.h>

#define CSV_CELLS_MAX 64

enum csv_fault {
    CSV_FINE,
    CSV_END,          /* no more lines */
    CSV_QUOTE_OPEN,   /* a quoted cell does not end */
    CSV_QUOTE_INSIDE, /* text beside a quoted cell */
    CSV_TOO_MANY_CELLS,
    CSV_NOT_TEXT /* a NUL or another control character */
};

struct csv_line {
    int number; /* of its first line in the file, from 1 */
    int cells_count;
    char *cells[CSV_CELLS_MAX]; /* within the reader's text */
    enum csv_fault fault;       /* the line is skipped to its end; the cells before the fault are there */
};

/* Cuts text (NUL-ended, length bytes) in place. */
struct csv {
    char *at, *end;
    int line;
};

void csv_init(struct csv *csv, char *text, size_t length);
/* Blank lines are left out. CSV_FINE, CSV_END, or the line's fault; the next call goes on behind it. */
enum csv_fault csv_next(struct csv *csv, struct csv_line *line);

#endif

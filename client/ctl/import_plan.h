/* client/ctl/import_plan.h - from a file of counts to what would be sent, and what is wrong with it, line by line.
 * Reads everything before anything is sent. Pure but for the zone of common/day.h. */
#ifndef MADOGUCHI_CLIENT_CTL_IMPORT_PLAN_H
#define MADOGUCHI_CLIENT_CTL_IMPORT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/csv.h"

#define IMPORT_KEY_BYTES 16
#define IMPORT_DIGEST_BYTES 32
#define IMPORT_PEOPLE_MAX 9999

/* A column that holds numbers of people. */
struct import_column {
    const char *title; /* as in the first line */
    int64_t purpose_id;
    int index; /* found by import_plan_read() */
};

struct import_count {
    int line;
    int64_t purpose_id; /* 0: looked, nobody there */
    int32_t people;
    int64_t at_us;
    uint8_t key[IMPORT_KEY_BYTES];
};

enum import_fault {
    IMPORT_CSV,           /* csv_fault says which */
    IMPORT_NO_COLUMN,     /* field: the title that the first line lacks */
    IMPORT_DOUBLE_COLUMN, /* field: stands twice in the first line */
    IMPORT_NO_LINES,
    IMPORT_CELLS, /* another number of cells than titles */
    IMPORT_TIME,  /* not a time */
    IMPORT_FUTURE,
    IMPORT_NUMBER /* not a whole number from 0 to IMPORT_PEOPLE_MAX */
};

struct import_problem {
    int line;
    enum import_fault fault;
    enum csv_fault csv_fault;
    char field[64], value[64]; /* cut at a character where too long */
};

struct import_plan {
    struct import_count *counts;
    size_t counts_count, counts_size;
    struct import_problem *problems;
    size_t problems_count, problems_size;
    int lines;                           /* of data */
    int64_t people;                      /* in all */
    int nobody;                          /* lines where nobody was there */
    uint8_t digest[IMPORT_DIGEST_BYTES]; /* SHA-256 of the file */
};

/* text is cut up in place and must be NUL-ended. Each cell above 0 becomes a count, a line whose cells are all 0 a
 * "nobody there", an empty cell nothing. A count's key comes from the file's content, the line and the column, so
 * the same file sent again counts nothing twice. MDG_ERR_MEMORY, MDG_ERR_CRYPTO; what is wrong with the file is in
 * the problems, not in the return value. */
int import_plan_read(struct import_plan *plan, char *text, size_t length, const char *time_title,
                     struct import_column *columns, size_t columns_count, int64_t now_us);
void import_plan_fini(struct import_plan *plan);

/* The reason as a sentence, translated. */
void import_problem_text(const struct import_problem *problem, char *out, size_t size);

/* The titles of the first line, cut up in place, for choosing columns. The number of them, 0: there is no first line.
 */
int import_titles(char *text, size_t length, struct csv_line *line);

#endif

/* server/imports/import_kind.h - what one kind of file is: its columns, what a line must keep, what taking it in does.
 * The frame (import_list.c) cuts the file, finds the columns by their titles, and calls parse for every line, then
 * check once, then, at the commit and without a fault, apply. A new kind is one constant and one line in
 * import_kinds.c. */
#ifndef MADOGUCHI_IMPORTS_IMPORT_KIND_H
#define MADOGUCHI_IMPORTS_IMPORT_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

struct db;
struct request;
struct import_list;

enum import_state { IMPORT_NEW, IMPORT_CHANGED, IMPORT_SAME };

/* One good line; the first member of the kind's own struct, which lies zeroed in the arena. */
struct import_item {
    int line;                /* in the file, from 1 */
    enum import_state state; /* set by check */
    const char *shown;       /* its cells, of the first lines only; set by the frame */
};

struct import_fault {
    int line;
    const char *field, *rule; /* constants */
    const char *value;        /* in the arena, shortened */
};

#define IMPORT_TITLES_MAX 4
struct import_column {
    const char *field;                     /* as faults name it */
    const char *titles[IMPORT_TITLES_MAX]; /* any of them; spaces around and upper case do not count */
    bool is_required;
};

struct import_list {
    struct arena *arena;
    const struct import_kind *kind;
    int32_t today;
    const char *encoding;       /* "UTF-8" or "CP932" */
    int lines;                  /* of data, also those at fault */
    struct import_item **items; /* the good lines, in the order of the file */
    size_t items_count, items_size;
    struct import_fault *faults; /* by line, once the list is complete */
    size_t faults_count, faults_size;
};

#define IMPORT_COLUMNS_MAX 16
struct import_kind {
    uint32_t kind; /* enum ImportKind */
    const char *name;
    struct import_column columns[IMPORT_COLUMNS_MAX]; /* end at a NULL field */
    size_t item_bytes;                                /* of the kind's own struct */
    /* The cells stand in the order of the columns, "" where the file has none; they are clean UTF-8 and live as long
     * as the arena. Fills item, or says what is wrong by import_fault_add(): then the line is not kept. 0 or
     * MDG_ERR_MEMORY. Any thread, no database. */
    int (*parse)(struct import_list *list, struct import_item *item, const char *const *cells);
    /* Lines against each other and against what is stored: adds faults, sets each item's state. */
    int (*check)(struct import_list *list, struct db *db);
    /* Writes the items that are new or changed, each row with rev = change_record(rq, id). The first call of
     * change_record has been made for the import itself. */
    int (*apply)(struct request *rq, const struct import_list *list);
};

/* 0 or MDG_ERR_MEMORY. value may be NULL or long; line 0: the file as a whole. */
int import_fault_add(struct import_list *list, int line, const char *field, const char *rule, const char *value);

/* One more item that stands in no line (line 0), added by check: e.g. what the file takes away. NULL: out of memory. */
struct import_item *import_item_add(struct import_list *list, int line);

/* NULL: no such kind. */
const struct import_kind *import_kind_of(uint32_t kind);

#endif

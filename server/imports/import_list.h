/* server/imports/import_list.h - from a file's bytes to the lines of its kind and what is wrong with them. */
#ifndef MADOGUCHI_IMPORTS_IMPORT_LIST_H
#define MADOGUCHI_IMPORTS_IMPORT_LIST_H

#include "server/imports/import_kind.h"

#define IMPORT_LINES_MAX 100000
#define IMPORT_SAMPLES_MAX 10
#define IMPORT_VALUE_BYTES_MAX 60

/* Everything lies in the arena. What is wrong with the file is in the faults. 0 or MDG_ERR_MEMORY. Any thread. */
int import_list_read(struct import_list *list, struct arena *arena, const struct import_kind *kind, int32_t today,
                     const char *bytes, size_t length);
/* The kind's own checks; afterwards the faults stand by line and the list is complete. */
int import_list_check(struct import_list *list, struct db *db);

struct import_counts {
    int new_count, changed_count, same_count;
};
struct import_counts import_list_count(const struct import_list *list);

#endif

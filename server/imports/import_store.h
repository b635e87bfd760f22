/* server/imports/import_store.h - files on their way in, sealed, a piece a row. Writing on the writer thread only.
 * Functions return 0 or a negative MDG_ERR_* code. */
#ifndef MADOGUCHI_IMPORTS_IMPORT_STORE_H
#define MADOGUCHI_IMPORTS_IMPORT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/store/turn.h"

struct arena;
struct db;
struct keys;

#define IMPORT_FILE_NAME_BYTES_MAX 100
#define IMPORT_PIECE_BYTES_MAX 131072
#define IMPORT_BYTES_MAX (INT64_C(16) * 1024 * 1024)
#define IMPORT_LIFE_US (INT64_C(3600) * 1000000)

struct import_file {
    int64_t id;
    uint32_t kind;
    char file_name[IMPORT_FILE_NAME_BYTES_MAX + 1];
    int64_t person_id, due_us;
    int pieces;
    int64_t bytes;
};

/* MDG_ERR_NOT_FOUND: not there, not this person's, or due. */
int import_file_get(struct db *db, int64_t id, int64_t person_id, int64_t now_us, struct import_file *file);
/* In place of the person's own one before it, if there is one. */
int import_file_open(struct turn *turn, const struct import_file *file);
/* The next piece; counts it in the file. */
int import_file_add(struct turn *turn, const struct keys *keys, const struct import_file *file, const uint8_t *bytes,
                    size_t length);
/* All its bytes, in the arena. MDG_ERR_MEMORY, MDG_ERR_CORRUPT. */
int import_file_read(struct db *db, const struct keys *keys, const struct import_file *file, struct arena *arena,
                     char **bytes, size_t *length);
int import_file_drop(struct turn *turn, int64_t id);

/* How many are due. */
int import_files_due(struct db *db, int64_t now_us, int64_t *count);
int import_files_drop_due(struct turn *turn, int64_t now_us);

#endif

#include "server/imports/import_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/error.h"
#include "server/keys/keys.h"
#include "server/store/db.h"

/* A piece is sealed for its place in its own file. */
#define WHERE_BYTES 40
static void where_of(int piece, char where[WHERE_BYTES])
{
    snprintf(where, WHERE_BYTES, "import_piece.bytes %d", piece);
}

static const char SQL_GET[] = "SELECT kind, file_name, due_us, pieces, bytes FROM import_file"
                              " WHERE id = ?1 AND person_id = ?2 AND due_us > ?3";

int import_file_get(struct db *db, int64_t id, int64_t person_id, int64_t now_us, struct import_file *file)
{
    struct db_stmt *get = db_stmt(db, SQL_GET);
    db_bind_i64(get, 1, id);
    db_bind_i64(get, 2, person_id);
    db_bind_i64(get, 3, now_us);
    int rc = db_step(get);
    if (rc == DB_ROW) {
        *file = (struct import_file){.id = id,
                                     .kind = (uint32_t)db_col_i64(get, 0),
                                     .person_id = person_id,
                                     .due_us = db_col_i64(get, 2),
                                     .pieces = (int)db_col_i64(get, 3),
                                     .bytes = db_col_i64(get, 4)};
        snprintf(file->file_name, sizeof file->file_name, "%s", db_col_text(get, 1));
    }
    db_reset(get);
    return rc == DB_ROW ? 0 : rc == 0 ? MDG_ERR_NOT_FOUND : rc;
}

/* --- dropping ----------------------------------------------------------------------------------------- */

static int run_with(struct db *db, const char *sql, int64_t value)
{
    struct db_stmt *stmt = db_stmt(db, sql);
    db_bind_i64(stmt, 1, value);
    return db_run(stmt);
}

static const char SQL_DROP_PIECES[] = "DELETE FROM import_piece WHERE import_id = ?1";
static const char SQL_DROP[] = "DELETE FROM import_file WHERE id = ?1";

int import_file_drop(struct turn *turn, int64_t id)
{
    int rc = run_with(turn->db, SQL_DROP_PIECES, id);
    return rc == 0 ? run_with(turn->db, SQL_DROP, id) : rc;
}

static const char SQL_DROP_DUE_PIECES[] =
    "DELETE FROM import_piece WHERE import_id IN (SELECT id FROM import_file WHERE due_us <= ?1)";
static const char SQL_DROP_DUE[] = "DELETE FROM import_file WHERE due_us <= ?1";

int import_files_drop_due(struct turn *turn, int64_t now_us)
{
    int rc = run_with(turn->db, SQL_DROP_DUE_PIECES, now_us);
    return rc == 0 ? run_with(turn->db, SQL_DROP_DUE, now_us) : rc;
}

static const char SQL_DUE[] = "SELECT COUNT(*) FROM import_file WHERE due_us <= ?1";

int import_files_due(struct db *db, int64_t now_us, int64_t *count)
{
    struct db_stmt *due = db_stmt(db, SQL_DUE);
    db_bind_i64(due, 1, now_us);
    int rc = db_step(due);
    *count = rc == DB_ROW ? db_col_i64(due, 0) : 0;
    db_reset(due);
    return rc < 0 ? rc : 0;
}

/* --- coming in ---------------------------------------------------------------------------------------- */

static const char SQL_DROP_OWN_PIECES[] =
    "DELETE FROM import_piece WHERE import_id IN (SELECT id FROM import_file WHERE person_id = ?1)";
static const char SQL_DROP_OWN[] = "DELETE FROM import_file WHERE person_id = ?1";
static const char SQL_OPEN[] = "INSERT INTO import_file (id, kind, file_name, person_id, due_us, pieces, bytes)"
                               " VALUES (?1, ?2, ?3, ?4, ?5, 0, 0)";

int import_file_open(struct turn *turn, const struct import_file *file)
{
    int rc = run_with(turn->db, SQL_DROP_OWN_PIECES, file->person_id);
    if (rc == 0) rc = run_with(turn->db, SQL_DROP_OWN, file->person_id);
    if (rc != 0) return rc;
    struct db_stmt *open = db_stmt(turn->db, SQL_OPEN);
    db_bind_i64(open, 1, file->id);
    db_bind_i64(open, 2, file->kind);
    db_bind_text(open, 3, file->file_name);
    db_bind_i64(open, 4, file->person_id);
    db_bind_i64(open, 5, file->due_us);
    return db_run(open);
}

static const char SQL_ADD[] = "INSERT INTO import_piece (import_id, piece, bytes) VALUES (?1, ?2, ?3)";
static const char SQL_COUNT[] = "UPDATE import_file SET pieces = pieces + 1, bytes = bytes + ?2 WHERE id = ?1";

int import_file_add(struct turn *turn, const struct keys *keys, const struct import_file *file, const uint8_t *bytes,
                    size_t length)
{
    char where[WHERE_BYTES];
    uint8_t *sealed = malloc(length + SEAL_OVERHEAD_BYTES);
    if (!sealed) return MDG_ERR_MEMORY;
    where_of(file->pieces, where);
    int rc = keys_seal(keys, where, file->id, bytes, length, sealed);
    if (rc == 0) {
        struct db_stmt *add = db_stmt(turn->db, SQL_ADD);
        db_bind_i64(add, 1, file->id);
        db_bind_i64(add, 2, file->pieces);
        db_bind_bytes(add, 3, sealed, length + SEAL_OVERHEAD_BYTES);
        rc = db_run(add);
    }
    free(sealed);
    if (rc != 0) return rc;
    struct db_stmt *count = db_stmt(turn->db, SQL_COUNT);
    db_bind_i64(count, 1, file->id);
    db_bind_i64(count, 2, (int64_t)length);
    return db_run(count);
}

/* --- reading it back ---------------------------------------------------------------------------------- */

static const char SQL_PIECES[] = "SELECT bytes FROM import_piece WHERE import_id = ?1 ORDER BY piece";

int import_file_read(struct db *db, const struct keys *keys, const struct import_file *file, struct arena *arena,
                     char **bytes, size_t *length)
{
    *bytes = arena_alloc(arena, (size_t)file->bytes + 1);
    *length = 0;
    if (!*bytes) return MDG_ERR_MEMORY;
    struct db_stmt *pieces = db_stmt(db, SQL_PIECES);
    db_bind_i64(pieces, 1, file->id);
    int rc;
    for (int piece = 0; (rc = db_step(pieces)) == DB_ROW; piece++) {
        char where[WHERE_BYTES];
        size_t sealed_length;
        const uint8_t *sealed = db_col_bytes(pieces, 0, &sealed_length);
        rc = MDG_ERR_CORRUPT;
        if (sealed_length < SEAL_OVERHEAD_BYTES) break;
        size_t plain_length = sealed_length - SEAL_OVERHEAD_BYTES;
        if (plain_length > (size_t)file->bytes - *length) break;
        where_of(piece, where);
        rc = keys_unseal(keys, where, file->id, sealed, sealed_length, *bytes + *length);
        if (rc != 0) break;
        *length += plain_length;
    }
    db_reset(pieces);
    if (rc == 0 && *length != (size_t)file->bytes) rc = MDG_ERR_CORRUPT;
    return rc;
}

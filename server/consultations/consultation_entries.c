#include "server/consultations/consultation_entries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/arena.h"
#include "common/error.h"
#include "common/log.h"
#include "server/keys/data_keys.h"
#include "server/store/db.h"

#define SEALED_BYTES_MAX (INTAKE_CONTENT_BYTES_MAX + DATA_KEY_OVERHEAD_BYTES)

static const char TABLE[] = "consultation_entry", COLUMN[] = "content";

/* --- keys --------------------------------------------------------------------------------------------- */

static const char SQL_KEY[] = "INSERT INTO consultation_key (key_name, destroyed_us) VALUES (?1, 0)"
                              " ON CONFLICT (key_name) DO NOTHING";
static const char SQL_KEY_ENDED[] = "SELECT destroyed_us FROM consultation_key WHERE key_name = ?1";

/* The key of the case as it stands. MDG_ERR_STATE: its month is over, so nothing may be sealed into it any more. */
static int key_of_case(struct turn *turn, const struct consultation *c, char name[CONSULTATION_KEY_NAME_BYTES])
{
    if (c->closed_us == 0) {
        snprintf(name, CONSULTATION_KEY_NAME_BYTES, "%s", CONSULTATION_KEY_OPEN);
        return 0;
    }
    consultation_key_name(c->erase_day, name);
    struct db_stmt *key = db_stmt(turn->db, SQL_KEY);
    db_bind_text(key, 1, name);
    int rc = db_run(key);
    if (rc != 0) return rc;
    struct db_stmt *ended = db_stmt(turn->db, SQL_KEY_ENDED);
    db_bind_text(ended, 1, name);
    rc = db_step(ended);
    if (rc == DB_ROW) rc = db_col_i64(ended, 0) != 0 ? MDG_ERR_STATE : 0;
    db_reset(ended);
    return rc;
}

/* '2029-11' < '2029-12': the months before this one. A key whose cases are not all erased waits for the next time. */
#define KEYS_OVER                                                                            \
    " FROM consultation_key k WHERE k.destroyed_us = 0 AND k.key_name < ?1 AND NOT EXISTS (" \
    "SELECT 1 FROM consultation c WHERE c.erase_day <> 0 AND c.is_erased = 0 AND c.erase_day <= ?2)"
static const char SQL_KEYS_OVER[] = "SELECT k.key_name" KEYS_OVER " ORDER BY k.key_name LIMIT 1";
static const char SQL_KEY_END[] = "UPDATE consultation_key SET destroyed_us = ?2 WHERE key_name = ?1";

static int key_over(struct db *db, int32_t today, char name[CONSULTATION_KEY_NAME_BYTES])
{
    char month[CONSULTATION_KEY_NAME_BYTES];
    consultation_key_name(today, month);
    struct db_stmt *over = db_stmt(db, SQL_KEYS_OVER);
    db_bind_text(over, 1, month);
    db_bind_i64(over, 2, today);
    int rc = db_step(over);
    if (rc == DB_ROW) snprintf(name, CONSULTATION_KEY_NAME_BYTES, "%s", db_col_text(over, 0));
    db_reset(over);
    return rc;
}

int consultation_keys_are_due(struct db *db, int32_t today, bool *is_due)
{
    char name[CONSULTATION_KEY_NAME_BYTES];
    int rc = key_over(db, today, name);
    *is_due = rc == DB_ROW;
    return rc == DB_ROW ? 0 : rc;
}

int consultation_keys_destroy(struct turn *turn, const struct keys *keys, int32_t today, int64_t now_us, int *destroyed,
                              char name[CONSULTATION_KEY_NAME_BYTES])
{
    int rc;
    *destroyed = 0;
    while ((rc = key_over(turn->db, today, name)) == DB_ROW) {
        /* The file cannot be rolled back with the turn; if that fails, the key is gone all the same, as it should be,
         * and the next turn finds it gone. */
        rc = data_key_destroy(keys, name);
        if (rc != 0 && rc != MDG_ERR_NOT_FOUND) return rc;
        struct db_stmt *end = db_stmt(turn->db, SQL_KEY_END);
        db_bind_text(end, 1, name);
        db_bind_i64(end, 2, now_us);
        rc = db_run(end);
        if (rc != 0) return rc;
        ++*destroyed;
    }
    return rc;
}

/* --- entries ------------------------------------------------------------------------------------------ */

static const char SQL_INSERT[] = "INSERT INTO consultation_entry (id, case_id, at_us, received_us, person_id, "
                                 "terminal_id, minutes, key_name, content)"
                                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

int consultation_entry_insert(struct turn *turn, const struct keys *keys, const struct consultation *c,
                              const struct consultation_entry *entry)
{
    char name[CONSULTATION_KEY_NAME_BYTES];
    size_t length = mdg__consultation_content__get_packed_size(entry->content);
    if (length > INTAKE_CONTENT_BYTES_MAX) return MDG_ERR_INVALID;
    uint8_t *plain = malloc(length + 1), *sealed = malloc(length + DATA_KEY_OVERHEAD_BYTES);
    int rc = plain && sealed ? key_of_case(turn, c, name) : MDG_ERR_MEMORY;
    if (rc == 0) {
        mdg__consultation_content__pack(entry->content, plain);
        rc = data_key_seal(keys, name, TABLE, COLUMN, entry->id, plain, length, sealed);
        sodium_memzero(plain, length);
    }
    if (rc == 0) {
        struct db_stmt *insert = db_stmt(turn->db, SQL_INSERT);
        db_bind_i64(insert, 1, entry->id);
        db_bind_i64(insert, 2, entry->case_id);
        db_bind_i64(insert, 3, entry->at_us);
        db_bind_i64(insert, 4, entry->received_us);
        db_bind_i64(insert, 5, entry->person_id);
        db_bind_i64(insert, 6, entry->terminal_id);
        db_bind_i64(insert, 7, entry->minutes);
        db_bind_text(insert, 8, name);
        db_bind_bytes(insert, 9, sealed, length + DATA_KEY_OVERHEAD_BYTES);
        rc = db_run(insert);
    }
    free(plain);
    free(sealed);
    return rc;
}

/* Its key was destroyed, or the key file is not that of this database, or the bytes are damaged. */
static bool is_unreadable(int rc)
{
    return rc == MDG_ERR_NOT_FOUND || rc == MDG_ERR_CORRUPT;
}

/* An entry whose key is gone, or whose bytes are damaged, must not hide the others: its content stays NULL. */
static int content_read(struct db_stmt *stmt, int column, const struct keys *keys, struct arena *arena,
                        struct consultation_entry *entry)
{
    size_t length = 0;
    const uint8_t *sealed = db_col_bytes(stmt, column, &length);
    if (length < DATA_KEY_OVERHEAD_BYTES) return 0;
    size_t plain_length = length - DATA_KEY_OVERHEAD_BYTES;
    uint8_t *plain = arena_alloc(arena, plain_length + 1);
    if (!plain) return MDG_ERR_MEMORY;
    int rc = data_key_unseal(keys, TABLE, COLUMN, entry->id, sealed, length, plain);
    if (rc != 0) {
        log_warn("consultations.entry", "entry=%lld rc=%s", (long long)entry->id, mdg_error_name(rc));
        return is_unreadable(rc) ? 0 : rc;
    }
    ProtobufCAllocator allocator = arena_allocator(arena);
    entry->content = mdg__consultation_content__unpack(&allocator, plain_length, plain);
    sodium_memzero(plain, plain_length);
    return entry->content ? 0 : MDG_ERR_MEMORY;
}

static const char SQL_READ[] = "SELECT id, case_id, at_us, received_us, person_id, terminal_id, minutes, content"
                               " FROM consultation_entry WHERE case_id = ?1 AND id > ?2 ORDER BY id";

#define ENTRY_BYTES_BASE 64 /* what an entry takes beside its content */
#define ENTRIES_PAGE_MAX 500

int consultation_entries_read(struct db *db, const struct keys *keys, int64_t case_id, int64_t after_id, size_t bytes,
                              struct arena *arena, struct consultation_entry **entries, size_t *count, bool *has_more)
{
    size_t used = 0;
    *count = 0;
    *has_more = false;
    *entries = arena_alloc(arena, ENTRIES_PAGE_MAX * sizeof **entries);
    if (!*entries) return MDG_ERR_MEMORY;
    struct db_stmt *read = db_stmt(db, SQL_READ);
    db_bind_i64(read, 1, case_id);
    db_bind_i64(read, 2, after_id);
    int rc;
    while ((rc = db_step(read)) == DB_ROW) {
        size_t length = 0;
        db_col_bytes(read, 7, &length);
        used += length + ENTRY_BYTES_BASE;
        *has_more = *count == ENTRIES_PAGE_MAX || (*count > 0 && used > bytes);
        if (*has_more) break;
        struct consultation_entry *entry = &(*entries)[(*count)++];
        *entry = (struct consultation_entry){.id = db_col_i64(read, 0),
                                             .case_id = db_col_i64(read, 1),
                                             .at_us = db_col_i64(read, 2),
                                             .received_us = db_col_i64(read, 3),
                                             .person_id = db_col_i64(read, 4),
                                             .terminal_id = db_col_i64(read, 5),
                                             .minutes = (int32_t)db_col_i64(read, 6)};
        rc = content_read(read, 7, keys, arena, entry);
        if (rc != 0) break;
    }
    db_reset(read);
    return rc == DB_ROW ? 0 : rc;
}

/* --- closing ------------------------------------------------------------------------------------------ */

static const char SQL_NEXT[] = "SELECT id, content FROM consultation_entry WHERE case_id = ?1 AND id > ?2 AND"
                               " content IS NOT NULL ORDER BY id LIMIT 1";
static const char SQL_RESEAL[] = "UPDATE consultation_entry SET key_name = ?2, content = ?3 WHERE id = ?1";

static const char SQL_RENAME[] = "UPDATE consultation_entry SET key_name = ?2 WHERE id = ?1";

/* What cannot be read is carried along as it is: the case must be closable, and the month of erasure is what counts. */
static int rename_key(struct turn *turn, int64_t id, const char *name)
{
    struct db_stmt *rename = db_stmt(turn->db, SQL_RENAME);
    db_bind_i64(rename, 1, id);
    db_bind_text(rename, 2, name);
    int rc = db_run(rename);
    return rc == 0 ? DB_ROW : rc;
}

/* One entry from one key to the other. *id: the one before, then this one. 0: there is none after it. */
static int reseal_next(struct turn *turn, const struct keys *keys, int64_t case_id, const char *name, int64_t *id,
                       uint8_t *plain, uint8_t *sealed)
{
    size_t length = 0;
    struct db_stmt *next = db_stmt(turn->db, SQL_NEXT);
    db_bind_i64(next, 1, case_id);
    db_bind_i64(next, 2, *id);
    int rc = db_step(next);
    if (rc == DB_ROW) {
        const uint8_t *was = db_col_bytes(next, 1, &length);
        *id = db_col_i64(next, 0);
        if (length < DATA_KEY_OVERHEAD_BYTES || length > SEALED_BYTES_MAX)
            rc = MDG_ERR_CORRUPT;
        else
            rc = data_key_unseal(keys, TABLE, COLUMN, *id, was, length, plain);
        if (rc == 0) rc = DB_ROW;
    }
    db_reset(next);
    if (is_unreadable(rc)) return rename_key(turn, *id, name);
    if (rc != DB_ROW) return rc;

    rc = data_key_seal(keys, name, TABLE, COLUMN, *id, plain, length - DATA_KEY_OVERHEAD_BYTES, sealed);
    if (rc != 0) return rc;
    struct db_stmt *reseal = db_stmt(turn->db, SQL_RESEAL);
    db_bind_i64(reseal, 1, *id);
    db_bind_text(reseal, 2, name);
    db_bind_bytes(reseal, 3, sealed, length);
    rc = db_run(reseal);
    return rc == 0 ? DB_ROW : rc;
}

int consultation_entries_close(struct turn *turn, const struct keys *keys, const struct consultation *c)
{
    char name[CONSULTATION_KEY_NAME_BYTES];
    int64_t id = 0;
    uint8_t *plain = malloc(SEALED_BYTES_MAX), *sealed = malloc(SEALED_BYTES_MAX);
    int rc = plain && sealed ? key_of_case(turn, c, name) : MDG_ERR_MEMORY;
    while (rc == 0) {
        rc = reseal_next(turn, keys, c->id, name, &id, plain, sealed);
        if (rc != DB_ROW) break;
        rc = 0;
    }
    if (plain) sodium_memzero(plain, SEALED_BYTES_MAX);
    free(plain);
    free(sealed);
    return rc;
}

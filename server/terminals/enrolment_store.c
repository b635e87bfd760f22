#include "server/terminals/enrolment_store.h"

#include <string.h>

#include "common/bytes.h"
#include "common/error.h"

#define COLUMNS                                                                                     \
    "id, terminal_id, generation, step, salt, key_sealed, until_us, tries_left, exporter, request," \
    " check_number, serial"

static const char WHERE_KEY[] = "enrolment.key_sealed";

static const char SQL_NEWEST[] = "SELECT " COLUMNS " FROM enrolment ORDER BY id DESC LIMIT 1";
static const char SQL_OF_EXPORTER[] = "SELECT " COLUMNS " FROM enrolment WHERE exporter = ?1 ORDER BY id DESC LIMIT 1";
static const char SQL_INSERT[] = "INSERT INTO enrolment (" COLUMNS ", is_open)"
                                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
static const char SQL_UPDATE[] =
    "UPDATE enrolment SET step = ?4, key_sealed = ?6, tries_left = ?8, exporter = ?9, request = ?10,"
    " check_number = ?11, serial = ?12, is_open = ?13 WHERE id = ?1";
static const char SQL_DUE[] = "SELECT id FROM enrolment WHERE is_open = 1 AND until_us <= ?1 ORDER BY id LIMIT 1";

static int64_t salt_number(const uint8_t salt[ENROLMENT_SALT_BYTES])
{
    return (int64_t)((uint64_t)bytes_get_u32(salt) << 32 | bytes_get_u32(salt + 4));
}

int enrolment_key_seal(const struct keys *keys, const uint8_t salt[ENROLMENT_SALT_BYTES],
                       const uint8_t key[ENROLMENT_KEY_BYTES], uint8_t sealed[ENROLMENT_KEY_SEALED_BYTES])
{
    return keys_seal(keys, WHERE_KEY, salt_number(salt), key, ENROLMENT_KEY_BYTES, sealed);
}

int enrolment_key_unseal(const struct keys *keys, const struct enrolment *enrolment, uint8_t key[ENROLMENT_KEY_BYTES])
{
    if (!enrolment->has_key) return MDG_ERR_NOT_FOUND;
    return keys_unseal(keys, WHERE_KEY, salt_number(enrolment->salt), enrolment->key_sealed, ENROLMENT_KEY_SEALED_BYTES,
                       key);
}

/* A column of fixed length; *has is false for NULL, which only optional ones (has not NULL) may be. */
static int col_fixed(struct db_stmt *stmt, int column, uint8_t *to, size_t size, bool *has)
{
    size_t length;
    const void *bytes = db_col_bytes(stmt, column, &length);
    if (has) *has = length != 0;
    if (length == 0 && has) return 0;
    if (length != size) return MDG_ERR_CORRUPT;
    memcpy(to, bytes, size);
    return 0;
}

static int col_text(struct db_stmt *stmt, int column, char *to, size_t size)
{
    const char *text = db_col_text(stmt, column);
    if (strlen(text) >= size) return MDG_ERR_CORRUPT;
    memcpy(to, text, strlen(text) + 1);
    return 0;
}

static int enrolment_read(struct db_stmt *stmt, struct enrolment *enrolment)
{
    enrolment->id = db_col_i64(stmt, 0);
    enrolment->terminal_id = db_col_i64(stmt, 1);
    enrolment->generation = db_col_i64(stmt, 2);
    enrolment->step = (enum enrolment_step)db_col_i64(stmt, 3);
    enrolment->until_us = db_col_i64(stmt, 6);
    enrolment->tries_left = (int)db_col_i64(stmt, 7);
    int rc = col_fixed(stmt, 4, enrolment->salt, ENROLMENT_SALT_BYTES, NULL);
    if (rc == 0) rc = col_fixed(stmt, 5, enrolment->key_sealed, ENROLMENT_KEY_SEALED_BYTES, &enrolment->has_key);
    if (rc == 0) rc = col_fixed(stmt, 8, enrolment->exporter, ENROLMENT_EXPORTER_BYTES, &enrolment->is_proved);
    if (rc == 0) rc = col_text(stmt, 10, enrolment->check_number, sizeof enrolment->check_number);
    if (rc == 0) rc = col_text(stmt, 11, enrolment->serial, sizeof enrolment->serial);
    if (rc != 0) return rc;

    size_t length;
    const void *request = db_col_bytes(stmt, 9, &length);
    if (length > DER_BYTES_MAX) return MDG_ERR_CORRUPT;
    if (length > 0) memcpy(enrolment->request.bytes, request, length);
    enrolment->request.length = length;
    return 0;
}

int enrolment_newest(struct db *db, struct enrolment *enrolment)
{
    struct db_stmt *newest = db_stmt(db, SQL_NEWEST);
    *enrolment = (struct enrolment){.step = ENROLMENT_NONE};
    int rc = db_step(newest);
    if (rc == DB_ROW) rc = enrolment_read(newest, enrolment);
    db_reset(newest);
    return rc;
}

int enrolment_of_exporter(struct db *db, const uint8_t exporter[ENROLMENT_EXPORTER_BYTES], struct enrolment *enrolment)
{
    struct db_stmt *find = db_stmt(db, SQL_OF_EXPORTER);
    db_bind_bytes(find, 1, exporter, ENROLMENT_EXPORTER_BYTES);
    int rc = db_step(find);
    if (rc == DB_ROW)
        rc = enrolment_read(find, enrolment);
    else if (rc == 0)
        rc = MDG_ERR_NOT_FOUND;
    db_reset(find);
    return rc;
}

/* What both statements bind under the same numbers; the rest stays NULL. */
static void bind_state(struct db_stmt *stmt, const struct enrolment *enrolment)
{
    bool is_open = enrolment->step >= ENROLMENT_WAITING && enrolment->step <= ENROLMENT_COMPARE;
    db_bind_i64(stmt, 1, enrolment->id);
    db_bind_i64(stmt, 4, enrolment->step);
    if (is_open && enrolment->has_key) db_bind_bytes(stmt, 6, enrolment->key_sealed, ENROLMENT_KEY_SEALED_BYTES);
    db_bind_i64(stmt, 8, enrolment->tries_left);
    if (enrolment->is_proved) db_bind_bytes(stmt, 9, enrolment->exporter, ENROLMENT_EXPORTER_BYTES);
    if (enrolment->request.length > 0) db_bind_bytes(stmt, 10, enrolment->request.bytes, enrolment->request.length);
    if (enrolment->check_number[0]) db_bind_text(stmt, 11, enrolment->check_number);
    if (enrolment->serial[0]) db_bind_text(stmt, 12, enrolment->serial);
    if (is_open) db_bind_i64(stmt, 13, 1);
}

int enrolment_insert(struct db *db, const struct enrolment *enrolment)
{
    struct db_stmt *insert = db_stmt(db, SQL_INSERT);
    bind_state(insert, enrolment);
    db_bind_i64(insert, 2, enrolment->terminal_id);
    db_bind_i64(insert, 3, enrolment->generation);
    db_bind_bytes(insert, 5, enrolment->salt, ENROLMENT_SALT_BYTES);
    db_bind_i64(insert, 7, enrolment->until_us);
    return db_run(insert);
}

int enrolment_update(struct db *db, const struct enrolment *enrolment)
{
    struct db_stmt *update = db_stmt(db, SQL_UPDATE);
    bind_state(update, enrolment);
    return db_run(update);
}

int enrolment_end(struct db *db, struct enrolment *enrolment)
{
    enrolment->step = ENROLMENT_ENDED;
    enrolment->has_key = false;
    return enrolment_update(db, enrolment);
}

int enrolment_is_due(struct db *db, int64_t now_us, bool *is_due)
{
    struct db_stmt *due = db_stmt(db, SQL_DUE);
    db_bind_i64(due, 1, now_us);
    int rc = db_step(due);
    *is_due = rc == DB_ROW;
    db_reset(due);
    return rc == DB_ROW ? 0 : rc;
}

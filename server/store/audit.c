#include "server/store/audit.h"

#include <string.h>

#include <openssl/evp.h>

#include "common/bytes.h"
#include "common/error.h"
#include "server/store/db.h"

/* Canonical bytes of a row: the numbers seq, at_us, person, terminal, outcome, object, rev, is_deferred, count as
 * 8 bytes each, then operation, key, digest, field, rule, reason, each as a 4-byte length (0xffffffff: NULL) and
 * its bytes. */
#define NUMBERS 9
#define STRINGS 6

struct row {
    int64_t seq;
    struct audit_entry entry;
};

struct piece {
    const void *bytes; /* NULL: SQL's NULL */
    size_t length;
};

static struct piece piece_of_text(const char *text)
{
    return (struct piece){text, text ? strlen(text) : 0};
}

static int hash_row(const struct row *row, const uint8_t before[AUDIT_HASH_BYTES], uint8_t hash[AUDIT_HASH_BYTES])
{
    const struct audit_entry *e = &row->entry;
    const int64_t numbers[NUMBERS] = {row->seq,     e->at_us, e->person_id,   e->terminal_id, e->outcome,
                                      e->object_id, e->rev,   e->is_deferred, e->count};
    const struct piece strings[STRINGS] = {
        piece_of_text(e->operation),
        {e->request_key, e->request_key ? REQUEST_KEY_BYTES : 0},
        {e->request_digest, e->request_digest ? REQUEST_DIGEST_BYTES : 0},
        piece_of_text(e->field),
        piece_of_text(e->rule),
        piece_of_text(e->reason),
    };
    uint8_t bytes[AUDIT_HASH_BYTES + NUMBERS * 8 + STRINGS * 4 + AUDIT_OPERATION_BYTES_MAX + REQUEST_KEY_BYTES +
                  REQUEST_DIGEST_BYTES + 2 * AUDIT_OPERATION_BYTES_MAX + AUDIT_REASON_BYTES_MAX];
    size_t at = 0;
    memcpy(bytes, before, AUDIT_HASH_BYTES);
    at += AUDIT_HASH_BYTES;
    for (int i = 0; i < NUMBERS; i++, at += 8) bytes_put_i64(bytes + at, numbers[i]);
    for (int i = 0; i < STRINGS; i++) {
        if (strings[i].length > sizeof bytes - at - 4 * (size_t)(STRINGS - i)) return MDG_ERR_INTERNAL;
        bytes_put_u32(bytes + at, strings[i].bytes ? (uint32_t)strings[i].length : UINT32_MAX);
        at += 4;
        if (strings[i].length > 0) memcpy(bytes + at, strings[i].bytes, strings[i].length);
        at += strings[i].length;
    }
    return EVP_Q_digest(NULL, "SHA256", NULL, bytes, at, hash, NULL) == 1 ? 0 : MDG_ERR_CRYPTO;
}

static const char SQL_APPEND[] =
    "INSERT INTO audit (seq, at_us, person_id, terminal_id, operation, request_key, request_digest, outcome, object_id,"
    " rev, field, rule, reason, is_deferred, count, hash)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";

int audit_append(struct turn *turn, const struct audit_entry *entry)
{
    struct row row = {.seq = turn->audit_seq + 1, .entry = *entry};
    uint8_t hash[AUDIT_HASH_BYTES];
    int rc = hash_row(&row, turn->audit_hash, hash);
    if (rc != 0) return rc;

    struct db_stmt *append = db_stmt(turn->db, SQL_APPEND);
    db_bind_i64(append, 1, row.seq);
    db_bind_i64(append, 2, entry->at_us);
    db_bind_i64(append, 3, entry->person_id);
    db_bind_i64(append, 4, entry->terminal_id);
    db_bind_text(append, 5, entry->operation);
    db_bind_bytes(append, 6, entry->request_key, REQUEST_KEY_BYTES);
    db_bind_bytes(append, 7, entry->request_digest, REQUEST_DIGEST_BYTES);
    db_bind_i64(append, 8, entry->outcome);
    db_bind_i64(append, 9, entry->object_id);
    db_bind_i64(append, 10, entry->rev);
    db_bind_text(append, 11, entry->field);
    db_bind_text(append, 12, entry->rule);
    db_bind_text(append, 13, entry->reason);
    db_bind_i64(append, 14, entry->is_deferred);
    db_bind_i64(append, 15, entry->count);
    db_bind_bytes(append, 16, hash, sizeof hash);
    rc = db_run(append);
    if (rc != 0) return rc;
    turn->audit_seq = row.seq;
    memcpy(turn->audit_hash, hash, sizeof hash);
    return 0;
}

static const char SQL_SEEN[] =
    "SELECT request_digest, outcome, object_id, rev, field, rule FROM audit WHERE request_key = ?1";

static const char *text_or_null(struct db_stmt *stmt, int column)
{
    return db_col_is_null(stmt, column) ? NULL : db_col_text(stmt, column);
}

int audit_seen(struct db *db, const uint8_t key[REQUEST_KEY_BYTES], struct audit_seen *seen)
{
    struct db_stmt *stmt = db_stmt(db, SQL_SEEN);
    db_bind_bytes(stmt, 1, key, REQUEST_KEY_BYTES);
    int rc = db_step(stmt);
    if (rc != DB_ROW) {
        db_reset(stmt);
        return rc;
    }
    size_t length;
    const void *digest = db_col_bytes(stmt, 0, &length);
    *seen = (struct audit_seen){.outcome = (int)db_col_i64(stmt, 1),
                                .object_id = db_col_i64(stmt, 2),
                                .rev = db_col_i64(stmt, 3),
                                .field = text_or_null(stmt, 4),
                                .rule = text_or_null(stmt, 5)};
    if (length == sizeof seen->digest) memcpy(seen->digest, digest, length);
    return DB_ROW;
}

void audit_seen_done(struct db *db)
{
    db_reset(db_stmt(db, SQL_SEEN));
}

static const char SQL_ALL[] =
    "SELECT seq, at_us, person_id, terminal_id, operation, request_key, request_digest, outcome, object_id, rev,"
    " field, rule, reason, is_deferred, count, hash FROM audit ORDER BY seq";

/* False: bytes stand behind the text's end, where nobody would see them. */
static bool text_is_whole(struct db_stmt *stmt, int column)
{
    size_t length, shown = strlen(db_col_text(stmt, column));
    db_col_bytes(stmt, column, &length);
    return length == shown;
}

static bool bytes_of_size(struct db_stmt *stmt, int column, size_t size, const uint8_t **bytes)
{
    size_t length;
    *bytes = db_col_bytes(stmt, column, &length);
    return db_col_is_null(stmt, column) || length == size;
}

static const int TEXT_COLUMNS[] = {4, 10, 11, 12};

/* False: the row does not fit its place in the chain. */
static bool row_fits(struct db_stmt *stmt, int64_t seq, uint8_t head[AUDIT_HASH_BYTES])
{
    struct row row = {.seq = db_col_i64(stmt, 0),
                      .entry = {.at_us = db_col_i64(stmt, 1),
                                .person_id = db_col_i64(stmt, 2),
                                .terminal_id = db_col_i64(stmt, 3),
                                .operation = db_col_text(stmt, 4),
                                .outcome = (int)db_col_i64(stmt, 7),
                                .object_id = db_col_i64(stmt, 8),
                                .rev = db_col_i64(stmt, 9),
                                .field = text_or_null(stmt, 10),
                                .rule = text_or_null(stmt, 11),
                                .reason = text_or_null(stmt, 12),
                                .is_deferred = db_col_i64(stmt, 13) != 0,
                                .count = db_col_i64(stmt, 14)}};
    const uint8_t *stored;
    uint8_t hash[AUDIT_HASH_BYTES];
    /* What does not survive the way into the entry has been altered in the file. */
    if (db_col_i64(stmt, 7) != row.entry.outcome || db_col_i64(stmt, 13) != (int64_t)row.entry.is_deferred)
        return false;
    for (int i = 0; i < (int)(sizeof TEXT_COLUMNS / sizeof TEXT_COLUMNS[0]); i++)
        if (!text_is_whole(stmt, TEXT_COLUMNS[i])) return false;
    if (row.seq != seq || !bytes_of_size(stmt, 5, REQUEST_KEY_BYTES, &row.entry.request_key) ||
        !bytes_of_size(stmt, 6, REQUEST_DIGEST_BYTES, &row.entry.request_digest) ||
        !bytes_of_size(stmt, 15, AUDIT_HASH_BYTES, &stored) || !stored)
        return false;
    if (hash_row(&row, head, hash) != 0 || memcmp(hash, stored, sizeof hash) != 0) return false;
    memcpy(head, hash, sizeof hash);
    return true;
}

int audit_verify(struct db *db, int64_t *rows, uint8_t head[AUDIT_HASH_BYTES], int64_t *bad_seq)
{
    struct db_stmt *stmt = db_stmt(db, SQL_ALL);
    int rc;
    *rows = *bad_seq = 0;
    memset(head, 0, AUDIT_HASH_BYTES);
    while ((rc = db_step(stmt)) == DB_ROW) {
        if (!row_fits(stmt, *rows + 1, head)) {
            *bad_seq = *rows + 1;
            rc = MDG_ERR_CORRUPT;
            break;
        }
        ++*rows;
    }
    db_reset(stmt);
    return rc;
}

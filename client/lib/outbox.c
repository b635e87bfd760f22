#include "client/lib/outbox.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/local_db.h"
#include "common/error.h"
#include "common/log.h"

/* AUTOINCREMENT: a number is never given twice, so an answer cannot meet another item than the one it is for. */
static const struct local_db_form FORM = {
    .version = 1,
    .pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;",
    .schema = "CREATE TABLE item (number INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE,"
              " state INTEGER NOT NULL, made_us INTEGER NOT NULL, offset_us INTEGER NOT NULL, token BLOB NOT NULL,"
              " person_id INTEGER NOT NULL, person_name TEXT NOT NULL, body BLOB NOT NULL, refusal BLOB) STRICT;"
              "CREATE INDEX item_unsent ON item (number) WHERE state = 0;",
};
_Static_assert(MDG_OUTBOX_UNSENT == 0, "SQL below says 0");

enum statement { ADD, NEXT, ACCEPT, REFUSE, AGE, DISMISS, DURABLE, LAX, STATEMENTS };
#define COLUMNS "number, key, state, made_us, offset_us, token, person_id, person_name, body, refusal"
static const char *const SQL[STATEMENTS] = {
    [ADD] = "INSERT INTO item (key, state, made_us, offset_us, token, person_id, person_name, body)"
            " VALUES (?1, 0, ?2, ?3, ?4, ?5, ?6, ?7)",
    [NEXT] = "SELECT " COLUMNS " FROM item WHERE state = 0 AND number > ?1 ORDER BY number LIMIT 1",
    [ACCEPT] = "DELETE FROM item WHERE number = ?1 AND state = 0",
    [REFUSE] = "UPDATE item SET state = 1, refusal = ?2 WHERE number = ?1 AND state = 0",
    [AGE] = "UPDATE item SET state = 2 WHERE state = 0 AND made_us < ?1",
    [DISMISS] = "DELETE FROM item WHERE number = ?1 AND state <> 0",
    /* In WAL mode a durable commit also carries down all lax ones before it. */
    [DURABLE] = "PRAGMA synchronous = FULL",
    [LAX] = "PRAGMA synchronous = NORMAL",
};
static const char SQL_EACH[] = "SELECT " COLUMNS " FROM item ORDER BY number";
static const char SQL_GET[] = "SELECT " COLUMNS " FROM item WHERE number = ?1";
static const char SQL_COUNT[] = "SELECT count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state <> 0),"
                                " (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'item') FROM item";

struct outbox {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    int64_t last_number;
    unsigned unsent, refused;
};

int outbox_recount(struct outbox *outbox)
{
    sqlite3_stmt *stmt = NULL;
    int rc = local_db_prepare(outbox->db, SQL_COUNT, &stmt);
    if (rc != 0) return rc;
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        outbox->unsent = (unsigned)sqlite3_column_int64(stmt, 0);
        outbox->refused = (unsigned)sqlite3_column_int64(stmt, 1);
        outbox->last_number = sqlite3_column_int64(stmt, 2);
    }
    sqlite3_finalize(stmt);
    return local_db_error(code);
}

int outbox_open(const char *path, struct outbox **out)
{
    struct outbox *outbox = calloc(1, sizeof *outbox);
    if (!outbox) return MDG_ERR_MEMORY;
    int rc = local_db_open(path, &FORM, &outbox->db);
    for (int i = 0; rc == 0 && i < STATEMENTS; i++) {
        rc = local_db_prepare(outbox->db, SQL[i], &outbox->statements[i]);
    }
    if (rc == 0) rc = outbox_recount(outbox);
    if (rc == 0) {
        *out = outbox;
    } else {
        outbox_close(outbox);
    }
    return rc;
}

void outbox_close(struct outbox *outbox)
{
    if (!outbox) return;
    for (int i = 0; i < STATEMENTS; i++) sqlite3_finalize(outbox->statements[i]);
    sqlite3_close(outbox->db);
    free(outbox);
}

void outbox_entry_fini(struct outbox_entry *entry)
{
    mdg__body__free_unpacked((Mdg__Body *)(uintptr_t)entry->item.body, NULL);
    mdg__refusal__free_unpacked((Mdg__Refusal *)(uintptr_t)entry->item.refusal, NULL);
    *entry = (struct outbox_entry){0};
}

/* --- writing ---------------------------------------------------------------------------------------------- */

static void bind_bytes(sqlite3_stmt *stmt, int index, const uint8_t *bytes, size_t length)
{
    sqlite3_bind_blob64(stmt, index, length ? bytes : (const uint8_t *)"", length, SQLITE_STATIC);
}

/* Runs a statement that changes at most one row; *changed says whether it did. */
static int run(struct outbox *outbox, enum statement statement, enum statement durability, int *changed)
{
    sqlite3_stmt *stmt = outbox->statements[statement];
    int rc = local_db_run(outbox->statements[durability]);
    if (rc == 0)
        rc = local_db_run(stmt);
    else
        sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    *changed = rc == 0 ? sqlite3_changes(outbox->db) : 0;
    return rc;
}

int outbox_add(struct outbox *outbox, struct outbox_entry *entry)
{
    sqlite3_stmt *stmt = outbox->statements[ADD];
    const struct mdg_outbox_item *item = &entry->item;
    size_t size = mdg__body__get_packed_size(item->body);
    uint8_t *packed = malloc(size ? size : 1);
    int changed = 0;
    if (!packed) return MDG_ERR_MEMORY;
    mdg__body__pack(item->body, packed);
    bind_bytes(stmt, 1, item->key, MDG_KEY_BYTES);
    sqlite3_bind_int64(stmt, 2, item->made_us);
    sqlite3_bind_int64(stmt, 3, entry->offset_us);
    bind_bytes(stmt, 4, entry->token, entry->token_length);
    sqlite3_bind_int64(stmt, 5, item->person_id);
    sqlite3_bind_text(stmt, 6, entry->sign_in_name, -1, SQLITE_STATIC);
    bind_bytes(stmt, 7, packed, size);
    int rc = run(outbox, ADD, DURABLE, &changed);
    free(packed);
    if (rc != 0) return rc;
    entry->item.number = sqlite3_last_insert_rowid(outbox->db);
    outbox->last_number = entry->item.number;
    outbox->unsent++;
    return 0;
}

static int settle(struct outbox *outbox, enum statement statement, unsigned refused)
{
    int changed = 0;
    int rc = run(outbox, statement, LAX, &changed);
    if (changed == 0 || outbox->unsent == 0) return rc == 0 ? outbox_recount(outbox) : rc; /* another process's doing */
    outbox->unsent--;
    outbox->refused += refused;
    return rc;
}

int outbox_accept(struct outbox *outbox, int64_t number)
{
    sqlite3_bind_int64(outbox->statements[ACCEPT], 1, number);
    return settle(outbox, ACCEPT, 0);
}

int outbox_refuse(struct outbox *outbox, int64_t number, const Mdg__Refusal *refusal)
{
    size_t size = mdg__refusal__get_packed_size(refusal);
    uint8_t *packed = malloc(size ? size : 1);
    if (!packed) return MDG_ERR_MEMORY;
    mdg__refusal__pack(refusal, packed);
    sqlite3_bind_int64(outbox->statements[REFUSE], 1, number);
    bind_bytes(outbox->statements[REFUSE], 2, packed, size);
    int rc = settle(outbox, REFUSE, 1);
    free(packed);
    return rc;
}

int outbox_age(struct outbox *outbox, int64_t before_us)
{
    int changed = 0;
    sqlite3_bind_int64(outbox->statements[AGE], 1, before_us);
    int rc = run(outbox, AGE, DURABLE, &changed);
    return rc == 0 && changed > 0 ? outbox_recount(outbox) : rc;
}

int outbox_dismiss(struct outbox *outbox, int64_t number)
{
    int changed = 0;
    struct outbox_entry entry;
    sqlite3_bind_int64(outbox->statements[DISMISS], 1, number);
    int rc = run(outbox, DISMISS, DURABLE, &changed);
    if (rc != 0) return rc;
    if (changed > 0) {
        if (outbox->refused > 0) outbox->refused--;
        return 0;
    }
    rc = outbox_get(outbox, number, &entry);
    if (rc != 0) return rc;
    outbox_entry_fini(&entry);
    return MDG_ERR_STATE;
}

/* --- reading ---------------------------------------------------------------------------------------------- */

/* A message of these bytes, or where they hold none an empty one. NULL: no memory. */
static void *message_read(const ProtobufCMessageDescriptor *type, const void *bytes, size_t length, bool *is_readable)
{
    void *message = protobuf_c_message_unpack(type, NULL, length, length ? bytes : (const uint8_t *)"");
    if (message) return message;
    *is_readable = false;
    return protobuf_c_message_unpack(type, NULL, 0, (const uint8_t *)"");
}

static bool bytes_read(sqlite3_stmt *stmt, int column, uint8_t *into, size_t least, size_t most, size_t *length)
{
    const void *bytes = sqlite3_column_blob(stmt, column);
    *length = (size_t)sqlite3_column_bytes(stmt, column);
    bool fits = *length >= least && *length <= most;
    if (!fits) *length = 0;
    if (*length > 0) memcpy(into, bytes, *length);
    return fits;
}

/* Of one that cannot be read, what can be: a person is to see that it is there. */
static int entry_read(sqlite3_stmt *stmt, struct outbox_entry *entry, bool *is_readable)
{
    struct mdg_outbox_item *item = &entry->item;
    size_t key_length = 0;
    *entry = (struct outbox_entry){0};
    *is_readable = bytes_read(stmt, 1, item->key, MDG_KEY_BYTES, MDG_KEY_BYTES, &key_length);
    if (!bytes_read(stmt, 5, entry->token, 0, SIGN_IN_TOKEN_BYTES, &entry->token_length)) *is_readable = false;
    const char *name = (const char *)sqlite3_column_text(stmt, 7);
    if (name && strlen(name) < sizeof entry->sign_in_name) {
        memcpy(entry->sign_in_name, name, strlen(name) + 1);
    } else {
        *is_readable = false;
    }
    item->person_name = entry->sign_in_name;
    item->number = sqlite3_column_int64(stmt, 0);
    item->state = (enum mdg_outbox_state)sqlite3_column_int(stmt, 2);
    item->made_us = sqlite3_column_int64(stmt, 3);
    entry->offset_us = sqlite3_column_int64(stmt, 4);
    item->person_id = sqlite3_column_int64(stmt, 6);
    item->body = message_read(&mdg__body__descriptor, sqlite3_column_blob(stmt, 8),
                              (size_t)sqlite3_column_bytes(stmt, 8), is_readable);
    bool has_refusal = sqlite3_column_type(stmt, 9) != SQLITE_NULL;
    if (has_refusal) {
        item->refusal = message_read(&mdg__refusal__descriptor, sqlite3_column_blob(stmt, 9),
                                     (size_t)sqlite3_column_bytes(stmt, 9), is_readable);
    }
    if (item->body && (!has_refusal || item->refusal)) return 0;
    outbox_entry_fini(entry);
    return MDG_ERR_MEMORY;
}

/* What cannot be read cannot be sent, now or later: it must not stand in the way of the others. */
static int refuse_unreadable(struct outbox *outbox, int64_t number)
{
    Mdg__Refusal refusal = MDG__REFUSAL__INIT;
    refusal.code = MDG_ERR_CORRUPT;
    refusal.rule = (char *)(uintptr_t)OUTBOX_RULE_UNREADABLE;
    log_error("outbox.unreadable", "item=%lld", (long long)number);
    return outbox_refuse(outbox, number, &refusal);
}

int outbox_next(struct outbox *outbox, int64_t after, struct outbox_entry *entry)
{
    sqlite3_stmt *stmt = outbox->statements[NEXT];
    for (;;) {
        bool is_readable = true;
        sqlite3_bind_int64(stmt, 1, after);
        int code = sqlite3_step(stmt);
        int rc = code == SQLITE_ROW    ? entry_read(stmt, entry, &is_readable)
                 : code == SQLITE_DONE ? MDG_ERR_NOT_FOUND
                                       : local_db_error(code);
        sqlite3_reset(stmt);
        if (rc != 0 || is_readable) return rc;
        after = entry->item.number;
        outbox_entry_fini(entry);
        rc = refuse_unreadable(outbox, after);
        if (rc != 0) return rc;
    }
}

int outbox_get(struct outbox *outbox, int64_t number, struct outbox_entry *entry)
{
    sqlite3_stmt *stmt = NULL;
    bool is_readable = true;
    int rc = local_db_prepare(outbox->db, SQL_GET, &stmt);
    if (rc != 0) return rc;
    sqlite3_bind_int64(stmt, 1, number);
    int code = sqlite3_step(stmt);
    rc = code == SQLITE_ROW    ? entry_read(stmt, entry, &is_readable)
         : code == SQLITE_DONE ? MDG_ERR_NOT_FOUND
                               : local_db_error(code);
    sqlite3_finalize(stmt);
    return rc;
}

int outbox_each(struct outbox *outbox, void (*each)(const struct mdg_outbox_item *item, void *arg), void *arg)
{
    sqlite3_stmt *stmt = NULL; /* its own, since each may ask again */
    int rc = local_db_prepare(outbox->db, SQL_EACH, &stmt), code = SQLITE_ROW;
    if (rc != 0) return rc;
    while (rc == 0 && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct outbox_entry entry;
        bool is_readable = true;
        rc = entry_read(stmt, &entry, &is_readable);
        if (rc != 0) break;
        each(&entry.item, arg);
        outbox_entry_fini(&entry);
    }
    sqlite3_finalize(stmt);
    return rc == 0 ? local_db_error(code) : rc;
}

int64_t outbox_last_number(const struct outbox *outbox)
{
    return outbox->last_number;
}

unsigned outbox_unsent(const struct outbox *outbox)
{
    return outbox->unsent;
}

unsigned outbox_refused(const struct outbox *outbox)
{
    return outbox->refused;
}

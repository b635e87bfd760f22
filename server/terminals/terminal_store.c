#include "server/terminals/terminal_store.h"

#include <string.h>

#include "common/error.h"

#define TERMINAL_COLUMNS "id, name, kind, room_id, is_private, is_revoked, certificate_until_us, last_seen_us, rev"
#define CERTIFICATE_COLUMNS "serial, terminal_id, generation, key_fingerprint, der, issued_us, until_us, is_revoked"

/* A certificate of an authority dropped from trust opens nothing, whatever its end. */
static const char SQL_ADMIT[] =
    "SELECT t.kind, t.is_private, t.room_id FROM terminal t"
    " JOIN certificate c ON c.terminal_id = t.id JOIN trust r ON r.only_row = 1"
    " WHERE t.id = ?1 AND c.serial = ?2 AND t.is_revoked = 0 AND c.is_revoked = 0 AND c.until_us > ?3"
    " AND (c.generation = r.present OR (r.step > 0 AND c.generation = r.other))";
static const char SQL_SEEN[] = "UPDATE terminal SET last_seen_us = ?2 WHERE id = ?1 AND last_seen_us < ?2";
static const char SQL_GET[] = "SELECT " TERMINAL_COLUMNS " FROM terminal WHERE id = ?1";
static const char SQL_FIND[] = "SELECT " TERMINAL_COLUMNS " FROM terminal WHERE name_key = ?1";
static const char SQL_INSERT[] = "INSERT INTO terminal (" TERMINAL_COLUMNS ", name_key)"
                                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
static const char SQL_UPDATE[] =
    "UPDATE terminal SET name = ?2, kind = ?3, room_id = ?4, is_private = ?5, is_revoked = ?6,"
    " certificate_until_us = ?7, rev = ?8, name_key = ?9 WHERE id = ?1";
static const char SQL_PUT_STATE[] =
    "UPDATE terminal SET is_revoked = ?2, certificate_until_us = ?3, rev = ?4 WHERE id = ?1";
static const char SQL_PAGE[] = "SELECT " TERMINAL_COLUMNS " FROM terminal WHERE id > ?1 ORDER BY id LIMIT ?2";
static const char SQL_CHANGES[] = "SELECT " TERMINAL_COLUMNS " FROM terminal WHERE rev > ?1 ORDER BY rev LIMIT ?2";

static const char SQL_CERTIFICATE_INSERT[] =
    "INSERT INTO certificate (" CERTIFICATE_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
static const char SQL_CERTIFICATE_GET[] = "SELECT " CERTIFICATE_COLUMNS " FROM certificate WHERE serial = ?1";
static const char SQL_CERTIFICATE_OF_KEY[] =
    "SELECT " CERTIFICATE_COLUMNS " FROM certificate WHERE key_fingerprint = ?1";
static const char SQL_REVOKE[] = "UPDATE certificate SET is_revoked = 1 WHERE terminal_id = ?1 AND is_revoked = 0";
static const char SQL_SHORTEN[] =
    "UPDATE certificate SET until_us = ?3 WHERE terminal_id = ?1 AND serial <> ?2 AND until_us > ?3";
static const char SQL_LIVE[] =
    "SELECT CAST(count(*) AS BIGINT) FROM certificate WHERE terminal_id = ?1 AND is_revoked = 0 AND until_us > ?2";

static const char SQL_LATER[] = "SELECT CAST(count(*) AS BIGINT) FROM certificate WHERE terminal_id = ?1"
                                " AND is_revoked = 0 AND issued_us > ?2";
static const char SQL_OF_GENERATION[] =
    "SELECT CAST(count(*) AS BIGINT) FROM terminal t WHERE t.is_revoked = 0 AND ?1 ="
    " (SELECT c.generation FROM certificate c WHERE c.terminal_id = t.id AND c.is_revoked = 0 AND c.until_us > ?2"
    " ORDER BY c.issued_us DESC, c.generation DESC LIMIT 1)";
static const char SQL_ENROLLED[] =
    "SELECT CAST(count(*) AS BIGINT), CAST(count(*) FILTER (WHERE last_seen_us > ?1) AS BIGINT)"
    " FROM terminal WHERE is_revoked = 0 AND certificate_until_us > 0";

int terminal_admit(struct db *db, int64_t terminal_id, const char *serial, int64_t now_us, struct caller *caller)
{
    struct db_stmt *admit = db_stmt(db, SQL_ADMIT);
    db_bind_i64(admit, 1, terminal_id);
    db_bind_text(admit, 2, serial);
    db_bind_i64(admit, 3, now_us);
    int rc = db_step(admit);
    if (rc == DB_ROW) {
        caller->terminal_id = terminal_id;
        caller->kind = (enum terminal_kind)db_col_i64(admit, 0);
        caller->is_private = db_col_i64(admit, 1) != 0;
        caller->room_id = db_col_i64(admit, 2);
        rc = 0;
    } else if (rc == 0) {
        rc = MDG_ERR_REVOKED;
    }
    db_reset(admit);
    return rc;
}

int terminals_seen(struct db *db, const int64_t *ids, size_t count, int64_t now_us)
{
    struct db_stmt *seen = db_stmt(db, SQL_SEEN);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        db_bind_i64(seen, 1, ids[i]);
        db_bind_i64(seen, 2, now_us);
        rc = db_run(seen);
    }
    return rc;
}

/* --- terminals --------------------------------------------------------------------------------------- */

static int terminal_read(struct db_stmt *stmt, struct arena *arena, struct terminal *terminal)
{
    *terminal = (struct terminal){
        .id = db_col_i64(stmt, 0),
        .name = arena_strdup(arena, db_col_text(stmt, 1)),
        .kind = (enum terminal_kind)db_col_i64(stmt, 2),
        .room_id = db_col_i64(stmt, 3),
        .is_private = db_col_i64(stmt, 4) != 0,
        .is_revoked = db_col_i64(stmt, 5) != 0,
        .certificate_until_us = db_col_i64(stmt, 6),
        .last_seen_us = db_col_i64(stmt, 7),
        .rev = db_col_i64(stmt, 8),
    };
    return terminal->name ? 0 : MDG_ERR_MEMORY;
}

static int terminal_one(struct db_stmt *stmt, struct arena *arena, struct terminal *terminal)
{
    int rc = db_step(stmt);
    if (rc == DB_ROW)
        rc = terminal_read(stmt, arena, terminal);
    else if (rc == 0)
        rc = MDG_ERR_NOT_FOUND;
    db_reset(stmt);
    return rc;
}

int terminal_get(struct db *db, int64_t id, struct arena *arena, struct terminal *terminal)
{
    struct db_stmt *get = db_stmt(db, SQL_GET);
    db_bind_i64(get, 1, id);
    return terminal_one(get, arena, terminal);
}

int terminal_find(struct db *db, const char *name_key, struct arena *arena, struct terminal *terminal)
{
    struct db_stmt *find = db_stmt(db, SQL_FIND);
    db_bind_text(find, 1, name_key);
    return terminal_one(find, arena, terminal);
}

int terminal_insert(struct db *db, const struct terminal *terminal, const char *name_key)
{
    struct db_stmt *insert = db_stmt(db, SQL_INSERT);
    db_bind_i64(insert, 1, terminal->id);
    db_bind_text(insert, 2, terminal->name);
    db_bind_i64(insert, 3, terminal->kind);
    db_bind_i64(insert, 4, terminal->room_id);
    db_bind_i64(insert, 5, terminal->is_private);
    db_bind_i64(insert, 6, terminal->is_revoked);
    db_bind_i64(insert, 7, terminal->certificate_until_us);
    db_bind_i64(insert, 8, terminal->last_seen_us);
    db_bind_i64(insert, 9, terminal->rev);
    db_bind_text(insert, 10, name_key);
    return db_run(insert);
}

int terminal_update(struct db *db, const struct terminal *terminal, const char *name_key)
{
    struct db_stmt *update = db_stmt(db, SQL_UPDATE);
    db_bind_i64(update, 1, terminal->id);
    db_bind_text(update, 2, terminal->name);
    db_bind_i64(update, 3, terminal->kind);
    db_bind_i64(update, 4, terminal->room_id);
    db_bind_i64(update, 5, terminal->is_private);
    db_bind_i64(update, 6, terminal->is_revoked);
    db_bind_i64(update, 7, terminal->certificate_until_us);
    db_bind_i64(update, 8, terminal->rev);
    db_bind_text(update, 9, name_key);
    return db_run(update);
}

int terminal_put_state(struct db *db, int64_t id, bool is_revoked, int64_t certificate_until_us, int64_t rev)
{
    struct db_stmt *put = db_stmt(db, SQL_PUT_STATE);
    db_bind_i64(put, 1, id);
    db_bind_i64(put, 2, is_revoked);
    db_bind_i64(put, 3, certificate_until_us);
    db_bind_i64(put, 4, rev);
    return db_run(put);
}

static int terminal_many(struct db_stmt *stmt, int64_t after, int limit, struct arena *arena, struct terminal **list,
                         size_t *count)
{
    *count = 0;
    *list = arena_alloc(arena, (size_t)limit * sizeof **list);
    if (!*list) return MDG_ERR_MEMORY;
    db_bind_i64(stmt, 1, after);
    db_bind_i64(stmt, 2, limit);
    int rc;
    while ((rc = db_step(stmt)) == DB_ROW && *count < (size_t)limit) {
        rc = terminal_read(stmt, arena, &(*list)[*count]);
        if (rc != 0) break;
        (*count)++;
    }
    db_reset(stmt);
    return rc == DB_ROW ? 0 : rc;
}

int terminal_page(struct db *db, int64_t after_id, int limit, struct arena *arena, struct terminal **list,
                  size_t *count)
{
    return terminal_many(db_stmt(db, SQL_PAGE), after_id, limit, arena, list, count);
}

int terminal_changes(struct db *db, int64_t since_rev, int limit, struct arena *arena, struct terminal **list,
                     size_t *count)
{
    return terminal_many(db_stmt(db, SQL_CHANGES), since_rev, limit, arena, list, count);
}

/* --- certificates ------------------------------------------------------------------------------------ */

int certificate_insert(struct db *db, const struct certificate *certificate)
{
    struct db_stmt *insert = db_stmt(db, SQL_CERTIFICATE_INSERT);
    db_bind_text(insert, 1, certificate->serial);
    db_bind_i64(insert, 2, certificate->terminal_id);
    db_bind_i64(insert, 3, certificate->generation);
    db_bind_bytes(insert, 4, certificate->key_fingerprint, FINGERPRINT_BYTES);
    db_bind_bytes(insert, 5, certificate->der.bytes, certificate->der.length);
    db_bind_i64(insert, 6, certificate->issued_us);
    db_bind_i64(insert, 7, certificate->until_us);
    db_bind_i64(insert, 8, certificate->is_revoked);
    return db_run(insert);
}

static int certificate_read(struct db_stmt *stmt, struct certificate *certificate)
{
    size_t serial = strlen(db_col_text(stmt, 0)), fingerprint, der;
    const void *fingerprint_bytes = db_col_bytes(stmt, 3, &fingerprint);
    const void *der_bytes = db_col_bytes(stmt, 4, &der);
    if (serial >= sizeof certificate->serial || fingerprint != FINGERPRINT_BYTES || der == 0 || der > DER_BYTES_MAX)
        return MDG_ERR_CORRUPT;
    memcpy(certificate->serial, db_col_text(stmt, 0), serial + 1);
    memcpy(certificate->key_fingerprint, fingerprint_bytes, FINGERPRINT_BYTES);
    memcpy(certificate->der.bytes, der_bytes, der);
    certificate->der.length = der;
    certificate->terminal_id = db_col_i64(stmt, 1);
    certificate->generation = db_col_i64(stmt, 2);
    certificate->issued_us = db_col_i64(stmt, 5);
    certificate->until_us = db_col_i64(stmt, 6);
    certificate->is_revoked = db_col_i64(stmt, 7) != 0;
    return 0;
}

static int certificate_one(struct db_stmt *stmt, struct certificate *certificate)
{
    int rc = db_step(stmt);
    if (rc == DB_ROW)
        rc = certificate_read(stmt, certificate);
    else if (rc == 0)
        rc = MDG_ERR_NOT_FOUND;
    db_reset(stmt);
    return rc;
}

int certificate_get(struct db *db, const char *serial, struct certificate *certificate)
{
    struct db_stmt *get = db_stmt(db, SQL_CERTIFICATE_GET);
    db_bind_text(get, 1, serial);
    return certificate_one(get, certificate);
}

int certificate_of_key(struct db *db, const uint8_t key_fingerprint[FINGERPRINT_BYTES], struct certificate *certificate)
{
    struct db_stmt *get = db_stmt(db, SQL_CERTIFICATE_OF_KEY);
    db_bind_bytes(get, 1, key_fingerprint, FINGERPRINT_BYTES);
    return certificate_one(get, certificate);
}

int certificates_revoke(struct db *db, int64_t terminal_id)
{
    struct db_stmt *revoke = db_stmt(db, SQL_REVOKE);
    db_bind_i64(revoke, 1, terminal_id);
    return db_run(revoke);
}

int certificates_shorten(struct db *db, int64_t terminal_id, const char *but_serial, int64_t until_us)
{
    struct db_stmt *shorten = db_stmt(db, SQL_SHORTEN);
    db_bind_i64(shorten, 1, terminal_id);
    db_bind_text(shorten, 2, but_serial);
    db_bind_i64(shorten, 3, until_us);
    return db_run(shorten);
}

/* Reads a row of one or two numbers; no row leaves zeros. */
static int numbers(struct db_stmt *stmt, int64_t *first, int64_t *second)
{
    *first = 0;
    if (second) *second = 0;
    int rc = db_step(stmt);
    if (rc == DB_ROW) {
        *first = db_col_i64(stmt, 0);
        if (second) *second = db_col_i64(stmt, 1);
        rc = 0;
    }
    db_reset(stmt);
    return rc;
}

int certificates_live(struct db *db, int64_t terminal_id, int64_t now_us, int64_t *count)
{
    struct db_stmt *live = db_stmt(db, SQL_LIVE);
    db_bind_i64(live, 1, terminal_id);
    db_bind_i64(live, 2, now_us);
    return numbers(live, count, NULL);
}

int certificates_later(struct db *db, const struct certificate *than, int64_t *count)
{
    struct db_stmt *later = db_stmt(db, SQL_LATER);
    db_bind_i64(later, 1, than->terminal_id);
    db_bind_i64(later, 2, than->issued_us);
    return numbers(later, count, NULL);
}

int terminals_of_generation(struct db *db, int64_t generation, int64_t now_us, int64_t *count)
{
    struct db_stmt *stmt = db_stmt(db, SQL_OF_GENERATION);
    db_bind_i64(stmt, 1, generation);
    db_bind_i64(stmt, 2, now_us);
    return numbers(stmt, count, NULL);
}

int terminals_enrolled(struct db *db, int64_t since_us, int64_t *count, int64_t *seen)
{
    struct db_stmt *stmt = db_stmt(db, SQL_ENROLLED);
    db_bind_i64(stmt, 1, since_us);
    return numbers(stmt, count, seen);
}

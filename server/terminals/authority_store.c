#include "server/terminals/authority_store.h"

#include <string.h>

#include <openssl/crypto.h>

#include "common/error.h"

static const char WHERE_KEY[] = "authority.key_sealed";
static const char WHERE_SERVER_KEY[] = "authority.server_key_sealed";

static const char SQL_TRUST_GET[] = "SELECT step, present, other, announced_us FROM trust WHERE only_row = 1";
static const char SQL_TRUST_PUT[] =
    "INSERT INTO trust (only_row, step, present, other, announced_us) VALUES (1, ?1, ?2, ?3, ?4)"
    " ON CONFLICT (only_row) DO UPDATE SET step = excluded.step, present = excluded.present, other = excluded.other,"
    " announced_us = excluded.announced_us";
static const char SQL_GET[] = "SELECT certificate, server_certificate, server_from_us, server_until_us, until_us"
                              " FROM authority WHERE generation = ?1";
static const char SQL_KEY[] = "SELECT key_sealed FROM authority WHERE generation = ?1";
static const char SQL_SERVER_KEY[] = "SELECT server_key_sealed FROM authority WHERE generation = ?1";
static const char SQL_INSERT[] =
    "INSERT INTO authority (generation, certificate, key_sealed, server_certificate, server_key_sealed,"
    " server_from_us, server_until_us, until_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
static const char SQL_SERVER_PUT[] =
    "UPDATE authority SET server_certificate = ?2, server_key_sealed = ?3, server_from_us = ?4, server_until_us = ?5"
    " WHERE generation = ?1";
static const char SQL_DELETE[] = "DELETE FROM authority WHERE generation = ?1";
static const char SQL_NEWEST[] = "SELECT generation FROM authority ORDER BY generation DESC LIMIT 1";

int64_t trust_issuing(const struct trust *trust)
{
    return trust->step >= TRUST_TERMINALS ? trust->other : trust->present;
}

int64_t trust_serving(const struct trust *trust)
{
    return trust->step >= TRUST_SERVER ? trust->other : trust->present;
}

bool trust_is_trusted(const struct trust *trust, int64_t generation)
{
    return generation == trust->present || (trust->step != TRUST_STABLE && generation == trust->other);
}

int trust_get(struct db *db, struct trust *trust)
{
    struct db_stmt *get = db_stmt(db, SQL_TRUST_GET);
    int rc = db_step(get);
    if (rc == DB_ROW) {
        *trust = (struct trust){(enum trust_step)db_col_i64(get, 0), db_col_i64(get, 1), db_col_i64(get, 2),
                                db_col_i64(get, 3)};
        rc = 0;
    } else if (rc == 0) {
        rc = MDG_ERR_CONFIG;
    }
    db_reset(get);
    return rc;
}

int trust_put(struct db *db, const struct trust *trust)
{
    struct db_stmt *put = db_stmt(db, SQL_TRUST_PUT);
    db_bind_i64(put, 1, trust->step);
    db_bind_i64(put, 2, trust->present);
    if (trust->other) db_bind_i64(put, 3, trust->other);
    db_bind_i64(put, 4, trust->announced_us);
    return db_run(put);
}

static int col_der(struct db_stmt *stmt, int column, struct der *der)
{
    size_t length;
    const void *bytes = db_col_bytes(stmt, column, &length);
    if (length == 0 || length > DER_BYTES_MAX) return MDG_ERR_CORRUPT;
    memcpy(der->bytes, bytes, length);
    der->length = length;
    return 0;
}

int authority_get(struct db *db, int64_t generation, struct authority *authority)
{
    struct db_stmt *get = db_stmt(db, SQL_GET);
    db_bind_i64(get, 1, generation);
    int rc = db_step(get);
    if (rc == DB_ROW) {
        authority->generation = generation;
        authority->server_from_us = db_col_i64(get, 2);
        authority->server_until_us = db_col_i64(get, 3);
        authority->until_us = db_col_i64(get, 4);
        rc = col_der(get, 0, &authority->certificate);
        if (rc == 0) rc = col_der(get, 1, &authority->server_certificate);
    } else if (rc == 0) {
        rc = MDG_ERR_NOT_FOUND;
    }
    db_reset(get);
    return rc;
}

static int key_get(struct db *db, const struct keys *keys, const char *sql, const char *where, int64_t generation,
                   struct der *key)
{
    struct db_stmt *get = db_stmt(db, sql);
    db_bind_i64(get, 1, generation);
    int rc = db_step(get);
    if (rc == DB_ROW) {
        size_t length;
        const void *sealed = db_col_bytes(get, 0, &length);
        rc = MDG_ERR_CORRUPT;
        if (length > SEAL_OVERHEAD_BYTES && length - SEAL_OVERHEAD_BYTES <= DER_BYTES_MAX) {
            key->length = length - SEAL_OVERHEAD_BYTES;
            rc = keys_unseal(keys, where, generation, sealed, length, key->bytes);
        }
    } else if (rc == 0) {
        rc = MDG_ERR_NOT_FOUND;
    }
    db_reset(get);
    return rc;
}

int authority_key_get(struct db *db, const struct keys *keys, int64_t generation, struct der *key)
{
    return key_get(db, keys, SQL_KEY, WHERE_KEY, generation, key);
}

int authority_server_key_get(struct db *db, const struct keys *keys, int64_t generation, struct der *key)
{
    return key_get(db, keys, SQL_SERVER_KEY, WHERE_SERVER_KEY, generation, key);
}

struct sealed_der {
    size_t length;
    uint8_t bytes[DER_BYTES_MAX + SEAL_OVERHEAD_BYTES];
};

static int seal(const struct keys *keys, const char *where, int64_t generation, const struct der *key,
                struct sealed_der *sealed)
{
    sealed->length = key->length + SEAL_OVERHEAD_BYTES;
    return keys_seal(keys, where, generation, key->bytes, key->length, sealed->bytes);
}

int authority_insert(struct db *db, const struct keys *keys, const struct authority *authority, const struct der *key,
                     const struct der *server_key)
{
    struct sealed_der sealed, server_sealed;
    int rc = seal(keys, WHERE_KEY, authority->generation, key, &sealed);
    if (rc == 0) rc = seal(keys, WHERE_SERVER_KEY, authority->generation, server_key, &server_sealed);
    if (rc != 0) return rc;
    struct db_stmt *insert = db_stmt(db, SQL_INSERT);
    db_bind_i64(insert, 1, authority->generation);
    db_bind_bytes(insert, 2, authority->certificate.bytes, authority->certificate.length);
    db_bind_bytes(insert, 3, sealed.bytes, sealed.length);
    db_bind_bytes(insert, 4, authority->server_certificate.bytes, authority->server_certificate.length);
    db_bind_bytes(insert, 5, server_sealed.bytes, server_sealed.length);
    db_bind_i64(insert, 6, authority->server_from_us);
    db_bind_i64(insert, 7, authority->server_until_us);
    db_bind_i64(insert, 8, authority->until_us);
    return db_run(insert);
}

int authority_server_put(struct db *db, const struct keys *keys, const struct authority *authority,
                         const struct der *server_key)
{
    struct sealed_der sealed;
    int rc = seal(keys, WHERE_SERVER_KEY, authority->generation, server_key, &sealed);
    if (rc != 0) return rc;
    struct db_stmt *put = db_stmt(db, SQL_SERVER_PUT);
    db_bind_i64(put, 1, authority->generation);
    db_bind_bytes(put, 2, authority->server_certificate.bytes, authority->server_certificate.length);
    db_bind_bytes(put, 3, sealed.bytes, sealed.length);
    db_bind_i64(put, 4, authority->server_from_us);
    db_bind_i64(put, 5, authority->server_until_us);
    return db_run(put);
}

int authority_delete(struct db *db, int64_t generation)
{
    struct db_stmt *stmt = db_stmt(db, SQL_DELETE);
    db_bind_i64(stmt, 1, generation);
    return db_run(stmt);
}

int authority_newest(struct db *db, int64_t *generation)
{
    struct db_stmt *newest = db_stmt(db, SQL_NEWEST);
    int rc = db_step(newest);
    *generation = rc == DB_ROW ? db_col_i64(newest, 0) : 0;
    db_reset(newest);
    return rc == DB_ROW ? 0 : rc;
}

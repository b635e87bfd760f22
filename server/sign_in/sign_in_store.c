#include "server/sign_in/sign_in_store.h"

#include <openssl/sha.h>

#include "common/error.h"
#include "server/accounts/account_store.h"
#include "server/store/db.h"

static const char SQL_INSERT[] =
    "INSERT INTO sign_in (id, token_hash, person_id, terminal_id, from_us, until_us, idle_us, last_us, ended_us)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?5, NULL)";
static const char SQL_BY_TOKEN[] =
    "SELECT id, person_id, terminal_id, from_us, until_us, idle_us, last_us, ended_us FROM sign_in"
    " WHERE token_hash = ?1";
static const char SQL_END[] = "UPDATE sign_in SET ended_us = ?2 WHERE id = ?1 AND ended_us IS NULL";
static const char SQL_END_PERSON[] = "UPDATE sign_in SET ended_us = ?2 WHERE person_id = ?1 AND ended_us IS NULL";
static const char SQL_TOUCH[] = "UPDATE sign_in SET last_us = ?2 WHERE id = ?1 AND last_us < ?2";

int sign_in_insert(struct db *db, const struct sign_in *sign_in, const uint8_t token[SIGN_IN_TOKEN_BYTES])
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    SHA256(token, SIGN_IN_TOKEN_BYTES, hash);
    struct db_stmt *stmt = db_stmt(db, SQL_INSERT);
    db_bind_i64(stmt, 1, sign_in->id);
    db_bind_bytes(stmt, 2, hash, sizeof hash);
    db_bind_i64(stmt, 3, sign_in->person_id);
    db_bind_i64(stmt, 4, sign_in->terminal_id);
    db_bind_i64(stmt, 5, sign_in->from_us);
    db_bind_i64(stmt, 6, sign_in->until_us);
    db_bind_i64(stmt, 7, sign_in->idle_us);
    return db_run(stmt);
}

int sign_in_by_token(struct db *db, const uint8_t *token, size_t length, struct sign_in *sign_in)
{
    if (length != SIGN_IN_TOKEN_BYTES) return MDG_ERR_NOT_FOUND;
    uint8_t hash[SHA256_DIGEST_LENGTH];
    SHA256(token, length, hash);
    struct db_stmt *stmt = db_stmt(db, SQL_BY_TOKEN);
    db_bind_bytes(stmt, 1, hash, sizeof hash);
    int rc = db_step(stmt);
    if (rc == 0) rc = MDG_ERR_NOT_FOUND;
    if (rc == DB_ROW) {
        *sign_in = (struct sign_in){
            .id = db_col_i64(stmt, 0),
            .person_id = db_col_i64(stmt, 1),
            .terminal_id = db_col_i64(stmt, 2),
            .from_us = db_col_i64(stmt, 3),
            .until_us = db_col_i64(stmt, 4),
            .idle_us = db_col_i64(stmt, 5),
            .last_us = db_col_i64(stmt, 6),
            .ended_us = db_col_i64(stmt, 7),
        };
        rc = 0;
    }
    db_reset(stmt);
    return rc;
}

static int run_with_time(struct db *db, const char *sql, int64_t id, int64_t at_us)
{
    struct db_stmt *stmt = db_stmt(db, sql);
    db_bind_i64(stmt, 1, id);
    db_bind_i64(stmt, 2, at_us);
    return db_run(stmt);
}

int sign_in_end(struct db *db, int64_t sign_in_id, int64_t now_us)
{
    return run_with_time(db, SQL_END, sign_in_id, now_us);
}

int sign_in_end_person(struct db *db, int64_t person_id, int64_t now_us)
{
    return run_with_time(db, SQL_END_PERSON, person_id, now_us);
}

int sign_in_touch(struct db *db, int64_t sign_in_id, int64_t last_call_us)
{
    return run_with_time(db, SQL_TOUCH, sign_in_id, last_call_us);
}

int sign_in_waited(struct db *db, const uint8_t *token, size_t length, int64_t terminal_id, int64_t made_us,
                   int64_t *person_id, uint32_t *person_roles, int64_t *sign_in_id)
{
    struct sign_in sign_in;
    int rc = sign_in_by_token(db, token, length, &sign_in);
    if (rc == MDG_ERR_NOT_FOUND) return MDG_ERR_TOKEN;
    if (rc != 0) return rc;
    /* Idle time is not judged: without the network the server saw none of the calls that kept it alive. */
    int64_t end_us = sign_in.ended_us && sign_in.ended_us < sign_in.until_us ? sign_in.ended_us : sign_in.until_us;
    if (sign_in.terminal_id != terminal_id || made_us < sign_in.from_us || made_us >= end_us) return MDG_ERR_TOKEN;

    rc = account_roles_now(db, sign_in.person_id, person_roles);
    if (rc == MDG_ERR_FORBIDDEN) return MDG_ERR_TOKEN;
    *person_id = sign_in.person_id;
    *sign_in_id = sign_in.id;
    return rc;
}

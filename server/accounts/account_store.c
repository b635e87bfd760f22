#include "server/accounts/account_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "common/arena.h"
#include "common/error.h"
#include "common/text.h"
#include "server/request/roles.h"
#include "server/store/db.h"
#include "server/store/turn.h"

#define ACCOUNT_COLUMNS \
    "id, name, name_key, reading, roles, is_disabled, secret_hash, secret_is_long, last_sign_in_us, created_us, rev"

static const char SQL_BY_ID[] = "SELECT " ACCOUNT_COLUMNS " FROM person WHERE id = ?1";
static const char SQL_BY_NAME_KEY[] = "SELECT " ACCOUNT_COLUMNS " FROM person WHERE name_key = ?1";
static const char SQL_PAGE[] = "SELECT " ACCOUNT_COLUMNS " FROM person WHERE id > ?1 ORDER BY id LIMIT ?2";
static const char SQL_ROLES[] = "SELECT roles FROM person WHERE id = ?1 AND is_disabled = 0";
static const char SQL_USABLE_OFFICES[] = /* 2: the office's bit */
    "SELECT count(*) FROM person"
    " WHERE is_disabled = 0 AND secret_hash IS NOT NULL AND (roles & 2) = 2 AND id <> ?1";
static const char SQL_INSERT[] =
    "INSERT INTO person (id, name, name_key, reading, roles, is_disabled, secret_hash, secret_is_long,"
    " last_sign_in_us, created_us, rev) VALUES (?1, ?2, ?3, ?4, ?5, 0, NULL, 0, 0, ?6, ?7)";
static const char SQL_SET_ROLES[] = "UPDATE person SET roles = ?2, rev = ?3 WHERE id = ?1";
static const char SQL_SET_DISABLED[] = "UPDATE person SET is_disabled = ?2, rev = ?3 WHERE id = ?1";
static const char SQL_SET_REV[] = "UPDATE person SET rev = ?2 WHERE id = ?1";
static const char SQL_SET_SECRET[] = "UPDATE person SET secret_hash = ?2, secret_is_long = ?3 WHERE id = ?1";
static const char SQL_SIGNED_IN[] = "UPDATE person SET last_sign_in_us = ?2 WHERE id = ?1";
static const char SQL_CODE[] = "SELECT hash, until_us, wrong_tries FROM person_code WHERE person_id = ?1";
static const char SQL_CODE_PUT[] =
    "INSERT INTO person_code (person_id, hash, until_us, wrong_tries) VALUES (?1, ?2, ?3, 0)"
    " ON CONFLICT (person_id) DO UPDATE SET hash = excluded.hash, until_us = excluded.until_us, wrong_tries = 0";
static const char SQL_CODE_WRONG[] = "UPDATE person_code SET wrong_tries = wrong_tries + 1 WHERE person_id = ?1";
static const char SQL_CODE_CANCEL[] = "DELETE FROM person_code WHERE person_id = ?1 AND wrong_tries >= ?2";
static const char SQL_CODE_DROP[] = "DELETE FROM person_code WHERE person_id = ?1";

static int account_from_row(struct db_stmt *stmt, struct arena *arena, struct account *account)
{
    *account = (struct account){
        .id = db_col_i64(stmt, 0),
        .name = arena_strdup(arena, db_col_text(stmt, 1)),
        .name_key = arena_strdup(arena, db_col_text(stmt, 2)),
        .reading = arena_strdup(arena, db_col_text(stmt, 3)),
        .roles = (uint32_t)db_col_i64(stmt, 4),
        .is_disabled = db_col_i64(stmt, 5) != 0,
        .has_secret = !db_col_is_null(stmt, 6),
        .secret_is_long = db_col_i64(stmt, 7) != 0,
        .last_sign_in_us = db_col_i64(stmt, 8),
        .created_us = db_col_i64(stmt, 9),
        .rev = db_col_i64(stmt, 10),
    };
    if (!account->name || !account->name_key || !account->reading) return MDG_ERR_MEMORY;
    int length = snprintf(account->secret_hash, sizeof account->secret_hash, "%s", db_col_text(stmt, 6));
    return length < (int)sizeof account->secret_hash ? 0 : MDG_ERR_CORRUPT;
}

static int account_one(struct db_stmt *stmt, struct arena *arena, struct account *account)
{
    int rc = db_step(stmt);
    if (rc == 0)
        rc = MDG_ERR_NOT_FOUND;
    else if (rc == DB_ROW)
        rc = account_from_row(stmt, arena, account);
    db_reset(stmt);
    return rc;
}

int account_name_key(struct arena *arena, const char *name, const char **name_key)
{
    char *key = text_name_key(name);
    if (!key) return MDG_ERR_MEMORY;
    *name_key = arena_strdup(arena, key);
    free(key);
    if (!*name_key) return MDG_ERR_MEMORY;
    return **name_key ? 0 : MDG_ERR_INVALID;
}

int account_by_id(struct db *db, struct arena *arena, int64_t id, struct account *account)
{
    struct db_stmt *stmt = db_stmt(db, SQL_BY_ID);
    db_bind_i64(stmt, 1, id);
    return account_one(stmt, arena, account);
}

int account_by_name_key(struct db *db, struct arena *arena, const char *name_key, struct account *account)
{
    struct db_stmt *stmt = db_stmt(db, SQL_BY_NAME_KEY);
    db_bind_text(stmt, 1, name_key);
    return account_one(stmt, arena, account);
}

int account_page(struct db *db, struct arena *arena, int64_t after_id, int most, struct account *accounts, int *count)
{
    struct db_stmt *stmt = db_stmt(db, SQL_PAGE);
    db_bind_i64(stmt, 1, after_id);
    db_bind_i64(stmt, 2, most);
    *count = 0;
    int rc;
    while ((rc = db_step(stmt)) == DB_ROW && *count < most) {
        rc = account_from_row(stmt, arena, &accounts[*count]);
        if (rc != 0) break;
        ++*count;
    }
    db_reset(stmt);
    return rc == DB_ROW ? 0 : rc;
}

int account_roles_now(struct db *db, int64_t person_id, uint32_t *roles)
{
    struct db_stmt *stmt = db_stmt(db, SQL_ROLES);
    db_bind_i64(stmt, 1, person_id);
    *roles = 0;
    int rc = db_step(stmt);
    if (rc == 0) rc = MDG_ERR_FORBIDDEN;
    if (rc == DB_ROW) {
        *roles = (uint32_t)db_col_i64(stmt, 0);
        rc = 0;
    }
    db_reset(stmt);
    return rc;
}

int account_usable_offices(struct db *db, int64_t except_id, int *count)
{
    struct db_stmt *stmt = db_stmt(db, SQL_USABLE_OFFICES);
    db_bind_i64(stmt, 1, except_id);
    *count = 0;
    int rc = db_step(stmt);
    if (rc == DB_ROW) {
        *count = (int)db_col_i64(stmt, 0);
        rc = 0;
    }
    db_reset(stmt);
    return rc;
}

int account_insert(struct db *db, const struct account *account)
{
    struct db_stmt *stmt = db_stmt(db, SQL_INSERT);
    db_bind_i64(stmt, 1, account->id);
    db_bind_text(stmt, 2, account->name);
    db_bind_text(stmt, 3, account->name_key);
    db_bind_text(stmt, 4, account->reading);
    db_bind_i64(stmt, 5, account->roles);
    db_bind_i64(stmt, 6, account->created_us);
    db_bind_i64(stmt, 7, account->rev);
    return db_run(stmt);
}

int account_set_roles(struct db *db, int64_t id, uint32_t roles, int64_t rev)
{
    struct db_stmt *stmt = db_stmt(db, SQL_SET_ROLES);
    db_bind_i64(stmt, 1, id);
    db_bind_i64(stmt, 2, roles);
    db_bind_i64(stmt, 3, rev);
    return db_run(stmt);
}

int account_set_disabled(struct db *db, int64_t id, bool is_disabled, int64_t rev)
{
    struct db_stmt *stmt = db_stmt(db, SQL_SET_DISABLED);
    db_bind_i64(stmt, 1, id);
    db_bind_i64(stmt, 2, is_disabled);
    db_bind_i64(stmt, 3, rev);
    return db_run(stmt);
}

int account_set_rev(struct db *db, int64_t id, int64_t rev)
{
    struct db_stmt *stmt = db_stmt(db, SQL_SET_REV);
    db_bind_i64(stmt, 1, id);
    db_bind_i64(stmt, 2, rev);
    return db_run(stmt);
}

int account_set_secret(struct db *db, int64_t id, const char *hash, bool is_long)
{
    struct db_stmt *stmt = db_stmt(db, SQL_SET_SECRET);
    db_bind_i64(stmt, 1, id);
    db_bind_text(stmt, 2, hash);
    db_bind_i64(stmt, 3, is_long);
    return db_run(stmt);
}

int account_signed_in(struct db *db, int64_t id, int64_t now_us)
{
    struct db_stmt *stmt = db_stmt(db, SQL_SIGNED_IN);
    db_bind_i64(stmt, 1, id);
    db_bind_i64(stmt, 2, now_us);
    return db_run(stmt);
}

int account_code_by_id(struct db *db, int64_t person_id, struct account_code *code)
{
    struct db_stmt *stmt = db_stmt(db, SQL_CODE);
    db_bind_i64(stmt, 1, person_id);
    *code = (struct account_code){0};
    int rc = db_step(stmt);
    if (rc == 0) rc = MDG_ERR_NOT_FOUND;
    if (rc == DB_ROW) {
        int length = snprintf(code->hash, sizeof code->hash, "%s", db_col_text(stmt, 0));
        code->until_us = db_col_i64(stmt, 1);
        code->wrong_tries = (int)db_col_i64(stmt, 2);
        rc = length < (int)sizeof code->hash ? 0 : MDG_ERR_CORRUPT;
    }
    db_reset(stmt);
    return rc;
}

bool account_code_is_usable(const struct account_code *code, int64_t now_us)
{
    return code->hash[0] && now_us < code->until_us && code->wrong_tries < ACCOUNT_CODE_TRIES_MAX;
}

int account_code_put(struct db *db, int64_t person_id, const char *hash, int64_t until_us)
{
    struct db_stmt *stmt = db_stmt(db, SQL_CODE_PUT);
    db_bind_i64(stmt, 1, person_id);
    db_bind_text(stmt, 2, hash);
    db_bind_i64(stmt, 3, until_us);
    return db_run(stmt);
}

int account_code_wrong(struct db *db, int64_t person_id)
{
    struct db_stmt *count = db_stmt(db, SQL_CODE_WRONG);
    db_bind_i64(count, 1, person_id);
    int rc = db_run(count);
    if (rc != 0) return rc;

    struct db_stmt *cancel = db_stmt(db, SQL_CODE_CANCEL);
    db_bind_i64(cancel, 1, person_id);
    db_bind_i64(cancel, 2, ACCOUNT_CODE_TRIES_MAX);
    return db_run(cancel);
}

int account_code_drop(struct db *db, int64_t person_id)
{
    struct db_stmt *stmt = db_stmt(db, SQL_CODE_DROP);
    db_bind_i64(stmt, 1, person_id);
    return db_run(stmt);
}

int account_create_first(struct turn *turn, const struct keys *keys, const char *name, int64_t now_us, char code[])
{
    char plain[CODE_CHARACTERS + 1], hash[SECRET_HASH_BYTES_MAX];
    struct account account = {.name = name, .reading = "", .roles = ROLE_BIT_OFFICE, .created_us = now_us};
    size_t length = strlen(name);
    if (length > ACCOUNT_NAME_BYTES_MAX || !text_is_clean(name, length, false)) return MDG_ERR_INVALID;
    char *name_key = text_name_key(name);
    if (!name_key) return MDG_ERR_MEMORY;

    account.name_key = name_key;
    code_generate(plain);
    int rc = name_key[0] ? secret_hash(keys, plain, hash) : MDG_ERR_INVALID;
    if (rc != 0) goto done;
    account.id = turn_next_id(turn);
    account.rev = turn_next_rev(turn);
    rc = account_insert(turn->db, &account);
    if (rc == 0) rc = account_code_put(turn->db, account.id, hash, now_us + ACCOUNT_CODE_LIFE_US);
    if (rc == 0) code_format(plain, code);
done:
    OPENSSL_cleanse(plain, sizeof plain);
    free(name_key);
    return rc;
}

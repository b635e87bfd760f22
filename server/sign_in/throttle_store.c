#include "server/sign_in/throttle_store.h"

#include <string.h>

#include "common/bytes.h"
#include "common/day.h"
#include "common/error.h"
#include "server/store/db.h"

static const char SQL_LOAD[] = "SELECT streak, locked_until_us, is_shut, last_us, recent FROM throttle"
                               " WHERE name_hash = ?1 AND terminal_id = ?2";
static const char SQL_STORE[] =
    "INSERT INTO throttle (name_hash, terminal_id, streak, locked_until_us, is_shut, last_us, recent)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
    " ON CONFLICT (name_hash, terminal_id) DO UPDATE SET streak = excluded.streak,"
    " locked_until_us = excluded.locked_until_us, is_shut = excluded.is_shut, last_us = excluded.last_us,"
    " recent = excluded.recent";
static const char SQL_FORGET[] = "DELETE FROM throttle WHERE is_shut = 0 AND last_us < ?1 AND locked_until_us < ?2";
static const char SQL_OPEN_NAME[] = "DELETE FROM throttle WHERE name_hash = ?1";
static const char SQL_OPEN_TERMINAL[] = "DELETE FROM throttle WHERE name_hash = ?1 AND terminal_id = ?2";
static const char SQL_IS_SHUT[] = "SELECT 1 FROM throttle WHERE name_hash = ?1 AND is_shut = 1 LIMIT 1";

static const uint8_t NO_NAME[1]; /* with length 0: the terminal's own row */

int throttle_name_hash(const struct keys *keys, const char *name_key, uint8_t name_hash[KEY_BYTES])
{
    return keys_mac(keys, "throttle name", name_key, strlen(name_key), name_hash);
}

static int state_load(struct db *db, const uint8_t *name_hash, size_t length, int64_t terminal_id,
                      struct throttle_state *state)
{
    struct db_stmt *stmt = db_stmt(db, SQL_LOAD);
    db_bind_bytes(stmt, 1, name_hash, length);
    db_bind_i64(stmt, 2, terminal_id);
    *state = (struct throttle_state){0};
    int rc = db_step(stmt);
    if (rc != DB_ROW) goto done;

    state->streak = (int)db_col_i64(stmt, 0);
    state->locked_until_us = db_col_i64(stmt, 1);
    state->is_shut = db_col_i64(stmt, 2) != 0;
    state->last_us = db_col_i64(stmt, 3);
    size_t bytes = 0;
    const uint8_t *recent = db_col_bytes(stmt, 4, &bytes);
    rc = bytes % 8 == 0 && bytes / 8 <= THROTTLE_RECENT_MAX ? 0 : MDG_ERR_CORRUPT;
    if (rc != 0) goto done;
    state->recent_count = (int)(bytes / 8);
    for (int i = 0; i < state->recent_count; i++)
        state->recent_us[i] =
            (int64_t)((uint64_t)bytes_get_u32(recent + 8 * i) << 32 | bytes_get_u32(recent + 8 * i + 4));
done:
    db_reset(stmt);
    return rc;
}

static int state_store(struct db *db, const uint8_t *name_hash, size_t length, int64_t terminal_id,
                       const struct throttle_state *state)
{
    uint8_t recent[8 * THROTTLE_RECENT_MAX];
    for (int i = 0; i < state->recent_count; i++) bytes_put_i64(recent + 8 * i, state->recent_us[i]);
    struct db_stmt *stmt = db_stmt(db, SQL_STORE);
    db_bind_bytes(stmt, 1, name_hash, length);
    db_bind_i64(stmt, 2, terminal_id);
    db_bind_i64(stmt, 3, state->streak);
    db_bind_i64(stmt, 4, state->locked_until_us);
    db_bind_i64(stmt, 5, state->is_shut);
    db_bind_i64(stmt, 6, state->last_us);
    db_bind_bytes(stmt, 7, recent, 8 * (size_t)state->recent_count);
    return db_run(stmt);
}

int throttle_load(struct db *db, const uint8_t name_hash[KEY_BYTES], int64_t terminal_id, enum terminal_kind kind,
                  struct throttle_try *out)
{
    *out = (struct throttle_try){.terminal_id = terminal_id,
                                 .is_public = !(KIND_BIT(kind) & (KINDS_STAFF | KIND_BIT(KIND_COUNCIL)))};
    memcpy(out->name_hash, name_hash, KEY_BYTES);
    int rc = state_load(db, name_hash, KEY_BYTES, terminal_id, &out->pair);
    if (rc == 0 && !out->is_public) rc = state_load(db, name_hash, KEY_BYTES, 0, &out->name);
    if (rc == 0) rc = state_load(db, NO_NAME, 0, terminal_id, &out->terminal);
    return rc;
}

enum throttle_cause throttle_judge(const struct throttle_try *at, int64_t now_us, int64_t *until_us)
{
    *until_us = 0;
    if (!throttle_check(&at->terminal, now_us).is_allowed) return THROTTLE_CAUSE_TERMINAL;
    if (!throttle_check(&at->name, now_us).is_allowed) return THROTTLE_CAUSE_NAME;
    struct throttle_verdict pair = throttle_check(&at->pair, now_us);
    if (pair.is_allowed) return THROTTLE_CAUSE_NONE;
    *until_us = pair.until_us;
    return pair.until_us ? THROTTLE_CAUSE_WAIT : THROTTLE_CAUSE_NAME;
}

static int forget_idle(struct db *db, int64_t now_us)
{
    struct db_stmt *stmt = db_stmt(db, SQL_FORGET);
    db_bind_i64(stmt, 1, now_us - US_PER_DAY);
    db_bind_i64(stmt, 2, now_us);
    return db_run(stmt);
}

int throttle_count_failure(struct db *db, struct throttle_try *at, int64_t now_us)
{
    throttle_failure(at->is_public ? &THROTTLE_PUBLIC_PAIR : &THROTTLE_PAIR, &at->pair, now_us);
    throttle_failure(&THROTTLE_TERMINAL, &at->terminal, now_us);
    int rc = forget_idle(db, now_us);
    if (rc == 0) rc = state_store(db, at->name_hash, KEY_BYTES, at->terminal_id, &at->pair);
    if (rc == 0) rc = state_store(db, NO_NAME, 0, at->terminal_id, &at->terminal);
    if (rc != 0 || at->is_public) return rc;
    throttle_failure(&THROTTLE_NAME, &at->name, now_us);
    return state_store(db, at->name_hash, KEY_BYTES, 0, &at->name);
}

int throttle_count_success(struct db *db, struct throttle_try *at, int64_t now_us)
{
    if (at->pair.last_us == 0 || throttle_is_idle(&at->pair, now_us)) return 0;
    throttle_success(&at->pair);
    return state_store(db, at->name_hash, KEY_BYTES, at->terminal_id, &at->pair);
}

int throttle_open_name(struct db *db, const uint8_t name_hash[KEY_BYTES])
{
    struct db_stmt *stmt = db_stmt(db, SQL_OPEN_NAME);
    db_bind_bytes(stmt, 1, name_hash, KEY_BYTES);
    return db_run(stmt);
}

int throttle_open_terminal(struct db *db, int64_t terminal_id)
{
    struct db_stmt *stmt = db_stmt(db, SQL_OPEN_TERMINAL);
    db_bind_bytes(stmt, 1, NO_NAME, 0);
    db_bind_i64(stmt, 2, terminal_id);
    return db_run(stmt);
}

int throttle_open_terminals(struct db *db)
{
    struct db_stmt *stmt = db_stmt(db, SQL_OPEN_NAME);
    db_bind_bytes(stmt, 1, NO_NAME, 0);
    return db_run(stmt);
}

int throttle_name_is_shut(struct db *db, const uint8_t name_hash[KEY_BYTES], bool *is_shut)
{
    struct db_stmt *stmt = db_stmt(db, SQL_IS_SHUT);
    db_bind_bytes(stmt, 1, name_hash, KEY_BYTES);
    int rc = db_step(stmt);
    *is_shut = rc == DB_ROW;
    db_reset(stmt);
    return rc == DB_ROW ? 0 : rc;
}

/* Places, purposes and closed months: the little tables beside the counts. */
#include "server/visits/visit_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/text.h"
#include "server/store/db.h"

static void place_read(struct db_stmt *stmt, struct visit_place *place)
{
    *place = (struct visit_place){.id = db_col_i64(stmt, 0),
                                  .place_id = db_col_i64(stmt, 1),
                                  .position = (int32_t)db_col_i64(stmt, 3),
                                  .is_retired = db_col_i64(stmt, 4) != 0,
                                  .rev = db_col_i64(stmt, 5)};
    snprintf(place->name, sizeof place->name, "%s", db_col_text(stmt, 2));
}

static const char SQL_GET_PLACE[] = "SELECT id, 0, name, position, is_retired, rev FROM visit_place WHERE id = ?1";
static const char SQL_GET_PURPOSE[] =
    "SELECT id, place_id, name, position, is_retired, rev FROM visit_purpose WHERE id = ?1";

int visit_place_get(struct db *db, bool is_purpose, int64_t id, struct visit_place *place)
{
    struct db_stmt *get = db_stmt(db, is_purpose ? SQL_GET_PURPOSE : SQL_GET_PLACE);
    db_bind_i64(get, 1, id);
    int rc = db_step(get);
    if (rc == DB_ROW) place_read(get, place);
    db_reset(get);
    return rc == DB_ROW ? 0 : rc == 0 ? MDG_ERR_NOT_FOUND : rc;
}

static const char SQL_NEW_PLACE[] = "INSERT INTO visit_place (id, name, name_key, position, is_retired, rev)"
                                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
static const char SQL_NEW_PURPOSE[] =
    "INSERT INTO visit_purpose (id, name, name_key, position, is_retired, rev, place_id)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
static const char SQL_SET_PLACE[] =
    "UPDATE visit_place SET name = ?2, name_key = ?3, position = ?4, is_retired = ?5, rev = ?6 WHERE id = ?1";
static const char SQL_SET_PURPOSE[] =
    "UPDATE visit_purpose SET name = ?2, name_key = ?3, position = ?4, is_retired = ?5, rev = ?6 WHERE id = ?1";

int visit_place_put(struct turn *turn, bool is_purpose, const struct visit_place *place, bool is_new)
{
    char *key = text_name_key(place->name);
    if (!key) return MDG_ERR_MEMORY;
    const char *sql =
        is_new ? (is_purpose ? SQL_NEW_PURPOSE : SQL_NEW_PLACE) : (is_purpose ? SQL_SET_PURPOSE : SQL_SET_PLACE);
    struct db_stmt *put = db_stmt(turn->db, sql);
    db_bind_i64(put, 1, place->id);
    db_bind_text(put, 2, place->name);
    db_bind_text(put, 3, key);
    db_bind_i64(put, 4, place->position);
    db_bind_i64(put, 5, place->is_retired);
    db_bind_i64(put, 6, place->rev);
    if (is_new && is_purpose) db_bind_i64(put, 7, place->place_id);
    int rc = db_run(put);
    free(key);
    return rc;
}

static const char SQL_PLACES[] =
    "SELECT id, 0, name, position, is_retired, rev FROM visit_place WHERE rev > ?1 ORDER BY rev LIMIT ?2";
static const char SQL_PURPOSES[] =
    "SELECT id, place_id, name, position, is_retired, rev FROM visit_purpose WHERE rev > ?1 ORDER BY rev LIMIT ?2";

int visit_places_changed(struct db *db, bool is_purpose, int64_t since_rev, int limit, visit_place_cb *cb, void *arg)
{
    struct db_stmt *stmt = db_stmt(db, is_purpose ? SQL_PURPOSES : SQL_PLACES);
    db_bind_i64(stmt, 1, since_rev);
    db_bind_i64(stmt, 2, limit);
    int rc;
    while ((rc = db_step(stmt)) == DB_ROW) {
        struct visit_place place;
        place_read(stmt, &place);
        rc = cb(arg, &place);
        if (rc != 0) break;
    }
    db_reset(stmt);
    return rc;
}

/* --- closed months ------------------------------------------------------------------------------------ */

static const char SQL_IS_CLOSED[] = "SELECT 1 FROM period_close WHERE month = ?1";

int visit_month_is_closed(struct db *db, int32_t month, bool *is_closed)
{
    struct db_stmt *stmt = db_stmt(db, SQL_IS_CLOSED);
    db_bind_i64(stmt, 1, month);
    int rc = db_step(stmt);
    *is_closed = rc == DB_ROW;
    db_reset(stmt);
    return rc == DB_ROW ? 0 : rc;
}

static const char SQL_CLOSE[] = "INSERT INTO period_close (month, closed_us, person_id, rev) VALUES (?1, ?2, ?3, ?4)";

int visit_month_close(struct turn *turn, int32_t month, int64_t person_id, int64_t now_us, int64_t rev)
{
    struct db_stmt *close = db_stmt(turn->db, SQL_CLOSE);
    db_bind_i64(close, 1, month);
    db_bind_i64(close, 2, now_us);
    db_bind_i64(close, 3, person_id);
    db_bind_i64(close, 4, rev);
    return db_run(close);
}

static const char SQL_REOPEN[] = "DELETE FROM period_close WHERE month = ?1 RETURNING month";

int visit_month_reopen(struct turn *turn, int32_t month)
{
    struct db_stmt *reopen = db_stmt(turn->db, SQL_REOPEN);
    db_bind_i64(reopen, 1, month);
    int rc = db_step(reopen);
    bool was_closed = rc == DB_ROW;
    if (was_closed) rc = db_step(reopen);
    db_reset(reopen);
    return rc == 0 && !was_closed ? MDG_ERR_NOT_FOUND : rc;
}

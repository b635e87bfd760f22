#include "server/hours/hours_store.h"

#include <stdio.h>
#include <string.h>

#include "common/day.h"
#include "common/error.h"
#include "server/store/db.h"

static int found(int rc)
{
    return rc == DB_ROW ? 0 : rc == 0 ? MDG_ERR_NOT_FOUND : rc;
}

/* --- opening hours ------------------------------------------------------------------------------------ */

static const char SQL_SPANS[] =
    "SELECT days, open_minute, close_minute FROM open_span WHERE hours_id = ?1 ORDER BY position";

static int spans_read(struct db *db, struct opening_hours *hours)
{
    struct db_stmt *stmt = db_stmt(db, SQL_SPANS);
    int rc;
    hours->spans_count = 0;
    db_bind_i64(stmt, 1, hours->id);
    while ((rc = db_step(stmt)) == DB_ROW && hours->spans_count < OPEN_SPANS_MAX)
        hours->spans[hours->spans_count++] = (struct open_span){.days = (uint32_t)db_col_i64(stmt, 0),
                                                                .open_minute = (int)db_col_i64(stmt, 1),
                                                                .close_minute = (int)db_col_i64(stmt, 2)};
    db_reset(stmt);
    return rc < 0 ? rc : 0;
}

static int hours_read_one(struct db *db, struct db_stmt *stmt, struct opening_hours *hours)
{
    int rc = db_step(stmt);
    if (rc == DB_ROW)
        *hours = (struct opening_hours){.id = db_col_i64(stmt, 0),
                                        .from_day = (int32_t)db_col_i64(stmt, 1),
                                        .is_removed = db_col_i64(stmt, 2) != 0,
                                        .rev = db_col_i64(stmt, 3)};
    db_reset(stmt);
    rc = found(rc);
    return rc == 0 ? spans_read(db, hours) : rc;
}

static const char SQL_HOURS_GET[] =
    "SELECT id, from_day, is_removed, rev FROM opening_hours WHERE id = ?1 AND is_removed = 0";

int opening_hours_get(struct db *db, int64_t id, struct opening_hours *hours)
{
    struct db_stmt *stmt = db_stmt(db, SQL_HOURS_GET);
    db_bind_i64(stmt, 1, id);
    return hours_read_one(db, stmt, hours);
}

static const char SQL_HOURS_FROM[] =
    "SELECT id, from_day, is_removed, rev FROM opening_hours WHERE from_day = ?1 AND is_removed = 0";

int opening_hours_from(struct db *db, int32_t day, struct opening_hours *hours)
{
    struct db_stmt *stmt = db_stmt(db, SQL_HOURS_FROM);
    db_bind_i64(stmt, 1, day);
    return hours_read_one(db, stmt, hours);
}

static const char SQL_HOURS_ON[] = "SELECT id, from_day, is_removed, rev FROM opening_hours"
                                   " WHERE from_day <= ?1 AND is_removed = 0 ORDER BY from_day DESC LIMIT 1";

static int opening_hours_on(struct db *db, int32_t day, struct opening_hours *hours)
{
    struct db_stmt *stmt = db_stmt(db, SQL_HOURS_ON);
    db_bind_i64(stmt, 1, day);
    return hours_read_one(db, stmt, hours);
}

static const char SQL_HOURS_NEW[] = "INSERT INTO opening_hours (id, from_day, is_removed, rev) VALUES (?1, ?2, ?3, ?4)";
static const char SQL_HOURS_SET[] = "UPDATE opening_hours SET from_day = ?2, is_removed = ?3, rev = ?4 WHERE id = ?1";
static const char SQL_SPANS_CLEAR[] = "DELETE FROM open_span WHERE hours_id = ?1";
static const char SQL_SPAN_NEW[] =
    "INSERT INTO open_span (hours_id, position, days, open_minute, close_minute) VALUES (?1, ?2, ?3, ?4, ?5)";

static int spans_put(struct turn *turn, const struct opening_hours *hours)
{
    struct db_stmt *clear = db_stmt(turn->db, SQL_SPANS_CLEAR);
    db_bind_i64(clear, 1, hours->id);
    int rc = db_run(clear);
    for (int i = 0; rc == 0 && i < hours->spans_count; i++) {
        struct db_stmt *put = db_stmt(turn->db, SQL_SPAN_NEW);
        db_bind_i64(put, 1, hours->id);
        db_bind_i64(put, 2, i);
        db_bind_i64(put, 3, hours->spans[i].days);
        db_bind_i64(put, 4, hours->spans[i].open_minute);
        db_bind_i64(put, 5, hours->spans[i].close_minute);
        rc = db_run(put);
    }
    return rc;
}

int opening_hours_put(struct turn *turn, const struct opening_hours *hours, bool is_new)
{
    struct db_stmt *put = db_stmt(turn->db, is_new ? SQL_HOURS_NEW : SQL_HOURS_SET);
    db_bind_i64(put, 1, hours->id);
    db_bind_i64(put, 2, hours->from_day);
    db_bind_i64(put, 3, hours->is_removed);
    db_bind_i64(put, 4, hours->rev);
    int rc = db_run(put);
    return rc == 0 ? spans_put(turn, hours) : rc;
}

static const char SQL_HOURS_CHANGED[] =
    "SELECT id, from_day, is_removed, rev FROM opening_hours WHERE rev > ?1 ORDER BY rev LIMIT ?2";

int opening_hours_changed(struct db *db, int64_t since_rev, int limit, opening_hours_cb *cb, void *arg)
{
    struct db_stmt *stmt = db_stmt(db, SQL_HOURS_CHANGED);
    int rc;
    db_bind_i64(stmt, 1, since_rev);
    db_bind_i64(stmt, 2, limit);
    while ((rc = db_step(stmt)) == DB_ROW) {
        struct opening_hours hours = {.id = db_col_i64(stmt, 0),
                                      .from_day = (int32_t)db_col_i64(stmt, 1),
                                      .is_removed = db_col_i64(stmt, 2) != 0,
                                      .rev = db_col_i64(stmt, 3)};
        rc = spans_read(db, &hours);
        if (rc == 0) rc = cb(arg, &hours);
        if (rc != 0) break;
    }
    db_reset(stmt);
    return rc;
}

/* --- closed days -------------------------------------------------------------------------------------- */

static void closed_read(struct db_stmt *stmt, struct closed_day *closed)
{
    *closed = (struct closed_day){.id = db_col_i64(stmt, 0),
                                  .from_day = (int32_t)db_col_i64(stmt, 1),
                                  .to_day = (int32_t)db_col_i64(stmt, 2),
                                  .is_removed = db_col_i64(stmt, 4) != 0,
                                  .rev = db_col_i64(stmt, 5)};
    snprintf(closed->reason, sizeof closed->reason, "%s", db_col_text(stmt, 3));
}

static const char SQL_CLOSED_GET[] =
    "SELECT id, from_day, to_day, reason, is_removed, rev FROM closed_day WHERE id = ?1 AND is_removed = 0";

int closed_day_get(struct db *db, int64_t id, struct closed_day *closed)
{
    struct db_stmt *stmt = db_stmt(db, SQL_CLOSED_GET);
    db_bind_i64(stmt, 1, id);
    int rc = db_step(stmt);
    if (rc == DB_ROW) closed_read(stmt, closed);
    db_reset(stmt);
    return found(rc);
}

static const char SQL_CLOSED_CLASH[] = "SELECT id, from_day, to_day, reason, is_removed, rev FROM closed_day"
                                       " WHERE to_day >= ?1 AND from_day <= ?2 AND id <> ?3 AND is_removed = 0"
                                       " ORDER BY from_day LIMIT 1";

int closed_day_clash(struct db *db, const struct closed_day *closed, struct closed_day *other)
{
    struct db_stmt *stmt = db_stmt(db, SQL_CLOSED_CLASH);
    db_bind_i64(stmt, 1, closed->from_day);
    db_bind_i64(stmt, 2, closed->to_day);
    db_bind_i64(stmt, 3, closed->id);
    int rc = db_step(stmt);
    if (rc == DB_ROW) closed_read(stmt, other);
    db_reset(stmt);
    return found(rc);
}

static const char SQL_CLOSED_NEW[] = "INSERT INTO closed_day (id, from_day, to_day, reason, is_removed, rev)"
                                     " VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
static const char SQL_CLOSED_SET[] =
    "UPDATE closed_day SET from_day = ?2, to_day = ?3, reason = ?4, is_removed = ?5, rev = ?6 WHERE id = ?1";

int closed_day_put(struct turn *turn, const struct closed_day *closed, bool is_new)
{
    struct db_stmt *put = db_stmt(turn->db, is_new ? SQL_CLOSED_NEW : SQL_CLOSED_SET);
    db_bind_i64(put, 1, closed->id);
    db_bind_i64(put, 2, closed->from_day);
    db_bind_i64(put, 3, closed->to_day);
    db_bind_text(put, 4, closed->reason);
    db_bind_i64(put, 5, closed->is_removed);
    db_bind_i64(put, 6, closed->rev);
    return db_run(put);
}

static const char SQL_CLOSED_CHANGED[] = "SELECT id, from_day, to_day, reason, is_removed, rev FROM closed_day"
                                         " WHERE rev > ?1 AND to_day >= ?2 ORDER BY rev LIMIT ?3";

int closed_day_changed(struct db *db, int32_t from_day, int64_t since_rev, int limit, closed_day_cb *cb, void *arg)
{
    struct db_stmt *stmt = db_stmt(db, SQL_CLOSED_CHANGED);
    int rc;
    db_bind_i64(stmt, 1, since_rev);
    db_bind_i64(stmt, 2, from_day);
    db_bind_i64(stmt, 3, limit);
    while ((rc = db_step(stmt)) == DB_ROW) {
        struct closed_day closed;
        closed_read(stmt, &closed);
        rc = cb(arg, &closed);
        if (rc != 0) break;
    }
    db_reset(stmt);
    return rc;
}

/* --- a day as it comes out ---------------------------------------------------------------------------- */

static int closed_reason_of(struct db *db, int32_t day, struct hours_day *out)
{
    struct closed_day on = {.from_day = day, .to_day = day}, closed;
    int rc = closed_day_clash(db, &on, &closed);
    if (rc == 0) memcpy(out->closed_reason, closed.reason, sizeof out->closed_reason);
    return rc == MDG_ERR_NOT_FOUND ? 0 : rc;
}

int hours_of_day(struct db *db, int32_t day, struct hours_day *out)
{
    struct opening_hours hours;
    *out = (struct hours_day){.is_open = false};
    int rc = holiday_on(db, day, out->holiday);
    if (rc == 0) rc = closed_reason_of(db, day, out);
    if (rc != 0 || out->closed_reason[0]) return rc;
    rc = opening_hours_on(db, day, &hours);
    if (rc != 0) return rc == MDG_ERR_NOT_FOUND ? 0 : rc;
    const struct open_span *span =
        hours_span_of(hours.spans, hours.spans_count, day_weekday(day), out->holiday[0] != '\0');
    if (!span) return 0;
    out->is_open = true;
    out->open_minute = span->open_minute;
    out->close_minute = span->close_minute;
    return 0;
}

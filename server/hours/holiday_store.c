/* The imported list of holidays; in years that it does not hold, the law's rules. */
#include "server/hours/hours_store.h"

#include <stdio.h>

#include "common/error.h"
#include "common/holiday.h"
#include "server/store/db.h"

static const char SQL_ON[] = "SELECT name FROM holiday WHERE day = ?1 AND is_removed = 0";
static const char SQL_HOLDS[] = "SELECT 1 FROM holiday WHERE day BETWEEN ?1 AND ?2 AND is_removed = 0 LIMIT 1";

int holiday_on(struct db *db, int32_t day, char name[HOLIDAY_NAME_BYTES_MAX + 1])
{
    struct db_stmt *on = db_stmt(db, SQL_ON), *holds = db_stmt(db, SQL_HOLDS);
    name[0] = '\0';
    db_bind_i64(on, 1, day);
    int rc = db_step(on);
    if (rc == DB_ROW) snprintf(name, HOLIDAY_NAME_BYTES_MAX + 1, "%s", db_col_text(on, 0));
    db_reset(on);
    if (rc != 0) return rc == DB_ROW ? 0 : rc;

    db_bind_i64(holds, 1, day / 10000 * 10000);
    db_bind_i64(holds, 2, day / 10000 * 10000 + 1231);
    rc = db_step(holds);
    db_reset(holds);
    if (rc != 0) return rc == DB_ROW ? 0 : rc;
    const char *by_law = holiday_of_day(day);
    if (by_law) snprintf(name, HOLIDAY_NAME_BYTES_MAX + 1, "%s", by_law);
    return 0;
}

static void holiday_read(struct db_stmt *stmt, struct holiday *holiday)
{
    *holiday = (struct holiday){
        .day = (int32_t)db_col_i64(stmt, 0), .is_removed = db_col_i64(stmt, 2) != 0, .rev = db_col_i64(stmt, 3)};
    snprintf(holiday->name, sizeof holiday->name, "%s", db_col_text(stmt, 1));
}

static int each_row(struct db_stmt *stmt, holiday_cb *cb, void *arg)
{
    int rc;
    while ((rc = db_step(stmt)) == DB_ROW) {
        struct holiday holiday;
        holiday_read(stmt, &holiday);
        rc = cb(arg, &holiday);
        if (rc != 0) break;
    }
    db_reset(stmt);
    return rc;
}

static const char SQL_EACH[] =
    "SELECT day, name, is_removed, rev FROM holiday WHERE day BETWEEN ?1 AND ?2 AND is_removed = 0 ORDER BY day";

int holiday_each(struct db *db, int32_t from_day, int32_t to_day, holiday_cb *cb, void *arg)
{
    struct db_stmt *stmt = db_stmt(db, SQL_EACH);
    db_bind_i64(stmt, 1, from_day);
    db_bind_i64(stmt, 2, to_day);
    return each_row(stmt, cb, arg);
}

static const char SQL_CHANGED[] = "SELECT day, name, is_removed, rev FROM holiday WHERE rev > ?1 AND day >= ?2"
                                  " ORDER BY rev LIMIT ?3";

int holiday_changed(struct db *db, int32_t from_day, int64_t since_rev, int limit, holiday_cb *cb, void *arg)
{
    struct db_stmt *stmt = db_stmt(db, SQL_CHANGED);
    db_bind_i64(stmt, 1, since_rev);
    db_bind_i64(stmt, 2, from_day);
    db_bind_i64(stmt, 3, limit);
    return each_row(stmt, cb, arg);
}

static const char SQL_YEARS[] = "SELECT COUNT(DISTINCT day / 10000) FROM holiday WHERE is_removed = 0";

int holiday_years(struct db *db, int *years)
{
    struct db_stmt *stmt = db_stmt(db, SQL_YEARS);
    int rc = db_step(stmt);
    *years = rc == DB_ROW ? (int)db_col_i64(stmt, 0) : 0;
    db_reset(stmt);
    return rc < 0 ? rc : 0;
}

static const char SQL_PUT[] =
    "INSERT INTO holiday (day, name, is_removed, rev) VALUES (?1, ?2, ?3, ?4)"
    " ON CONFLICT (day) DO UPDATE SET name = excluded.name, is_removed = excluded.is_removed, rev = excluded.rev";

int holiday_put(struct turn *turn, const struct holiday *holiday)
{
    struct db_stmt *put = db_stmt(turn->db, SQL_PUT);
    db_bind_i64(put, 1, holiday->day);
    db_bind_text(put, 2, holiday->name);
    db_bind_i64(put, 3, holiday->is_removed);
    db_bind_i64(put, 4, holiday->rev);
    return db_run(put);
}

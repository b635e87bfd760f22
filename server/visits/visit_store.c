#include "server/visits/visit_store.h"

#include <stdio.h>
#include <string.h>

#include "common/day.h"
#include "common/error.h"
#include "server/store/db.h"

/* --- lines -------------------------------------------------------------------------------------------- */

#define VISIT_COLUMNS                                                                                       \
    "id, day, slot, at_us, received_us, place_id, COALESCE(purpose_id, 0), people, is_estimate, is_undone," \
    " COALESCE(corrects_id, 0), COALESCE(reason, ''), terminal_id, person_id, count_key, rev"

static void visit_read(struct db_stmt *stmt, struct visit *v)
{
    size_t length;
    *v = (struct visit){.id = db_col_i64(stmt, 0),
                        .day = (int32_t)db_col_i64(stmt, 1),
                        .slot = (int)db_col_i64(stmt, 2),
                        .at_us = db_col_i64(stmt, 3),
                        .received_us = db_col_i64(stmt, 4),
                        .place_id = db_col_i64(stmt, 5),
                        .purpose_id = db_col_i64(stmt, 6),
                        .people = (int32_t)db_col_i64(stmt, 7),
                        .is_estimate = db_col_i64(stmt, 8) != 0,
                        .is_undone = db_col_i64(stmt, 9) != 0,
                        .corrects_id = db_col_i64(stmt, 10),
                        .terminal_id = db_col_i64(stmt, 12),
                        .person_id = db_col_i64(stmt, 13),
                        .rev = db_col_i64(stmt, 15)};
    snprintf(v->reason, sizeof v->reason, "%s", db_col_text(stmt, 11));
    const void *key = db_col_bytes(stmt, 14, &length);
    if (length == sizeof v->count_key) memcpy(v->count_key, key, length);
}

static const char SQL_INSERT[] =
    "INSERT INTO visit (id, day, slot, at_us, received_us, place_id, purpose_id, people, is_estimate, is_undone,"
    " corrects_id, reason, terminal_id, person_id, count_key, rev)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10, ?11, ?12, ?13, ?14, ?15)";
static const char SQL_ADD_DAY[] =
    "INSERT INTO visit_day (id, day, place_id, purpose_id, people, lines, estimated, rev)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
    " ON CONFLICT (day, place_id, purpose_id) DO UPDATE SET people = visit_day.people + excluded.people,"
    " lines = visit_day.lines + excluded.lines, estimated = visit_day.estimated + excluded.estimated,"
    " rev = excluded.rev RETURNING id";
static const char SQL_ADD_SLOT[] =
    "INSERT INTO visit_slot (day, slot, place_id, purpose_id, people, lines, estimated)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
    " ON CONFLICT (day, slot, place_id, purpose_id) DO UPDATE SET people = visit_slot.people + excluded.people,"
    " lines = visit_slot.lines + excluded.lines, estimated = visit_slot.estimated + excluded.estimated";

/* Adds the line to its totals (sign 1), or takes it out again (-1). */
static int add_to_totals(struct turn *turn, const struct visit *v, int sign, int64_t day_rev)
{
    int64_t people = (int64_t)sign * v->people, lines = v->corrects_id ? 0 : sign;
    int64_t estimated = v->is_estimate ? people : 0;
    int64_t id = turn_next_id(turn);
    struct db_stmt *day = db_stmt(turn->db, SQL_ADD_DAY);
    db_bind_i64(day, 1, id);
    db_bind_i64(day, 2, v->day);
    db_bind_i64(day, 3, v->place_id);
    db_bind_i64(day, 4, v->purpose_id);
    db_bind_i64(day, 5, people);
    db_bind_i64(day, 6, lines);
    db_bind_i64(day, 7, estimated);
    db_bind_i64(day, 8, day_rev);
    int rc = db_step(day);
    if (rc == DB_ROW) {
        if (db_col_i64(day, 0) != id) turn->last_id--; /* the day had its row: the id goes back */
        rc = db_step(day);
    }
    db_reset(day);
    if (rc != 0) return rc;

    struct db_stmt *slot = db_stmt(turn->db, SQL_ADD_SLOT);
    db_bind_i64(slot, 1, v->day);
    db_bind_i64(slot, 2, v->slot);
    db_bind_i64(slot, 3, v->place_id);
    db_bind_i64(slot, 4, v->purpose_id);
    db_bind_i64(slot, 5, people);
    db_bind_i64(slot, 6, lines);
    db_bind_i64(slot, 7, estimated);
    return db_run(slot);
}

static void bind_id_or_null(struct db_stmt *stmt, int index, int64_t id)
{
    if (id != 0)
        db_bind_i64(stmt, index, id);
    else
        db_bind_null(stmt, index);
}

int visit_insert(struct turn *turn, const struct visit *v, int64_t day_rev)
{
    struct db_stmt *insert = db_stmt(turn->db, SQL_INSERT);
    db_bind_i64(insert, 1, v->id);
    db_bind_i64(insert, 2, v->day);
    db_bind_i64(insert, 3, v->slot);
    db_bind_i64(insert, 4, v->at_us);
    db_bind_i64(insert, 5, v->received_us);
    db_bind_i64(insert, 6, v->place_id);
    bind_id_or_null(insert, 7, v->purpose_id);
    db_bind_i64(insert, 8, v->people);
    db_bind_i64(insert, 9, v->is_estimate);
    bind_id_or_null(insert, 10, v->corrects_id);
    db_bind_text(insert, 11, v->reason[0] ? v->reason : NULL);
    db_bind_i64(insert, 12, v->terminal_id);
    db_bind_i64(insert, 13, v->person_id);
    db_bind_bytes(insert, 14, v->count_key, sizeof v->count_key);
    db_bind_i64(insert, 15, v->rev);
    int rc = db_run(insert);
    return rc == 0 ? add_to_totals(turn, v, 1, day_rev) : rc;
}

static const char SQL_UNDO[] = "UPDATE visit SET is_undone = 1, rev = ?2 WHERE id = ?1 AND is_undone = 0";

int visit_undo(struct turn *turn, const struct visit *v, int64_t rev, int64_t day_rev)
{
    struct db_stmt *undo = db_stmt(turn->db, SQL_UNDO);
    db_bind_i64(undo, 1, v->id);
    db_bind_i64(undo, 2, rev);
    int rc = db_run(undo);
    return rc == 0 ? add_to_totals(turn, v, -1, day_rev) : rc;
}

static int one_visit(struct db_stmt *stmt, struct visit *v)
{
    int rc = db_step(stmt);
    if (rc == DB_ROW) visit_read(stmt, v);
    db_reset(stmt);
    return rc == DB_ROW ? 0 : rc == 0 ? MDG_ERR_NOT_FOUND : rc;
}

static const char SQL_GET[] = "SELECT " VISIT_COLUMNS " FROM visit WHERE id = ?1";

int visit_get(struct db *db, int64_t id, struct visit *v)
{
    struct db_stmt *get = db_stmt(db, SQL_GET);
    db_bind_i64(get, 1, id);
    return one_visit(get, v);
}

static const char SQL_PEOPLE_NOW[] =
    "SELECT COALESCE(CAST(SUM(people) AS BIGINT), 0) FROM visit WHERE (id = ?1 OR corrects_id = ?1) AND is_undone = 0";

int visit_people_now(struct db *db, int64_t id, int64_t *people)
{
    struct db_stmt *sum = db_stmt(db, SQL_PEOPLE_NOW);
    db_bind_i64(sum, 1, id);
    int rc = db_step(sum);
    if (rc == DB_ROW) {
        *people = db_col_i64(sum, 0);
        rc = 0;
    }
    db_reset(sum);
    return rc;
}

static const char SQL_FIND[] =
    "SELECT " VISIT_COLUMNS " FROM visit WHERE terminal_id = ?2 AND corrects_id IS NULL AND id ="
    " (SELECT object_id FROM audit WHERE request_key = ?1 AND outcome = 0)";

int visit_find_count(struct db *db, const uint8_t key[REQUEST_KEY_BYTES], int64_t terminal_id, struct visit *v)
{
    struct db_stmt *find = db_stmt(db, SQL_FIND);
    db_bind_bytes(find, 1, key, REQUEST_KEY_BYTES);
    db_bind_i64(find, 2, terminal_id);
    return one_visit(find, v);
}

/* Hands rows to cb until there are no more, limit are given, or cb refuses. */
static int each_visit(struct db_stmt *stmt, int limit, visit_each_cb *cb, void *arg, bool *more)
{
    int rc, given = 0;
    *more = false;
    while ((rc = db_step(stmt)) == DB_ROW) {
        struct visit v;
        if (given++ == limit) {
            *more = true;
            rc = 0;
            break;
        }
        visit_read(stmt, &v);
        rc = cb(arg, &v);
        if (rc != 0) break;
    }
    db_reset(stmt);
    return rc;
}

/* The span of days comes first: it has the index. */
static const char SQL_EACH[] =
    "SELECT " VISIT_COLUMNS " FROM visit WHERE day BETWEEN ?1 AND ?2 AND at_us >= ?3 AND at_us < ?4 AND is_undone = 0"
    " AND (at_us, id) > (?5, ?6) ORDER BY at_us, id LIMIT ?7";

int visit_each(struct db *db, int64_t from_us, int64_t to_us, int64_t after_us, int64_t after_id, int limit,
               visit_each_cb *cb, void *arg, bool *more)
{
    int64_t begin_us = after_us > from_us ? after_us : from_us;
    struct db_stmt *each = db_stmt(db, SQL_EACH);
    db_bind_i64(each, 1, day_of_us(begin_us));
    db_bind_i64(each, 2, day_of_us(to_us));
    db_bind_i64(each, 3, from_us);
    db_bind_i64(each, 4, to_us);
    db_bind_i64(each, 5, after_us);
    db_bind_i64(each, 6, after_id);
    db_bind_i64(each, 7, limit + 1);
    return each_visit(each, limit, cb, arg, more);
}

/* Two equal days, so that the index serves each in order of rev. */
static const char SQL_CHANGED[] =
    "SELECT " VISIT_COLUMNS " FROM visit WHERE day IN (?1, ?2) AND rev > ?3 ORDER BY rev LIMIT ?4";

int visit_each_changed(struct db *db, int32_t today, int64_t since_rev, int limit, visit_each_cb *cb, void *arg)
{
    bool more;
    struct db_stmt *changed = db_stmt(db, SQL_CHANGED);
    db_bind_i64(changed, 1, today);
    db_bind_i64(changed, 2, day_add(today, 1)); /* a terminal's clock may be ahead around midnight */
    db_bind_i64(changed, 3, since_rev);
    db_bind_i64(changed, 4, limit);
    return each_visit(changed, limit, cb, arg, &more);
}

/* --- totals ------------------------------------------------------------------------------------------- */

#define TOTAL_SUMS                                                                 \
    " CAST(SUM(people) AS BIGINT) AS people, CAST(SUM(lines) AS BIGINT) AS lines," \
    " CAST(SUM(estimated) AS BIGINT) AS estimated"
/* What was taken back altogether leaves a row of zeros behind, but no line: nobody looked. */
#define TOTAL_IS_SOMETHING " (lines <> 0 OR people <> 0 OR estimated <> 0)"
#define TOTAL_PAGE                                                                       \
    " WHERE (day, slot, place_id, purpose_id) > (?3, ?4, ?5, ?6) AND" TOTAL_IS_SOMETHING \
    " ORDER BY day, slot, place_id, purpose_id LIMIT ?7"

static const char SQL_BY_MONTH[] = "SELECT day, slot, place_id, purpose_id, people, lines, estimated FROM (SELECT day "
                                   "/ 100 * 100 + 1 AS day, 0 AS slot,"
                                   " place_id, purpose_id," TOTAL_SUMS " FROM visit_day WHERE day BETWEEN ?1 AND ?2"
                                   " GROUP BY day / 100, place_id, purpose_id) AS t" TOTAL_PAGE;
static const char SQL_BY_DAY[] =
    "SELECT day, slot, place_id, purpose_id, people, lines, estimated FROM (SELECT day, 0 AS slot, place_id,"
    " purpose_id, people, lines, estimated FROM visit_day WHERE day BETWEEN ?1 AND ?2) AS t" TOTAL_PAGE;
static const char SQL_BY_HOUR[] =
    "SELECT day, slot, place_id, purpose_id, people, lines, estimated FROM (SELECT day, slot / 2 * 2 AS slot, place_id,"
    " purpose_id," TOTAL_SUMS " FROM visit_slot WHERE day BETWEEN ?1 AND ?2"
    " GROUP BY day, slot / 2, place_id, purpose_id) AS t" TOTAL_PAGE;
static const char SQL_BY_HALF_HOUR[] =
    "SELECT day, slot, place_id, purpose_id, people, lines, estimated FROM visit_slot AS t"
    " WHERE day BETWEEN ?1 AND ?2 AND (day, slot, place_id, purpose_id) > (?3, ?4, ?5, ?6) AND" TOTAL_IS_SOMETHING
    " ORDER BY day, slot, place_id, purpose_id LIMIT ?7";

int visit_totals(struct db *db, enum visit_step step, int32_t from_day, int32_t to_day, const struct visit_total *after,
                 int limit, visit_total_cb *cb, void *arg, bool *more)
{
    static const char *const BY_STEP[] = {[VISIT_BY_MONTH] = SQL_BY_MONTH,
                                          [VISIT_BY_DAY] = SQL_BY_DAY,
                                          [VISIT_BY_HOUR] = SQL_BY_HOUR,
                                          [VISIT_BY_HALF_HOUR] = SQL_BY_HALF_HOUR};
    struct db_stmt *stmt = db_stmt(db, BY_STEP[step]);
    db_bind_i64(stmt, 1, after->day > from_day && step != VISIT_BY_MONTH ? after->day : from_day);
    db_bind_i64(stmt, 2, to_day);
    db_bind_i64(stmt, 3, after->day);
    db_bind_i64(stmt, 4, after->slot);
    db_bind_i64(stmt, 5, after->place_id);
    db_bind_i64(stmt, 6, after->purpose_id);
    db_bind_i64(stmt, 7, limit + 1);
    int rc, given = 0;
    *more = false;
    while ((rc = db_step(stmt)) == DB_ROW) {
        if (given++ == limit) {
            *more = true;
            rc = 0;
            break;
        }
        struct visit_total total = {.day = (int32_t)db_col_i64(stmt, 0),
                                    .slot = (int)db_col_i64(stmt, 1),
                                    .place_id = db_col_i64(stmt, 2),
                                    .purpose_id = db_col_i64(stmt, 3),
                                    .people = db_col_i64(stmt, 4),
                                    .lines = db_col_i64(stmt, 5),
                                    .estimated = db_col_i64(stmt, 6)};
        rc = cb(arg, &total);
        if (rc != 0) break;
    }
    db_reset(stmt);
    return rc;
}

static const char SQL_DAYS_CHANGED[] =
    "SELECT id, rev, day, place_id, purpose_id, people, lines, estimated FROM visit_day"
    " WHERE rev > ?1 AND day >= ?2 ORDER BY rev LIMIT ?3";

int visit_days_changed(struct db *db, int32_t from_day, int64_t since_rev, int limit, visit_total_cb *cb, void *arg)
{
    struct db_stmt *stmt = db_stmt(db, SQL_DAYS_CHANGED);
    db_bind_i64(stmt, 1, since_rev);
    db_bind_i64(stmt, 2, from_day);
    db_bind_i64(stmt, 3, limit);
    int rc;
    while ((rc = db_step(stmt)) == DB_ROW) {
        struct visit_total total = {.id = db_col_i64(stmt, 0),
                                    .rev = db_col_i64(stmt, 1),
                                    .day = (int32_t)db_col_i64(stmt, 2),
                                    .place_id = db_col_i64(stmt, 3),
                                    .purpose_id = db_col_i64(stmt, 4),
                                    .people = db_col_i64(stmt, 5),
                                    .lines = db_col_i64(stmt, 6),
                                    .estimated = db_col_i64(stmt, 7)};
        rc = cb(arg, &total);
        if (rc != 0) break;
    }
    db_reset(stmt);
    return rc;
}

/* --- is all of that true? ----------------------------------------------------------------------------- */

/* Rows in which the kept figures and the ones worked out anew differ, either way round. */
#define RECOUNT(key, table)                                                                                        \
    "WITH recount AS (SELECT " key ", place_id, COALESCE(purpose_id, 0) AS purpose_id,"                            \
    " CAST(SUM(people) AS BIGINT) AS people, CAST(SUM(CASE WHEN corrects_id IS NULL THEN 1 ELSE 0 END) AS BIGINT)" \
    " AS lines, CAST(SUM(CASE WHEN is_estimate = 1 THEN people ELSE 0 END) AS BIGINT) AS estimated FROM visit"     \
    " WHERE is_undone = 0 GROUP BY " key ", place_id, COALESCE(purpose_id, 0)),"                                   \
    " kept AS (SELECT " key ", place_id, purpose_id, people, lines, estimated FROM " table                         \
    " WHERE people <> 0 OR lines <> 0 OR estimated <> 0),"                                                         \
    " counted AS (SELECT * FROM recount WHERE people <> 0 OR lines <> 0 OR estimated <> 0)"                        \
    " SELECT day, place_id, purpose_id FROM (SELECT * FROM (SELECT * FROM kept EXCEPT SELECT * FROM counted) AS a" \
    " UNION ALL SELECT * FROM (SELECT * FROM counted EXCEPT SELECT * FROM kept) AS b) AS d ORDER BY day LIMIT 1"

static const char SQL_VERIFY_DAY[] = RECOUNT("day", "visit_day");
static const char SQL_VERIFY_SLOT[] = RECOUNT("day, slot", "visit_slot");

static int verify_one(struct db *db, const char *sql, const char *table, char **complaint)
{
    struct db_stmt *stmt = db_stmt(db, sql);
    int rc = db_step(stmt);
    if (rc == DB_ROW) {
        char text[160];
        snprintf(text, sizeof text, "%s: day %lld, place %lld, purpose %lld does not equal its lines", table,
                 (long long)db_col_i64(stmt, 0), (long long)db_col_i64(stmt, 1), (long long)db_col_i64(stmt, 2));
        *complaint = strdup(text);
        rc = MDG_ERR_CORRUPT;
    }
    db_reset(stmt);
    return rc;
}

int visit_verify(struct db *db, char **complaint)
{
    *complaint = NULL;
    int rc = verify_one(db, SQL_VERIFY_DAY, "visit_day", complaint);
    if (rc == 0) rc = verify_one(db, SQL_VERIFY_SLOT, "visit_slot", complaint);
    return rc;
}

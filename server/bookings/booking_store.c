#include "server/bookings/booking_store.h"

#include <stdio.h>
#include <string.h>

#include "common/day.h"
#include "common/error.h"
#include "server/store/db.h"

#define BOOKING_COLUMNS                                                                                        \
    "b.id, b.room_id, COALESCE(b.group_id, 0), b.applicant, b.title, b.start_us, b.end_us, b.people, b.state," \
    " b.is_public, b.is_record, b.has_moved, b.lapse_day, b.reason, b.person_id, b.changed_us, b.rev"

static void booking_read(struct db_stmt *stmt, struct booking *b)
{
    *b = (struct booking){.id = db_col_i64(stmt, 0),
                          .room_id = db_col_i64(stmt, 1),
                          .group_id = db_col_i64(stmt, 2),
                          .start_us = db_col_i64(stmt, 5),
                          .end_us = db_col_i64(stmt, 6),
                          .people = (int32_t)db_col_i64(stmt, 7),
                          .state = (enum booking_state)db_col_i64(stmt, 8),
                          .is_public = db_col_i64(stmt, 9) != 0,
                          .is_record = db_col_i64(stmt, 10) != 0,
                          .has_moved = db_col_i64(stmt, 11) != 0,
                          .lapse_day = (int32_t)db_col_i64(stmt, 12),
                          .person_id = db_col_i64(stmt, 14),
                          .changed_us = db_col_i64(stmt, 15),
                          .rev = db_col_i64(stmt, 16)};
    snprintf(b->applicant, sizeof b->applicant, "%s", db_col_text(stmt, 3));
    snprintf(b->title, sizeof b->title, "%s", db_col_text(stmt, 4));
    snprintf(b->reason, sizeof b->reason, "%s", db_col_text(stmt, 13));
}

/* --- writing ------------------------------------------------------------------------------------------ */

static const char SQL_INSERT[] =
    "INSERT INTO booking (id, room_id, group_id, applicant, title, start_us, end_us, last_day, people, state, is_live,"
    " is_public, is_record, has_moved, lapse_day, reason, person_id, changed_us, rev)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";
static const char SQL_UPDATE[] =
    "UPDATE booking SET room_id = ?2, group_id = ?3, applicant = ?4, title = ?5, start_us = ?6, end_us = ?7,"
    " last_day = ?8, people = ?9, state = ?10, is_live = ?11, is_public = ?12, is_record = ?13, has_moved = ?14,"
    " lapse_day = ?15, reason = ?16, person_id = ?17, changed_us = ?18, rev = ?19 WHERE id = ?1";

static int booking_put(struct db_stmt *put, const struct booking *b)
{
    db_bind_i64(put, 1, b->id);
    db_bind_i64(put, 2, b->room_id);
    if (b->group_id != 0)
        db_bind_i64(put, 3, b->group_id);
    else
        db_bind_null(put, 3);
    db_bind_text(put, 4, b->applicant);
    db_bind_text(put, 5, b->title);
    db_bind_i64(put, 6, b->start_us);
    db_bind_i64(put, 7, b->end_us);
    db_bind_i64(put, 8, booking_last_day(b->end_us));
    db_bind_i64(put, 9, b->people);
    db_bind_i64(put, 10, b->state);
    db_bind_i64(put, 11, booking_state_is_live(b->state));
    db_bind_i64(put, 12, b->is_public);
    db_bind_i64(put, 13, b->is_record);
    db_bind_i64(put, 14, b->has_moved);
    db_bind_i64(put, 15, b->lapse_day);
    db_bind_text(put, 16, b->reason);
    db_bind_i64(put, 17, b->person_id);
    db_bind_i64(put, 18, b->changed_us);
    db_bind_i64(put, 19, b->rev);
    return db_run(put);
}

int booking_insert(struct turn *turn, const struct booking *b)
{
    return booking_put(db_stmt(turn->db, SQL_INSERT), b);
}

int booking_update(struct turn *turn, const struct booking *b)
{
    return booking_put(db_stmt(turn->db, SQL_UPDATE), b);
}

/* --- one ---------------------------------------------------------------------------------------------- */

static int one_booking(struct db_stmt *stmt, struct booking *b)
{
    int rc = db_step(stmt);
    if (rc == DB_ROW) booking_read(stmt, b);
    db_reset(stmt);
    return rc == DB_ROW ? 0 : rc == 0 ? MDG_ERR_NOT_FOUND : rc;
}

static const char SQL_GET[] = "SELECT " BOOKING_COLUMNS " FROM booking b WHERE b.id = ?1"
                              " AND (?2 = 0 OR b.group_id = ?2) AND (?3 = 0 OR b.room_id = ?3)";

int booking_get(struct db *db, int64_t id, const struct booking_scope *scope, struct booking *b)
{
    struct db_stmt *get = db_stmt(db, SQL_GET);
    db_bind_i64(get, 1, id);
    db_bind_i64(get, 2, scope->group_id);
    db_bind_i64(get, 3, scope->room_id);
    return one_booking(get, b);
}

/* Live bookings of a room are disjoint: only the last one to start before our end can reach into us. */
static const char SQL_CLASH[] =
    "SELECT " BOOKING_COLUMNS
    " FROM booking b WHERE b.room_id = ?1 AND b.is_live = 1 AND b.start_us < ?2 AND b.id <> ?3"
    " ORDER BY b.start_us DESC LIMIT 1";

int booking_clash(struct db *db, int64_t room_id, int64_t start_us, int64_t end_us, int64_t except_id,
                  struct booking *b)
{
    struct db_stmt *clash = db_stmt(db, SQL_CLASH);
    db_bind_i64(clash, 1, room_id);
    db_bind_i64(clash, 2, end_us);
    db_bind_i64(clash, 3, except_id);
    int rc = db_step(clash);
    bool is_clash = rc == DB_ROW && db_col_i64(clash, 6) > start_us;
    if (is_clash) booking_read(clash, b);
    db_reset(clash);
    return is_clash ? 0 : rc < 0 ? rc : MDG_ERR_NOT_FOUND;
}

/* --- many --------------------------------------------------------------------------------------------- */

/* Hands rows to cb until there are no more, limit are given, or cb refuses. */
static int each_booking(struct db_stmt *stmt, int limit, booking_each_cb *cb, void *arg, bool *more)
{
    int rc, given = 0;
    *more = false;
    while ((rc = db_step(stmt)) == DB_ROW) {
        struct booking b;
        if (given++ == limit) {
            *more = true;
            rc = 0;
            break;
        }
        booking_read(stmt, &b);
        rc = cb(arg, &b);
        if (rc != 0) break;
    }
    db_reset(stmt);
    return rc;
}

#define NO_LIMIT (-1)

/* Live ones of a room that touch the span begin with the last one to start before it: another probe, not the past. */
#define TOUCHING(room)                                                                                                 \
    "b.is_live = 1 AND b.start_us < ?2 AND b.end_us > ?1 AND b.start_us >= COALESCE((SELECT p.start_us FROM booking p" \
    " WHERE p.room_id = " room " AND p.is_live = 1 AND p.start_us <= ?1 ORDER BY p.start_us DESC LIMIT 1), ?1)"

/* CROSS JOIN: the rooms come first, or the engine walks all bookings there ever were. */
#define OF_ROOMS " FROM room r CROSS JOIN booking b WHERE b.room_id = r.id AND "

static const char SQL_ROOM_BETWEEN[] =
    "SELECT " BOOKING_COLUMNS " FROM booking b WHERE b.room_id = ?3 AND " TOUCHING("?3") " ORDER BY b.start_us, b.id";
static const char SQL_BETWEEN[] = "SELECT " BOOKING_COLUMNS OF_ROOMS TOUCHING("r.id") " ORDER BY b.start_us, b.id";

int booking_each_between(struct db *db, int64_t from_us, int64_t to_us, int64_t room_id, booking_each_cb *cb, void *arg)
{
    bool more;
    struct db_stmt *each = db_stmt(db, room_id ? SQL_ROOM_BETWEEN : SQL_BETWEEN);
    db_bind_i64(each, 1, from_us);
    db_bind_i64(each, 2, to_us);
    if (room_id) db_bind_i64(each, 3, room_id);
    return each_booking(each, NO_LIMIT, cb, arg, &more);
}

/* ?3 room, ?4 group, (?5, ?6) the line after which to go on. */
#define WANTED " AND (?3 = 0 OR r.id = ?3) AND (?4 = 0 OR b.group_id = ?4) AND (b.start_us, b.id) > (?5, ?6)"

static const char SQL_PAGE[] =
    "SELECT " BOOKING_COLUMNS OF_ROOMS TOUCHING("r.id") WANTED " ORDER BY b.start_us, b.id LIMIT ?7";
/* What takes nothing may overlap, so no probe: none is longer than ?8. */
static const char SQL_PAGE_ENDED[] = "SELECT * FROM (SELECT " BOOKING_COLUMNS OF_ROOMS TOUCHING("r.id") WANTED
    " UNION ALL SELECT " BOOKING_COLUMNS OF_ROOMS
    "b.is_live = 0 AND b.start_us < ?2 AND b.end_us > ?1 AND b.start_us > ?1 - ?8" WANTED
    ") AS t ORDER BY start_us, id LIMIT ?7";

int booking_each_page(struct db *db, const struct booking_page *page, booking_each_cb *cb, void *arg, bool *more)
{
    struct db_stmt *each = db_stmt(db, page->with_ended ? SQL_PAGE_ENDED : SQL_PAGE);
    db_bind_i64(each, 1, page->from_us);
    db_bind_i64(each, 2, page->to_us);
    db_bind_i64(each, 3, page->scope.room_id);
    db_bind_i64(each, 4, page->scope.group_id);
    db_bind_i64(each, 5, page->after_us);
    db_bind_i64(each, 6, page->after_id);
    db_bind_i64(each, 7, page->limit + 1);
    if (page->with_ended) db_bind_i64(each, 8, BOOKING_LONGEST_MINUTES_MAX * US_PER_MINUTE);
    return each_booking(each, page->limit, cb, arg, more);
}

static const char SQL_CHANGED[] = "SELECT " BOOKING_COLUMNS " FROM booking b WHERE b.rev > ?1 AND b.last_day >= ?2"
                                  " AND (?3 = 0 OR b.room_id = ?3 OR b.has_moved = 1) ORDER BY b.rev LIMIT ?4";

int booking_each_changed(struct db *db, int32_t from_day, int64_t since_rev, int64_t room_id, int limit,
                         booking_each_cb *cb, void *arg)
{
    bool more;
    struct db_stmt *changed = db_stmt(db, SQL_CHANGED);
    db_bind_i64(changed, 1, since_rev);
    db_bind_i64(changed, 2, from_day);
    db_bind_i64(changed, 3, room_id);
    db_bind_i64(changed, 4, limit);
    return each_booking(changed, limit, cb, arg, &more);
}

static const char SQL_DUE[] =
    "SELECT " BOOKING_COLUMNS
    " FROM booking b WHERE b.state = 1 AND b.lapse_day < ?1 ORDER BY b.lapse_day, b.id LIMIT ?2";

int booking_each_due(struct db *db, int32_t today, int limit, booking_each_cb *cb, void *arg)
{
    bool more;
    struct db_stmt *due = db_stmt(db, SQL_DUE);
    db_bind_i64(due, 1, today);
    db_bind_i64(due, 2, limit);
    return each_booking(due, limit, cb, arg, &more);
}

/* --- what the centre decided -------------------------------------------------------------------------- */

static const char SQL_LIMITS[] =
    "SELECT longest_minutes, ahead_days, hold_days, rev FROM booking_limits WHERE only_row = 1";

int booking_limits_read(struct db *db, struct booking_limits *limits)
{
    struct db_stmt *read = db_stmt(db, SQL_LIMITS);
    int rc = db_step(read);
    *limits = BOOKING_LIMITS_DEFAULT;
    if (rc == DB_ROW) {
        *limits = (struct booking_limits){.longest_minutes = (int32_t)db_col_i64(read, 0),
                                          .ahead_days = (int32_t)db_col_i64(read, 1),
                                          .hold_days = (int32_t)db_col_i64(read, 2),
                                          .rev = db_col_i64(read, 3)};
        rc = 0;
    }
    db_reset(read);
    return rc;
}

static const char SQL_LIMITS_PUT[] =
    "INSERT INTO booking_limits (only_row, longest_minutes, ahead_days, hold_days, rev) VALUES (1, ?1, ?2, ?3, ?4)"
    " ON CONFLICT (only_row) DO UPDATE SET longest_minutes = excluded.longest_minutes,"
    " ahead_days = excluded.ahead_days, hold_days = excluded.hold_days, rev = excluded.rev";

int booking_limits_put(struct turn *turn, const struct booking_limits *limits)
{
    struct db_stmt *put = db_stmt(turn->db, SQL_LIMITS_PUT);
    db_bind_i64(put, 1, limits->longest_minutes);
    db_bind_i64(put, 2, limits->ahead_days);
    db_bind_i64(put, 3, limits->hold_days);
    db_bind_i64(put, 4, limits->rev);
    return db_run(put);
}

/* --- is all of that true? ----------------------------------------------------------------------------- */

/* If any two overlap, two neighbours do. */
static const char SQL_VERIFY[] =
    "SELECT id, before_id FROM (SELECT id, start_us, LAG(id) OVER w AS before_id, LAG(end_us) OVER w AS before_us"
    " FROM booking WHERE is_live = 1 WINDOW w AS (PARTITION BY room_id ORDER BY start_us, id)) AS t"
    " WHERE before_us > start_us ORDER BY id LIMIT 1";

int booking_verify(struct db *db, char **complaint)
{
    struct db_stmt *verify = db_stmt(db, SQL_VERIFY);
    *complaint = NULL;
    int rc = db_step(verify);
    if (rc == DB_ROW) {
        char text[120];
        snprintf(text, sizeof text, "booking: %lld and %lld take the same room at the same time",
                 (long long)db_col_i64(verify, 1), (long long)db_col_i64(verify, 0));
        *complaint = strdup(text);
        rc = MDG_ERR_CORRUPT;
    }
    db_reset(verify);
    return rc;
}

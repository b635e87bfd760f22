#include "server/consultations/consultation_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "server/store/db.h"

#define CASE_COLUMNS                                                                                      \
    "id, fiscal_year, number, opened_us, opened_day, channel, client, group_id, topic, people, owner_id," \
    " follow_up_day, outcome, referral, closed_us, erase_day, is_erased, minutes, entries, rev"

static void case_read(struct db_stmt *stmt, struct consultation *c)
{
    *c = (struct consultation){.id = db_col_i64(stmt, 0),
                               .fiscal_year = (int32_t)db_col_i64(stmt, 1),
                               .number = (int32_t)db_col_i64(stmt, 2),
                               .opened_us = db_col_i64(stmt, 3),
                               .opened_day = (int32_t)db_col_i64(stmt, 4),
                               .channel = (int)db_col_i64(stmt, 5),
                               .client = (int)db_col_i64(stmt, 6),
                               .group_id = db_col_i64(stmt, 7),
                               .people = (int32_t)db_col_i64(stmt, 9),
                               .owner_id = db_col_i64(stmt, 10),
                               .follow_up_day = (int32_t)db_col_i64(stmt, 11),
                               .outcome = (int)db_col_i64(stmt, 12),
                               .closed_us = db_col_i64(stmt, 14),
                               .erase_day = (int32_t)db_col_i64(stmt, 15),
                               .is_erased = db_col_i64(stmt, 16) != 0,
                               .minutes = (int32_t)db_col_i64(stmt, 17),
                               .entries = (int32_t)db_col_i64(stmt, 18),
                               .rev = db_col_i64(stmt, 19)};
    snprintf(c->topic, sizeof c->topic, "%s", db_col_text(stmt, 8));
    snprintf(c->referral, sizeof c->referral, "%s", db_col_text(stmt, 13));
}

static int one_case(struct db_stmt *stmt, struct consultation *c)
{
    int rc = db_step(stmt);
    if (rc == DB_ROW) case_read(stmt, c);
    db_reset(stmt);
    return rc == DB_ROW ? 0 : rc == 0 ? MDG_ERR_NOT_FOUND : rc;
}

static int each_case(struct db_stmt *stmt, consultation_cb *cb, void *arg)
{
    int rc;
    while ((rc = db_step(stmt)) == DB_ROW) {
        struct consultation c;
        case_read(stmt, &c);
        rc = cb(arg, &c);
        if (rc != 0) break;
    }
    db_reset(stmt);
    return rc;
}

static const char SQL_INSERT[] =
    "INSERT INTO consultation (id, fiscal_year, number, opened_us, opened_day, channel, client, group_id, topic, "
    "people,"
    " owner_id, follow_up_day, outcome, referral, closed_us, erase_day, is_erased, minutes, entries, rev)"
    " VALUES (?1, ?2, (SELECT COALESCE(MAX(number), 0) + 1 FROM consultation WHERE fiscal_year = ?2), ?3, ?4, ?5, ?6,"
    " ?7, ?8, ?9, ?10, ?11, 0, '', 0, 0, 0, 0, 0, ?12) RETURNING number";

int consultation_insert(struct turn *turn, struct consultation *c)
{
    struct db_stmt *insert = db_stmt(turn->db, SQL_INSERT);
    db_bind_i64(insert, 1, c->id);
    db_bind_i64(insert, 2, c->fiscal_year);
    db_bind_i64(insert, 3, c->opened_us);
    db_bind_i64(insert, 4, c->opened_day);
    db_bind_i64(insert, 5, c->channel);
    db_bind_i64(insert, 6, c->client);
    db_bind_i64(insert, 7, c->group_id);
    db_bind_text(insert, 8, c->topic);
    db_bind_i64(insert, 9, c->people);
    db_bind_i64(insert, 10, c->owner_id);
    db_bind_i64(insert, 11, c->follow_up_day);
    db_bind_i64(insert, 12, c->rev);
    int rc = db_step(insert);
    if (rc == DB_ROW) {
        c->number = (int32_t)db_col_i64(insert, 0);
        rc = db_step(insert);
    }
    db_reset(insert);
    return rc;
}

static const char SQL_UPDATE[] =
    "UPDATE consultation SET owner_id = ?2, follow_up_day = ?3, outcome = ?4, referral = ?5, closed_us = ?6,"
    " erase_day = ?7, minutes = ?8, entries = ?9, rev = ?10 WHERE id = ?1";

int consultation_update(struct turn *turn, const struct consultation *c)
{
    struct db_stmt *update = db_stmt(turn->db, SQL_UPDATE);
    db_bind_i64(update, 1, c->id);
    db_bind_i64(update, 2, c->owner_id);
    db_bind_i64(update, 3, c->follow_up_day);
    db_bind_i64(update, 4, c->outcome);
    db_bind_text(update, 5, c->referral);
    db_bind_i64(update, 6, c->closed_us);
    db_bind_i64(update, 7, c->erase_day);
    db_bind_i64(update, 8, c->minutes);
    db_bind_i64(update, 9, c->entries);
    db_bind_i64(update, 10, c->rev);
    return db_run(update);
}

static const char SQL_GET[] = "SELECT " CASE_COLUMNS " FROM consultation WHERE id = ?1 AND (?2 = 0 OR owner_id = ?2)";

int consultation_get(struct db *db, int64_t id, int64_t owner_id, struct consultation *c)
{
    struct db_stmt *get = db_stmt(db, SQL_GET);
    db_bind_i64(get, 1, id);
    db_bind_i64(get, 2, owner_id);
    return one_case(get, c);
}

static const char SQL_BY_NUMBER[] = "SELECT " CASE_COLUMNS " FROM consultation WHERE fiscal_year = ?1 AND number = ?2";

int consultation_by_number(struct db *db, int32_t fiscal_year, int32_t number, struct consultation *c)
{
    struct db_stmt *get = db_stmt(db, SQL_BY_NUMBER);
    db_bind_i64(get, 1, fiscal_year);
    db_bind_i64(get, 2, number);
    return one_case(get, c);
}

#define FILTER                                                                                         \
    " AND (?2 = 0 OR owner_id = ?2) AND (?3 = 0 OR opened_day >= ?3) AND (?4 = 0 OR opened_day <= ?4)" \
    " ORDER BY id DESC"
static const char SQL_EACH[] = "SELECT " CASE_COLUMNS " FROM consultation WHERE id < ?1" FILTER;
static const char SQL_EACH_OPEN[] = "SELECT " CASE_COLUMNS " FROM consultation WHERE closed_us = 0 AND id < ?1" FILTER;

int consultation_each(struct db *db, const struct consultation_filter *filter, consultation_cb *cb, void *arg)
{
    struct db_stmt *each = db_stmt(db, filter->with_closed ? SQL_EACH : SQL_EACH_OPEN);
    db_bind_i64(each, 1, filter->before_id ? filter->before_id : INT64_MAX);
    db_bind_i64(each, 2, filter->owner_id);
    db_bind_i64(each, 3, filter->from_day);
    db_bind_i64(each, 4, filter->to_day);
    return each_case(each, cb, arg);
}

static const char SQL_CHANGED[] = "SELECT " CASE_COLUMNS " FROM consultation WHERE rev > ?1"
                                  " AND (?1 > 0 OR closed_us = 0) ORDER BY rev LIMIT ?2";

int consultation_each_changed(struct db *db, int64_t since_rev, int limit, consultation_cb *cb, void *arg)
{
    struct db_stmt *each = db_stmt(db, SQL_CHANGED);
    db_bind_i64(each, 1, since_rev);
    db_bind_i64(each, 2, limit);
    return each_case(each, cb, arg);
}

static const char SQL_DUE[] = "SELECT " CASE_COLUMNS " FROM consultation"
                              " WHERE erase_day <> 0 AND is_erased = 0 AND erase_day <= ?1 ORDER BY erase_day LIMIT ?2";

int consultation_each_due(struct db *db, int32_t day, int limit, consultation_cb *cb, void *arg)
{
    struct db_stmt *each = db_stmt(db, SQL_DUE);
    db_bind_i64(each, 1, day);
    db_bind_i64(each, 2, limit);
    return each_case(each, cb, arg);
}

static const char SQL_ERASE[] = "UPDATE consultation SET is_erased = 1, group_id = 0, referral = '', follow_up_day = 0,"
                                " rev = ?2 WHERE id = ?1";
static const char SQL_ERASE_ENTRIES[] =
    "UPDATE consultation_entry SET content = NULL, person_id = 0, terminal_id = 0 WHERE case_id = ?1";
static const char SQL_LEDGER[] = "INSERT INTO consultation_erasure (case_id, erased_us) VALUES (?1, ?2)"
                                 " ON CONFLICT (case_id) DO NOTHING";

int consultation_erase(struct turn *turn, int64_t case_id, int64_t now_us, int64_t rev)
{
    struct db_stmt *erase = db_stmt(turn->db, SQL_ERASE);
    db_bind_i64(erase, 1, case_id);
    db_bind_i64(erase, 2, rev);
    int rc = db_run(erase);
    if (rc != 0) return rc;
    struct db_stmt *entries = db_stmt(turn->db, SQL_ERASE_ENTRIES);
    db_bind_i64(entries, 1, case_id);
    rc = db_run(entries);
    if (rc != 0) return rc;
    struct db_stmt *ledger = db_stmt(turn->db, SQL_LEDGER);
    db_bind_i64(ledger, 1, case_id);
    db_bind_i64(ledger, 2, now_us);
    return db_run(ledger);
}

/* --- notices ------------------------------------------------------------------------------------------ */

static const char SQL_NOTICE[] =
    "INSERT INTO consultation_notice (id, case_id, owner_id, reader_id, at_us, day, reason,"
    " rev) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

int consultation_notice_insert(struct turn *turn, const struct consultation_notice *notice)
{
    struct db_stmt *insert = db_stmt(turn->db, SQL_NOTICE);
    db_bind_i64(insert, 1, notice->id);
    db_bind_i64(insert, 2, notice->case_id);
    db_bind_i64(insert, 3, notice->owner_id);
    db_bind_i64(insert, 4, notice->reader_id);
    db_bind_i64(insert, 5, notice->at_us);
    db_bind_i64(insert, 6, notice->day);
    db_bind_text(insert, 7, notice->reason);
    db_bind_i64(insert, 8, notice->rev);
    return db_run(insert);
}

static const char SQL_NOTICES[] = "SELECT id, case_id, owner_id, reader_id, at_us, day, reason, rev"
                                  " FROM consultation_notice WHERE day >= ?1 AND rev > ?2 ORDER BY rev LIMIT ?3";

int consultation_notice_each_changed(struct db *db, int32_t from_day, int64_t since_rev, int limit,
                                     consultation_notice_cb *cb, void *arg)
{
    struct db_stmt *each = db_stmt(db, SQL_NOTICES);
    db_bind_i64(each, 1, from_day);
    db_bind_i64(each, 2, since_rev);
    db_bind_i64(each, 3, limit);
    int rc;
    while ((rc = db_step(each)) == DB_ROW) {
        struct consultation_notice notice = {.id = db_col_i64(each, 0),
                                             .case_id = db_col_i64(each, 1),
                                             .owner_id = db_col_i64(each, 2),
                                             .reader_id = db_col_i64(each, 3),
                                             .at_us = db_col_i64(each, 4),
                                             .day = (int32_t)db_col_i64(each, 5),
                                             .rev = db_col_i64(each, 7)};
        snprintf(notice.reason, sizeof notice.reason, "%s", db_col_text(each, 6));
        rc = cb(arg, &notice);
        if (rc != 0) break;
    }
    db_reset(each);
    return rc;
}

/* --- verifying ---------------------------------------------------------------------------------------- */

static const char SQL_SUMS[] =
    "SELECT c.fiscal_year, c.number FROM consultation c"
    " LEFT JOIN (SELECT case_id, COUNT(*) AS entries, SUM(minutes) AS minutes FROM consultation_entry GROUP BY "
    "case_id) e"
    " ON e.case_id = c.id WHERE c.entries <> COALESCE(e.entries, 0) OR c.minutes <> COALESCE(e.minutes, 0) LIMIT 1";
static const char SQL_KEYS[] =
    "SELECT c.fiscal_year, c.number FROM consultation c JOIN consultation_entry e ON e.case_id = c.id"
    " WHERE (e.content IS NULL AND c.is_erased = 0) OR (e.content IS NOT NULL AND c.is_erased = 1)"
    " OR (e.content IS NOT NULL AND (c.closed_us = 0) <> (e.key_name = 'open')) LIMIT 1";

static int complain_first(struct db *db, const char *sql, const char *what, char **complaint)
{
    char text[128];
    struct db_stmt *stmt = db_stmt(db, sql);
    int rc = db_step(stmt);
    if (rc == DB_ROW) {
        snprintf(text, sizeof text, "case %d-%d: %s", (int)db_col_i64(stmt, 0), (int)db_col_i64(stmt, 1), what);
        *complaint = strdup(text);
        rc = MDG_ERR_CORRUPT;
    }
    db_reset(stmt);
    return rc;
}

int consultation_verify(struct db *db, char **complaint)
{
    int rc = complain_first(db, SQL_SUMS, "its entries do not add up", complaint);
    return rc == 0 ? complain_first(db, SQL_KEYS, "an entry lies under the wrong key", complaint) : rc;
}

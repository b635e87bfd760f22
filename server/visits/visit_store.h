/* server/visits/visit_store.h - visits in the shared database. Writing on the writer thread only.
 * Functions return 0 or a negative MDG_ERR_* code. */
#ifndef MADOGUCHI_VISITS_VISIT_STORE_H
#define MADOGUCHI_VISITS_VISIT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/store/audit.h"
#include "server/store/turn.h"

struct db;

struct visit {
    int64_t id;
    int32_t day;
    int slot;
    int64_t at_us, received_us;
    int64_t place_id;
    int64_t purpose_id; /* 0: looked, nobody there */
    int32_t people;     /* negative only in corrections */
    bool is_estimate, is_undone;
    int64_t corrects_id;
    char reason[201];
    int64_t terminal_id, person_id;
    uint8_t count_key[REQUEST_KEY_BYTES];
    int64_t rev;
};

/* Stores *v (id and rev given by the caller) and adds it to its day and half hour; day_rev is the day total's rev. */
int visit_insert(struct turn *turn, const struct visit *v, int64_t day_rev);
/* Takes it out of the figures; it stays, marked. */
int visit_undo(struct turn *turn, const struct visit *v, int64_t rev, int64_t day_rev);
/* MDG_ERR_NOT_FOUND. */
int visit_get(struct db *db, int64_t id, struct visit *v);
/* The people of the line with its corrections added. */
int visit_people_now(struct db *db, int64_t id, int64_t *people);
/* The visit of the accepted count with this key at this terminal. MDG_ERR_NOT_FOUND. */
int visit_find_count(struct db *db, const uint8_t key[REQUEST_KEY_BYTES], int64_t terminal_id, struct visit *v);

/* Lines of [from_us, to_us) after (after_us, after_id), oldest first; *more: there are more than limit. */
typedef int visit_each_cb(void *arg, const struct visit *v);
int visit_each(struct db *db, int64_t from_us, int64_t to_us, int64_t after_us, int64_t after_id, int limit,
               visit_each_cb *cb, void *arg, bool *more);
/* Lines of the day and the next with rev > since_rev, in rising rev, undone ones too. */
int visit_each_changed(struct db *db, int32_t today, int64_t since_rev, int limit, visit_each_cb *cb, void *arg);

struct visit_total {
    int64_t id, rev; /* of the day's row; 0 in coarser or finer steps */
    int32_t day;
    int slot;
    int64_t place_id, purpose_id;
    int64_t people, lines, estimated;
};
typedef int visit_total_cb(void *arg, const struct visit_total *total);
enum visit_step { VISIT_BY_MONTH = 1, VISIT_BY_DAY, VISIT_BY_HOUR, VISIT_BY_HALF_HOUR };
/* Totals of from_day to to_day after the key (day, slot, place, purpose) of *after, in that order. */
int visit_totals(struct db *db, enum visit_step step, int32_t from_day, int32_t to_day, const struct visit_total *after,
                 int limit, visit_total_cb *cb, void *arg, bool *more);
int visit_days_changed(struct db *db, int32_t from_day, int64_t since_rev, int limit, visit_total_cb *cb, void *arg);

struct visit_place {
    int64_t id, place_id; /* place_id: of a purpose, else 0 */
    char name[101];
    int32_t position;
    bool is_retired;
    int64_t rev;
};
/* MDG_ERR_NOT_FOUND. is_purpose chooses the table; both have the same shape. */
int visit_place_get(struct db *db, bool is_purpose, int64_t id, struct visit_place *place);
/* New when is_new. MDG_ERR_CONFLICT: the name is taken there. */
int visit_place_put(struct turn *turn, bool is_purpose, const struct visit_place *place, bool is_new);
typedef int visit_place_cb(void *arg, const struct visit_place *place);
int visit_places_changed(struct db *db, bool is_purpose, int64_t since_rev, int limit, visit_place_cb *cb, void *arg);

int visit_month_is_closed(struct db *db, int32_t month, bool *is_closed);
int visit_month_close(struct turn *turn, int32_t month, int64_t person_id, int64_t now_us, int64_t rev);
/* MDG_ERR_NOT_FOUND: it is not closed. */
int visit_month_reopen(struct turn *turn, int32_t month);

/* Recomputes day and half-hour totals from the lines. MDG_ERR_CORRUPT and the first difference in words. */
int visit_verify(struct db *db, char **complaint);

#endif

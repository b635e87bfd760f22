/* server/hours/hours_store.h - opening hours, closed days and the imported holidays in the shared database. Writing on
 * the writer thread only. Functions return 0 or a negative MDG_ERR_* code. */
#ifndef MADOGUCHI_HOURS_HOURS_STORE_H
#define MADOGUCHI_HOURS_HOURS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/hours/hours_rules.h"
#include "server/store/turn.h"

struct db;

#define HOLIDAY_NAME_BYTES_MAX 63
#define CLOSED_REASON_BYTES_MAX 120

/* A day as it comes out of hours, holidays and closed days. */
struct hours_day {
    bool is_open;
    int open_minute, close_minute; /* [open, close) of the local day; both 0 when closed */
    char holiday[HOLIDAY_NAME_BYTES_MAX + 1];
    char closed_reason[CLOSED_REASON_BYTES_MAX + 1]; /* not empty: one of the centre's closed days */
};
int hours_of_day(struct db *db, int32_t day, struct hours_day *out);

/* The imported list decides the years it holds; others follow the law's rules. name "": no holiday. */
int holiday_on(struct db *db, int32_t day, char name[HOLIDAY_NAME_BYTES_MAX + 1]);

struct opening_hours {
    int64_t id;
    int32_t from_day;
    int spans_count;
    struct open_span spans[OPEN_SPANS_MAX];
    bool is_removed;
    int64_t rev;
};
/* MDG_ERR_NOT_FOUND: none, or taken back. */
int opening_hours_get(struct db *db, int64_t id, struct opening_hours *hours);
/* New when is_new. MDG_ERR_CONFLICT: another set begins on that day. */
int opening_hours_put(struct turn *turn, const struct opening_hours *hours, bool is_new);
/* The set that begins on that day. MDG_ERR_NOT_FOUND. */
int opening_hours_from(struct db *db, int32_t day, struct opening_hours *hours);
typedef int opening_hours_cb(void *arg, const struct opening_hours *hours);
/* rev > since_rev in rising rev, taken back ones too. */
int opening_hours_changed(struct db *db, int64_t since_rev, int limit, opening_hours_cb *cb, void *arg);

struct closed_day {
    int64_t id;
    int32_t from_day, to_day; /* inclusive */
    char reason[CLOSED_REASON_BYTES_MAX + 1];
    bool is_removed;
    int64_t rev;
};
/* As with opening hours. */
int closed_day_get(struct db *db, int64_t id, struct closed_day *closed);
int closed_day_put(struct turn *turn, const struct closed_day *closed, bool is_new);
/* Another one than *closed that shares a day with it. MDG_ERR_NOT_FOUND. */
int closed_day_clash(struct db *db, const struct closed_day *closed, struct closed_day *other);
typedef int closed_day_cb(void *arg, const struct closed_day *closed);
int closed_day_changed(struct db *db, int32_t from_day, int64_t since_rev, int limit, closed_day_cb *cb, void *arg);

struct holiday {
    int32_t day;
    char name[HOLIDAY_NAME_BYTES_MAX + 1];
    bool is_removed;
    int64_t rev;
};
typedef int holiday_cb(void *arg, const struct holiday *holiday);
/* Of the imported list from from_day to to_day, by day. */
int holiday_each(struct db *db, int32_t from_day, int32_t to_day, holiday_cb *cb, void *arg);
int holiday_changed(struct db *db, int32_t from_day, int64_t since_rev, int limit, holiday_cb *cb, void *arg);
/* How many years the list holds. */
int holiday_years(struct db *db, int *years);
/* Sets or, with is_removed, takes back one day of it. */
int holiday_put(struct turn *turn, const struct holiday *holiday);

#endif

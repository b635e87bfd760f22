/* server/bookings/booking_store.h - bookings in the shared database. Writing on the writer thread only.
 * Functions return 0 or a negative MDG_ERR_* code. */
#ifndef MADOGUCHI_BOOKINGS_BOOKING_STORE_H
#define MADOGUCHI_BOOKINGS_BOOKING_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/bookings/booking_rules.h"
#include "server/store/turn.h"

struct db;

#define BOOKING_TITLE_BYTES_MAX 200
#define BOOKING_APPLICANT_BYTES_MAX 200
#define BOOKING_REASON_BYTES_MAX 200

struct booking {
    int64_t id;
    int64_t room_id;
    int64_t group_id; /* 0: applicant says who */
    char applicant[BOOKING_APPLICANT_BYTES_MAX + 1];
    char title[BOOKING_TITLE_BYTES_MAX + 1];
    int64_t start_us, end_us; /* the room is taken in [start_us, end_us) while the state is a live one */
    int32_t people;           /* 0: not said */
    enum booking_state state;
    bool is_public; /* the title may stand on the public board */
    bool is_record; /* keyed in afterwards */
    bool has_moved; /* it once was in another room */
    int32_t lapse_day;
    char reason[BOOKING_REASON_BYTES_MAX + 1];
    int64_t person_id; /* who last changed it; 0: the clock, or a door */
    int64_t changed_us;
    int64_t rev;
};

/* Whose bookings a caller means: part of every WHERE. */
struct booking_scope {
    int64_t group_id; /* 0: any */
    int64_t room_id;  /* 0: any */
};

/* MDG_ERR_CONFLICT: the room is taken for part of that time (booking_clash() says by what). */
int booking_insert(struct turn *turn, const struct booking *b);
int booking_update(struct turn *turn, const struct booking *b);
/* MDG_ERR_NOT_FOUND: absent, or outside the scope. */
int booking_get(struct db *db, int64_t id, const struct booking_scope *scope, struct booking *b);
/* The live booking of the room, other than except_id, that takes part of [start_us, end_us): of several the last to
 * start. MDG_ERR_NOT_FOUND: none. */
int booking_clash(struct db *db, int64_t room_id, int64_t start_us, int64_t end_us, int64_t except_id,
                  struct booking *b);

/* Not 0: stops, and is returned. */
typedef int booking_each_cb(void *arg, const struct booking *b);
/* Live bookings that take part of [from_us, to_us), by start and id; room_id 0: of all rooms. */
int booking_each_between(struct db *db, int64_t from_us, int64_t to_us, int64_t room_id, booking_each_cb *cb,
                         void *arg);
/* The same in pages: after (after_us, after_id), at most limit; with_ended: also those that take nothing any more. */
struct booking_page {
    int64_t from_us, to_us;
    struct booking_scope scope;
    bool with_ended;
    int64_t after_us, after_id;
    int limit;
};
int booking_each_page(struct db *db, const struct booking_page *page, booking_each_cb *cb, void *arg, bool *more);
/* rev > since_rev and last_day >= from_day, in rising rev. room_id not 0: of that room, and those that ever moved. */
int booking_each_changed(struct db *db, int32_t from_day, int64_t since_rev, int64_t room_id, int limit,
                         booking_each_cb *cb, void *arg);
/* Tentative ones whose day lies before today, at most limit. */
int booking_each_due(struct db *db, int32_t today, int limit, booking_each_cb *cb, void *arg);

/* What the centre decided, or BOOKING_LIMITS_DEFAULT. */
int booking_limits_read(struct db *db, struct booking_limits *limits);
int booking_limits_put(struct turn *turn, const struct booking_limits *limits);

/* No two live bookings of a room overlap. MDG_ERR_CORRUPT and the first pair in words. */
int booking_verify(struct db *db, char **complaint);

#endif

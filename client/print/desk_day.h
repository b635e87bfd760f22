/* client/print/desk_day.h - one day as the desk sees it: hours, rooms, who has which when, what waits for an answer,
 * the counts. Plain data, filled by whoever has the rows, and pure questions about it; printed by day_sheet.h. */
#ifndef MADOGUCHI_PRINT_DESK_DAY_H
#define MADOGUCHI_PRINT_DESK_DAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

/* Each has a pattern, a sign and a word, so that it survives a grey copy. */
enum desk_state {
    DESK_FREE,
    DESK_TENTATIVE,
    DESK_CONFIRMED,
    DESK_WAITING, /* confirmed and its time has begun, but nobody has come */
    DESK_IN_USE,
    DESK_ENDED,
    DESK_NO_SHOW,
    DESK_UNAVAILABLE,
    DESK_STATES_COUNT
};
const char *desk_state_sign(enum desk_state state); /* ○ △ ● ◐ ■ ✓ × */
const char *desk_state_word(enum desk_state state); /* translated */
const char *desk_state_name(enum desk_state state); /* for programs: "in_use" */

struct desk_booking {
    int64_t id, rev, room_id, group_id;
    int64_t start_us, end_us;
    const char *who, *purpose; /* never NULL; of a consultation neither name nor topic */
    int people;                /* 0: not said */
    enum desk_state state;     /* as recorded: tentative, confirmed, in use, ended, no show */
    int32_t lapse_day;
    bool is_consultation;
};

struct desk_room {
    int64_t id;
    const char *name;
    int position;
    bool is_always_open, is_retired;
};

struct desk_case { /* a consultation's next action; never what it is about */
    int64_t id, owner_id;
    int fiscal_year, number;
    int32_t follow_up_day;
    const char *owner; /* "" when not known here */
};

struct desk_count {
    int64_t place_id, purpose_id; /* purpose 0: looked, nobody there */
    const char *place, *purpose;
    int place_position, purpose_position;
    int64_t people, lines, estimated;
    bool is_offered; /* a purpose in use: it has a line on the tally sheet also while nobody was counted */
};

struct desk_hours {
    bool is_known; /* opening hours are set */
    bool is_open;
    int open_minute, close_minute;
    const char *holiday, *closed_reason; /* never NULL */
};

struct desk_day {
    struct arena arena; /* holds the texts and arrays */
    int32_t day;
    int64_t from_us, to_us; /* the local day */
    struct desk_hours hours;
    struct desk_room *rooms; /* by position */
    size_t rooms_count;
    struct desk_booking *bookings; /* of the day: by room as above, then start */
    size_t bookings_count;
    struct desk_booking *pending; /* tentative ones from this day on, by start */
    size_t pending_count;
    struct desk_case *cases; /* follow-ups due this day or before it, by day */
    size_t cases_count;
    struct desk_count *counts; /* by place and purpose */
    size_t counts_count;
};

void desk_day_init(struct desk_day *day, int32_t local_day);
void desk_day_fini(struct desk_day *day);

/* Adding what was found, in any order; texts are copied. 0 or MDG_ERR_MEMORY. desk_day_finish() puts all in order. */
int desk_day_add_room(struct desk_day *day, const struct desk_room *room);
int desk_day_add_booking(struct desk_day *day, const struct desk_booking *booking); /* also takes up what is pending */
int desk_day_add_case(struct desk_day *day, const struct desk_case *found);
int desk_day_add_count(struct desk_day *day, const struct desk_count *count);
void desk_day_finish(struct desk_day *day);

/* --- questions ---------------------------------------------------------------------------------------- */

/* What the state is called at that moment. */
enum desk_state desk_booking_state(const struct desk_booking *booking, int64_t now_us);
/* Who has the room: whoever uses it, also past the booked time; else whose time it is. NULL: it is free. */
const struct desk_booking *desk_room_now(const struct desk_day *day, int64_t room_id, int64_t now_us);
/* Who has it after that. NULL: nobody this day. */
const struct desk_booking *desk_room_next(const struct desk_day *day, int64_t room_id, int64_t now_us);
const struct desk_room *desk_room_find(const struct desk_day *day, int64_t room_id); /* or NULL */
int64_t desk_people_counted(const struct desk_day *day);

#endif

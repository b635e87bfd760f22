/* server/bookings/booking_rules.h - the life of a booking and what its span must keep. Pure: no clock, no database.
 *
 *   request ─► tentative ─confirm─► confirmed ─start─► in use ─end─► ended
 *                 │  │ │               │  │
 *                 │  │ └─reject─► rejected│
 *                 │  └──cancel──► cancelled ◄─cancel─┤
 *                 └──its day──► lapsed    └─nobody came─► no-show
 *
 * Tentative, confirmed, in use and ended take the room; the others take nothing. A change keeps the state, but when a
 * group moves a confirmed booking, it is a request again. */
#ifndef MADOGUCHI_BOOKINGS_BOOKING_RULES_H
#define MADOGUCHI_BOOKINGS_BOOKING_RULES_H

#include <stdbool.h>
#include <stdint.h>

enum booking_state { /* proto BookingState */
                     BOOKING_TENTATIVE = 1,
                     BOOKING_CONFIRMED,
                     BOOKING_IN_USE,
                     BOOKING_ENDED,
                     BOOKING_REJECTED,
                     BOOKING_CANCELLED,
                     BOOKING_NO_SHOW,
                     BOOKING_LAPSED,
                     BOOKING_STATES
};

enum booking_step {
    BOOKING_CONFIRM,
    BOOKING_REJECT,
    BOOKING_CHANGE,
    BOOKING_CANCEL,
    BOOKING_START,
    BOOKING_END,
    BOOKING_MISS, /* nobody came */
    BOOKING_LAPSE,
    BOOKING_STEPS
};

/* The state that the step leads to; 0: not from there. */
enum booking_state booking_state_after(enum booking_state state, enum booking_step step);
bool booking_state_is_live(enum booking_state state);

/* 366 days: whoever looks for what reaches into a span looks so far back. */
#define BOOKING_LONGEST_MINUTES_MAX 527040
#define BOOKING_AHEAD_DAYS_MAX 1100
#define BOOKING_HOLD_DAYS_MAX 366
#define BOOKING_PEOPLE_MAX 9999
#define BOOKING_EARLY_MINUTES 30 /* a room may be taken into use so long before */

struct booking_limits {
    int32_t longest_minutes, ahead_days, hold_days;
    int64_t rev; /* 0: never saved */
};
/* What holds until the centre decides. */
#define BOOKING_LIMITS_DEFAULT ((struct booking_limits){.longest_minutes = 44640, .ahead_days = 180, .hold_days = 7})

/* NULL: keeps the rules; else the rule it breaks, with the field at fault in *field. made_us: when it was asked for.
 * is_record: what already happened; only its length is judged. */
const char *booking_rules_span(const struct booking_limits *limits, int64_t start_us, int64_t end_us, int64_t made_us,
                               bool is_record, const char **field);

/* The last day on which a request is held: by the rule when asked_day is 0, never after the day on which it starts. */
int32_t booking_rules_lapse_day(const struct booking_limits *limits, int32_t asked_day, int64_t start_us,
                                int64_t made_us);
/* NULL, or the rule that asked_day breaks. */
const char *booking_rules_lapse(int32_t asked_day, int64_t start_us, int64_t made_us);

/* NULL, or why it cannot be taken into use now. */
const char *booking_rules_start(int64_t start_us, int64_t end_us, int64_t now_us);
/* When it ends that is ended now: what is left of its time is free for others. */
int64_t booking_rules_end(int64_t start_us, int64_t end_us, int64_t now_us);
/* The local day of its last moment. */
int32_t booking_last_day(int64_t end_us);
/* The first last_day that views hold. */
int32_t booking_horizon(int32_t today);

#endif

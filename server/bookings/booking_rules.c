#include "server/bookings/booking_rules.h"

#include <stddef.h>

#include "common/day.h"

#define HORIZON_DAYS 31

/* --- states ------------------------------------------------------------------------------------------- */

static const enum booking_state AFTER[BOOKING_STATES][BOOKING_STEPS] = {
    [BOOKING_TENTATIVE] = {[BOOKING_CONFIRM] = BOOKING_CONFIRMED,
                           [BOOKING_REJECT] = BOOKING_REJECTED,
                           [BOOKING_CHANGE] = BOOKING_TENTATIVE,
                           [BOOKING_CANCEL] = BOOKING_CANCELLED,
                           [BOOKING_LAPSE] = BOOKING_LAPSED},
    [BOOKING_CONFIRMED] = {[BOOKING_CHANGE] = BOOKING_CONFIRMED,
                           [BOOKING_CANCEL] = BOOKING_CANCELLED,
                           [BOOKING_START] = BOOKING_IN_USE,
                           [BOOKING_MISS] = BOOKING_NO_SHOW},
    [BOOKING_IN_USE] = {[BOOKING_END] = BOOKING_ENDED},
};

enum booking_state booking_state_after(enum booking_state state, enum booking_step step)
{
    bool is_known = (unsigned)state < BOOKING_STATES && (unsigned)step < BOOKING_STEPS;
    return is_known ? AFTER[state][step] : (enum booking_state)0;
}

bool booking_state_is_live(enum booking_state state)
{
    return state >= BOOKING_TENTATIVE && state <= BOOKING_ENDED;
}

/* --- spans -------------------------------------------------------------------------------------------- */

const char *booking_rules_span(const struct booking_limits *limits, int64_t start_us, int64_t end_us, int64_t made_us,
                               bool is_record, const char **field)
{
    *field = "end_us";
    if (end_us <= start_us) return "before_start";
    if (end_us - start_us > limits->longest_minutes * US_PER_MINUTE) return "longest";
    if (is_record) return NULL;
    *field = "start_us";
    /* What has begun today may still be entered: somebody stands at the counter and sits in the room already. */
    int32_t today = day_of_us(made_us);
    if (start_us < day_to_us(today, 0)) return "past";
    if (day_of_us(start_us) > day_add(today, limits->ahead_days)) return "ahead";
    return NULL;
}

int32_t booking_rules_lapse_day(const struct booking_limits *limits, int32_t asked_day, int64_t start_us,
                                int64_t made_us)
{
    int32_t day = asked_day ? asked_day : day_add(day_of_us(made_us), limits->hold_days);
    int32_t start_day = day_of_us(start_us);
    return day < start_day ? day : start_day;
}

const char *booking_rules_lapse(int32_t asked_day, int64_t start_us, int64_t made_us)
{
    if (asked_day == 0) return NULL;
    if (!day_is_valid(asked_day)) return "day";
    if (asked_day < day_of_us(made_us)) return "past";
    return asked_day > day_of_us(start_us) ? "after_start" : NULL;
}

const char *booking_rules_start(int64_t start_us, int64_t end_us, int64_t now_us)
{
    if (now_us < start_us - BOOKING_EARLY_MINUTES * US_PER_MINUTE) return "too_early";
    return now_us >= end_us ? "over" : NULL;
}

int64_t booking_rules_end(int64_t start_us, int64_t end_us, int64_t now_us)
{
    int64_t least_us = start_us + US_PER_MINUTE; /* ended before it was to begin: a booking has some length */
    int64_t ends_us = now_us > least_us ? now_us : least_us;
    return ends_us < end_us ? ends_us : end_us;
}

int32_t booking_last_day(int64_t end_us)
{
    return day_of_us(end_us - 1);
}

int32_t booking_horizon(int32_t today)
{
    return day_add(today, -HORIZON_DAYS);
}

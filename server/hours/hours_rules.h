/* server/hours/hours_rules.h - what opening hours and closed days must keep, and what they make of a day. Pure. */
#ifndef MADOGUCHI_HOURS_HOURS_RULES_H
#define MADOGUCHI_HOURS_HOURS_RULES_H

#include <stdbool.h>
#include <stdint.h>

#define OPEN_SPANS_MAX 8 /* a day has one span at most, and there are eight kinds of day */
#define OPEN_DAYS_ALL 255u
#define OPEN_DAY_HOLIDAY 128u
#define CLOSED_DAYS_MAX 366
#define CALENDAR_DAYS_MAX 400
#define MINUTES_OF_DAY 1440
/* Plans reach no further; beyond them a typing error is more likely. */
#define HOURS_YEARS_AHEAD 10

struct open_span {
    uint32_t days; /* bits: 1 Sunday … 64 Saturday, 128 national holiday */
    int open_minute, close_minute;
};

/* NULL: keeps the rules; else the rule it breaks; *at is the span at fault, *field its field. */
const char *hours_rules_spans(const struct open_span *spans, int count, int *at, const char **field);

/* The same for a day on which something shall begin. */
const char *hours_rules_from(int32_t from_day, int32_t today);

/* A closed time that is new, or (was_from not 0) was from was_from to was_to. */
const char *hours_rules_closed(int32_t from_day, int32_t to_day, int32_t was_from, int32_t was_to, int32_t today,
                               const char **field);

/* NULL: may be asked for. */
const char *hours_rules_calendar(int32_t from_day, int32_t to_day, const char **field);

/* The span that holds on that day: a national holiday is a kind of day of its own. NULL: closed. */
const struct open_span *hours_span_of(const struct open_span *spans, int count, int weekday, bool is_holiday);

/* Days from a to b; 0 when they are equal. */
int hours_days_between(int32_t a, int32_t b);

/* The first closed day or holiday that terminals hold: the fiscal year before this one. */
int32_t hours_horizon(int32_t today);

#endif

#include "server/hours/hours_rules.h"

#include <stddef.h>
#include <time.h>

#include "common/day.h"

#define FISCAL_YEAR_FIRST_MONTH 4

const char *hours_rules_spans(const struct open_span *spans, int count, int *at, const char **field)
{
    uint32_t seen = 0;
    for (*at = 0; *at < count; (*at)++) {
        const struct open_span *span = &spans[*at];
        *field = "spans.days";
        if (span->days == 0 || span->days > OPEN_DAYS_ALL) return "days";
        if (seen & span->days) return "day_twice";
        seen |= span->days;
        *field = "spans.open_minute";
        if (span->open_minute < 0 || span->open_minute >= MINUTES_OF_DAY) return "range";
        *field = "spans.close_minute";
        if (span->close_minute > MINUTES_OF_DAY) return "range";
        if (span->close_minute <= span->open_minute) return "before_from";
    }
    *field = NULL;
    return NULL;
}

static bool is_too_far(int32_t day, int32_t today)
{
    return day / 10000 > today / 10000 + HOURS_YEARS_AHEAD;
}

const char *hours_rules_from(int32_t from_day, int32_t today)
{
    if (!day_is_valid(from_day)) return "day";
    if (from_day < today) return "past";
    return is_too_far(from_day, today) ? "too_far" : NULL;
}

int hours_days_between(int32_t a, int32_t b)
{
    struct tm from = {.tm_year = a / 10000 - 1900, .tm_mon = a / 100 % 100 - 1, .tm_mday = a % 100};
    struct tm to = {.tm_year = b / 10000 - 1900, .tm_mon = b / 100 % 100 - 1, .tm_mday = b % 100};
    return (int)((timegm(&to) - timegm(&from)) / 86400);
}

const char *hours_rules_closed(int32_t from_day, int32_t to_day, int32_t was_from, int32_t was_to, int32_t today,
                               const char **field)
{
    *field = "id";
    if (was_to != 0 && was_to < today) return "over";
    *field = "from_day";
    if (!day_is_valid(from_day)) return "day";
    bool has_begun = was_from != 0 && was_from < today;
    if (has_begun && from_day != was_from) return "begun";
    if (!has_begun && from_day < today) return "past";
    if (is_too_far(from_day, today)) return "too_far";
    *field = "to_day";
    if (!day_is_valid(to_day)) return "day";
    if (to_day < from_day) return "before_from";
    if (hours_days_between(from_day, to_day) >= CLOSED_DAYS_MAX) return "too_long";
    if (has_begun && to_day < day_add(today, -1)) return "past";
    *field = NULL;
    return NULL;
}

const char *hours_rules_calendar(int32_t from_day, int32_t to_day, const char **field)
{
    *field = "from_day";
    if (!day_is_valid(from_day)) return "day";
    *field = "to_day";
    if (!day_is_valid(to_day)) return "day";
    if (to_day < from_day) return "before_from";
    if (hours_days_between(from_day, to_day) >= CALENDAR_DAYS_MAX) return "too_long";
    *field = NULL;
    return NULL;
}

const struct open_span *hours_span_of(const struct open_span *spans, int count, int weekday, bool is_holiday)
{
    const uint32_t kind = is_holiday ? OPEN_DAY_HOLIDAY : UINT32_C(1) << weekday;
    for (int i = 0; i < count; i++)
        if (spans[i].days & kind) return &spans[i];
    return NULL;
}

int32_t hours_horizon(int32_t today)
{
    return day_fiscal_year_start(day_fiscal_year(today, FISCAL_YEAR_FIRST_MONTH) - 1, FISCAL_YEAR_FIRST_MONTH);
}

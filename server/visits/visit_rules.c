#include "server/visits/visit_rules.h"

#include <stddef.h>

#include "common/day.h"

#define FISCAL_YEAR_FIRST_MONTH 4
#define SLOT_MINUTES 30

const char *visit_rules_count(int32_t people, int64_t purpose_id, int64_t at_us, int64_t now_us, const char **field)
{
    *field = "people";
    if (people < 0 || people > VISIT_PEOPLE_MAX) return "range";
    *field = "purpose_id";
    if (people > 0 && purpose_id == 0) return "required";
    if (people == 0 && purpose_id != 0) return "nobody_has_no_purpose";
    *field = "at_us";
    if (at_us > now_us + VISIT_AHEAD_US_MAX) return "future";
    *field = NULL;
    return NULL;
}

int visit_slot_of_us(int64_t at_us, int32_t *day)
{
    int minute;
    *day = day_minute_of_us(at_us, &minute);
    return minute / SLOT_MINUTES;
}

bool visit_month_is_over(int32_t month, int32_t today)
{
    return month < day_month(today);
}

int32_t visit_totals_horizon(int32_t today)
{
    int year = day_fiscal_year(today, FISCAL_YEAR_FIRST_MONTH);
    return day_fiscal_year_start(year - 1, FISCAL_YEAR_FIRST_MONTH);
}

/* server/visits/visit_rules.h - what a count must keep. Pure: no clock, no database. */
#ifndef MADOGUCHI_VISITS_VISIT_RULES_H
#define MADOGUCHI_VISITS_VISIT_RULES_H

#include <stdbool.h>
#include <stdint.h>

#define VISIT_PEOPLE_MAX 9999
#define VISIT_AHEAD_US_MAX (INT64_C(120) * 1000000)
#define VISIT_REASON_BYTES_MAX 200

/* NULL: keeps the rules; else the rule it breaks, with the field at fault in *field. */
const char *visit_rules_count(int32_t people, int64_t purpose_id, int64_t at_us, int64_t now_us, const char **field);

/* The half hour of the local day, 0 to 47, and the day itself. */
int visit_slot_of_us(int64_t at_us, int32_t *day);

/* A month may be closed when its last day is over. */
bool visit_month_is_over(int32_t month, int32_t today);

/* The first day of which the desk's view holds day totals: two fiscal years, the present one and the one before. */
int32_t visit_totals_horizon(int32_t today);

#endif

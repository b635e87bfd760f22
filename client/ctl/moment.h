/* client/ctl/moment.h - days, months and instants as people type them, in the centre's zone. Pure but for the zone of
 * common/day.h; now_us is the caller's. All return 0 or MDG_ERR_INVALID. */
#ifndef MADOGUCHI_CLIENT_CTL_MOMENT_H
#define MADOGUCHI_CLIENT_CTL_MOMENT_H

#include <stdint.h>

/* "2026-11-24", "2026/11/24", "20261124", "today", "yesterday". */
int moment_day_parse(const char *text, int64_t now_us, int32_t *day);
/* "2026-11", "2026/11", "202611". */
int moment_month_parse(const char *text, int32_t *month);
/* A day and a time joined by a space or T, a time alone (of today), or "now". Times are "13:00" or "13:00:00". */
int moment_parse(const char *text, int64_t now_us, int64_t *at_us);

#endif

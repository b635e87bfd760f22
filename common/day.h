/* common/day.h - local days of the centre. Instants are UTC microseconds since 1970; a day is the integer
 * YYYYMMDD of the centre's own calendar; a minute of the day is what the clock on the wall shows.
 * The zone belongs to the process, as in POSIX: set it once, before threads start. */
#ifndef MADOGUCHI_COMMON_DAY_H
#define MADOGUCHI_COMMON_DAY_H

#include <stdbool.h>
#include <stdint.h>

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_MINUTE (60 * US_PER_SECOND)
#define US_PER_HOUR (60 * US_PER_MINUTE)
#define US_PER_DAY (24 * US_PER_HOUR) /* of UTC: a local day may have 23 or 25 hours */

/* zone is an IANA name such as "Asia/Tokyo". MDG_ERR_INVALID: the system knows no such zone. */
int day_zone_set(const char *zone);

int32_t day_of_us(int64_t at_us);
/* The day and, in *minute, the wall clock's minute of it (0 to 1439). */
int32_t day_minute_of_us(int64_t at_us, int *minute);
/* The instant at which the wall clock first shows that minute; one that a clock change skips is moved forward. */
int64_t day_to_us(int32_t day, int minute);

bool day_is_valid(int32_t day);
int32_t day_add(int32_t day, int days);
int day_weekday(int32_t day);   /* 0: Sunday */
int32_t day_month(int32_t day); /* YYYYMM */
/* The year in which the fiscal year begins that holds this day; first_month 4: April to March. */
int day_fiscal_year(int32_t day, int first_month);
int32_t day_fiscal_year_start(int fiscal_year, int first_month);

/* The system's clock. Only main programs, net/ and the client library read it; handlers get now_us. */
int64_t clock_now_us(void);

#endif

#include "common/day.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/error.h"

#define ZONE_BYTES_MAX 64
#define SECONDS_OF_DAY 86400
/* 0001-01-02 to 9999-12-30 in UTC: a local day of any zone then has four figures of a year. */
#define FIRST_SECOND INT64_C(-62135510400)
#define LAST_SECOND INT64_C(253402214399)

/* No path of somebody's choice: names of the zone database are letters, digits and these. */
static bool zone_name_is_safe(const char *zone)
{
    size_t length = strlen(zone);
    if (length == 0 || length > ZONE_BYTES_MAX || zone[0] == '/') return false;
    static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
    return strspn(zone, ALLOWED) == length;
}

/* The C library takes an unknown zone for UTC without a word, so we look ourselves. */
static bool zone_exists(const char *zone)
{
    const char *dir = getenv("TZDIR");
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", dir && *dir ? dir : "/usr/share/zoneinfo", zone);
    if (length < 0 || (size_t)length >= sizeof path) return false;

    char magic[4];
    FILE *file = fopen(path, "rbe");
    if (!file) return false;
    bool is_zone = fread(magic, 1, sizeof magic, file) == sizeof magic && memcmp(magic, "TZif", sizeof magic) == 0;
    fclose(file);
    return is_zone;
}

int day_zone_set(const char *zone)
{
    if (!zone_name_is_safe(zone) || !zone_exists(zone)) return MDG_ERR_INVALID;
    if (setenv("TZ", zone, 1) != 0) return MDG_ERR_MEMORY;
    tzset();
    return 0;
}

static int64_t seconds_of_us(int64_t at_us)
{
    int64_t seconds = at_us / US_PER_SECOND;
    if (at_us % US_PER_SECOND < 0) seconds--; /* before 1970 */
    if (seconds < FIRST_SECOND) return FIRST_SECOND;
    return seconds > LAST_SECOND ? LAST_SECOND : seconds;
}

static struct tm local_of_seconds(int64_t seconds)
{
    struct tm local;
    time_t at = (time_t)seconds;
    memset(&local, 0, sizeof local);
    localtime_r(&at, &local);
    return local;
}

static int32_t day_of_tm(const struct tm *tm)
{
    return (tm->tm_year + 1900) * 10000 + (tm->tm_mon + 1) * 100 + tm->tm_mday;
}

int32_t day_of_us(int64_t at_us)
{
    struct tm local = local_of_seconds(seconds_of_us(at_us));
    return day_of_tm(&local);
}

int32_t day_minute_of_us(int64_t at_us, int *minute)
{
    struct tm local = local_of_seconds(seconds_of_us(at_us));
    *minute = local.tm_hour * 60 + local.tm_min;
    return day_of_tm(&local);
}

/* The calendar alone, no zone: seconds since 1970 as if the day were one of UTC. */
static int64_t day_seconds(int32_t day)
{
    struct tm tm = {.tm_year = day / 10000 - 1900, .tm_mon = day / 100 % 100 - 1, .tm_mday = day % 100};
    return (int64_t)timegm(&tm);
}

int64_t day_to_us(int32_t day, int minute)
{
    const int64_t wall = day_seconds(day) + (int64_t)minute * 60;
    /* No zone changes its clock twice within two days, so one of these two offsets holds at that wall time. */
    const int64_t before = wall - local_of_seconds(wall - SECONDS_OF_DAY).tm_gmtoff;
    const int64_t after = wall - local_of_seconds(wall + SECONDS_OF_DAY).tm_gmtoff;
    const int64_t first = before < after ? before : after, second = before < after ? after : before;

    if (first + local_of_seconds(first).tm_gmtoff == wall) return first * US_PER_SECOND;
    if (second + local_of_seconds(second).tm_gmtoff == wall) return second * US_PER_SECOND;
    return before * US_PER_SECOND; /* skipped: as far behind the change as it would have been without one */
}

bool day_is_valid(int32_t day)
{
    static const int LENGTHS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int year = day / 10000, month = day / 100 % 100, date = day % 100;
    if (day < 10101 || day > 99991231 || month < 1 || month > 12 || date < 1) return false;
    const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return date <= LENGTHS[month - 1] + (month == 2 && is_leap);
}

static struct tm day_tm(int64_t seconds)
{
    struct tm tm;
    time_t at = (time_t)seconds;
    memset(&tm, 0, sizeof tm);
    gmtime_r(&at, &tm);
    return tm;
}

int32_t day_add(int32_t day, int days)
{
    struct tm tm = day_tm(day_seconds(day) + (int64_t)days * SECONDS_OF_DAY);
    return day_of_tm(&tm);
}

int day_weekday(int32_t day)
{
    return day_tm(day_seconds(day)).tm_wday;
}

int32_t day_month(int32_t day)
{
    return day / 100;
}

int day_fiscal_year(int32_t day, int first_month)
{
    return day / 10000 - (day / 100 % 100 < first_month);
}

int32_t day_fiscal_year_start(int fiscal_year, int first_month)
{
    return fiscal_year * 10000 + first_month * 100 + 1;
}

int64_t clock_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

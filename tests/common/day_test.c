/* tests/common/day_test.c - local days and minutes, with both clock changes of three zones. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/day.h"
#include "common/error.h"

#define AT(seconds) (INT64_C(seconds) * US_PER_SECOND)
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void test_zone_names(void **state)
{
    static const struct {
        const char *zone;
        int rc;
    } CASES[] = {
        {"Asia/Tokyo", 0},
        {"America/New_York", 0},
        {"Europe/Berlin", 0},
        {"UTC", 0},
        {"America/Argentina/Buenos_Aires", 0},
        {"Etc/GMT+5", 0},
        {"", MDG_ERR_INVALID},
        {"Asia", MDG_ERR_INVALID}, /* a folder */
        {"Asia/Atlantis", MDG_ERR_INVALID},
        {"JST-9", MDG_ERR_INVALID},
        {"/etc/passwd", MDG_ERR_INVALID},
        {"../../../etc/passwd", MDG_ERR_INVALID},
        {"tzdata.zi", MDG_ERR_INVALID},
        {"zone1970/tab", MDG_ERR_INVALID},
        {":Asia/Tokyo", MDG_ERR_INVALID},
        {"Asia/Tokyo\n", MDG_ERR_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        if (day_zone_set(CASES[i].zone) != CASES[i].rc) fail_msg("'%s'", CASES[i].zone);
    }
    assert_int_equal(day_zone_set("Asia/Tokyo"), 0);
    assert_int_equal(day_zone_set("Asia/Atlantis"), MDG_ERR_INVALID);
    assert_int_equal(day_of_us(AT(1700755200)), 20231124); /* a refused name changes nothing: still Tokyo */
}

static void test_zone_folder_of_the_environment(void **state)
{
    (void)state;
    char *kept = getenv("TZDIR") ? strdup(getenv("TZDIR")) : NULL;
    setenv("TZDIR", "/nonexistent", 1);
    assert_int_equal(day_zone_set("Asia/Tokyo"), MDG_ERR_INVALID);
    unsetenv("TZDIR");
    assert_int_equal(day_zone_set("Asia/Tokyo"), 0);
    if (kept) setenv("TZDIR", kept, 1);
    free(kept);
}

static void test_instants(void **state)
{
    static const struct {
        const char *name, *zone;
        int64_t at_us;
        int32_t day;
        int minute;
    } CASES[] = {
        {"epoch", "UTC", 0, 19700101, 0},
        {"before 1970", "UTC", -1, 19691231, 1439},
        {"last microsecond of a day", "UTC", AT(86400) - 1, 19700101, 1439},
        {"Tokyo midnight", "Asia/Tokyo", AT(1700751600), 20231124, 0},
        {"before it", "Asia/Tokyo", AT(1700751600) - 1, 20231123, 1439},
        {"New York before the gap", "America/New_York", AT(1710053999), 20240310, 119},
        {"New York after the gap", "America/New_York", AT(1710054000), 20240310, 180},
        {"New York first 01:30", "America/New_York", AT(1730611800), 20241103, 90},
        {"New York second 01:30", "America/New_York", AT(1730615400), 20241103, 90},
        {"Berlin before the gap", "Europe/Berlin", AT(1711846799), 20240331, 119},
        {"Berlin after the gap", "Europe/Berlin", AT(1711846800), 20240331, 180},
        {"too early is held", "UTC", INT64_MIN, 10102, 0},
        {"too late is held", "UTC", INT64_MAX, 99991230, 1439},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        int minute = -1;
        assert_int_equal(day_zone_set(CASES[i].zone), 0);
        int32_t day = day_minute_of_us(CASES[i].at_us, &minute);
        if (day != CASES[i].day || minute != CASES[i].minute || day_of_us(CASES[i].at_us) != day)
            fail_msg("%s: %d %d", CASES[i].name, day, minute);
    }
}

static void test_wall_clock(void **state)
{
    static const struct {
        const char *name, *zone;
        int32_t day;
        int minute;
        int64_t at_us;
    } CASES[] = {
        {"Tokyo midnight", "Asia/Tokyo", 20231124, 0, AT(1700751600)},
        {"Tokyo has no change now", "Asia/Tokyo", 20240331, 150, AT(1711819800)},
        {"Tokyo 1950: 00:30 was skipped", "Asia/Tokyo", 19500507, 30, AT(-620296200)},
        {"New York before the gap", "America/New_York", 20240310, 119, AT(1710053940)},
        {"New York 02:00 is skipped: 03:00", "America/New_York", 20240310, 120, AT(1710054000)},
        {"New York 02:30 is skipped: 03:30", "America/New_York", 20240310, 150, AT(1710055800)},
        {"New York 03:00", "America/New_York", 20240310, 180, AT(1710054000)},
        {"New York 00:59 before the overlap", "America/New_York", 20241103, 59, AT(1730609940)},
        {"New York 01:00 is the first", "America/New_York", 20241103, 60, AT(1730610000)},
        {"New York 01:30 is the first", "America/New_York", 20241103, 90, AT(1730611800)},
        {"New York 02:00 after it", "America/New_York", 20241103, 120, AT(1730617200)},
        {"Berlin 02:30 is skipped: 03:30", "Europe/Berlin", 20240331, 150, AT(1711848600)},
        {"Berlin 02:30 is the first", "Europe/Berlin", 20241027, 150, AT(1729989000)},
        {"Berlin 03:00 after the overlap", "Europe/Berlin", 20241027, 180, AT(1729994400)},
        {"Sao Paulo: the day begins at 01:00", "America/Sao_Paulo", 20181104, 0, AT(1541300400)},
        {"Apia: the day does not exist", "Pacific/Apia", 20111230, 0, AT(1325239200)},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(day_zone_set(CASES[i].zone), 0);
        int64_t at_us = day_to_us(CASES[i].day, CASES[i].minute);
        if (at_us != CASES[i].at_us) fail_msg("%s: %lld", CASES[i].name, (long long)(at_us / US_PER_SECOND));
    }
}

static void test_lengths_of_days(void **state)
{
    static const struct {
        const char *zone;
        int32_t day;
        int hours;
    } CASES[] = {
        {"America/New_York", 20240309, 24},  {"America/New_York", 20240310, 23}, {"America/New_York", 20240311, 24},
        {"America/New_York", 20241103, 25},  {"America/New_York", 20241104, 24}, {"Europe/Berlin", 20240331, 23},
        {"Europe/Berlin", 20241027, 25},     {"Asia/Tokyo", 20240331, 24},       {"Asia/Tokyo", 20241103, 24},
        {"America/Sao_Paulo", 20181104, 23},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(day_zone_set(CASES[i].zone), 0);
        int64_t length_us = day_to_us(day_add(CASES[i].day, 1), 0) - day_to_us(CASES[i].day, 0);
        if (length_us != CASES[i].hours * US_PER_HOUR) fail_msg("%s %d", CASES[i].zone, CASES[i].day);
    }
}

/* Every half hour of two years: back from the wall clock to the same instant, or to the first of the two. */
static void test_round_trip(void **state)
{
    static const char *const ZONES[] = {"Asia/Tokyo", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"};
    (void)state;
    for (size_t i = 0; i < COUNT(ZONES); i++) {
        assert_int_equal(day_zone_set(ZONES[i]), 0);
        int repeated = 0;
        for (int64_t at_us = AT(1700000000) / (30 * US_PER_MINUTE) * 30 * US_PER_MINUTE; at_us < AT(1763000000);
             at_us += 30 * US_PER_MINUTE) {
            int minute;
            int32_t day = day_minute_of_us(at_us, &minute);
            int64_t back_us = day_to_us(day, minute);
            if (back_us == at_us) continue;
            if (at_us - back_us > US_PER_HOUR || back_us > at_us) fail_msg("%s %lld", ZONES[i], (long long)at_us);
            repeated++;
        }
        const int expected = strcmp(ZONES[i], "Asia/Tokyo") == 0            ? 0
                             : strcmp(ZONES[i], "Australia/Lord_Howe") == 0 ? 2
                                                                            : 4;
        if (repeated != expected) fail_msg("%s: %d half hours come twice", ZONES[i], repeated);
    }
}

static void test_valid_days(void **state)
{
    static const struct {
        int32_t day;
        bool is_valid;
    } CASES[] = {
        {20240229, true},   {20230229, false}, {20000229, true},  {19000229, false}, {21000229, false},
        {20240131, true},   {20240132, false}, {20240431, false}, {20240430, true},  {20241231, true},
        {20241301, false},  {20240001, false}, {20240100, false}, {0, false},        {-20240101, false},
        {10101, true},      {10100, false},    {99991231, true},  {99991232, false}, {INT32_MAX, false},
        {INT32_MIN, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        if (day_is_valid(CASES[i].day) != CASES[i].is_valid) fail_msg("%d", CASES[i].day);
    }
}

static void test_adding(void **state)
{
    static const struct {
        int32_t day;
        int days;
        int32_t sum;
    } CASES[] = {
        {20240131, 1, 20240201},   {20240228, 1, 20240229},    {20230228, 1, 20230301},  {20241231, 1, 20250101},
        {20240301, -1, 20240229},  {20250101, -1, 20241231},   {20240331, 0, 20240331},  {20240101, 366, 20250101},
        {20230101, 365, 20240101}, {20240615, -400, 20230512}, {19700101, -1, 19691231},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        if (day_add(CASES[i].day, CASES[i].days) != CASES[i].sum) fail_msg("%d + %d", CASES[i].day, CASES[i].days);
    }
    assert_int_equal(day_weekday(20261123), 1);
    assert_int_equal(day_weekday(20240229), 4);
    assert_int_equal(day_weekday(20000101), 6);
    assert_int_equal(day_weekday(20261122), 0);
    assert_int_equal(day_month(20240229), 202402);
}

static void test_fiscal_years(void **state)
{
    static const struct {
        int32_t day;
        int first_month, year;
        int32_t start;
    } CASES[] = {
        {20240331, 4, 2023, 20230401},  {20240401, 4, 2024, 20240401},  {20241231, 4, 2024, 20240401},
        {20250101, 4, 2024, 20240401},  {20240101, 1, 2024, 20240101},  {20241231, 1, 2024, 20240101},
        {20240930, 10, 2023, 20231001}, {20241001, 10, 2024, 20241001},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        int year = day_fiscal_year(CASES[i].day, CASES[i].first_month);
        if (year != CASES[i].year) fail_msg("%d: %d", CASES[i].day, year);
        if (day_fiscal_year_start(year, CASES[i].first_month) != CASES[i].start) fail_msg("start of %d", year);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zone_names),      cmocka_unit_test(test_zone_folder_of_the_environment),
        cmocka_unit_test(test_instants),        cmocka_unit_test(test_wall_clock),
        cmocka_unit_test(test_lengths_of_days), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_valid_days),      cmocka_unit_test(test_adding),
        cmocka_unit_test(test_fiscal_years),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

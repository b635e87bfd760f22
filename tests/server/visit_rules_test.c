/* tests/server/visit_rules_test.c - what a count must keep, without clock or database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/day.h"
#include "server/visits/visit_rules.h"

#define NOW INT64_C(1750000000000000)

static void test_counts(void **state)
{
    static const struct {
        const char *name;
        int32_t people;
        int64_t purpose_id, at_us;
        const char *field, *rule;
    } CASES[] = {
        {"one person", 1, 5, NOW, NULL, NULL},
        {"a hall full", VISIT_PEOPLE_MAX, 5, NOW, NULL, NULL},
        {"one too many", VISIT_PEOPLE_MAX + 1, 5, NOW, "people", "range"},
        {"fewer than nobody", -1, 5, NOW, "people", "range"},
        {"the least number there is", INT32_MIN, 0, NOW, "people", "range"},
        {"looked, nobody there", 0, 0, NOW, NULL, NULL},
        {"nobody, and yet a purpose", 0, 5, NOW, "purpose_id", "nobody_has_no_purpose"},
        {"people without a purpose", 3, 0, NOW, "purpose_id", "required"},
        {"long ago", 1, 5, 1, NULL, NULL},
        {"as far ahead as may be", 1, 5, NOW + VISIT_AHEAD_US_MAX, NULL, NULL},
        {"further ahead", 1, 5, NOW + VISIT_AHEAD_US_MAX + 1, "at_us", "future"},
        {"far ahead", 1, 5, INT64_MAX, "at_us", "future"},
    };
    (void)state;
    assert_int_equal(VISIT_AHEAD_US_MAX, 120 * US_PER_SECOND);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const char *field = "untouched";
        const char *rule = visit_rules_count(CASES[i].people, CASES[i].purpose_id, CASES[i].at_us, NOW, &field);
        if (!rule != !CASES[i].rule || (rule && strcmp(rule, CASES[i].rule) != 0))
            fail_msg("%s: rule %s", CASES[i].name, rule ? rule : "none");
        if (rule && strcmp(field, CASES[i].field) != 0) fail_msg("%s: field %s", CASES[i].name, field);
    }
}

static void test_half_hours(void **state)
{
    static const struct {
        const char *name;
        int32_t day;
        int minute, slot;
    } CASES[] = {
        {"midnight", 20250616, 0, 0},
        {"before the first half hour ends", 20250616, 29, 0},
        {"its end", 20250616, 30, 1},
        {"noon", 20250616, 720, 24},
        {"the last minute", 20250616, 1439, 47},
    };
    (void)state;
    assert_int_equal(day_zone_set("Asia/Tokyo"), 0);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int32_t day;
        int64_t at_us = day_to_us(CASES[i].day, CASES[i].minute);
        if (visit_slot_of_us(at_us, &day) != CASES[i].slot || day != CASES[i].day) fail_msg("%s", CASES[i].name);
        if (visit_slot_of_us(at_us + US_PER_MINUTE - 1, &day) != CASES[i].slot || day != CASES[i].day)
            fail_msg("%s, the minute's end", CASES[i].name);
    }
}

/* The clock goes back at two and shows the hour from one to two again: 25 hours, 48 half hours. */
static void test_a_day_of_25_hours(void **state)
{
    int seen[48] = {0};
    int32_t day;
    (void)state;
    assert_int_equal(day_zone_set("America/Los_Angeles"), 0);
    int64_t from_us = day_to_us(20051030, 0), to_us = day_to_us(20051031, 0);
    assert_int_equal(to_us - from_us, 25 * US_PER_HOUR);
    for (int64_t at_us = from_us; at_us < to_us; at_us += 30 * US_PER_MINUTE) {
        int slot = visit_slot_of_us(at_us, &day);
        assert_in_range(slot, 0, 47);
        assert_int_equal(day, 20051030);
        seen[slot]++;
    }
    for (int slot = 0; slot < 48; slot++)
        if (seen[slot] != (slot == 2 || slot == 3 ? 2 : 1)) fail_msg("half hour %d came %d times", slot, seen[slot]);
    visit_slot_of_us(from_us - 1, &day);
    assert_int_equal(day, 20051029);
    visit_slot_of_us(to_us, &day);
    assert_int_equal(day, 20051031);
}

/* And in spring from two to three at once: the half hours 4 and 5 do not come. */
static void test_a_day_of_23_hours(void **state)
{
    int seen[48] = {0};
    int32_t day;
    (void)state;
    assert_int_equal(day_zone_set("America/Los_Angeles"), 0);
    int64_t from_us = day_to_us(20050403, 0), to_us = day_to_us(20050404, 0);
    assert_int_equal(to_us - from_us, 23 * US_PER_HOUR);
    for (int64_t at_us = from_us; at_us < to_us; at_us += 30 * US_PER_MINUTE) seen[visit_slot_of_us(at_us, &day)]++;
    for (int slot = 0; slot < 48; slot++)
        if (seen[slot] != (slot == 4 || slot == 5 ? 0 : 1)) fail_msg("half hour %d came %d times", slot, seen[slot]);
}

static void test_months_over(void **state)
{
    static const struct {
        int32_t month, today;
        bool is_over;
    } CASES[] = {
        {202505, 20250601, true}, {202506, 20250601, false}, {202506, 20250630, false}, {202506, 20250701, true},
        {202412, 20250101, true}, {202512, 20250101, false}, {202507, 20250630, false}, {197001, 20250630, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        if (visit_month_is_over(CASES[i].month, CASES[i].today) != CASES[i].is_over)
            fail_msg("%d on %d", (int)CASES[i].month, (int)CASES[i].today);
}

static void test_two_fiscal_years(void **state)
{
    static const struct {
        int32_t today, from_day;
    } CASES[] = {
        {20250401, 20240401}, {20250331, 20230401}, {20251231, 20240401}, {20260101, 20240401}, {20260401, 20250401},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        if (visit_totals_horizon(CASES[i].today) != CASES[i].from_day)
            fail_msg("on %d: from %d", (int)CASES[i].today, (int)visit_totals_horizon(CASES[i].today));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_half_hours),
        cmocka_unit_test(test_a_day_of_25_hours),
        cmocka_unit_test(test_a_day_of_23_hours),
        cmocka_unit_test(test_months_over),
        cmocka_unit_test(test_two_fiscal_years),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

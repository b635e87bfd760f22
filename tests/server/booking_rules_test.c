/* tests/server/booking_rules_test.c - the life of a booking, what its span must keep, what is free: without clock or
 * database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/day.h"
#include "server/bookings/booking_rules.h"
#include "server/rooms/free_spans.h"

#define COUNT_OF(table) (sizeof(table) / sizeof(table)[0])

/* --- states
 * ----------------------------------------------------------------------------------------------------------- */

static void test_every_step_from_every_state(void **state)
{
    static const struct {
        enum booking_state from;
        enum booking_step step;
        enum booking_state to;
    } ALLOWED[] = {
        {BOOKING_TENTATIVE, BOOKING_CONFIRM, BOOKING_CONFIRMED}, {BOOKING_TENTATIVE, BOOKING_REJECT, BOOKING_REJECTED},
        {BOOKING_TENTATIVE, BOOKING_CHANGE, BOOKING_TENTATIVE},  {BOOKING_TENTATIVE, BOOKING_CANCEL, BOOKING_CANCELLED},
        {BOOKING_TENTATIVE, BOOKING_LAPSE, BOOKING_LAPSED},      {BOOKING_CONFIRMED, BOOKING_CHANGE, BOOKING_CONFIRMED},
        {BOOKING_CONFIRMED, BOOKING_CANCEL, BOOKING_CANCELLED},  {BOOKING_CONFIRMED, BOOKING_START, BOOKING_IN_USE},
        {BOOKING_CONFIRMED, BOOKING_MISS, BOOKING_NO_SHOW},      {BOOKING_IN_USE, BOOKING_END, BOOKING_ENDED},
    };
    (void)state;
    int allowed = 0;
    for (int from = -1; from <= BOOKING_STATES; from++) {
        for (int step = -1; step <= BOOKING_STEPS; step++) {
            enum booking_state to = booking_state_after((enum booking_state)from, (enum booking_step)step), wanted = 0;
            for (size_t i = 0; i < COUNT_OF(ALLOWED); i++)
                if ((int)ALLOWED[i].from == from && (int)ALLOWED[i].step == step) wanted = ALLOWED[i].to;
            if (to != wanted) fail_msg("from %d by %d: %d, not %d", from, step, (int)to, (int)wanted);
            allowed += to != 0;
        }
    }
    assert_int_equal(allowed, COUNT_OF(ALLOWED));
}

static void test_which_states_take_the_room(void **state)
{
    static const bool IS_LIVE[] = {false, true, true, true, true, false, false, false, false, false};
    (void)state;
    for (int s = 0; s <= BOOKING_STATES; s++)
        assert_int_equal(booking_state_is_live((enum booking_state)s), IS_LIVE[s]);
}

/* --- spans
 * ------------------------------------------------------------------------------------------------------------ */

/* 2025-06-16, a Monday, 15:00 in Tokyo. */
static int64_t at(int32_t day, int hour)
{
    return day_to_us(day, hour * 60);
}

static void test_spans(void **state)
{
    (void)state;
    assert_int_equal(day_zone_set("Asia/Tokyo"), 0);
    const struct booking_limits limits = {.longest_minutes = 600, .ahead_days = 30, .hold_days = 7};
    const int64_t now_us = at(20250616, 15);
    const struct {
        const char *name;
        int64_t start_us, end_us;
        const char *field, *rule; /* of a request */
        const char *record_rule;
    } CASES[] = {
        {"an hour tomorrow", at(20250617, 10), at(20250617, 11), NULL, NULL, NULL},
        {"a moment", at(20250617, 10), at(20250617, 10) + 1, NULL, NULL, NULL},
        {"nothing", at(20250617, 10), at(20250617, 10), "end_us", "before_start", "before_start"},
        {"upside down", at(20250617, 10), at(20250617, 9), "end_us", "before_start", "before_start"},
        {"the longest", at(20250617, 10), at(20250617, 20), NULL, NULL, NULL},
        {"longer than the longest", at(20250617, 10), at(20250617, 20) + 1, "end_us", "longest", "longest"},
        {"years", at(20250617, 10), at(20300617, 10), "end_us", "longest", "longest"},
        {"begun this morning", at(20250616, 9), at(20250616, 17), NULL, NULL, NULL},
        {"over since this morning", at(20250616, 0), at(20250616, 1), NULL, NULL, NULL},
        {"begun yesterday", at(20250615, 23), at(20250616, 1), "start_us", "past", NULL},
        {"long ago", at(20170101, 10), at(20170101, 12), "start_us", "past", NULL},
        {"the last day that may be asked for", at(20250716, 23), at(20250717, 1), NULL, NULL, NULL},
        {"a day too far ahead", at(20250717, 0), at(20250717, 1), "start_us", "ahead", NULL},
        {"the end of time", INT64_MAX - 2, INT64_MAX - 1, "start_us", "ahead", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        const char *field = "untouched";
        const char *rule = booking_rules_span(&limits, CASES[i].start_us, CASES[i].end_us, now_us, false, &field);
        if (!rule != !CASES[i].rule || (rule && strcmp(rule, CASES[i].rule) != 0))
            fail_msg("%s: rule %s", CASES[i].name, rule ? rule : "none");
        if (rule && strcmp(field, CASES[i].field) != 0) fail_msg("%s: field %s", CASES[i].name, field);
        rule = booking_rules_span(&limits, CASES[i].start_us, CASES[i].end_us, now_us, true, &field);
        if (!rule != !CASES[i].record_rule || (rule && strcmp(rule, CASES[i].record_rule) != 0))
            fail_msg("record %s: rule %s", CASES[i].name, rule ? rule : "none");
    }
}

static void test_how_long_a_request_is_held(void **state)
{
    static const struct {
        const char *name;
        int32_t asked, start_day, lapse_day;
        const char *rule;
    } CASES[] = {
        {"by the rule", 0, 20250716, 20250623, NULL},
        {"by the rule, but not beyond its day", 0, 20250618, 20250618, NULL},
        {"today already", 0, 20250616, 20250616, NULL},
        {"longer than the rule", 20250701, 20250716, 20250701, NULL},
        {"until today", 20250616, 20250716, 20250616, NULL},
        {"until its own day", 20250716, 20250716, 20250716, NULL},
        {"beyond its day", 20250717, 20250716, 20250716, "after_start"},
        {"until yesterday", 20250615, 20250716, 20250615, "past"},
        {"no day of the calendar", 20250631, 20250716, 20250631, "day"},
    };
    (void)state;
    assert_int_equal(day_zone_set("Asia/Tokyo"), 0);
    const struct booking_limits limits = {.longest_minutes = 600, .ahead_days = 30, .hold_days = 7};
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        int64_t start_us = at(CASES[i].start_day, 10), made_us = at(20250616, 9);
        const char *rule = booking_rules_lapse(CASES[i].asked, start_us, made_us);
        if (!rule != !CASES[i].rule || (rule && strcmp(rule, CASES[i].rule) != 0))
            fail_msg("%s: rule %s", CASES[i].name, rule ? rule : "none");
        if (!rule && booking_rules_lapse_day(&limits, CASES[i].asked, start_us, made_us) != CASES[i].lapse_day)
            fail_msg("%s", CASES[i].name);
    }
}

static void test_start_and_end(void **state)
{
    static const struct {
        const char *name;
        int now_minute; /* of a booking from 600 to 720 */
        const char *rule;
        int ends; /* when it is ended then */
    } CASES[] = {
        {"an hour before", 540, "too_early", 601}, {"half an hour before", 570, NULL, 601},
        {"a minute more", 569, "too_early", 601},  {"as it begins", 600, NULL, 601},
        {"in the middle", 660, NULL, 660},         {"the last minute", 719, NULL, 719},
        {"at its end", 720, "over", 720},          {"after it", 800, "over", 720},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        const int64_t start = 600 * US_PER_MINUTE, end = 720 * US_PER_MINUTE, now = CASES[i].now_minute * US_PER_MINUTE;
        const char *rule = booking_rules_start(start, end, now);
        if (!rule != !CASES[i].rule || (rule && strcmp(rule, CASES[i].rule) != 0))
            fail_msg("%s: rule %s", CASES[i].name, rule ? rule : "none");
        if (booking_rules_end(start, end, now) != CASES[i].ends * US_PER_MINUTE) fail_msg("%s: end", CASES[i].name);
    }
    /* One that is shorter than the least it is cut to keeps its length. */
    assert_int_equal(booking_rules_end(1000, 2000, 0), 2000);
}

static void test_the_last_day(void **state)
{
    (void)state;
    assert_int_equal(day_zone_set("Asia/Tokyo"), 0);
    assert_int_equal(booking_last_day(at(20250617, 0)), 20250616); /* ends at midnight: not a moment of the next day */
    assert_int_equal(booking_last_day(at(20250617, 0) + 1), 20250617);
    assert_int_equal(booking_horizon(20250331), 20250228);
}

/* --- free spans
 * ------------------------------------------------------------------------------------------------------- */

#define SPANS(...)                                                                                              \
    {                                                                                                           \
        .at = (struct span[]){__VA_ARGS__}, .count = sizeof((struct span[]){__VA_ARGS__}) / sizeof(struct span) \
    }

static void test_what_is_left(void **state)
{
    const struct {
        const char *name;
        struct spans open, taken;
        int64_t from, to;
        struct spans left;
    } CASES[] = {
        {"nothing is taken", SPANS({10, 20}), {0}, 0, 100, SPANS({10, 20})},
        {"only a part is asked for", SPANS({10, 20}), {0}, 12, 15, SPANS({12, 15})},
        {"the middle", SPANS({10, 20}), SPANS({12, 15}), 0, 100, SPANS({10, 12}, {15, 20})},
        {"the beginning", SPANS({10, 20}), SPANS({5, 15}), 0, 100, SPANS({15, 20})},
        {"the end", SPANS({10, 20}), SPANS({15, 25}), 0, 100, SPANS({10, 15})},
        {"all", SPANS({10, 20}), SPANS({10, 20}), 0, 100, {0}},
        {"more than all", SPANS({10, 20}), SPANS({0, 100}), 0, 100, {0}},
        {"one after the other", SPANS({10, 20}), SPANS({10, 12}, {12, 14}), 0, 100, SPANS({14, 20})},
        {"one over two days", SPANS({10, 20}, {30, 40}), SPANS({15, 35}), 0, 100, SPANS({10, 15}, {35, 40})},
        {"in the closed time", SPANS({10, 20}, {30, 40}), SPANS({22, 28}), 0, 100, SPANS({10, 20}, {30, 40})},
        {"touching", SPANS({10, 20}), SPANS({5, 10}, {20, 30}), 0, 100, SPANS({10, 20})},
        {"closed", {0}, SPANS({5, 10}), 0, 100, {0}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct span memory[8];
        struct spans left = {.at = memory, .most = COUNT_OF(memory)};
        assert_true(spans_free(&CASES[i].open, &CASES[i].taken, CASES[i].from, CASES[i].to, &left));
        bool is_right = left.count == CASES[i].left.count;
        for (size_t j = 0; is_right && j < left.count; j++)
            is_right = memcmp(&left.at[j], &CASES[i].left.at[j], sizeof left.at[j]) == 0;
        if (!is_right) fail_msg("%s: %zu spans", CASES[i].name, left.count);
    }
    struct span one[1];
    struct spans small = {.at = one, .most = 1};
    assert_false(spans_free(&CASES[2].open, &CASES[2].taken, 0, 100, &small));
}

/* Against a grid that knows of every minute whether it is free. */
static void test_random_spans_against_a_grid(void **state)
{
    uint32_t dice = 20251123;
    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct span open_at[8], taken_at[8], free_at[20];
        struct spans open = {open_at, 0, 8}, taken = {taken_at, 0, 8}, left = {free_at, 0, 20};
        bool grid[64] = {false};
        for (int i = 0, minute = 0; i < 8; i++) {
            dice = dice * 1664525u + 1013904223u;
            int from = minute + (int)(dice >> 28) % 5, to = from + (int)(dice >> 24 & 15) % 7;
            if (to > 64) break;
            spans_add(i % 2 ? &open : &taken, from, to);
            if (i % 2)
                for (int m = from; m < to; m++) grid[m] = true;
            minute = i % 2 ? to : from;
        }
        for (size_t i = 0; i < taken.count; i++)
            for (int64_t m = taken.at[i].from_us; m < taken.at[i].to_us && m < 64; m++) grid[m] = false;
        bool is_sorted = true;
        for (size_t i = 1; i < taken.count; i++) is_sorted &= taken.at[i].from_us >= taken.at[i - 1].to_us;
        if (!is_sorted) continue; /* taken ones are disjoint by the schema */
        assert_true(spans_free(&open, &taken, 0, 64, &left));
        bool seen[64] = {false};
        for (size_t i = 0; i < left.count; i++)
            for (int64_t m = left.at[i].from_us; m < left.at[i].to_us; m++) seen[m] = true;
        assert_memory_equal(seen, grid, sizeof grid);
        for (int from = 0; from < 64; from++) {
            for (int length = 1; from + length <= 64 && length < 6; length++) {
                bool is_free = true;
                for (int m = from; m < from + length; m++) is_free &= grid[m];
                assert_int_equal(spans_hold(&left, from, from + length), is_free);
            }
        }
    }
}

static void test_the_nearest_time(void **state)
{
    const struct {
        const char *name;
        struct spans spans;
        int64_t wanted, length, start; /* start -1: none */
    } CASES[] = {
        {"as wanted", SPANS({10, 20}), 12, 3, 12},
        {"a little later", SPANS({10, 20}), 5, 3, 10},
        {"a little earlier", SPANS({10, 20}), 19, 3, 17},
        {"the span fits exactly", SPANS({10, 20}), 15, 10, 10},
        {"too long for it", SPANS({10, 20}), 15, 11, -1},
        {"the nearer of two", SPANS({10, 20}, {30, 40}), 24, 2, 30},
        {"before rather than after", SPANS({10, 20}, {30, 40}), 22, 2, 18},
        {"as near before as after: after", SPANS({10, 20}, {30, 40}), 24, 2, 30},
        {"the nearer one is too short", SPANS({10, 20}, {21, 22}, {40, 50}), 22, 5, 15},
        {"nothing is free", {0}, 10, 1, -1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        int64_t start = -1;
        bool is_there = spans_nearest(&CASES[i].spans, CASES[i].wanted, CASES[i].length, &start);
        if (is_there != (CASES[i].start >= 0) || start != CASES[i].start)
            fail_msg("%s: %lld", CASES[i].name, (long long)start);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_step_from_every_state),
        cmocka_unit_test(test_which_states_take_the_room),
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_how_long_a_request_is_held),
        cmocka_unit_test(test_start_and_end),
        cmocka_unit_test(test_the_last_day),
        cmocka_unit_test(test_what_is_left),
        cmocka_unit_test(test_random_spans_against_a_grid),
        cmocka_unit_test(test_the_nearest_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

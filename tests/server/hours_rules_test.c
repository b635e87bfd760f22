/* tests/server/hours_rules_test.c - what opening hours and closed days must keep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/hours/hours_rules.h"

#define TODAY 20261123

static void assert_rule(const char *name, const char *rule, const char *expected)
{
    if ((rule == NULL) != (expected == NULL) || (rule && expected && strcmp(rule, expected) != 0))
        fail_msg("%s: %s, not %s", name, rule ? rule : "fine", expected ? expected : "fine");
}

static void test_spans(void **state)
{
    static const struct {
        const char *name;
        struct open_span spans[3];
        int count;
        const char *rule, *field;
        int at;
    } CASES[] = {
        {"none: always closed", {{0}}, 0, NULL, NULL, 0},
        {"the sample", {{62, 600, 1035}, {193, 780, 1035}}, 2, NULL, NULL, 0},
        {"round the clock", {{255, 0, 1440}}, 1, NULL, NULL, 0},
        {"one minute", {{1, 0, 1}}, 1, NULL, NULL, 0},
        {"no day", {{0, 600, 1035}}, 1, "days", "spans.days", 0},
        {"a ninth kind of day", {{256, 600, 1035}}, 1, "days", "spans.days", 0},
        {"a day twice", {{62, 600, 1035}, {66, 780, 1035}}, 2, "day_twice", "spans.days", 1},
        {"closes when it opens", {{62, 600, 600}}, 1, "before_from", "spans.close_minute", 0},
        {"closes before it opens", {{1, 600, 1035}, {62, 600, 599}}, 2, "before_from", "spans.close_minute", 1},
        {"opens before the day", {{62, -1, 600}}, 1, "range", "spans.open_minute", 0},
        {"opens with the next day", {{62, 1440, 1441}}, 1, "range", "spans.open_minute", 0},
        {"closes on the next day", {{62, 600, 1441}}, 1, "range", "spans.close_minute", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const char *field = "";
        int at = -1;
        const char *rule = hours_rules_spans(CASES[i].spans, CASES[i].count, &at, &field);
        assert_rule(CASES[i].name, rule, CASES[i].rule);
        if (rule) assert_string_equal(field, CASES[i].field);
        if (rule) assert_int_equal(at, CASES[i].at);
    }
}

static void test_first_days(void **state)
{
    static const struct {
        const char *name;
        int32_t day;
        const char *rule;
    } CASES[] = {
        {"today", TODAY, NULL},      {"yesterday", 20261122, "past"}, {"tomorrow", 20261124, NULL},
        {"no day", 20261131, "day"}, {"ten years", 20361231, NULL},   {"eleven years", 20370101, "too_far"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        assert_rule(CASES[i].name, hours_rules_from(CASES[i].day, TODAY), CASES[i].rule);
}

static void test_closed_days(void **state)
{
    static const struct {
        const char *name;
        int32_t from_day, to_day, was_from, was_to;
        const char *rule, *field;
    } CASES[] = {
        {"one day", TODAY, TODAY, 0, 0, NULL, NULL},
        {"New Year", 20261229, 20270103, 0, 0, NULL, NULL},
        {"a year", 20270101, 20280101, 0, 0, NULL, NULL},
        {"a year and a day", 20270101, 20280102, 0, 0, "too_long", "to_day"},
        {"years", 20270101, 20360101, 0, 0, "too_long", "to_day"},
        {"ends before it begins", 20261202, 20261201, 0, 0, "before_from", "to_day"},
        {"no such last day", 20261202, 20261231 + 1, 0, 0, "day", "to_day"},
        {"no such first day", 20260001, 20261231, 0, 0, "day", "from_day"},
        {"began yesterday", 20261122, 20261124, 0, 0, "past", "from_day"},
        {"too far", 20370101, 20370101, 0, 0, "too_far", "from_day"},
        {"one that has begun ends earlier", 20261120, TODAY, 20261120, 20261130, NULL, NULL},
        {"one that has begun ended yesterday", 20261120, 20261122, 20261120, 20261130, NULL, NULL},
        {"one that has begun ended before", 20261120, 20261121, 20261120, 20261130, "past", "to_day"},
        {"one that has begun begins later", TODAY, 20261130, 20261120, 20261130, "begun", "from_day"},
        {"one that is over", 20261101, 20261130, 20261101, 20261105, "over", "id"},
        {"one that comes is put off", 20261205, 20261206, 20261201, 20261202, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const char *field = "";
        const char *rule =
            hours_rules_closed(CASES[i].from_day, CASES[i].to_day, CASES[i].was_from, CASES[i].was_to, TODAY, &field);
        assert_rule(CASES[i].name, rule, CASES[i].rule);
        if (rule) assert_string_equal(field, CASES[i].field);
    }
}

static void test_calendar_spans(void **state)
{
    const char *field;
    (void)state;
    assert_rule("a day", hours_rules_calendar(TODAY, TODAY, &field), NULL);
    assert_rule("400 days", hours_rules_calendar(20260101, 20270204, &field), NULL);
    assert_rule("401 days", hours_rules_calendar(20260101, 20270205, &field), "too_long");
    assert_string_equal(field, "to_day");
    assert_rule("backwards", hours_rules_calendar(TODAY, 20261122, &field), "before_from");
    assert_rule("no day", hours_rules_calendar(20260229, TODAY, &field), "day");
    assert_string_equal(field, "from_day");
}

static void test_which_span_holds(void **state)
{
    static const struct open_span SPANS[] = {{62, 600, 1035}, {65, 780, 1035}, {128, 800, 1000}};
    (void)state;
    assert_ptr_equal(hours_span_of(SPANS, 3, 1, false), &SPANS[0]);
    assert_ptr_equal(hours_span_of(SPANS, 3, 0, false), &SPANS[1]);
    assert_ptr_equal(hours_span_of(SPANS, 3, 6, false), &SPANS[1]);
    assert_ptr_equal(hours_span_of(SPANS, 3, 1, true), &SPANS[2]); /* a holiday outranks its weekday */
    assert_ptr_equal(hours_span_of(SPANS, 3, 0, true), &SPANS[2]);
    assert_null(hours_span_of(SPANS, 2, 1, true)); /* and is closed when it is not named */
    assert_null(hours_span_of(SPANS, 1, 0, false));
    assert_null(hours_span_of(SPANS, 0, 1, false));
}

static void test_days_between(void **state)
{
    (void)state;
    assert_int_equal(hours_days_between(TODAY, TODAY), 0);
    assert_int_equal(hours_days_between(20240228, 20240301), 2);
    assert_int_equal(hours_days_between(20250228, 20250301), 1);
    assert_int_equal(hours_days_between(20250101, 20241231), -1);
    assert_int_equal(hours_horizon(20260331), 20240401);
    assert_int_equal(hours_horizon(20260401), 20250401);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_first_days),
        cmocka_unit_test(test_closed_days),
        cmocka_unit_test(test_calendar_spans),
        cmocka_unit_test(test_which_span_holds),
        cmocka_unit_test(test_days_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

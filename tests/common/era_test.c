/* tests/common/era_test.c - Japanese dates on both sides of each change of era. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/era.h"

static void test_dates(void **state)
{
    static const struct {
        int32_t day;
        const char *text;
    } CASES[] = {
        {20250401, "令和7年4月1日(火)"},
        {20190501, "令和元年5月1日(水)"},
        {20190430, "平成31年4月30日(火)"},
        {20191231, "令和元年12月31日(火)"},
        {20200101, "令和2年1月1日(水)"},
        {19890108, "平成元年1月8日(日)"},
        {19890107, "昭和64年1月7日(土)"},
        {19261225, "昭和元年12月25日(土)"},
        {19261224, "大正15年12月24日(金)"},
        {19120730, "大正元年7月30日(火)"},
        {19120729, "明治45年7月29日(月)"},
        {18730101, "明治6年1月1日(水)"},
        {18721231, "1872年12月31日(火)"},
        {20261123, "令和8年11月23日(月)"},
        {20240229, "令和6年2月29日(木)"},
        {20250229, ""},
        {0, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char text[ERA_DATE_BYTES];
        era_date(CASES[i].day, text, sizeof text);
        if (strcmp(text, CASES[i].text) != 0) fail_msg("%d: %s, not %s", (int)CASES[i].day, text, CASES[i].text);
    }
}

static void test_room_that_is_too_small(void **state)
{
    char text[ERA_DATE_BYTES];
    (void)state;
    for (size_t size = 1; size < sizeof "令和7年4月1日(火)"; size++) {
        memset(text, 'x', sizeof text);
        era_date(20250401, text, size);
        if (text[0] != '\0') fail_msg("%zu bytes: %s", size, text);
    }
    era_date(20250401, text, sizeof "令和7年4月1日(火)");
    assert_string_equal(text, "令和7年4月1日(火)");
}

static void test_fiscal_years(void **state)
{
    static const struct {
        int year, first_month;
        const char *text;
    } CASES[] = {
        {2025, 4, "令和7年度"},  {2019, 4, "平成31年度"}, {2019, 7, "令和元年度"},
        {2011, 4, "平成23年度"}, {1988, 4, "昭和63年度"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char text[ERA_DATE_BYTES];
        era_fiscal_year(CASES[i].year, CASES[i].first_month, text, sizeof text);
        assert_string_equal(text, CASES[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_room_that_is_too_small),
        cmocka_unit_test(test_fiscal_years),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

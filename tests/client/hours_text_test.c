/* tests/client/hours_text_test.c - opening hours as people type them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/ctl/hours_text.h"

static void test_typed(void **state)
{
    static const struct {
        const char *text;
        bool is_good;
        uint32_t days;
        int open_minute, close_minute;
    } CASES[] = {
        {"weekdays=10:00-17:15", true, 62, 600, 1035},
        {"sat,sun,holidays=13:00-17:15", true, 193, 780, 1035},
        {"weekends,holidays=9:00-24:00", true, 193, 540, 1440},
        {"all=0:00-24:00", true, 255, 0, 1440},
        {"mon=10:00-17:15x", false, 0, 0, 0},
        {"mon=10: 5-17:00", false, 0, 0, 0},
        {"mon=+9:00-17:00", false, 0, 0, 0},
        {"mon=10:00", false, 0, 0, 0},
        {"mon=10:00-25:00", false, 0, 0, 0},
        {"mon=10:00-24:01", false, 0, 0, 0},
        {"mon=10:60-17:00", false, 0, 0, 0},
        {"=10:00-17:15", false, 0, 0, 0},
        {"mon,=10:00-17:15", false, 0, 0, 0},
        {"monday=10:00-17:15", false, 0, 0, 0},
        {"10:00-17:15", false, 0, 0, 0},
        {"", false, 0, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        uint32_t days = 0;
        int open_minute = 0, close_minute = 0;
        bool is_good = hours_span_parse(CASES[i].text, &days, &open_minute, &close_minute) == 0;
        if (is_good != CASES[i].is_good) fail_msg("%s", CASES[i].text);
        if (!is_good) continue;
        if (days != CASES[i].days || open_minute != CASES[i].open_minute || close_minute != CASES[i].close_minute)
            fail_msg("%s: %u %d %d", CASES[i].text, (unsigned)days, open_minute, close_minute);
    }
}

static void test_shown(void **state)
{
    char text[120];
    (void)state;
    hours_span_text(62, 600, 1035, text, sizeof text);
    assert_string_equal(text, "Mon–Fri 10:00–17:15");
    hours_span_text(193, 780, 1035, text, sizeof text);
    assert_string_equal(text, "Sat, Sun, holidays 13:00–17:15");
    hours_span_text(2 | 8, 0, 1440, text, sizeof text);
    assert_string_equal(text, "Mon, Wed 00:00–24:00");
    hours_span_text(63, 600, 1035, text, sizeof text);
    assert_string_equal(text, "Mon–Fri, Sun 10:00–17:15");
    hours_span_text(255, 600, 1035, text, 12); /* cut, but never past its end */
    assert_int_equal(strlen(text) < 12, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_typed),
        cmocka_unit_test(test_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

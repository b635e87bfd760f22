/* tests/client/ctl_busy_test.c - when madoguchictl asks a busy server again. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "client/ctl/ctl.h"

static void test_waits_as_long_as_the_server_says(void **state)
{
    static const struct {
        const char *name;
        uint32_t retry_after_ms;
        uint64_t left_ms;
        bool goes_on;
        unsigned wait_ms;
    } CASES[] = {
        {"a little", 200, 30000, true, 200},
        {"longer than a second", 4000, 30000, true, 4000},
        {"nearly all that is left", 29999, 30000, true, 29999},
        {"all that is left", 30000, 30000, false, 0},
        {"longer than the longest", UINT32_MAX, 30000, false, 0},
        {"no time named", 0, 30000, true, 1000},
        {"no time named, little left", 0, 1000, false, 0},
        {"nothing left", 1, 0, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        unsigned wait_ms = 0;
        bool goes_on = ctl_busy_wait(CASES[i].retry_after_ms, CASES[i].left_ms, &wait_ms);
        if (goes_on != CASES[i].goes_on || (goes_on && wait_ms != CASES[i].wait_ms))
            fail_msg("%s: %d, %u ms", CASES[i].name, goes_on, wait_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_waits_as_long_as_the_server_says)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

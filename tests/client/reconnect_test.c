/* tests/client/reconnect_test.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "client/lib/reconnect.h"
#include "common/error.h"

static void test_delay_lies_between_its_bounds(void **state)
{
    static const struct {
        const char *name;
        unsigned failures;
        uint32_t retry_after_ms;
        uint64_t least_ms, most_ms;
    } CASES[] = {
        {"the first", 0, 0, 0, 500},
        {"the second", 1, 0, 0, 1000},
        {"the fifth", 4, 0, 0, 8000},
        {"the sixth", 5, 0, 0, 16000},
        {"the seventh", 6, 0, 0, 30000},
        {"the hundredth", 100, 0, 0, 30000},
        {"as many as fit", UINT32_MAX, 0, 0, 30000},
        {"the server asked for more", 0, 60000, 60000, 60500},
        {"the server asked for the most", 40, UINT32_MAX, UINT64_C(4294967295), UINT64_C(4294967295) + 30000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        uint64_t span = CASES[i].most_ms - CASES[i].least_ms;
        uint64_t lowest = reconnect_delay_ms(CASES[i].failures, CASES[i].retry_after_ms, 0);
        uint64_t highest = reconnect_delay_ms(CASES[i].failures, CASES[i].retry_after_ms, span);
        uint64_t round = reconnect_delay_ms(CASES[i].failures, CASES[i].retry_after_ms, span + 1);
        if (lowest != CASES[i].least_ms || highest != CASES[i].most_ms || round != lowest) {
            fail_msg("%s: %llu to %llu, then %llu", CASES[i].name, (unsigned long long)lowest,
                     (unsigned long long)highest, (unsigned long long)round);
        }
    }
}

static void test_any_random_number_stays_inside(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252u; /* xorshift */
    for (int i = 0; i < 10000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        uint64_t delay = reconnect_delay_ms((unsigned)(i % 12), 0, random);
        if (delay > RECONNECT_MOST_MS) fail_msg("%llu", (unsigned long long)delay);
    }
}

static void test_only_a_connection_that_lived_ends_the_failures(void **state)
{
    static const struct {
        unsigned failures;
        uint64_t lived_ms;
        unsigned left;
    } CASES[] = {{7, 0, 7}, {7, 59999, 7}, {7, 60000, 0}, {7, UINT64_MAX, 0}, {0, 0, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        if (reconnect_failures_left(CASES[i].failures, CASES[i].lived_ms) != CASES[i].left) fail_msg("case %zu", i);
    }
}

static void test_what_is_not_tried_again(void **state)
{
    static const struct {
        int error;
        bool is_final;
    } CASES[] = {
        {MDG_ERR_REVOKED, true},
        {MDG_ERR_CERTIFICATE_EXPIRED, false},
        {MDG_ERR_UNTRUSTED, false},
        {MDG_ERR_VERSION, true},
        {MDG_ERR_OFFLINE, false},
        {MDG_ERR_BUSY, false},
        {MDG_ERR_CONFIG, false},
        {MDG_ERR_SHUTTING_DOWN, false},
        {MDG_ERR_CRYPTO, false},
        {MDG_ERR_CORRUPT, false},
        {-111, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        if (reconnect_is_final(CASES[i].error) != CASES[i].is_final) fail_msg("%s", mdg_error_name(CASES[i].error));
    }
}

static void test_a_doubt_ends_when_the_clock_was_set_or_time_is_up(void **state)
{
    static const struct {
        const char *name;
        int64_t wall_s, steady_s; /* passed since the attempt */
        bool is_over;
    } CASES[] = {
        {"at once", 0, 0, false},
        {"a while", 200, 200, false},
        {"the clock runs a little fast", 260, 200, false},
        {"the clock was set forward", 262, 201, true},
        {"by years", 1000000000, 3, true},
        {"the clock runs a little slow", 140, 200, false},
        {"the clock was set back", 139, 200, true},
        {"by years", -1000000000, 3, true},
        {"nearly five minutes", 299, 299, false},
        {"five minutes", 300, 300, true},
    };
    const struct reconnect_moment tried = {.wall_us = INT64_C(1700000000000000), .steady_ns = UINT64_MAX - 5};
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct reconnect_moment now = {tried.wall_us + CASES[i].wall_s * 1000000,
                                             tried.steady_ns + (uint64_t)CASES[i].steady_s * 1000000000};
        if (reconnect_doubt_is_over(tried, now) != CASES[i].is_over) fail_msg("%s", CASES[i].name);
    }
    assert_true(reconnect_is_in_doubt(MDG_ERR_UNTRUSTED) && reconnect_is_in_doubt(MDG_ERR_CERTIFICATE_EXPIRED));
    assert_false(reconnect_is_in_doubt(MDG_ERR_REVOKED) || reconnect_is_in_doubt(MDG_ERR_VERSION));
    assert_false(reconnect_is_in_doubt(MDG_ERR_OFFLINE) || reconnect_is_in_doubt(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delay_lies_between_its_bounds),
        cmocka_unit_test(test_any_random_number_stays_inside),
        cmocka_unit_test(test_only_a_connection_that_lived_ends_the_failures),
        cmocka_unit_test(test_what_is_not_tried_again),
        cmocka_unit_test(test_a_doubt_ends_when_the_clock_was_set_or_time_is_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

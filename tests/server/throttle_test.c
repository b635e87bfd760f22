#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/day.h"
#include "server/sign_in/throttle.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const int64_t T0 = INT64_C(1700000000) * US_PER_SECOND;

/* `failures` wrong secrets, `gap_us` apart, then a look after `wait_us`. */
static void test_when_it_opens(void **state)
{
    static const struct {
        const char *name;
        const struct throttle_rule *rule;
        int failures;
        int64_t gap_us, wait_us;
        bool is_allowed;
        int64_t until_us; /* from the last failure; 0: the office opens */
    } CASES[] = {
        {"nothing happened", &THROTTLE_PAIR, 0, 0, 0, true, 0},
        {"four in a row", &THROTTLE_PAIR, 4, US_PER_SECOND, 0, true, 0},
        {"five in a row", &THROTTLE_PAIR, 5, US_PER_SECOND, 0, false, 15 * US_PER_MINUTE},
        {"just before the 15 minutes are over", &THROTTLE_PAIR, 5, 1, 15 * US_PER_MINUTE - 1, false,
         15 * US_PER_MINUTE},
        {"15 minutes later", &THROTTLE_PAIR, 5, 1, 15 * US_PER_MINUTE, true, 0},
        {"a failure a day is forgotten", &THROTTLE_PAIR, 9, US_PER_DAY, 0, true, 0},
        {"an hour apart is in a row", &THROTTLE_PAIR, 5, US_PER_HOUR, 0, false, 15 * US_PER_MINUTE},
        {"19 of a name in a day", &THROTTLE_NAME, 19, US_PER_HOUR, 0, true, 0},
        {"20 of a name in a day", &THROTTLE_NAME, 20, US_PER_HOUR, 0, false, 0},
        {"20 of a name stay shut", &THROTTLE_NAME, 20, US_PER_HOUR, 30 * US_PER_DAY, false, 0},
        {"20 spread over more than a day", &THROTTLE_NAME, 20, US_PER_DAY / 19 + 1, 0, true, 0},
        {"200 slower than 20 a day", &THROTTLE_NAME, 200, US_PER_DAY / 19 + 1, 0, true, 0},
        {"29 at a terminal in an hour", &THROTTLE_TERMINAL, 29, US_PER_MINUTE, 0, true, 0},
        {"30 at a terminal in an hour", &THROTTLE_TERMINAL, 30, US_PER_MINUTE, 0, false, 0},
        {"30 at a terminal in more than an hour", &THROTTLE_TERMINAL, 30, US_PER_HOUR / 29 + 1, 0, true, 0},
        {"a group at a lounge, five", &THROTTLE_PUBLIC_PAIR, 5, 1, 0, false, 15 * US_PER_MINUTE},
        {"a group at a lounge, 20", &THROTTLE_PUBLIC_PAIR, 20, US_PER_HOUR, US_PER_DAY, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct throttle_state throttle = {0};
        int64_t now_us = T0;
        for (int n = 0; n < CASES[i].failures; n++) {
            if (n > 0) now_us += CASES[i].gap_us;
            throttle_failure(CASES[i].rule, &throttle, now_us);
        }
        struct throttle_verdict verdict = throttle_check(&throttle, now_us + CASES[i].wait_us);
        int64_t until_us = CASES[i].until_us ? now_us + CASES[i].until_us : 0;
        if (verdict.is_allowed != CASES[i].is_allowed || verdict.until_us != until_us) fail_msg("%s", CASES[i].name);
    }
}

static void test_success(void **state)
{
    (void)state;
    struct throttle_state pair = {0}, name = {0};
    for (int i = 0; i < 4; i++) throttle_failure(&THROTTLE_PAIR, &pair, T0 + i);
    throttle_success(&pair);
    for (int i = 0; i < 4; i++) throttle_failure(&THROTTLE_PAIR, &pair, T0 + 10 + i);
    assert_true(throttle_check(&pair, T0 + 20).is_allowed);
    throttle_failure(&THROTTLE_PAIR, &pair, T0 + 21);
    assert_false(throttle_check(&pair, T0 + 22).is_allowed);

    /* The owner's own sign-ins do not give a guesser another 20. */
    for (int i = 0; i < 19; i++) {
        throttle_failure(&THROTTLE_NAME, &name, T0 + i);
        throttle_success(&name);
    }
    assert_true(throttle_check(&name, T0 + 20).is_allowed);
    throttle_failure(&THROTTLE_NAME, &name, T0 + 20);
    assert_false(throttle_check(&name, T0 + 21).is_allowed);
}

static void test_clock_set_back(void **state)
{
    (void)state;
    struct throttle_state name = {0};
    for (int i = 0; i < 20; i++) throttle_failure(&THROTTLE_NAME, &name, T0 - i * US_PER_HOUR * 2);
    assert_false(throttle_check(&name, T0 - 40 * US_PER_HOUR).is_allowed);
}

static void test_idle(void **state)
{
    (void)state;
    struct throttle_state pair = {0}, name = {0};
    throttle_failure(&THROTTLE_PAIR, &pair, T0);
    assert_false(throttle_is_idle(&pair, T0 + US_PER_HOUR));
    assert_true(throttle_is_idle(&pair, T0 + US_PER_DAY));
    for (int i = 0; i < 20; i++) throttle_failure(&THROTTLE_NAME, &name, T0);
    assert_false(throttle_is_idle(&name, T0 + 365 * US_PER_DAY));
}

/* 10,000 guesses over 24 hours at one account, from as many terminals, in several rhythms: at most 20 reach the
 * secret, and nobody but the guessers' terminals is held up beyond the account. */
static void test_ten_thousand_guesses(void **state)
{
    enum { GUESSES = 10000, TERMINALS_MAX = 400 };
    static const struct {
        const char *name;
        int terminals;
        const struct throttle_rule *pair;
        const struct throttle_rule *name_rule; /* NULL: counted at the terminal only */
    } CASES[] = {
        {"one counter", 1, &THROTTLE_PAIR, &THROTTLE_NAME},
        {"seven counters", 7, &THROTTLE_PAIR, &THROTTLE_NAME},
        {"four hundred counters", TERMINALS_MAX, &THROTTLE_PAIR, &THROTTLE_NAME},
        {"one lounge", 1, &THROTTLE_PUBLIC_PAIR, NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        static struct throttle_state pairs[TERMINALS_MAX], terminals[TERMINALS_MAX];
        struct throttle_state name = {0};
        for (int n = 0; n < TERMINALS_MAX; n++) pairs[n] = terminals[n] = (struct throttle_state){0};
        int checks = 0;
        for (int n = 0; n < GUESSES; n++) {
            int64_t now_us = T0 + n * (US_PER_DAY / GUESSES);
            int at = n % CASES[i].terminals;
            if (!throttle_check(&terminals[at], now_us).is_allowed || !throttle_check(&name, now_us).is_allowed ||
                !throttle_check(&pairs[at], now_us).is_allowed)
                continue;
            checks++;
            throttle_failure(CASES[i].pair, &pairs[at], now_us);
            throttle_failure(&THROTTLE_TERMINAL, &terminals[at], now_us);
            if (CASES[i].name_rule) throttle_failure(CASES[i].name_rule, &name, now_us);
        }
        if (checks > 20 || checks < 5) fail_msg("%s: %d real checks", CASES[i].name, checks);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_when_it_opens),        cmocka_unit_test(test_success),
        cmocka_unit_test(test_clock_set_back),       cmocka_unit_test(test_idle),
        cmocka_unit_test(test_ten_thousand_guesses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

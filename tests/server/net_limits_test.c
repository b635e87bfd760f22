/* tests/server/net_limits_test.c - the limits of server/README.md 11 as decided by server/net/limits.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "server/net/limits.h"

static struct net_limits limits;

static int set_up(void **state)
{
    (void)state;
    net_limits_default(&limits);
    return 0;
}

static void test_frame_and_rate_by_stage_and_kind(void **state)
{
    static const struct {
        const char *name;
        enum terminal_kind kind;
        bool has_hello;
        size_t frame;
        uint32_t per_second, burst;
    } CASES[] = {
        {"nobody yet", KIND_NONE, false, 4096, 20, 100},
        {"counter before hello", KIND_COUNTER, false, 4096, 20, 100},
        {"counter", KIND_COUNTER, true, 262144, 500, 2000},
        {"office", KIND_OFFICE, true, 262144, 500, 2000},
        {"council", KIND_COUNCIL, true, 262144, 500, 2000},
        {"lounge", KIND_LOUNGE, true, 16384, 20, 100},
        {"door", KIND_DOOR, true, 16384, 20, 100},
        {"display", KIND_DISPLAY, true, 16384, 20, 100},
        {"applicant, whatever it said", KIND_APPLICANT, true, 4096, 20, 100},
        {"console before hello", KIND_CONSOLE, false, 4096, 20, 100},
        {"console", KIND_CONSOLE, true, 262144, 500, 2000},
        {"a kind of tomorrow", (enum terminal_kind)17, true, 16384, 20, 100},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct net_rate *rate = limits_rate(&limits, CASES[i].kind, CASES[i].has_hello);
        size_t frame = limits_frame_bytes(&limits, CASES[i].kind, CASES[i].has_hello);
        if (frame != CASES[i].frame) fail_msg("%s: frame %zu", CASES[i].name, frame);
        if (rate->per_second != CASES[i].per_second || rate->burst != CASES[i].burst)
            fail_msg("%s: rate %u, burst %u", CASES[i].name, rate->per_second, rate->burst);
    }
}

static uint32_t take_all(struct bucket *bucket, const struct net_rate *rate, uint64_t now_ms)
{
    uint32_t taken = 0;
    while (bucket_take(bucket, rate, now_ms, NULL)) taken++;
    return taken;
}

static void test_bucket_over_time(void **state)
{
    static const struct {
        const char *name;
        struct net_rate rate;
        uint64_t wait_ms; /* after the burst is spent */
        uint32_t then;    /* so many more */
    } CASES[] = {
        {"at once", {20, 100}, 0, 0},
        {"just before the next token", {20, 100}, 49, 0},
        {"the next token", {20, 100}, 50, 1},
        {"a second", {20, 100}, 1000, 20},
        {"never more than the burst", {20, 100}, 3600 * 1000, 100},
        {"fast rate", {500, 2000}, 3, 1},
        {"fast rate, a second", {500, 2000}, 1000, 500},
        {"a silence of fifty days", {500, 2000}, UINT64_C(4320000000), 2000},
        {"burst of one", {1, 1}, 999, 0},
        {"burst of one, a second", {1, 1}, 1000, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct bucket bucket = {0};
        uint64_t now_ms = 1000000;
        uint32_t burst = take_all(&bucket, &CASES[i].rate, now_ms);
        if (burst != CASES[i].rate.burst) fail_msg("%s: burst %u", CASES[i].name, burst);
        uint32_t then = take_all(&bucket, &CASES[i].rate, now_ms + CASES[i].wait_ms);
        if (then != CASES[i].then) fail_msg("%s: then %u", CASES[i].name, then);
    }
}

static void test_bucket_keeps_its_promise(void **state)
{
    static const struct net_rate RATES[] = {{20, 100}, {500, 2000}, {7, 3}, {1, 1}, {999, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof RATES / sizeof RATES[0]; i++) {
        struct bucket bucket = {0};
        uint32_t retry_after_ms = 0;
        uint64_t now_ms = 5;
        take_all(&bucket, &RATES[i], now_ms);
        assert_false(bucket_take(&bucket, &RATES[i], now_ms, &retry_after_ms));
        assert_in_range(retry_after_ms, 1, 1000);
        /* Neither too late nor, by more than a millisecond, too early; and refusing costs nothing. */
        if (retry_after_ms > 1) assert_false(bucket_take(&bucket, &RATES[i], now_ms + retry_after_ms - 1, NULL));
        assert_true(bucket_take(&bucket, &RATES[i], now_ms + retry_after_ms, NULL));
    }
}

static void test_steady_rate_over_an_hour(void **state)
{
    (void)state;
    const struct net_rate rate = {20, 100};
    struct bucket bucket = {0};
    uint32_t taken = 0;
    for (uint64_t now_ms = 0; now_ms < 3600 * 1000; now_ms += 3) taken += bucket_take(&bucket, &rate, now_ms, NULL);
    assert_in_range(taken, 100 + 20 * 3600 - 1, 100 + 20 * 3600);
}

static void test_accept(void **state)
{
    static const struct {
        const char *name;
        struct net_counts counts;
        enum limits_verdict verdict;
    } CASES[] = {
        {"the first", {0, 0, 0, 0}, ADMIT},
        {"the last", {1499, 63, 7, 0}, ADMIT},
        {"house full", {1500, 0, 0, 0}, TURN_AWAY},
        {"too many before hello", {64, 64, 0, 0}, TURN_AWAY},
        {"too many of one address", {8, 8, 8, 0}, TURN_AWAY},
        {"turning away is bounded too", {1500, 0, 0, 32}, DROP},
        {"others being turned away do not matter", {0, 0, 0, 32}, ADMIT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        if (limits_accept(&limits, &CASES[i].counts) != CASES[i].verdict) fail_msg("%s", CASES[i].name);
    }
}

static void test_waiting_replies(void **state)
{
    static const struct {
        const char *name;
        size_t waiting, length;
        bool fits;
    } CASES[] = {
        {"nothing waits", 0, 100, true},
        {"one as large as a frame may be", 0, 262148, true},
        {"up to the limit", 262044, 100, true},
        {"one byte over", 262045, 100, false},
        {"a large one behind a small one", 1, 262144, false},
        {"larger than the limit behind anything", 1, 300000, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        if (limits_reply_fits(&limits, CASES[i].waiting, CASES[i].length) != CASES[i].fits)
            fail_msg("%s", CASES[i].name);
    }
}

static void test_overdue(void **state)
{
    const uint64_t T = 1000000; /* now */
    const struct {
        const char *name;
        struct conn_times times;
        enum limits_overdue overdue;
    } CASES[] = {
        {"handshake in time", {.accepted_ms = T - 9999}, IN_TIME},
        {"handshake overdue", {.accepted_ms = T - 10000}, HANDSHAKE_OVERDUE},
        {"hello in time", {.is_established = true, .accepted_ms = T - 39000, .established_ms = T - 29999}, IN_TIME},
        {"hello overdue", {.is_established = true, .established_ms = T - 30000}, HELLO_OVERDUE},
        {"hello was said", {.is_established = true, .has_hello = true, .established_ms = T - 90000}, IN_TIME},
        {"frame in time", {.is_established = true, .has_hello = true, .incomplete_ms = T - 14999}, IN_TIME},
        {"frame overdue", {.is_established = true, .has_hello = true, .incomplete_ms = T - 15000}, FRAME_OVERDUE},
        {"write in time", {.is_established = true, .has_hello = true, .stalled_ms = T - 29999}, IN_TIME},
        {"write overdue", {.is_established = true, .has_hello = true, .stalled_ms = T - 30000}, WRITE_OVERDUE},
        {"heard of lately",
         {.is_established = true, .has_hello = true, .is_watched = true, .heard_ms = T - 14999},
         IN_TIME},
        {"quiet", {.is_established = true, .has_hello = true, .is_watched = true, .heard_ms = T - 15000}, PING_DUE},
        {"quiet, asked",
         {.is_established = true, .has_hello = true, .is_watched = true, .heard_ms = T - 29000, .pinged_ms = T - 14000},
         IN_TIME},
        {"quiet, asked twice",
         {.is_established = true, .has_hello = true, .is_watched = true, .heard_ms = T - 44999, .pinged_ms = T - 15000},
         PING_DUE},
        {"asked in an earlier silence",
         {.is_established = true, .has_hello = true, .is_watched = true, .heard_ms = T - 16000, .pinged_ms = T - 99000},
         PING_DUE},
        {"dead",
         {.is_established = true, .has_hello = true, .is_watched = true, .heard_ms = T - 45000, .pinged_ms = T - 1},
         PEER_DEAD},
        {"the console may be quiet", {.is_established = true, .has_hello = true, .heard_ms = T - 900000}, IN_TIME},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        enum limits_overdue overdue = limits_overdue(&limits, &CASES[i].times, T);
        if (overdue != CASES[i].overdue) fail_msg("%s: %d", CASES[i].name, (int)overdue);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_frame_and_rate_by_stage_and_kind, set_up),
        cmocka_unit_test_setup(test_bucket_over_time, set_up),
        cmocka_unit_test_setup(test_bucket_keeps_its_promise, set_up),
        cmocka_unit_test_setup(test_steady_rate_over_an_hour, set_up),
        cmocka_unit_test_setup(test_accept, set_up),
        cmocka_unit_test_setup(test_waiting_replies, set_up),
        cmocka_unit_test_setup(test_overdue, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

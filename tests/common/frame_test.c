/* tests/common/frame_test.c - frames cut out of a stream, however the stream is cut. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/error.h"
#include "common/frame.h"

#define SEEN_BYTES 4096

/* What came out: lengths and contents one after the other. */
struct seen {
    size_t count, length;
    uint8_t bytes[SEEN_BYTES];
    size_t refuse_at; /* the frame (from 1) at which the callback says stop; 0: never */
};

static int on_frame(void *arg, const uint8_t *bytes, size_t length)
{
    struct seen *seen = arg;
    seen->count++;
    if (seen->count == seen->refuse_at) return MDG_ERR_MALFORMED;
    assert_true(seen->length + 1 + length <= sizeof seen->bytes);
    seen->bytes[seen->length++] = (uint8_t)length;
    memcpy(seen->bytes + seen->length, bytes, length);
    seen->length += length;
    return 0;
}

#define THREE_FRAMES "\0\0\0\3abc\0\0\0\1d\0\0\0\5efghi"
static const uint8_t STREAM[] = THREE_FRAMES;
#define STREAM_BYTES (sizeof STREAM - 1)
static const uint8_t EXPECTED[] = "\3abc\1d\5efghi";

/* A copy of the exact size, so that reading past its end is noticed. */
static int feed_exact(struct frame_splitter *splitter, const uint8_t *bytes, size_t length, struct seen *seen)
{
    uint8_t *copy = malloc(length ? length : 1);
    memcpy(copy, bytes, length);
    int rc = frame_splitter_feed(splitter, copy, length, on_frame, seen);
    free(copy);
    return rc;
}

static void assert_three(const struct seen *seen, size_t first, size_t second)
{
    if (seen->count != 3 || seen->length != sizeof EXPECTED - 1 || memcmp(seen->bytes, EXPECTED, seen->length) != 0)
        fail_msg("cut at %zu and %zu: %zu frames", first, second, seen->count);
}

static void test_cut_at_every_two_places(void **state)
{
    (void)state;
    for (size_t first = 0; first <= STREAM_BYTES; first++) {
        for (size_t second = first; second <= STREAM_BYTES; second++) {
            struct frame_splitter splitter;
            struct seen seen = {0};
            frame_splitter_init(&splitter, 16);
            assert_int_equal(feed_exact(&splitter, STREAM, first, &seen), 0);
            assert_int_equal(feed_exact(&splitter, STREAM + first, second - first, &seen), 0);
            assert_int_equal(feed_exact(&splitter, STREAM + second, STREAM_BYTES - second, &seen), 0);
            assert_three(&seen, first, second);
            assert_false(frame_splitter_is_midway(&splitter));
            assert_null(splitter.bytes);
            frame_splitter_fini(&splitter);
        }
    }
}

static void test_byte_by_byte(void **state)
{
    (void)state;
    struct frame_splitter splitter;
    struct seen seen = {0};
    frame_splitter_init(&splitter, 5);
    for (size_t i = 0; i < STREAM_BYTES; i++) assert_int_equal(feed_exact(&splitter, STREAM + i, 1, &seen), 0);
    assert_three(&seen, 1, 1);
    frame_splitter_fini(&splitter);
}

static void test_heads(void **state)
{
    static const struct {
        const char *name;
        const char *bytes;
        size_t length, limit;
        int rc;
        bool is_midway, has_memory;
    } CASES[] = {
        {"nothing", "", 0, 16, 0, false, false},
        {"part of a head", "\0\0", 2, 16, 0, true, false},
        {"head alone", "\0\0\0\4", 4, 16, 0, true, true},
        {"at the limit", "\0\0\0\20", 4, 16, 0, true, true},
        {"over the limit", "\0\0\0\21", 4, 16, MDG_ERR_TOO_LARGE, false, false},
        {"over the limit, whole", "\0\0\0\3abc", 7, 2, MDG_ERR_TOO_LARGE, false, false},
        {"four gigabytes", "\377\377\377\377", 4, FRAME_BYTES_MAX, MDG_ERR_TOO_LARGE, false, false},
        {"sign bit", "\200\0\0\0", 4, FRAME_BYTES_MAX, MDG_ERR_TOO_LARGE, false, false},
        {"empty frame", "\0\0\0\0", 4, 16, MDG_ERR_MALFORMED, false, false},
        {"empty frame after a good one", "\0\0\0\1a\0\0\0\0", 9, 16, MDG_ERR_MALFORMED, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct frame_splitter splitter;
        struct seen seen = {0};
        frame_splitter_init(&splitter, CASES[i].limit);
        int rc = feed_exact(&splitter, (const uint8_t *)CASES[i].bytes, CASES[i].length, &seen);
        if (rc != CASES[i].rc) fail_msg("%s: %s", CASES[i].name, mdg_error_name(rc));
        if (frame_splitter_is_midway(&splitter) != CASES[i].is_midway) fail_msg("%s: midway", CASES[i].name);
        if ((splitter.bytes != NULL) != CASES[i].has_memory) fail_msg("%s: memory", CASES[i].name);
        frame_splitter_fini(&splitter);
    }
}

static void test_takes_no_more_after_an_error(void **state)
{
    (void)state;
    struct frame_splitter splitter;
    struct seen seen = {0};
    frame_splitter_init(&splitter, 4);
    assert_int_equal(feed_exact(&splitter, (const uint8_t *)"\0\0\0\11", 4, &seen), MDG_ERR_TOO_LARGE);
    assert_int_not_equal(feed_exact(&splitter, STREAM, STREAM_BYTES, &seen), 0);
    assert_int_equal(seen.count, 0);
    frame_splitter_fini(&splitter);
}

static void test_callback_stops_it(void **state)
{
    (void)state;
    for (size_t cut = 0; cut <= STREAM_BYTES; cut++) {
        struct frame_splitter splitter;
        struct seen seen = {.refuse_at = 2};
        frame_splitter_init(&splitter, 16);
        int rc = feed_exact(&splitter, STREAM, cut, &seen);
        if (rc == 0) rc = feed_exact(&splitter, STREAM + cut, STREAM_BYTES - cut, &seen);
        assert_int_equal(rc, MDG_ERR_MALFORMED);
        assert_int_equal(seen.count, 2);
        frame_splitter_fini(&splitter);
    }
}

static void test_whole_frame_is_not_copied(void **state)
{
    (void)state;
    static uint8_t big[FRAME_HEAD_BYTES + 1000];
    struct frame_splitter splitter;
    struct seen seen = {0};
    frame_write_head(big, 1000);
    assert_memory_equal(big, "\0\0\3\350", FRAME_HEAD_BYTES);
    frame_splitter_init(&splitter, 1000);
    assert_int_equal(frame_splitter_feed(&splitter, big, sizeof big, on_frame, &seen), 0);
    assert_null(splitter.bytes);
    assert_int_equal(seen.count, 1);
    frame_splitter_fini(&splitter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_at_every_two_places),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_takes_no_more_after_an_error),
        cmocka_unit_test(test_callback_stops_it),
        cmocka_unit_test(test_whole_frame_is_not_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
